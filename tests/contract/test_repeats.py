"""Every request that writes, three times at once over two processes: one effect, and equal answers.

Source: TARGETS.md, What it must survive, 2. The effect is compared with that of a twin which was asked once: of every
table the number of rows and the sums of its numbers change by the same.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import httpx
import pytest

from tests.contract.operations import Operation, operations
from tests.contract.shop import Call, Shop, new_id
from tests.contract.state import difference, sums
from tests.routers.asking import REPLAYED
from tests.routers.conftest import BOOTSTRAP_KEY

Caller = Callable[..., httpx.AsyncClient]


def writes(operation: Operation) -> bool:
    """Whether it writes: a POST that only reads asks for no more than a scope to read."""
    return operation.method != "GET" and not all(
        scope.endswith(":read") for scope in operation.scopes or [""]
    )


WRITES = [each for each in operations(sandbox=True) if writes(each)]

BY_THE_MOMENT = {
    "extend_checkout": "a hold lasts so long from when it is asked",
    "set_sandbox_clock": "what fell due on the way is done by the first",
}
"""What is told differs, or is done, by the moment it is asked; whoever adds to it has a reason."""

GONE = {"delete_backtest"}
"""Deleted once, it is unknown afterwards (404)."""


@pytest.fixture
def processes(caller: Caller) -> list[httpx.AsyncClient]:
    """Three clients over two processes."""
    return [caller(f"Bearer {BOOTSTRAP_KEY}", process=process) for process in (0, 1, 0)]


async def ask(client: httpx.AsyncClient, call: Call, key: str | None) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await client.request(call.method, call.path, json=call.body, headers=headers)


async def at_once(clients: list[httpx.AsyncClient], call: Call, key: str | None) -> list[httpx.Response]:
    return list(await asyncio.gather(*(ask(client, call, key) for client in clients)))


@pytest.mark.parametrize("operation", [pytest.param(each, id=each.name) for each in WRITES if each.takes_key])
async def test_the_same_idempotency_key(
    operation: Operation, shop: Shop, processes: list[httpx.AsyncClient], sandbox_url: str
) -> None:
    once, thrice = await shop.call(operation), await shop.call(operation)
    figures = [await sums(sandbox_url)]
    assert (await ask(processes[0], once, new_id("k"))).is_success
    figures.append(await sums(sandbox_url))
    key = new_id("k")
    answers = await at_once(processes, thrice, key)
    answers.append(await ask(processes[1], thrice, key))
    figures.append(await sums(sandbox_url))

    assert all(answer.is_success for answer in answers)
    assert len({answer.text for answer in answers}) == 1, [answer.text for answer in answers]
    assert len({answer.status_code for answer in answers}) == 1
    assert difference(figures[1], figures[2]) == difference(figures[0], figures[1])
    if REPLAYED.lower() in answers[3].headers:
        assert sum(REPLAYED.lower() in answer.headers for answer in answers) == 3


@pytest.mark.parametrize("operation", [pytest.param(each, id=each.name) for each in WRITES if each.takes_key])
async def test_the_key_of_another_request(
    operation: Operation, shop: Shop, processes: list[httpx.AsyncClient]
) -> None:
    first, other = await shop.call(operation), await shop.call(operation)
    if (first.path, first.body) == (other.path, other.body):
        pytest.skip("it can be asked in one way only")
    key = new_id("k")
    assert (await ask(processes[0], first, key)).is_success
    refused = await ask(processes[1], other, key)
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize(
    "operation", [pytest.param(each, id=each.name) for each in WRITES if not each.needs_key]
)
async def test_the_same_natural_key(
    operation: Operation, shop: Shop, processes: list[httpx.AsyncClient], sandbox_url: str
) -> None:
    once, thrice = await shop.call(operation), await shop.call(operation)
    figures = [await sums(sandbox_url)]
    assert (await ask(processes[0], once, None)).is_success
    figures.append(await sums(sandbox_url))
    answers = await at_once(processes, thrice, None)
    answers.append(await ask(processes[1], thrice, None))
    figures.append(await sums(sandbox_url))

    if operation.name in GONE:
        assert sorted(answer.status_code for answer in answers) == [204, 404, 404, 404]
        answers = [answer for answer in answers if answer.is_success]
    assert all(answer.is_success for answer in answers), [each.text for each in answers]
    assert sum(answer.status_code == 201 for answer in answers) <= 1
    if operation.name not in BY_THE_MOMENT:
        assert len({told(operation, answer) for answer in answers}) == 1, [each.text for each in answers]
        assert difference(figures[1], figures[2]) == difference(figures[0], figures[1])


def told(operation: Operation, answer: httpx.Response) -> str:
    """What is answered; of a batch the bodies of its operations, each of which tells by itself if it is a replay."""
    if operation.name == "run_batch":
        return json.dumps([result["body"] for result in answer.json()["results"]])
    return answer.text
