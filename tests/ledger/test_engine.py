"""Batches: each caller its own outcome, whatever happens. Source: DESIGN.md, How a command flows."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncGenerator, Awaitable, Generator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
import structlog.testing

from app.database import Database
from app.domain import decisions
from app.domain.account import bucket_of
from app.domain.command import Command
from app.domain.commands import (
    Accrue,
    Adjust,
    Cancel,
    Commit,
    DecideReview,
    Enrol,
    Erase,
    EvaluateTier,
    Freeze,
    Import,
    Mature,
    Redeem,
    Refund,
    Reverse,
    SetTier,
    Settle,
    SignIn,
    Transfer,
    Unfreeze,
)
from app.domain.errors import (
    IdempotencyKeyReused,
    InsufficientPoints,
    MemberErased,
    MemberNotFound,
    OrderAlreadyAccrued,
    OrderNotFound,
    ReferenceAlreadyUsed,
)
from app.domain.posting import Change, Context, Member
from app.ledger import batch as batch_module
from app.ledger import engine as engine_module
from app.ledger.claims import Claim
from app.ledger.engine import Engine, LedgerUnavailable, QueueFull
from app.ledger.outcome import Outcome
from app.ledger.request import InternalError
from app.queries.verify import verify
from tests.ledger.till import Till, request, tills
from tests.ledger.waiting import Gate, until_somebody_waits_for
from tests.pace import until
from tests.queries.ledgers import open_shop


def bodies(results: list[Any]) -> list[Any]:
    return [result.body if isinstance(result, Outcome) else type(result) for result in results]


# --- outcomes --------------------------------------------------------------------------------------------


async def test_one_bad_command_never_fails_its_neighbours(till: Till, member: str) -> None:
    results = await till.ask_all(
        [
            Enrol(member_id=member),
            Accrue(member_id=member, order_id="o", amount=10_000),
            Redeem(member_id=member, reference="r", points=101),
            Accrue(member_id="stranger", order_id="o", amount=1),
            Redeem(member_id=member, reference="r", points=100),
            Reverse(member_id=member, order_id="x", reference="r", amount=1),
            SignIn(member_id=member),
        ]
    )
    assert [type(result) for result in results] == [
        Outcome,
        Outcome,
        InsufficientPoints,
        MemberNotFound,
        Outcome,
        OrderNotFound,
        Outcome,
    ]
    assert await till.balance(member) == (10, 0, 0, 0)
    assert await till.kinds(member) == ["accrue", "redeem", "sign_in"]


async def test_a_repeat_is_answered_as_it_was_and_a_clash_refused(till: Till, member: str) -> None:
    await till.enrol(member, "n" + member, points=1_000)
    other = "n" + member
    commands: list[tuple[Command, Command, type[Exception]]] = [
        (
            Accrue(member_id=member, order_id="o", amount=3_500_000, settle=False),
            Accrue(member_id=member, order_id="o", amount=3_500_001, settle=False),
            OrderAlreadyAccrued,
        ),
        (
            Reverse(member_id=member, order_id="o", reference="b", amount=100),
            Reverse(member_id=member, order_id="o", reference="b", amount=101),
            ReferenceAlreadyUsed,
        ),
        *(
            (first, other_, ReferenceAlreadyUsed)
            for first, other_ in (
                (
                    Redeem(member_id=member, reference="r", points=5),
                    Redeem(member_id=member, reference="r", points=6),
                ),
                (
                    Redeem(member_id=member, reference="h", points=5, reserve=True),
                    Redeem(member_id=member, reference="h", points=5),
                ),
                (
                    Commit(member_id=member, reference="h", points=4),
                    Commit(member_id=member, reference="h", points=3),
                ),
                (
                    Refund(member_id=member, redemption="h", reference="x", points=1),
                    Refund(member_id=member, redemption="h", reference="x", points=2),
                ),
                (
                    Adjust(member_id=member, reference="a", points=5, reason="x"),
                    Adjust(member_id=member, reference="a", points=5, reason="y"),
                ),
                (
                    Transfer(member_id=member, reference="t", to=other, points=5),
                    Transfer(member_id=member, reference="t", to=other, points=6),
                ),
                (
                    Import(member_id=member, reference="i", points=5),
                    Import(member_id=member, reference="i", points=6),
                ),
                (
                    SetTier(member_id=member, reference="s", tier="gold", reason="x"),
                    SetTier(member_id=member, reference="s", tier="silver", reason="x"),
                ),
            )
        ),
    ]
    plain: list[Command] = [
        Settle(member_id=member, order_id="o"),
        SignIn(member_id=member),
    ]
    for first, clash, refusal in commands:
        made = await till.ask(first)
        assert (made.created, made.replayed) == (True, False)
        again = await till.ask(first)
        assert (again.created, again.replayed, again.body) == (False, True, made.body)
        with pytest.raises(refusal):
            await till.ask(clash)
    for command in plain:
        made = await till.ask(command)
        again = await till.ask(command)
        assert (again.replayed, again.body) == (True, made.body)
    # In one batch too: whoever comes second finds the first.
    twice = await till.ask_all([Accrue(member_id=member, order_id="p", amount=100)] * 2)
    assert [result.replayed for result in twice if isinstance(result, Outcome)] == [False, True]


async def test_a_batch_sees_what_it_did_itself(till: Till, member: str) -> None:
    """Members, orders, holds and redemptions made in a batch serve the commands after them."""
    other = "n" + member
    commands: list[Command] = [
        Enrol(member_id=member),
        Enrol(member_id=other),
        Accrue(member_id=member, order_id="o", amount=100_000, settle=False),
        Reverse(member_id=member, order_id="o", reference="b", amount=10_000),
        Settle(member_id=member, order_id="o"),
        Redeem(member_id=member, reference="h", points=300, reserve=True),
        Commit(member_id=member, reference="h", points=200),
        Refund(member_id=member, redemption="h", reference="x", points=50),
        Redeem(member_id=member, reference="c", points=100, reserve=True),
        Cancel(member_id=member, reference="c"),
        Transfer(member_id=member, reference="t", to=other, points=100),
        Redeem(member_id=other, reference="r", points=100),
        Adjust(member_id=member, reference="a", points=-50, reason="x"),
        Freeze(member_id=other),
        Unfreeze(member_id=other),
        EvaluateTier(member_id=member),
        Mature(member_id=member),
        Erase(member_id=other),
        SignIn(member_id=other),
    ]
    results = await till.ask_all(commands)
    assert [type(result) for result in results[:-1]] == [Outcome] * (len(commands) - 1)
    assert isinstance(results[-1], MemberErased)
    assert await till.balance(member) == (600, 0, 0, 0)


async def test_reviews_are_found_again(till: Till, member: str) -> None:
    await till.enrol(member, points=30_000)
    body = (await till.ask(DecideReview(member_id=member, review=1, approve=True))).body
    assert body["status"] == "approved"
    assert (await till.ask(Enrol(member_id=member))).body["tier"]["code"] == "diamond"


async def test_a_person_is_kept_changed_and_erased(till: Till, member: str) -> None:
    await till.ask(Enrol(member_id=member, person={"name": b"sealed", "gender": "f"}))
    await till.ask(Enrol(member_id=member, person={"gender": "x"}))
    select = "SELECT name, gender, revision FROM person WHERE member_id = $1"
    assert await till.rows(select, member) == [(b"sealed", "x", 2)]
    await till.ask(Erase(member_id=member))
    assert await till.rows(select, member) == []
    with pytest.raises(MemberErased):
        await till.ask(Enrol(member_id=member))


# --- keys ------------------------------------------------------------------------------------------------


def claim(content: bytes = b"c" * 16) -> Claim:
    return Claim(secrets.token_bytes(16), content)


async def test_an_idempotency_key(till: Till, member: str) -> None:
    await till.enrol(member)
    key = claim()
    command = Accrue(member_id=member, order_id="o", amount=100)
    first = await till.ask(command, claim=key)
    assert (first.created, first.replayed) == (True, False)
    again = await till.ask(command, claim=key)
    assert (again.created, again.replayed, again.body) == (True, True, first.body)
    with pytest.raises(IdempotencyKeyReused):
        await till.ask(
            Accrue(member_id=member, order_id="p", amount=1), claim=key._replace(content=b"d" * 16)
        )
    assert await till.kinds(member) == ["accrue"]


async def test_a_refusal_is_not_remembered(till: Till, member: str) -> None:
    await till.enrol(member)
    key = claim()
    command = Redeem(member_id=member, reference="r", points=5)
    with pytest.raises(InsufficientPoints):
        await till.ask(command, claim=key)
    assert await till.rows("SELECT 1 FROM idempotency_key WHERE key = $1", key.key) == []
    await till.ask(Adjust(member_id=member, reference="a", points=5, reason="x"))
    assert not (await till.ask(command, claim=key)).replayed


async def test_the_first_in_a_batch_has_the_key(till: Till, member: str) -> None:
    await till.enrol(member)
    key = claim()
    results = await till.engine.submit_all(
        [
            request(Accrue(member_id=member, order_id="o", amount=100), claim=key),
            request(Accrue(member_id=member, order_id="p", amount=1), claim=key._replace(content=b"d" * 16)),
            request(Accrue(member_id=member, order_id="o", amount=100), claim=key),
        ]
    )
    first, clash, again = results
    assert isinstance(first, Outcome)
    assert isinstance(clash, IdempotencyKeyReused)
    assert again == first._replace(replayed=True)


async def test_a_repeat_by_natural_key_with_a_new_idempotency_key(till: Till, member: str) -> None:
    await till.enrol(member)
    command = Accrue(member_id=member, order_id="o", amount=100)
    first = await till.ask(command)
    for _ in range(2):
        key = claim()
        for _ in range(2):
            again = await till.ask(command, claim=key)
            assert (again.replayed, again.body) == (True, first.body)


# --- what breaks -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Break(Command):
    """A command whose decision is at fault."""

    kind = "break"
    how: str


def _break(member: Member, command: Break, context: Context) -> Change:
    if command.how == "raises":
        raise RuntimeError("a fault in a rule")
    wrong = member.account._replace(available=-1)
    return Change(account=wrong)


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    monkeypatch.setitem(decisions._DECISIONS, Break, _break)  # pyright: ignore[reportPrivateUsage]
    with structlog.testing.capture_logs():
        yield


@pytest.mark.usefixtures("faulty")
@pytest.mark.parametrize("how", ["raises", "writes"])
async def test_a_broken_command_stands_alone(till: Till, member: str, how: str) -> None:
    members = [f"{member}-{number}" for number in range(7)]
    await till.enrol(*members, points=1)
    commands: list[Command] = [SignIn(member_id=name) for name in members]
    commands[4] = Break(member_id=members[4], how=how)
    results = await till.ask_all(commands)
    assert [type(result) for result in results] == [Outcome] * 4 + [InternalError] + [Outcome] * 2
    for number, name in enumerate(members):
        assert await till.balance(name) == ((1 if number == 4 else 11), 0, 0, 0)
    with pytest.raises(InternalError):
        await till.ask(Break(member_id=members[4], how=how))
    await till.ask(SignIn(member_id=members[4]))


# --- the connection --------------------------------------------------------------------------------------


class Cut:
    """A driver's connection that is cut at a statement, before or after the server has carried it out."""

    def __init__(self, connection: Any, plan: list[tuple[str, str]]) -> None:
        self._connection = connection
        self._plan = plan

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    async def execute(self, statement: str, *values: Any) -> Any:
        if self._plan and statement.startswith(self._plan[0][0]):
            _, when = self._plan.pop(0)
            if when == "after":
                await self._connection.execute(statement, *values)
            self._connection.terminate()
            raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
        return await self._connection.execute(statement, *values)


