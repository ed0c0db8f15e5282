"""Templates and carts for the tests of the engine."""

from __future__ import annotations

from typing import Any

from app.actions.coupon_templates import change_template, create_template
from app.database import Database
from app.domain.coupon_commands import ClaimCoupon
from app.ledger.coupon_codes import save_codes
from app.ledger.load import REAL_CLOCK
from tests.ledger.till import Till


async def offer(database: Database, template: str, **terms: Any) -> str:
    """A template of 5 yuan off, or as the terms say; its name again."""
    document = {"name": template, "kind": "amount_off", "amount_off": 500} | terms
    await create_template(database, template=template, document=document, clock=REAL_CLOCK)
    return template


async def change(database: Database, template: str, **changes: Any) -> None:
    await change_template(database, template=template, changes=changes, clock=REAL_CLOCK)


async def make_codes(database: Database, template: str, *codes: str) -> None:
    connection = await database.connect()
    try:
        async with connection.transaction():
            await save_codes(connection, template=template, codes=codes, issue="made", clock=REAL_CLOCK)
    finally:
        await connection.close()


async def claim(till: Till, member: str, template: str) -> str:
    """The code of a coupon just claimed."""
    code: str = (await till.ask(ClaimCoupon(member_id=member, template=template))).body["code"]
    return code


async def counter(till: Till, template: str) -> tuple[int, int]:
    """Issued, discounted."""
    [row] = await till.rows("SELECT issued, discounted FROM coupon_counter WHERE template = $1", template)
    return row


async def coupon(till: Till, code: str) -> tuple[str, str | None, int | None]:
    """Status, reference, discount."""
    [row] = await till.rows("SELECT status, reference, discount FROM coupon WHERE code = $1", code)
    return row
