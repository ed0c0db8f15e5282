"""Giving out coupons of a template to many members at once, or as codes for whoever brings them.

What is asked is written down first, in parts of a thousand members; each part is then carried out by the engine,
command by command. A part that broke off is carried out again, by the same request or by the job: every member gets
one coupon of an issue, since the issue's id is part of the command's natural key.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import structlog
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.database import Database
from app.domain.coupon_commands import IssueCoupon
from app.domain.coupon_errors import TemplateNotFound
from app.domain.errors import ErrorKind, LoyaltyError
from app.domain.posting import Caller
from app.ledger.claims import Claim, bucket_of_key
from app.ledger.connection import Connection
from app.ledger.coupon_codes import new_codes, read_open_template, save_codes, void_codes
from app.ledger.engine import Engine, LedgerUnavailable
from app.ledger.load import REAL_CLOCK, SANDBOX_CLOCK
from app.ledger.outcome import Outcome
from app.ledger.request import Request
from app.models.coupons import CouponIssue, CouponIssuePart
from app.models.ledger import IdempotencyKey
from app.queries.coupon_templates import read_template
from app.queries.issuing import IssueRow, read_issue

PART = 1_000
"""Members carried out together; an issue of no more is carried out while its caller waits."""
AT_ONCE = 100
"""Commands a batch: each holds the template's counter, for which every claim of the template waits."""

_BROKEN = "internal_error"

log = structlog.get_logger(__name__)


class Wanted(NamedTuple):
    """Whom to give a coupon each, or else how many codes to make, or which codes of others to take."""

    template: str
    members: Sequence[str] = ()
    codes: int = 0
    imported: Sequence[str] = ()
    reason: str | None = None


class IssueNotFound(LoyaltyError):
    code = "issue_not_found"
    kind = ErrorKind.NOT_FOUND
    title = "Unknown issue"

    def __init__(self) -> None:
        super().__init__(
            "This template has no such issue. Its id is in the answer to the request that made it."
        )


def issue_of(claim: Claim) -> str:
    """The id of the issue that a request makes: the same request has the same, also after a crash."""
    return f"{claim.key.hex()[:16]}{claim.content.hex()[:16]}"


async def issue_codes(database: Database, wanted: Wanted, *, issue: str, actor: str, clock: str) -> IssueRow:
    """Make the codes, all or none, or find them made.

    Raises TemplateNotFound, TemplateAutomatic, TemplateNotOpen, CouponExhausted or CodeTaken.
    """
    codes = wanted.imported or new_codes(wanted.codes)
    async with database.transaction() as connection:
        if await _is_new(connection, wanted, issue=issue, actor=actor, codes=len(codes), clock=clock):
            await save_codes(
                await _driver(connection), template=wanted.template, codes=codes, issue=issue, clock=clock
            )
        return await _found(connection, issue)


async def withdraw_codes(database: Database, *, template: str, codes: Sequence[str], reason: str) -> int:
    """Void those of these codes that are nobody's yet; returns how many are void now. Raises TemplateNotFound."""
    async with database.transaction() as connection:
        if await read_template(connection, template) is None:
            raise TemplateNotFound
        voided = await void_codes(await _driver(connection), template=template, codes=codes)
    log.info("codes_voided", template=template, codes=len(codes), voided=voided, reason=reason)
    return voided


async def issue_to_members(
    database: Database, engine: Engine, wanted: Wanted, *, issue: str, actor: str, clock: str
) -> IssueRow:
    """Write down who is to get a coupon, and give it to them at once if they are no more than a part.

    Raises TemplateNotFound, TemplateAutomatic, TemplateNotOpen, QueueFull or LedgerUnavailable; after the last two the
    job goes on.
    """
    members = list(dict.fromkeys(wanted.members))
    async with database.transaction() as connection:
        driver = await _driver(connection)
        if await _is_new(connection, wanted, issue=issue, actor=actor, members=len(members), clock=clock):
            now = await driver.fetchval(f"SELECT {clock}")
            await read_open_template(driver, wanted.template, now=now)
            await connection.execute(
                insert(CouponIssuePart),
                [
                    {"issue": issue, "part": part, "members": members[start : start + PART]}
                    | {"issued": 0, "refused": []}
                    for part, start in enumerate(range(0, len(members), PART))
                ],
            )
    if len(members) <= PART:
        await carry_out_part(database, engine, issue=issue)
    async with database.engine.connect() as connection:
        return await _found(connection, issue)