@contextlib.asynccontextmanager
async def cut_till(database: Database, plan: list[tuple[str, str]]) -> AsyncGenerator[Till]:
    async def connect() -> Any:
        return Cut(await database.connect(), plan)

    engine = Engine(connect)
    await engine.start()
    yield Till(database, engine)
    await engine.stop()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("statement", ["BEGIN", "COMMIT"])
async def test_cut_around_a_statement_it_happens_once(
    database: Database, till: Till, member: str, statement: str, when: str
) -> None:
    await till.enrol(member, points=100)
    plan: list[tuple[str, str]] = []
    async with cut_till(database, plan) as cut:
        plan += [(statement, when), ("COMMIT", when)]
        key = claim()
        results = await cut.engine.submit_all(
            [
                request(Redeem(member_id=member, reference="r", points=60)),
                request(Redeem(member_id=member, reference="s", points=60)),
                request(SignIn(member_id=member), claim=key),
                request(Enrol(member_id="n" + member)),
            ]
        )
        assert plan == []
        first, second, third, fourth = results
        assert isinstance(first, Outcome)
        assert (first.created, first.replayed) == (True, False)
        assert first.body["balance"]["available"] == 40
        assert isinstance(second, InsufficientPoints)
        assert isinstance(third, Outcome)
        assert (third.created, third.replayed) == (True, False)
        assert isinstance(fourth, Outcome)
    assert await till.kinds(member) == ["accrue", "redeem", "sign_in"]


