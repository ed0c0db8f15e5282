"""Time in tests: what must not take long, and what is waited for.

Neither tells how quick the machine is: a test that fails must have found a fault, not a busy minute.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import time
from collections.abc import Awaitable, Callable, Generator
from typing import Final

HANG_SECONDS: Final = 120.0
"""Who waits so long waits in vain; no test is meant to come near it."""

_YARDSTICK_SECONDS: Final = 0.008
"""What `_yardstick` took where the bounds of `takes_at_most` were set."""


@contextlib.contextmanager
def takes_at_most(seconds: float) -> Generator[None]:
    """Bound the processor time of a block, as it would be where the bounds were set: others' work and the machine's
    stalls don't count, and a slower processor has longer.
    """
    was_collecting = gc.isenabled()
    gc.disable()  # collecting what all the tests before left behind is nothing of the block's
    try:
        began = time.process_time()
        yield
        took = time.process_time() - began
    finally:
        if was_collecting:
            gc.enable()
    if took > seconds:
        allowed = seconds * max(1.0, min(_yardstick() for _ in range(5)) / _YARDSTICK_SECONDS)
        assert took <= allowed, f"{took:.2f} s of processor time, {allowed:.2f} s allowed"


def _yardstick() -> float:
    """Processor time of something that always takes the same."""
    began = time.process_time()
    sum(number * number % 7 for number in range(200_000))
    return time.process_time() - began


async def until(
    condition: Callable[[], object | Awaitable[object]], *, seconds: float = HANG_SECONDS
) -> None:
    """Look again and again until `condition`, plain or asynchronous, holds."""
    async with asyncio.timeout(seconds):
        while True:
            found = condition()
            if await found if isinstance(found, Awaitable) else found:
                return
            await asyncio.sleep(0.01)
