"""Malformed requests over a socket: some hundreds of those that `make fuzz` sends, and connections as they shouldn't
be. Nothing is timed here.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Generator
from pathlib import Path

import httpx
import pytest

from tests.contract.bad_input import documented_codes, send_malformed
from tests.contract.connections import CASES, READY, Case, opening
from tests.contract.live import KEY, Live, serving
from tests.contract.malformed import OF_ALL, OF_BODIES, spoilt
from tests.contract.operations import operations
from tests.contract.shop import Call, Shop
from tests.contract.wire import Answer, Wire
from tests.pace import HANG_SECONDS

SEED = 5
COUNT = 600


@pytest.fixture(scope="module")
def live(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Generator[Live]:
    """A service in a process of its own."""
    folder: Path = tmp_path_factory.mktemp("service")
    with serving(folder, LOYALTY_DATABASE_URL=new_database()) as live:
        yield live


async def test_malformed_requests_are_told_so(live: Live) -> None:
    async def nothing(_backtest: str) -> None:
        """Let it wait."""

    async with httpx.AsyncClient(base_url=live.address, headers=live.headers, timeout=HANG_SECONDS) as admin:
        found = await send_malformed(live.port, Shop(admin, carry_out=nothing), KEY, seed=SEED, count=COUNT)
    assert found.faults == []
    assert found.sent == COUNT
    assert sum(count for status, count in found.statuses.items() if 400 <= status < 500) > COUNT / 2
    assert '"level": "error"' not in live.logs.read_text()


@pytest.mark.parametrize("case", [pytest.param(each, id=each.__name__) for each in CASES])
async def test_a_connection_as_it_should_not_be_harms_nobody(live: Live, case: Case) -> None:
    await case(opening(live.port), KEY)
    async with Wire(live.port) as wire:
        assert (await wire.ask(READY)).status == 200


def test_a_seed_gives_the_same_requests() -> None:
    (operation,) = [each for each in operations() if each.name == "accrue_points"]
    call = Call("POST", operation.path, operation.example, {"member_id": "u-contract"})

    def some(seed: int) -> list[bytes]:
        draw = random.Random(seed)  # noqa: S311 - no secret
        return [spoilt(operation, call, "x", draw).raw for _ in range(50)]

    assert some(1) == some(1)
    assert some(1) != some(2)
    assert {spoil.__name__ for spoil, _ in (*OF_BODIES, *OF_ALL)} >= {"a_value", "the_body", "the_chunks"}


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (Answer(500, {}, b"{}", 0), "500 "),
        (Answer(503, {}, b'{"code": "queue_full"}', 0), "503 queue_full"),
        (Answer(-1, {}, b"", 0), "no answer within 20 s"),
        (Answer(400, {"content-type": "text/plain"}, b"no", 0), "400 with text/plain: b'no'"),
        (Answer(200, {}, b"[]", 0), None),
    ],
)
def test_a_fault_is_found(answer: Answer, fault: str | None) -> None:
    assert answer.fault(documented_codes()) == fault


def test_a_problem_that_is_none_is_found() -> None:
    headers = {"content-type": "application/problem+json"}

    def told(status: int, code: str, type_: str) -> str | None:
        body = f'{{"status": {status}, "code": "{code}", "type": "{type_}"}}'.encode()
        return Answer(404, headers, body, 0).fault(documented_codes())

    assert told(404, "not_found", "urn:loyalty:problem:not_found") is None
    assert told(400, "not_found", "urn:loyalty:problem:not_found") == "404 tells 400"
    assert told(404, "no_such", "urn:loyalty:problem:no_such") == "the code no_such is not documented"
    assert told(404, "not_found", "about:blank") == "not_found has the type about:blank"