@pytest.mark.parametrize("lost", [["after"], ["after", "after"]])
async def test_what_was_refused_before_the_commit_was_lost_stays_refused(
    database: Database, till: Till, member: str, lost: list[str]
) -> None:
    """Though it would be possible by the time the connection is back: it would come after what followed it."""
    await till.enrol(member, points=100)
    plan: list[tuple[str, str]] = []
    connections = 0

    async def connect() -> Any:
        nonlocal connections
        connections += 1
        if connections == 1 + len(lost):
            await till.ask(Accrue(member_id=member, order_id="meanwhile", amount=10_000))
        return Cut(await database.connect(), plan)

    engine = Engine(connect)
    await engine.start()
    plan += [("COMMIT", when) for when in lost]
    first, second = await engine.submit_all(
        [
            request(Redeem(member_id=member, reference="first", points=120)),
            request(Redeem(member_id=member, reference="second", points=60)),
        ]
    )
    await engine.stop()
    assert plan == []
    assert isinstance(first, InsufficientPoints)
    assert isinstance(second, Outcome)
    assert (second.created, second.replayed) == (True, False)
    assert await till.kinds(member) == ["accrue", "redeem", "accrue"]


async def test_what_another_did_under_the_same_request_id_is_not_taken_for_a_lost_commit(
    database: Database, till: Till, member: str
) -> None:
    """A caller who had no answer asked somebody else; the rest of the lost list was not done."""
    await till.enrol(member, points=100)
    plan: list[tuple[str, str]] = []
    connections = 0

    async def connect() -> Any:
        nonlocal connections
        connections += 1
        if connections == 2:
            await till.ask(Redeem(member_id=member, reference="first", points=10))
        return Cut(await database.connect(), plan)

    engine = Engine(connect)
    await engine.start()
    plan.append(("COMMIT", "before"))
    results = await engine.submit_all(
        [
            request(Redeem(member_id=member, reference="first", points=10)),
            request(Redeem(member_id=member, reference="second", points=20)),
        ]
    )
    await engine.stop()
    assert [(each.created, each.replayed) for each in results if isinstance(each, Outcome)] == [
        (False, True),
        (True, False),
    ]
    assert await till.kinds(member) == ["accrue", "redeem", "redeem"]


