"""Making and changing coupon templates.

Writers take turns by a lock on the table, which readers don't feel: so whoever sees a revision sees all below it.
After it the template's counter is locked, then the directory of codes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from sqlalchemy import func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.database import Database
from app.domain.account import bucket_of
from app.domain.coupon_errors import CodeTaken, TemplateNotFound
from app.domain.coupon_templates import Template
from app.domain.errors import ErrorKind, LoyaltyError
from app.expressions import check
from app.models.coupons import Coupon, CouponCode, CouponCounter, CouponTemplate
from app.queries.coupon_templates import TEMPLATE_COLUMNS, TemplateRow, read_template


class TemplateExists(LoyaltyError):
    code = "template_exists"
    kind = ErrorKind.CONFLICT
    title = "The template is there with other content"

    def __init__(self) -> None:
        super().__init__(
            "There is a template by this name that says something else. PATCH it to change it, or name another."
        )


class TemplateEnded(LoyaltyError):
    code = "template_ended"
    kind = ErrorKind.CONFLICT
    title = "The template has ended"

    def __init__(self) -> None:
        super().__init__("A template that has ended stays so. Make another template to go on.")


class StockBelowIssued(LoyaltyError):
    """`issued`: coupons and codes given out so far."""

    code = "stock_below_issued"
    kind = ErrorKind.CONFLICT
    title = "More were given out than the stock would be"

    def __init__(self, *, issued: int) -> None:
        super().__init__(
            f"{issued} were given out already; the stock can't be less than that. Set it to {issued} to give out none.",
            extra={"issued": issued},
        )

    @classmethod
    def example(cls) -> Self:
        return cls(issued=400)


class BudgetBelowDiscounted(LoyaltyError):
    """`discounted`: what coupons locked and redeemed so far take off, in the minor unit."""

    code = "budget_below_discounted"
    kind = ErrorKind.CONFLICT
    title = "More was taken off than the budget would be"

    def __init__(self, *, discounted_fen: int) -> None:
        super().__init__(
            f"{discounted_fen} was taken off already; the budget can't be less than that. Set it to {discounted_fen} "
            "to spend no more.",
            extra={"discounted": discounted_fen},
        )

    @classmethod
    def example(cls) -> Self:
        return cls(discounted_fen=1_200_000)


async def create_template(
    database: Database, *, template: str, document: Mapping[str, Any], clock: str
) -> tuple[TemplateRow, bool]:
    """Make a template, or find it there with the same content; returns it and whether it was made now.

    `clock` is the SQL of the program's clock. Raises TemplateInvalid, ExpressionInvalid, TemplateExists or CodeTaken.
    """
    terms = _read(template, document)
    async with database.transaction() as connection:
        revision = await _next_revision(connection)
        now = await connection.scalar(text(f"SELECT {clock}"))
        made = await connection.execute(
            upsert(CouponTemplate)
            .values(
                template=template,
                revision=revision,
                document=terms.to_document(),
                created_at=now,
                updated_at=now,
            )
            .on_conflict_do_nothing()
            .returning(*TEMPLATE_COLUMNS)
        )
        row = made.one_or_none()
        if row is None:
            there = await read_template(connection, template)
            if there is None or there.document != terms.to_document():
                raise TemplateExists
            return there, False
        await connection.execute(
            insert(CouponCounter).values(
                bucket=bucket_of(template), template=template, issued=0, discounted=0
            )
        )
        if terms.public_code is not None:
            await _take_public_code(connection, terms, now)
    return TemplateRow._make(row), True


async def change_template(
    database: Database, *, template: str, changes: Mapping[str, Any], clock: str
) -> TemplateRow:
    """Replace these fields of a template's document, None clearing one; returns it as it is then.

    Raises TemplateNotFound, TemplateInvalid, ExpressionInvalid, TemplateEnded, StockBelowIssued or
    BudgetBelowDiscounted.
    """
    async with database.transaction() as connection:
        revision = await _next_revision(connection)
        row = await read_template(connection, template)
        if row is None:
            raise TemplateNotFound
        terms = _read(template, {**row.document, **changes})
        document = terms.to_document()
        if row.document["state"] == "ended" and terms.state != "ended":
            raise TemplateEnded
        if document == row.document:
            return row
        if terms.budget_fen is not None and "budget" not in row.document:
            await _count_discounts(connection, template)
        await _check_counter(connection, terms)
        changed = await connection.execute(
            update(CouponTemplate)
            .where(CouponTemplate.template == template)
            .values(
                revision=revision,
                document=document,
                updated_at=await connection.scalar(text(f"SELECT {clock}")),
            )
            .returning(*TEMPLATE_COLUMNS)
        )
        return TemplateRow._make(changed.one())


def _read(template: str, document: Mapping[str, Any]) -> Template:
    terms = Template.from_document(template, 0, document)
    if terms.eligible.member is not None:
        check(terms.eligible.member)
    return terms


async def _next_revision(connection: AsyncConnection) -> int:
    await connection.execute(text("LOCK TABLE coupon_template IN SHARE ROW EXCLUSIVE MODE"))
    return (await connection.scalar(select(func.max(CouponTemplate.revision))) or 0) + 1


async def _take_public_code(connection: AsyncConnection, terms: Template, now: Any) -> None:  # noqa: ANN401
    assert terms.public_code is not None
    taken = await connection.scalar(
        upsert(CouponCode)
        .values(
            bucket=bucket_of(terms.public_code),
            code=terms.public_code,
            template=terms.template,
            kind="public",
            created_at=now,
        )
        .on_conflict_do_nothing()
        .returning(CouponCode.code)
    )
    if taken is None:
        raise CodeTaken([terms.public_code])


async def _count_discounts(connection: AsyncConnection, template: str) -> None:
    """Count what the template's coupons take off: without a budget nobody did.

    Every batch of the ledger reads the table of templates before it decides: so those under way are waited for, and
    the next ones know the budget.
    """
    await connection.execute(text("LOCK TABLE coupon_template IN ACCESS EXCLUSIVE MODE"))
    discounted = select(func.coalesce(func.sum(Coupon.discount), 0)).where(Coupon.template == template)
    await connection.execute(
        update(CouponCounter)
        .where(CouponCounter.bucket == bucket_of(template), CouponCounter.template == template)
        .values(discounted=discounted.scalar_subquery())
    )


async def _check_counter(connection: AsyncConnection, terms: Template) -> None:
    """Lock the counter, so that nothing is given out meanwhile, and hold the new limits against it."""
    counter = (
        await connection.execute(
            select(CouponCounter.issued, CouponCounter.discounted)
            .where(
                CouponCounter.bucket == bucket_of(terms.template), CouponCounter.template == terms.template
            )
            .with_for_update(key_share=True)
        )
    ).one()
    if terms.stock is not None and terms.stock < counter.issued:
        raise StockBelowIssued(issued=counter.issued)
    if terms.budget_fen is not None and terms.budget_fen < counter.discounted:
        raise BudgetBelowDiscounted(discounted_fen=counter.discounted)
