"""The shares of budgets: what is moved and granted between them, and that all of them are seen once they are locked."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.database import Database
from app.domain.account import Budget, bucket_of
from app.ledger.budgets import Drawing, drawn, left_of
from app.ledger.load import REAL_CLOCK
from app.ledger.locks import lock_accounts
from tests.ledger.till import Till
from tests.ledger.waiting import until_somebody_waits_for

OWN = 3


def rows(*shares: tuple[int, int, int], budget: str = "b") -> list[Budget]:
    return [Budget(bucket_of(budget), budget, *share) for share in shares]


def told(changed: list[Budget]) -> dict[int, tuple[int, int]]:
    """Share and granted, by share."""
    assert len({row.share_of for row in changed}) == len(changed)
    return {row.share_of: (row.share, row.granted) for row in changed}


# shares (share_of, share, granted), all locked?, drawn → shares changed
DRAWN: list[tuple[list[tuple[int, int, int]], bool, int, dict[int, tuple[int, int]]]] = [
    ([(3, 50, 10)], False, 40, {3: (50, 50)}),
    ([(3, 50, 10)], True, 40, {3: (50, 50)}),
    # What nobody took fills the own share for the next ones, by a quarter of it.
    ([(0, 100, 0)], True, 20, {0: (60, 0), 3: (40, 20)}),
    ([(0, 100, 0), (3, 10, 10)], True, 20, {0: (60, 0), 3: (50, 30)}),
    ([(0, 100, 0), (3, 10, 0)], True, 5, {0: (75, 0), 3: (35, 5)}),
    # To the last point, then from the shares of the others.
    ([(0, 100, 0)], True, 100, {0: (0, 0), 3: (100, 100)}),
    ([(0, 0, 0), (1, 30, 10), (3, 5, 5), (4, 10, 0)], True, 25, {1: (10, 10), 3: (30, 30), 4: (5, 0)}),
]  # fmt: skip


@pytest.mark.parametrize(("held", "is_whole", "points", "changed"), DRAWN)
def test_drawing(
    held: list[tuple[int, int, int]], is_whole: bool, points: int, changed: dict[int, tuple[int, int]]
) -> None:
    whole = {"b"} if is_whole else set[str]()
    assert told(drawn(rows(*held), {"b": points}, whole=whole, share_of=OWN)) == changed


all_shares = st.dictionaries(
    st.integers(0, 5), st.tuples(st.integers(0, 100), st.integers(0, 100)), min_size=1
).map(lambda found: [(number, granted + left, granted) for number, (granted, left) in sorted(found.items())])


@given(all_shares, st.floats(0, 1))
def test_nothing_is_made_or_lost(held: list[tuple[int, int, int]], part: float) -> None:
    locked = rows(*held)
    points = int(left_of(locked)["b"] * part)
    after = {row.share_of: row for row in locked} | {
        row.share_of: row for row in drawn(locked, {"b": points}, whole={"b"}, share_of=OWN)
    }
    assert sum(row.share for row in after.values()) == sum(row.share for row in locked)
    for number, row in after.items():
        before = next((each.granted for each in locked if each.share_of == number), 0)
        assert before + (points if number == OWN else 0) == row.granted <= row.share


@pytest.fixture
async def pair(database: Database) -> AsyncGenerator[list[asyncpg.Connection[Any]]]:
    """Two connections; the budgets of no campaign, which they make, are gone afterwards."""
    opened = [await database.connect() for _ in range(2)]
    yield opened
    await opened[0].execute(
        "DELETE FROM campaign_budget WHERE budget NOT IN (SELECT campaign FROM campaign) AND budget NOT LIKE '%/%'"
    )
    for connection in opened:
        await connection.close()


async def locked(connection: asyncpg.Connection[Any], drawing: Drawing) -> list[Budget]:
    """The shares, locked by a batch without members."""
    return (await lock_accounts(connection, (), clock=REAL_CLOCK, drawing=drawing)).shares


async def test_a_share_that_another_process_has_just_taken_is_seen(
    pair: list[asyncpg.Connection[Any]],
) -> None:
    """It was not there yet as the first row was waited for: else a budget would seem spent before it is."""
    budget = f"c-{secrets.token_hex(4)}"
    bucket = bucket_of(budget)
    first, second = pair
    insert = "INSERT INTO campaign_budget VALUES ($1, $2, $3, $4, 0)"
    await first.execute(insert, bucket, budget, 0, 100)
    async with first.transaction():
        await locked(first, Drawing((), {budget}, 1))
        async with second.transaction():
            waiting = asyncio.create_task(locked(second, Drawing((), {budget}, 2)))
            await until_somebody_waits_for(first)
            assert not waiting.done()
            await first.execute(
                "UPDATE campaign_budget SET share = 60 WHERE bucket = $1 AND budget = $2", bucket, budget
            )
            await first.execute(insert, bucket, budget, 1, 40)
            await first.execute("COMMIT; BEGIN")
            assert left_of(await waiting) == {budget: 100}


@pytest.mark.parametrize("taker", ["owner", "other"])
async def test_nobody_draws_from_a_share_that_another_is_deciding_on(
    pair: list[asyncpg.Connection[Any]], taker: str
) -> None:
    """A process draws from its own share while another takes from it: whoever comes second sees what is left."""
    budget = f"c-{secrets.token_hex(4)}"
    first, second = pair
    for share_of in (0, 1, 2):
        await first.execute(
            "INSERT INTO campaign_budget VALUES ($1, $2, $3, 50, 0)", bucket_of(budget), budget, share_of
        )
    owner, other = Drawing({budget}, (), 1), Drawing((), {budget}, 2)
    asked, waits = (owner, other) if taker == "owner" else (other, owner)
    async with first.transaction():
        await locked(first, asked)
        async with second.transaction():
            waiting = asyncio.create_task(locked(second, waits))
            await until_somebody_waits_for(first)
            assert not waiting.done()
            await first.execute(
                "UPDATE campaign_budget SET granted = 45 WHERE budget = $1 AND share_of = 1", budget
            )
            await first.execute("COMMIT; BEGIN")
            assert [row.granted for row in await waiting if row.share_of == 1] == [45]


@pytest.mark.parametrize("is_known", [True, False])
async def test_shares_are_locked_before_members(
    till: Till, pair: list[asyncpg.Connection[Any]], member: str, *, is_known: bool
) -> None:
    """In the one statement that locks both: who waits for a share holds no member, so nobody waits in a circle; and
    what is left is what the other one left.
    """
    budget = f"c-{secrets.token_hex(4)}"
    first, second = pair
    await first.execute("INSERT INTO campaign_budget VALUES ($1, $2, 1, 50, 0)", bucket_of(budget), budget)
    if is_known:
        await till.enrol(member)
    async with first.transaction():
        await locked(first, Drawing({budget}, (), 1))
        async with second.transaction():
            waiting = asyncio.create_task(
                lock_accounts(second, [member], clock=REAL_CLOCK, drawing=Drawing({budget}, (), 1))
            )
            await until_somebody_waits_for(first)
            await first.execute("SELECT FROM account WHERE member_id = $1 FOR UPDATE NOWAIT", member)
            await first.execute("UPDATE campaign_budget SET granted = 45 WHERE budget = $1", budget)
            await first.execute("UPDATE account SET streak = 7 WHERE member_id = $1", member)
            await first.execute("COMMIT; BEGIN")
            found = await waiting
    assert [(row.share, row.granted) for row in found.shares] == [(50, 45)]
    assert [account.streak for account in found.accounts.values()] == [7] * is_known
