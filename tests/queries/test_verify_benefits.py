"""`loyalty verify` finds benefits that the ledger does not tell of, and coupons that a tier would forget."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import UTC, datetime

import asyncpg
import pytest

from app.database import Database
from app.domain.benefit_commands import GrantBenefit, RevokeBenefit
from app.domain.commands import Enrol
from app.domain.posting import Caller
from app.ledger.engine import Engine
from app.ledger.outcome import Outcome
from app.ledger.request import Request
from app.queries.verify import verify

DAMAGE = {
    "DELETE FROM benefit_grant WHERE reference = 'g'": "benefit g, row",
    "UPDATE benefit_grant SET reference = 'x' WHERE reference = 'g'": "benefit x, entry that granted it",
    "UPDATE benefit_grant SET sequence = 7 WHERE reference = 'g'": "benefit g, entry that granted it",
    "UPDATE benefit_grant SET benefit = 'x' WHERE reference = 'g'": "benefit g, benefit",
    "UPDATE benefit_grant SET label = 'x' WHERE reference = 'g'": "benefit g, label",
    "UPDATE benefit_grant SET terms = '{}' WHERE reference = 'g'": "benefit g, terms",
    "UPDATE benefit_grant SET since = '2020-01-01' WHERE reference = 'g'": "benefit g, since",
    "UPDATE benefit_grant SET until = NULL WHERE reference = 'g'": "benefit g, until",
    "UPDATE benefit_grant SET revoked_at = now() WHERE reference = 'g'": "benefit g, revoked_at",
    "UPDATE benefit_grant SET revoked_at = NULL WHERE reference = 'h'": "benefit h, revoked_at",
    "UPDATE benefit_grant SET actor = 'x' WHERE reference = 'g'": "benefit g, actor",
    "UPDATE benefit_grant SET reason = 'x' WHERE reference = 'g'": "benefit g, reason",
    "UPDATE account SET benefits_at = now(), due_at = NULL": "account.due_at",
}


@pytest.fixture
async def ledger(fresh_database_url: str) -> AsyncGenerator[Database]:
    """A member with a benefit, and one that was taken back."""
    database = Database(fresh_database_url)
    engine = Engine(database.connect)
    await engine.start()
    terms = (("discount_percent", 3), ("free_shipping", True))
    until = datetime(2099, 1, 1, tzinfo=UTC)
    results = await engine.submit_all(
        [
            Request(command, Caller("test", "request"))
            for command in (
                Enrol(member_id="m"),
                GrantBenefit(
                    member_id="m",
                    reference="g",
                    benefit="b",
                    label="包邮",
                    reason="r",
                    terms=terms,
                    until=until,
                ),
                GrantBenefit(member_id="m", reference="h", benefit="b", label="B", reason="r"),
                RevokeBenefit(member_id="m", reference="h", reason="r"),
            )
        ]
    )
    assert all(isinstance(result, Outcome) for result in results), results
    await engine.stop()
    yield database
    await database.dispose()


async def test_an_honest_ledger_agrees(ledger: Database) -> None:
    assert (await verify(ledger.connect)).agrees


async def test_it_finds_what_was_planted(ledger: Database, fresh_database_url: str) -> None:
    owner = await asyncpg.connect(fresh_database_url)
    grants = [tuple(row) for row in await owner.fetch("SELECT * FROM benefit_grant")]
    for damage, what in DAMAGE.items():
        await owner.execute(damage)
        told = [difference.what for difference in (await verify(ledger.connect)).differences]
        assert any(what in each for each in told), (damage, told)
        await owner.execute("DELETE FROM benefit_grant")
        await owner.execute("UPDATE account SET benefits_at = NULL, due_at = NULL")
        await owner.execute("INSERT INTO benefit_grant SELECT * FROM unnest($1::benefit_grant[])", grants)
    await owner.close()