async def test_a_terminated_backend_is_replaced(till: Till, database_url: str, member: str) -> None:
    """Its batch waits for a lock while it dies, and is carried out again."""
    await till.enrol(member, points=100)
    blocker: asyncpg.Connection[Any] = await asyncpg.connect(database_url)
    async with blocker.transaction():
        await blocker.execute("SELECT 1 FROM account WHERE member_id = $1 FOR UPDATE", member)
        waiting = asyncio.create_task(till.ask(Redeem(member_id=member, reference="r", points=60)))
        [pid] = await until_somebody_waits_for(blocker)
        assert await blocker.fetchval("SELECT pg_terminate_backend($1, 60_000)", pid), "it has ended"
    await blocker.close()
    outcome = await waiting
    assert (outcome.created, outcome.replayed) == (True, False)
    assert await till.kinds(member) == ["accrue", "redeem"]


async def test_a_database_that_stays_away(
    database: Database, database_url: str, member: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "RECONNECT_SECONDS", 0.2)
    there = True

    async def connect() -> Any:
        if not there:
            raise ConnectionRefusedError
        return await database.connect()

    engine = Engine(connect)
    await engine.start()
    till = Till(database, engine)
    await till.ask(Enrol(member_id=member))
    there = False
    await _cut_all(database_url)
    with pytest.raises(LedgerUnavailable):
        await till.ask(SignIn(member_id=member))
    there = True
    assert (await till.ask(SignIn(member_id=member))).body["points"] == 10
    await engine.stop()


