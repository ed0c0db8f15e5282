"""Reading coupon templates, what was given out of them, and their codes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Integer, Text, cast, column, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.database import Database
from app.domain.account import bucket_of
from app.models.coupons import Coupon, CouponCode, CouponCounter, CouponTemplate

CODES_AT_ONCE = 1_000


class TemplateRow(NamedTuple):
    """A template as it is stored; `document` is what `Template.from_document` reads."""

    template: str
    revision: int
    document: dict[str, Any]
    created_at: datetime
    updated_at: datetime


class Figures(NamedTuple):
    """What was given out of a template, and what became of it: coupons, and `discounted` in the minor unit."""

    issued: int
    discounted: int
    locked: int
    redeemed: int
    expired: int
    voided: int


class CodeRow(NamedTuple):
    """A code, and where it stands: `available`, `public`, or as the coupon it became."""

    code: str
    status: str
    member_id: str | None
    created_at: datetime


TEMPLATE_COLUMNS = (
    CouponTemplate.template,
    CouponTemplate.revision,
    CouponTemplate.document,
    CouponTemplate.created_at,
    CouponTemplate.updated_at,
)
"""The columns of a `TemplateRow`, in order."""


async def list_templates(
    database: Database,
    *,
    limit: int,
    after: str | None = None,
    state: str | None = None,
    kind: str | None = None,
    automatic: bool | None = None,
) -> list[TemplateRow]:
    """Up to `limit` templates by their code, those past `after`."""
    statement = select(*TEMPLATE_COLUMNS).order_by(CouponTemplate.template).limit(limit)
    if after is not None:
        statement = statement.where(CouponTemplate.template > after)
    if state is not None:
        statement = statement.where(CouponTemplate.document["state"].astext == state)
    if kind is not None:
        statement = statement.where(CouponTemplate.document["kind"].astext == kind)
    if automatic is not None:
        statement = statement.where(_is_automatic() if automatic else ~_is_automatic())
    async with database.engine.connect() as connection:
        return [TemplateRow._make(row) for row in await connection.execute(statement)]


def _is_automatic() -> ColumnElement[bool]:
    # A document leaves out what is not so.
    return func.coalesce(CouponTemplate.document["automatic"].astext, "false") == "true"


async def read_template(connection: AsyncConnection, template: str) -> TemplateRow | None:
    """The template, None for an unknown one."""
    found = (
        await connection.execute(select(*TEMPLATE_COLUMNS).where(CouponTemplate.template == template))
    ).one_or_none()
    return None if found is None else TemplateRow._make(found)


async def read_figures(connection: AsyncConnection, template: str) -> Figures:
    """What was given out of a template that there is."""
    counter = (
        await connection.execute(
            select(CouponCounter.issued, CouponCounter.discounted).where(
                CouponCounter.bucket == bucket_of(template), CouponCounter.template == template
            )
        )
    ).one()
    statuses = await connection.execute(
        select(Coupon.status, func.count().label("coupons"))
        .where(Coupon.template == template)
        .group_by(Coupon.status)
    )
    counts = {row.status: row.coupons for row in statuses}
    return Figures(
        issued=counter.issued,
        discounted=counter.discounted,
        locked=counts.get("locked", 0),
        redeemed=counts.get("redeemed", 0),
        expired=counts.get("expired", 0),
        voided=counts.get("voided", 0),
    )


async def stream_codes(
    database: Database, *, template: str, issue: str | None = None
) -> AsyncGenerator[list[CodeRow]]:
    """The template's codes in their own order, those of one issue if named, a thousand at a time.

    Read page by page, not by one long statement, so that nothing is held open however slowly they are taken.
    """
    statement = (
        select(CouponCode.code, CouponCode.kind, CouponCode.member_id, CouponCode.created_at)
        .where(CouponCode.template == template, CouponCode.kind != "coupon")
        .order_by(CouponCode.code)
        .limit(CODES_AT_ONCE)
    )
    if issue is not None:
        statement = statement.where(CouponCode.issue == issue)
    last = ""
    while True:
        async with database.engine.connect() as connection:
            found = (await connection.execute(statement.where(CouponCode.code > last))).all()
            held = [(row.member_id, row.code) for row in found if row.member_id is not None]
            statuses = await _statuses(connection, held) if held else {}
        if not found:
            return
        yield [
            CodeRow(row.code, _STATUS.get(row.kind) or statuses.get(row.code, "available"), *row[2:])
            for row in found
        ]
        last = found[-1].code


_STATUS = {"public": "public", "void": "voided"}


async def _statuses(connection: AsyncConnection, held: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The status of each of these coupons (member_id, code), by its code."""
    wanted = (
        func.unnest(
            cast([bucket_of(member_id) for member_id, _ in held], ARRAY(Integer)),
            cast([member_id for member_id, _ in held], ARRAY(Text)),
            cast([code for _, code in held], ARRAY(Text)),
        )
        .table_valued(column("bucket", Integer), column("member_id", Text), column("code", Text))
        .render_derived("wanted")
    )
    rows = await connection.execute(
        select(Coupon.code, Coupon.status).join(
            wanted,
            (Coupon.bucket == wanted.c.bucket)
            & (Coupon.member_id == wanted.c.member_id)
            & (Coupon.code == wanted.c.code),
        )
    )
    return {row.code: row.status for row in rows}
