"""Birthdays get their coupon once a year, in their month, whoever runs the job and however often."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import asyncpg
import pytest
from alembic import command
from alembic.config import Config

from app.actions import birthdays as action
from app.actions.birthdays import give_birthday_coupons
from app.actions.maturity import mature_all
from app.database import MIGRATIONS
from app.domain.account import BenefitGrant, bucket_of
from app.domain.benefit_commands import GiveBirthdayCoupon, GrantBenefit
from app.domain.commands import Accrue, Enrol, Erase
from app.domain.coupon_templates import Template
from app.jobs import birthdays as job
from app.ledger.engine import Engine, LedgerUnavailable
from app.schemas.members import PersonRequest
from app.security.pii import PiiRing
from tests.domain.programs import document
from tests.jobs.conftest import PII, Sandbox

APRIL = "2031-04-01T00:30:00+08:00"


def person(member_id: str, birthday: str | None, pii: PiiRing = PII) -> Enrol:
    return PersonRequest.model_validate({"birthday": birthday}).to_command(member_id, pii)


async def give(sandbox: Sandbox, pii: PiiRing = PII) -> int:
    return await give_birthday_coupons(sandbox.database, pii=pii, is_sandbox=True)


async def coupons(sandbox: Sandbox) -> list[tuple[str, str]]:
    """(member, when) of each birthday coupon given."""
    rows = await sandbox.rows(
        "SELECT member_id, to_char(issued_at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD') FROM coupon "
        "WHERE source = 'birthday' ORDER BY issued_at, member_id"
    )
    return [(row[0], row[1]) for row in rows]


async def born(sandbox: Sandbox, **birthdays: str | None) -> None:
    await sandbox.do(*(person(member_id, birthday) for member_id, birthday in birthdays.items()))


async def test_who_was_born_in_the_month_gets_one_on_its_first_day(sandbox: Sandbox) -> None:
    await sandbox.at("2031-03-31T23:30:00+08:00")
    await born(sandbox, a="1990-04-30", b="1990-05-01", c="1990-03-31", d=None, e="2000-02-29")
    assert await give(sandbox) == 1  # c
    await sandbox.at(APRIL)
    assert await give(sandbox) == 1
    assert await coupons(sandbox) == [("c", "2031-03-31"), ("a", "2031-04-01")]
    [(discount, until)] = await sandbox.rows(
        "SELECT template, to_char(valid_until AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD HH24:MI') FROM coupon "
        "WHERE member_id = 'a'"
    )
    assert (discount, until) == ("birthday", "2031-05-03 00:00")
    await sandbox.at("2032-02-01T00:00:00+08:00")
    assert await give(sandbox) == 1
    assert (await coupons(sandbox))[-1] == ("e", "2032-02-01")
    assert await sandbox.agrees()


async def test_it_comes_once_a_year_however_often_the_birthday_changes(sandbox: Sandbox) -> None:
    await sandbox.at(APRIL)
    await born(sandbox, a="1990-04-30")
    assert await give(sandbox) == 1
    assert await give(sandbox) == 0
    await sandbox.do(GiveBirthdayCoupon(member_id="a"))
    await born(sandbox, a="1990-05-17")
    await sandbox.at("2031-05-02T00:00:00+08:00")
    assert await give(sandbox) == 0
    assert len(await coupons(sandbox)) == 1
    await sandbox.at("2032-05-02T00:00:00+08:00")
    assert await give(sandbox) == 1


async def test_who_comes_within_the_month_gets_it_too(sandbox: Sandbox) -> None:
    await sandbox.at("2031-04-20T00:00:00+08:00")
    await born(sandbox, a=None)
    assert await give(sandbox) == 0
    await born(sandbox, a="1990-04-01", b="1991-04-02")
    assert await give(sandbox) == 2


async def test_the_forgotten_get_none(sandbox: Sandbox) -> None:
    await sandbox.at(APRIL)
    await born(sandbox, a="1990-04-30", b="1990-04-30")
    await sandbox.do(Erase(member_id="a"))
    await born(sandbox, b=None)
    assert await give(sandbox) == 0
    assert await sandbox.rows("SELECT member_id FROM person_birthday") == []


async def test_no_more_than_the_stock_and_nobody_is_asked_twice(
    sandbox: Sandbox, fresh_database_url: str
) -> None:
    await change(
        fresh_database_url, "UPDATE coupon_template SET document = document || '{\"stock\": 2}', revision = 2"
    )
    await sandbox.at(APRIL)
    await born(sandbox, **{f"m{number}": "1990-04-30" for number in range(5)})
    assert await give(sandbox) == 5
    assert len(await coupons(sandbox)) == 2
    refused = await sandbox.rows(
        "SELECT count(*) FROM entry WHERE detail ->> 'refused' LIKE '%coupon_exhausted%'"
    )
    assert refused == [(3,)]
    assert await give(sandbox) == 0


async def test_tiers_that_give_nothing(sandbox: Sandbox, fresh_database_url: str) -> None:
    made = document()
    for tier in made["tiers"]["ladder"]:
        tier["benefits"] = []
    await publish(fresh_database_url, made)
    await sandbox.at(APRIL)
    await born(sandbox, a="1990-04-30")
    assert await give(sandbox) == 0


async def test_it_may_be_ended_and_begun_anew(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(action, "BATCH", 4)
    await sandbox.at(APRIL)
    await born(sandbox, **{f"m{number}": "1990-04-30" for number in range(10)})
    answers = iter([False, False, False, True, True])
    stops = lambda: next(answers, True)  # noqa: E731
    await job.run(sandbox.database, pii=PII, is_sandbox=True, is_stopping=stops)
    assert 0 < len(await coupons(sandbox)) < 10
    await asyncio.gather(give(sandbox), give(sandbox))
    assert len(await coupons(sandbox)) == 10
    assert await sandbox.agrees()


async def test_told_before_there_were_digests(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(action, "DIGESTS", 2)
    other = PiiRing.parse(f"k9:{base64.b64encode(b'x' * 32).decode()}")
    await sandbox.at(APRIL)
    await born(sandbox, a="1990-04-30", b="1990-05-30", c="1991-04-01")
    await sandbox.do(person("z", "1990-04-30", other))
    await sandbox.rows("UPDATE person_birthday SET digest = NULL")
    assert await give(sandbox) == 2
    assert [member for member, _ in await coupons(sandbox)] == ["a", "c"]
    assert await sandbox.rows("SELECT member_id FROM person_birthday WHERE digest IS NULL") == [("z",)]


async def test_who_can_not_be_opened_gets_none(sandbox: Sandbox) -> None:
    await sandbox.at(APRIL)
    await sandbox.do(
        Enrol(member_id="a", person={"birthday": b"nonsense" * 4, "birthday_digest": PII.month_digest(4)})
    )
    assert await give(sandbox) == 1  # asked, and told nothing
    assert await coupons(sandbox) == []


async def test_an_engine_without_keys_knows_no_birthday(sandbox: Sandbox) -> None:
    await sandbox.at(APRIL)
    await born(sandbox, a="1990-04-30")
    engine = Engine(sandbox.database.connect, is_sandbox=True)
    await engine.start()
    bare = Sandbox(sandbox.database)
    bare.engine = engine
    await bare.do(GiveBirthdayCoupon(member_id="a"))
    await engine.stop()
    assert await coupons(sandbox) == []


async def test_a_ledger_that_is_away_is_told(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    await sandbox.at(APRIL)
    await born(sandbox, a="1990-04-30")

    async def away(_engine: Engine, requests: list[Any]) -> list[Any]:
        return [LedgerUnavailable() for _ in requests]

    monkeypatch.setattr(Engine, "submit_all", away)
    with pytest.raises(LedgerUnavailable):
        await give(sandbox)


# --- coupons of tiers --------------------------------------------------------------------------------------


def monthly() -> dict[str, Any]:
    """The default program, with a coupon for entering silver, and one each month there."""
    made = document()
    made["tiers"]["ladder"][1]["benefits"] = [
        {"code": "welcome", "label": "w", "coupon": {"template": "birthday", "on": "entry", "count": 2}},
        {"code": "monthly", "label": "m", "coupon": {"template": "birthday", "on": "month"}},
    ]
    return made


async def test_tiers_give_their_coupons(sandbox: Sandbox, fresh_database_url: str) -> None:
    await publish(fresh_database_url, monthly())
    names = [f"m{number:02}" for number in range(60)]
    await sandbox.at("2031-03-05T10:00:00+08:00")
    await sandbox.do(*(Enrol(member_id=name) for name in names))
    await sandbox.do(*(Accrue(member_id=name, order_id="o", amount=30_000) for name in names))
    assert await sandbox.at("2031-03-05T11:00:00+08:00") == 60
    assert await sandbox.rows("SELECT count(*) FROM coupon") == [(120,)]
    assert await sandbox.at("2031-04-30T11:00:00+08:00") == 60
    assert await sandbox.at("2031-05-01T00:00:00+08:00") == 60
    [(coupons, issued)] = await sandbox.rows(
        "SELECT (SELECT count(*) FROM coupon), issued FROM coupon_counter WHERE template = 'birthday'"
    )
    assert (coupons, issued) == (240, 240)
    found = await sandbox.rows(
        "SELECT key, to_char(occurred_at AT TIME ZONE 'Asia/Shanghai', 'MM-DD') FROM entry "
        "WHERE kind = 'tier_coupons' AND member_id = 'm00' ORDER BY sequence"
    )
    assert found == [
        ("tier_coupons/silver/entry/2031", "03-05"),
        ("tier_coupons/silver/month/2031-04", "04-01"),
        ("tier_coupons/silver/month/2031-05", "05-01"),
    ]


async def test_whoever_acts_first_brings_the_coupons_of_the_tier(
    sandbox: Sandbox, fresh_database_url: str
) -> None:
    await publish(fresh_database_url, monthly())
    await sandbox.at("2031-03-05T10:00:00+08:00")
    await sandbox.do(Enrol(member_id="a"))
    await sandbox.do(Accrue(member_id="a", order_id="o1", amount=30_000))
    await sandbox.do(Accrue(member_id="a", order_id="o2", amount=1))
    assert await sandbox.rows("SELECT coupons FROM account WHERE member_id = 'a'") == [(2,)]


async def test_many_at_once_give_no_more_than_the_stock(sandbox: Sandbox, fresh_database_url: str) -> None:
    await publish(fresh_database_url, monthly())
    limited = "UPDATE coupon_template SET document = document || '{\"stock\": 50}', revision = 2"
    await change(fresh_database_url, limited)
    names = [f"m{number:02}" for number in range(40)]
    await sandbox.at("2031-03-05T10:00:00+08:00")
    await sandbox.do(*(Enrol(member_id=name) for name in names))
    await sandbox.do(*(Accrue(member_id=name, order_id="o1", amount=30_000) for name in names))
    await asyncio.gather(
        *(mature_all(sandbox.database, is_sandbox=True) for _ in range(3)),
        sandbox.do(*(Accrue(member_id=name, order_id="o2", amount=1) for name in reversed(names))),
    )
    assert await sandbox.rows("SELECT count(*) FROM coupon") == [(50,)]
    assert await sandbox.rows("SELECT count(*) FROM entry WHERE kind = 'tier_coupons'") == [(40,)]
    assert await sandbox.agrees()


async def test_a_grant_is_its_row_column_for_column(sandbox: Sandbox) -> None:
    await sandbox.do(Enrol(member_id="a"))
    terms = (("discount_percent", 3),)
    await sandbox.do(
        GrantBenefit(member_id="a", reference="g", benefit="b", label="B", reason="why", terms=terms)
    )
    [row] = await sandbox.rows("SELECT * FROM benefit_grant")
    columns = await sandbox.rows(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'benefit_grant'::regclass AND attnum > 0 ORDER BY attnum"
    )
    assert tuple(name for (name,) in columns) == BenefitGrant._fields
    grant = BenefitGrant._make(row)
    assert (grant.reference, json.loads(grant.terms), grant.actor) == ("g", {"discount_percent": 3}, "test")


# --- the migration -----------------------------------------------------------------------------------------


def again(url: str, *changes: str) -> None:
    """Take the last migration back, change what was there before it, and migrate anew."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    command.downgrade(config, "0004")
    for each in changes:
        asyncio.run(change(url, each))
    command.upgrade(config, "head")