async def _cut_all(url: str) -> None:
    """End every other connection to this database."""
    connection: asyncpg.Connection[Any] = await asyncpg.connect(url)
    await connection.execute(
        "SELECT pg_terminate_backend(pid, 60_000) FROM pg_stat_activity WHERE datname = current_database() "
        "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    await connection.close()


# --- the queue -------------------------------------------------------------------------------------------


async def test_a_full_disk_is_no_fault_of_the_request(
    till: Till, member: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await till.enrol(member)
    order = Accrue(member_id=member, order_id="o-1", amount=30_000)

    async def full(*_: object, **__: object) -> None:
        raise asyncpg.DiskFullError("no space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(batch_module, "save", full)
        with pytest.raises(LedgerUnavailable):
            await till.ask(order)
    assert (await till.ask(order)).created, "it had no effect and may be sent again"


async def test_past_the_bound_nothing_is_taken(
    database: Database, till: Till, member: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "MAX_QUEUE", 3)
    await till.enrol(member, points=100)
    queue = till.engine._queue  # pyright: ignore[reportPrivateUsage]
    async with Gate(database, member) as gate:
        first = asyncio.create_task(till.ask(SignIn(member_id=member)))
        await gate.until_somebody_waits()
        waiting = [
            asyncio.create_task(till.ask(Accrue(member_id=member, order_id=f"o{number}", amount=100)))
            for number in range(3)
        ]
        await until(lambda: len(queue) == 3)
        with pytest.raises(QueueFull):
            await till.ask(Accrue(member_id=member, order_id="over", amount=100))
    assert all(outcome.created for outcome in await asyncio.gather(first, *waiting))
    assert await till.balance(member) == (113, 0, 0, 0)


async def test_a_long_list_is_taken_in_parts_before_what_comes_later(
    till: Till, member: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "MAX_BATCH", 2)
    orders = [Accrue(member_id=member, order_id=f"o{number}", amount=100) for number in range(5)]
    later = [Redeem(member_id=member, reference="r", points=5)]
    joined, spent = await asyncio.gather(
        till.ask_all([Enrol(member_id=member), *orders]), till.ask_all(later)
    )
    assert [result.created for result in (*joined, *spent) if isinstance(result, Outcome)] == [True] * 7
    monkeypatch.setattr(engine_module, "MAX_QUEUE", 4)
    async with Gate(till.database, member) as gate:
        waiting = [asyncio.create_task(till.ask(SignIn(member_id=member))) for _ in range(3)]
        await gate.until_somebody_waits()
        with pytest.raises(QueueFull):
            await till.ask_all(orders)
    await asyncio.gather(*waiting)
    assert await till.balance(member) == (10, 0, 0, 0)


async def test_a_single_command_waits_for_one_batch_of_a_list(
    till: Till, member: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "MAX_BATCH", 4)
    monkeypatch.setattr(engine_module, "MAX_QUEUE", 16)
    buyers = [f"{member}-{number}" for number in range(16)]
    await till.enrol(member, *buyers)
    done: list[str] = []

    async def told(what: str, asked: Awaitable[object]) -> None:
        await asked
        done.append(what)

    async with Gate(till.database, member) as gate:
        blocked = asyncio.create_task(till.ask(SignIn(member_id=member)))
        await gate.until_somebody_waits()
        orders = [Accrue(member_id=buyer, order_id="o", amount=100) for buyer in buyers]
        listed = [asyncio.create_task(told("list", till.ask_all(orders)))]
        await asyncio.sleep(0)
        listed += [asyncio.create_task(told("second", till.ask(SignIn(member_id=buyers[0]))))]
        await asyncio.sleep(0)
        with pytest.raises(QueueFull):
            await till.ask_all(orders[:1])
    await asyncio.gather(blocked, *listed)
    assert done == ["second", "list"]
    first, then = await till.rows("SELECT kind FROM entry WHERE member_id = $1 ORDER BY sequence", buyers[0])
    assert (first[0], then[0]) == ("accrue", "sign_in"), "neither starves the other"


async def test_a_client_that_goes_away_cancels_nothing(database: Database, till: Till, member: str) -> None:
    await till.enrol(member, points=100)
    async with Gate(database, member) as gate:
        gone = asyncio.create_task(till.ask(Redeem(member_id=member, reference="r", points=60)))
        beside = asyncio.create_task(till.ask(SignIn(member_id=member)))
        await gate.until_somebody_waits()
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
    assert (await beside).created
    assert await till.balance(member) == (50, 0, 0, 0)


async def test_stopping_finishes_what_is_queued(database: Database, till: Till, member: str) -> None:
    await till.enrol(member, points=100)
    engine = Engine(database.connect)
    await engine.start()
    async with Gate(database, member) as gate:
        asked = [
            asyncio.create_task(
                engine.submit(request(Accrue(member_id=member, order_id=f"o{number}", amount=100)))
            )
            for number in range(5)
        ]
        await gate.until_somebody_waits()
        stopping = asyncio.create_task(engine.stop())
        await asyncio.sleep(0)  # it begins
        with pytest.raises(QueueFull):
            await engine.submit(request(SignIn(member_id=member)))
    assert all(outcome.created for outcome in await asyncio.gather(*asked))
    await stopping


async def test_an_engine_that_never_started_stops(database: Database) -> None:
    await Engine(database.connect).stop()


# --- time ------------------------------------------------------------------------------------------------


async def test_a_members_time_never_goes_back(till: Till, database_url: str, member: str) -> None:
    """The clock was set back since the member's last entry: what comes next is no earlier than that."""
    await till.enrol(member, points=100)
    owner: asyncpg.Connection[Any] = await asyncpg.connect(database_url)
    ahead = timedelta(hours=1)
    await owner.execute("UPDATE account SET last_at = last_at + $2 WHERE member_id = $1", member, ahead)
    await owner.close()
    await till.ask(SignIn(member_id=member))
    times = await till.rows("SELECT recorded_at FROM entry WHERE member_id = $1 ORDER BY sequence", member)
    assert times[1][0] - times[0][0] == ahead


async def test_a_day_is_signed_in_once_though_the_clock_goes_back(
    fresh_database_url: str, member: str
) -> None:
    async with open_shop(fresh_database_url) as shop:
        await shop.ask(Enrol(member_id=member))
        await shop.wait(days=1)
        first = await shop.ask(SignIn(member_id=member))
        await shop.wait(days=-1)
        again = await shop.ask(SignIn(member_id=member))
        assert (again.replayed, again.body) == (True, first.body)
        assert (await verify(shop.database.connect)).agrees


async def test_a_gift_to_one_whose_time_is_ahead_is_given_then(fresh_database_url: str, member: str) -> None:
    """The clock was set back since the receiver's last entry; until then what the giver has expires."""
    other = "n" + member
    async with open_shop(fresh_database_url) as shop:
        await shop.ask(Enrol(member_id=other))
        await shop.ask(Enrol(member_id=member))
        await shop.ask(Accrue(member_id=member, order_id="o", amount=100))
        await shop.owner.execute("UPDATE clock SET ahead = (SELECT expires_at FROM lot) - clock_timestamp()")
        await shop.wait(minutes=30)
        await shop.ask(SignIn(member_id=other))
        await shop.wait(hours=-1)
        with pytest.raises(InsufficientPoints):
            await shop.ask(Transfer(member_id=member, reference="t", to=other, points=1))


async def test_a_sign_in_whose_commit_was_lost_at_midnight(fresh_database_url: str, member: str) -> None:
    cuts: list[tuple[str, str]] = []
    connections = 0
    async with open_shop(fresh_database_url) as shop:
        await shop.ask(Enrol(member_id=member))

        async def connect() -> Any:
            nonlocal connections
            connections += 1
            if connections == 2:
                await shop.wait(days=1)
            return Cut(await shop.database.connect(), cuts)

        engine = Engine(connect, is_sandbox=True)
        await engine.start()
        cuts.append(("COMMIT", "after"))
        outcome = await engine.submit(request(SignIn(member_id=member)))
        await engine.stop()
        assert (outcome.created, outcome.replayed) == (True, False)
        assert await shop.owner.fetchval("SELECT array_agg(kind) FROM entry") == ["sign_in"]


# --- two processes ---------------------------------------------------------------------------------------


async def test_two_engines_are_as_correct_as_one(fresh_database_url: str, member: str) -> None:
    members = [f"{member}-{number}" for number in range(8)]
    async with tills(fresh_database_url) as (one, two):
        await asyncio.gather(*(till.enrol(*members) for till in (one, two)))
        asked = [
            till.ask(Accrue(member_id=name, order_id=f"o{number}", amount=100))
            for number in range(10)
            for name in members
            for till in (one, two)
        ]
        outcomes = await asyncio.gather(*asked)
        assert sum(not outcome.replayed for outcome in outcomes) == len(outcomes) // 2
        for name in members:
            assert await two.balance(name) == (10, 0, 0, 0)
        await one.assert_agrees()


async def test_a_program_published_while_a_batch_waits_for_its_locks(
    fresh_database_url: str, member: str
) -> None:
    """What another process writes under it meanwhile is read by its rules."""
    first, last = sorted(
        (f"{member}-{number}" for number in range(2)), key=lambda name: (bucket_of(name), name)
    )
    async with tills(fresh_database_url) as (one, two):
        await one.enrol(first, last, points=10)
        owner: asyncpg.Connection[Any] = await asyncpg.connect(fresh_database_url)
        async with Gate(two.database, first) as gate:
            waiting = asyncio.create_task(
                two.ask_all([SignIn(member_id=first), Redeem(member_id=last, reference="r", points=11)])
            )
            await gate.until_somebody_waits()
            await owner.execute(
                "INSERT INTO program_version SELECT * FROM json_populate_record((SELECT program_version "
                "FROM program_version), json_build_object('version', 2, 'publication', 2, "
                "'effective_at', clock_timestamp()))"
            )
            await one.ask(Accrue(member_id=last, order_id="o", amount=100))
        await owner.close()
        assert [type(result) for result in await waiting] == [Outcome, Outcome]
        await one.assert_agrees()
