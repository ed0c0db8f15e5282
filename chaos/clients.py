"""The clients: each asks one thing after the other, and what is unknown again, unchanged, until it is known."""

import asyncio
import contextlib
import itertools
import random
import time
from collections.abc import Iterable, Sequence
from typing import Any, Final

from chaos.record import SENDING, Batch, Op, Send
from chaos.wire import Answered, Cut, Wire

ANSWER_SECONDS: Final = 5.0
# Who asks for longer asks in vain: a service that was killed may take a minute to come back on a slow machine.
RESOLVE_SECONDS: Final = 600.0
FIRST_PAUSE_SECONDS: Final = 0.03
LONGEST_PAUSE_SECONDS: Final = 0.5
COPIES: Final = 3

_sendings = itertools.count(1)


class Client:
    """One of many, with a connection for each copy that it sends at once."""

    def __init__(self, port: int, key: str) -> None:
        self._wires = [Wire(port, key) for _ in range(COPIES)]

    async def ask(self, each: Op | Batch) -> bool:
        """Ask, in as many copies as planned, until every copy has its answer; False if one gave up."""
        return all(await asyncio.gather(*(_resolve(wire, each) for wire in self._wires[: each.copies])))

    def close(self) -> None:
        """Let go of the connections."""
        for wire in self._wires:
            wire.close()


async def ask_again(client: Client, ops: Iterable[Op]) -> None:
    """Ask once more what is not known for certain, one after another, until there is no answer."""
    for op in ops:
        op.copies = 1
        if not await client.ask(op):
            return


async def _resolve(wire: Wire, each: Op | Batch) -> bool:
    deadline = time.monotonic() + RESOLVE_SECONDS
    pause = FIRST_PAUSE_SECONDS
    while True:
        is_known = await (_send_batch(wire, each) if isinstance(each, Batch) else _send(wire, each))
        if is_known or time.monotonic() > deadline:
            return is_known
        # Not drawn by the seed: when a client asks again depends on what happened to it.
        await asyncio.sleep(pause * random.uniform(0.5, 1.5))
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


async def _send(wire: Wire, op: Op) -> bool:
    """Send it once; whether the answer is certain."""
    headers = {"X-Request-Id": _request_id(op.request_id)}
    if op.idempotency_key is not None:
        headers["Idempotency-Key"] = op.idempotency_key
    path, body = (op.path, op.body) if op.path else ("/v1/batches", {"operations": [op.asked]})
    send, answer = await _exchange(wire, op.method, path, body, headers)
    if answer is not None:
        send.status, send.body, send.is_replayed = answer
    op.sends.append(send)
    return send.is_accepted or send.is_refused


async def _send_batch(wire: Wire, batch: Batch) -> bool:
    body = {"operations": [op.asked for op in batch.ops]}
    headers = {"X-Request-Id": _request_id(batch.request_id)}
    whole, answer = await _exchange(wire, "POST", "/v1/batches", body, headers)
    results: Sequence[dict[str, Any] | None] = [None] * len(batch.ops)
    if answer is not None and answer.status == 200:
        results = answer.body["results"]
    for op, result in zip(batch.ops, results, strict=True):
        send = Send(whole.began, whole.ended, request_id=whole.request_id)
        if result is not None:
            send.status, send.body, send.is_replayed = result["status"], result["body"], result["replayed"]
        elif answer is not None:
            send.status, send.body = answer.status, answer.body
        op.sends.append(send)
    return all(op.sends[-1].is_accepted or op.sends[-1].is_refused for op in batch.ops)


def _request_id(stem: str) -> str:
    """A new one for each sending; `stem_of()` leads back."""
    return f"{stem}{SENDING}{next(_sendings)}"


async def _exchange(
    wire: Wire, method: str, path: str, body: object, headers: dict[str, str]
) -> tuple[Send, Answered | None]:
    send, answer = Send(time.time(), request_id=headers["X-Request-Id"]), None
    with contextlib.suppress(Cut):
        answer = await wire.ask(method, path, body, headers=headers, seconds=ANSWER_SECONDS)
    send.ended = time.time()
    return send, answer