def test_birthdays_from_before_wait_for_their_digest(fresh_database_url: str) -> None:
    again(
        fresh_database_url,
        "INSERT INTO person (bucket, member_id, birthday, revision, updated_at) "
        "VALUES (1, 'a', 'x', 1, now()), (1, 'b', NULL, 1, now())",
    )
    [waiting] = asyncio.run(fetch(fresh_database_url, "SELECT member_id, digest FROM person_birthday"))
    assert tuple(waiting) == ("a", None)


def test_a_template_of_the_shops_own_stays(fresh_database_url: str) -> None:
    again(fresh_database_url, "UPDATE coupon_template SET document = '{}', revision = 7")
    [kept] = asyncio.run(fetch(fresh_database_url, "SELECT document, revision FROM coupon_template"))
    assert tuple(kept) == ("{}", 7)
    [counter] = asyncio.run(fetch(fresh_database_url, "SELECT bucket, template FROM coupon_counter"))
    assert tuple(counter) == (bucket_of("birthday"), "birthday")


@pytest.mark.parametrize(
    ("program", "state"), [("document", "active"), ("document #- '{tiers,ladder}'", "paused")]
)
def test_nobody_claims_a_birthday_coupon_that_no_tier_gives(
    fresh_database_url: str, program: str, state: str
) -> None:
    before = ["DELETE FROM coupon_template", f"UPDATE program_version SET document = {program}"]
    again(fresh_database_url, *before)
    [shipped] = asyncio.run(fetch(fresh_database_url, "SELECT document FROM coupon_template"))
    template = Template.from_document("birthday", 1, json.loads(shipped["document"]))
    assert (template.state, template.amount_off_fen, template.threshold_fen) == (state, 1_000, 10_000)


async def fetch(url: str, statement: str, *arguments: object) -> list[asyncpg.Record]:
    connection: asyncpg.Connection[Any] = await asyncpg.connect(url)
    try:
        return await connection.fetch(statement, *arguments)
    finally:
        await connection.close()


async def change(url: str, statement: str, *arguments: object) -> None:
    """As the owner, who may change what the application may not."""
    await fetch(url, statement, *arguments)


async def publish(url: str, program: dict[str, Any]) -> None:
    """Another version of the program, in force from now on."""
    await change(
        url,
        "INSERT INTO program_version (version, document, effective_at, created_at, publication) "
        "VALUES (2, $1::jsonb, '1971-01-01T00:00:00Z', now(), 2)",
        json.dumps(program),
    )