async def issue_all(
    database: Database, *, is_sandbox: bool, is_stopping: Callable[[], bool] = lambda: False
) -> int:
    """Carry out every part that is open; returns how many. Any number of processes may do so at once.

    It works on an engine of its own, so that no request queues behind it. Raises `LedgerUnavailable`, or as asyncpg
    does, when the database goes away; what was given out until then stands.
    """
    if not await _has_open_part(database):
        return 0
    engine = Engine(database.connect, is_sandbox=is_sandbox)
    await engine.start()
    done = 0
    try:
        while not is_stopping() and await carry_out_part(database, engine, is_sandbox=is_sandbox):
            done += 1
    finally:
        await engine.stop()
    return done


async def carry_out_part(
    database: Database, engine: Engine, *, issue: str | None = None, is_sandbox: bool = False
) -> bool:
    """Carry out one open part, of this issue if named; False if there is none.

    Its row stays locked meanwhile: others pass it over, or wait if they ask for its issue.
    """
    wanted = (
        select(CouponIssuePart.issue, CouponIssuePart.part, CouponIssuePart.members)
        .where(CouponIssuePart.done_at.is_(None))
        .order_by(CouponIssuePart.issue, CouponIssuePart.part)
        .limit(1)
        .with_for_update(key_share=True, skip_locked=issue is None)
    )
    if issue is not None:
        wanted = wanted.where(CouponIssuePart.issue == issue)
    async with database.transaction() as connection:
        row = (await connection.execute(wanted)).one_or_none()
        if row is None:
            return False
        template, actor, reason = (
            await connection.execute(
                select(CouponIssue.template, CouponIssue.actor, CouponIssue.reason).where(
                    CouponIssue.issue == row.issue
                )
            )
        ).one()
        caller = Caller(actor, f"issue-{row.issue}")
        requests = [
            Request(
                IssueCoupon(member_id=member_id, template=template, reference=row.issue, reason=reason),
                caller,
            )
            for member_id in row.members
        ]
        refused = await _refused(engine, requests)
        await connection.execute(
            update(CouponIssuePart)
            .where(CouponIssuePart.issue == row.issue, CouponIssuePart.part == row.part)
            .values(
                done_at=await connection.scalar(
                    text(f"SELECT {SANDBOX_CLOCK if is_sandbox else REAL_CLOCK}")
                ),
                issued=len(requests) - len(refused),
                refused=refused,
            )
        )
    return True


async def let_go(database: Database, claim: Claim) -> None:
    """Forget the key of a request that was refused: the same key may come with another request."""
    async with database.transaction() as connection:
        await connection.execute(
            delete(IdempotencyKey).where(
                IdempotencyKey.bucket == bucket_of_key(claim.key),
                IdempotencyKey.key == claim.key,
                IdempotencyKey.status.is_(None),
            )
        )


async def _refused(engine: Engine, requests: Sequence[Request]) -> list[dict[str, str]]:
    """Carry the commands out; who got no coupon, and why. Raises LedgerUnavailable or QueueFull."""
    refused: list[dict[str, str]] = []
    for start in range(0, len(requests), AT_ONCE):
        some = requests[start : start + AT_ONCE]
        for request, result in zip(some, await engine.submit_all(some), strict=True):
            if isinstance(result, LedgerUnavailable):
                raise result
            if not isinstance(result, Outcome):
                code = result.code if isinstance(result, LoyaltyError) else _BROKEN
                refused.append({"member_id": request.command.member_id, "code": code})
    return refused


async def _is_new(
    connection: AsyncConnection,
    wanted: Wanted,
    *,
    issue: str,
    actor: str,
    clock: str,
    members: int = 0,
    codes: int = 0,
) -> bool:
    """Write the issue down; False if it is there: the same request made it."""
    made = await connection.execute(
        upsert(CouponIssue)
        .values(
            issue=issue,
            template=wanted.template,
            actor=actor,
            reason=wanted.reason,
            members=members,
            codes=codes,
            created_at=await connection.scalar(text(f"SELECT {clock}")),
        )
        .on_conflict_do_nothing()
        .returning(CouponIssue.issue)
    )
    return made.one_or_none() is not None


async def _has_open_part(database: Database) -> bool:
    async with database.engine.connect() as connection:
        found = await connection.scalar(
            select(CouponIssuePart.part).where(CouponIssuePart.done_at.is_(None)).limit(1)
        )
    return found is not None


async def _found(connection: AsyncConnection, issue: str) -> IssueRow:
    row = await read_issue(connection, issue)
    assert row is not None, "it was just written, and is never deleted"
    return row


async def _driver(connection: AsyncConnection) -> Connection:
    driver: Any = (await connection.get_raw_connection()).driver_connection
    return driver
