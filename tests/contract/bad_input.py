"""Malformed requests, sent one after another, and what is to be said of the answers."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from app.security.keys import TRUST_SECONDS
from tests.contract.malformed import Sent, spoilt
from tests.contract.operations import Operation, operations
from tests.contract.shop import Call, Shop
from tests.contract.wire import Answer, Wire

FRESH_EVERY = 25
"""So many requests are made of one good one; by then what it names may be used up."""

CODES_OF_THE_SERVER = {"not_found", "method_not_allowed", "head_too_large", "malformed_request"}
"""What is told where no operation was found, or no request."""

MEANT_SECONDS: Final = {"revoke_key": TRUST_SECONDS}
"""What an operation waits on purpose, a revocation until no process knows the key any more: that is not slow."""


@dataclass
class Findings:
    """What came of it."""

    sent: int = 0
    statuses: Counter[int] = field(default_factory=Counter[int])
    codes: Counter[str] = field(default_factory=Counter[str])
    faults: list[str] = field(default_factory=list[str])
    slowest: tuple[float, str] = (0.0, "")

    def note(self, sent: Sent, answer: Answer, documented: set[str]) -> None:
        """Count one answer."""
        self.sent += 1
        self.statuses[answer.status] += 1
        if answer.status >= 400:
            self.codes[answer.code] += 1
        place = f"{sent.operation}: {sent.what}"
        self.slowest = max(self.slowest, (answer.seconds - MEANT_SECONDS.get(sent.operation, 0.0), place))
        fault = answer.fault(documented, method=sent.method)
        if fault is not None:
            self.faults.append(f"{place}: {fault}")


def documented_codes() -> set[str]:
    """Every code that some operation lists."""
    return CODES_OF_THE_SERVER | {
        code for each in operations() for status in each.said["responses"] for code in each.codes(int(status))
    }


async def send_malformed(
    port: int,
    shop: Shop,
    credential: str,
    *,
    seed: int,
    count: int,
    each: Callable[[int], None] = lambda _: None,
) -> Findings:
    """Send `count` malformed requests to the service at `port`, one after another, over all operations in turn.

    `each` is called with the number sent so far. The same seed against a new service sends the same requests, but for
    ids.
    """
    findings, documented = Findings(), documented_codes()
    draw = random.Random(seed)  # noqa: S311 - no secret
    all_operations = operations()
    good: dict[str, tuple[int, Call]] = {}

    async def base(operation: Operation) -> Call:
        used, call = good.get(operation.name, (FRESH_EVERY, None))
        if call is None or used >= FRESH_EVERY:
            used, call = 0, await shop.call(operation)
        good[operation.name] = (used + 1, call)
        return call

    async with Wire(port) as wire:
        for number in range(count):
            operation = all_operations[number % len(all_operations)]
            sent = spoilt(operation, await base(operation), credential, draw)
            findings.note(sent, await wire.ask(sent.raw, method=sent.method), documented)
            if not sent.has_end:
                await wire.close()
            each(number)
    return findings
