"""A history of coupons and checkouts, for the tests of what reads the ledger."""

from __future__ import annotations

from typing import Any

from app.actions.coupon_templates import create_template
from app.domain import checkout_commands as at_checkout
from app.domain import commands as ask
from app.domain import coupon_commands as of_coupons
from app.domain.carts import Cart, CartLine, Wish
from app.ledger.coupon_codes import save_codes
from app.ledger.load import SANDBOX_CLOCK
from tests.queries.ledgers import Shop

TEMPLATES: dict[str, dict[str, Any]] = {
    "five": {"name": "5 off", "kind": "amount_off", "amount_off": 500, "budget": 10**9, "stock": 10**6},
    "ten": {"name": "10 %", "kind": "percent_off", "percent_off": 10},
    "hello": {"name": "3 off", "kind": "amount_off", "amount_off": 300, "public_code": "HELLO"},
    "dear": {"name": "4 off", "kind": "amount_off", "amount_off": 400, "points_price": 50},
    "short": {"name": "2 off", "kind": "amount_off", "amount_off": 200, "valid": {"days": 1}},
}


async def offer(shop: Shop) -> None:
    """The templates, if they are not there yet."""
    for template, document in TEMPLATES.items():
        await create_template(shop.database, template=template, document=document, clock=SANDBOX_CLOCK)


async def make_codes(shop: Shop, template: str, *codes: str) -> None:
    connection = await shop.database.connect()
    try:
        async with connection.transaction():
            await save_codes(connection, template=template, codes=codes, issue="made", clock=SANDBOX_CLOCK)
    finally:
        await connection.close()


def cart(*amounts_fen: int, shipping_fen: int = 0) -> Cart:
    return Cart(
        tuple(
            CartLine(str(place), f"sku-{place}", None, None, 1, amount)
            for place, amount in enumerate(amounts_fen, start=1)
        ),
        shipping_fen,
    )


def hold(
    member: str,
    name: str,
    *amounts_fen: int,
    points: Any = 0,
    cash: Any = 0,
    coupons: Any = (),
    shipping_fen: int = 0,
    **rest: Any,
) -> at_checkout.HoldCheckout:
    """A cart held under `<member>-<name>`."""
    return at_checkout.HoldCheckout(
        member_id=member,
        checkout_id=f"{member}-{name}",
        cart=cart(*amounts_fen, shipping_fen=shipping_fen),
        wish=Wish(points, cash, coupons),
        **rest,
    )


def complete(member: str, name: str, **how: Any) -> at_checkout.CompleteCheckout:
    return at_checkout.CompleteCheckout(member_id="", checkout_id=f"{member}-{name}", **how)


def refund(member: str, name: str, reference: str, **what: Any) -> at_checkout.RefundCheckout:
    return at_checkout.RefundCheckout(
        member_id="", checkout_id=f"{member}-{name}", reference=reference, **what
    )


async def live_on(shop: Shop, member: str) -> None:
    """Everything that can happen to coupons and checkouts; at its end `<member>-open` is held, with a coupon."""
    await shop.ask(ask.Enrol(member_id=member))
    await shop.ask(ask.Accrue(member_id=member, order_id="o1", amount=250_000))
    await shop.ask(ask.Accrue(member_id=member, order_id="o2", amount=10_000))
    await make_codes(shop, "five", f"{member}-U1", f"{member}-U2", f"{member}-U3")

    async def claim(template: str) -> str:
        claimed = await shop.ask(of_coupons.ClaimCoupon(member_id=member, template=template))
        code: str = claimed.body["code"]
        return code

    async def use(verb: type[of_coupons.CouponCommand], code: str, reference: str, **rest: Any) -> None:
        await shop.ask(verb(member_id="", code=code, reference=reference, **rest))

    five, other, ten, dear = [await claim(template) for template in ("five", "five", "ten", "dear")]
    await claim("short")
    await shop.ask(of_coupons.IssueCoupon(member_id=member, template="short", reference="i", reason="sorry"))
    await shop.ask(of_coupons.ClaimCoupon(member_id=member, code=f"{member}-U1"))
    await shop.ask(of_coupons.ClaimCoupon(member_id=member, code="HELLO"))
    await use(of_coupons.LockCoupon, five, "a", discount=300)
    await use(of_coupons.UnlockCoupon, five, "a")
    await use(of_coupons.LockCoupon, five, "b", hold_seconds=60, discount=100)
    await use(of_coupons.RedeemCoupon, other, "c", discount=450)
    await use(of_coupons.RollBackCoupon, other, "c")
    await use(of_coupons.RedeemCoupon, f"{member}-U1", "d", discount=400)
    await use(of_coupons.VoidCoupon, dear, "e", reason="a mistake")
    await shop.ask(
        hold(member, "whole", 10_000, 5_000, points=300, cash=200, coupons=(ten, other), shipping_fen=800)
    )
    await shop.ask(complete(member, "whole"))
    await shop.ask(refund(member, "whole", "f1", amount=2_000))
    await shop.ask(refund(member, "whole", "f2", items=(("1", None, None), ("2", None, None))))
    await shop.ask(hold(member, "gone", 4_000, points=100, coupons=("HELLO",)))
    await shop.ask(at_checkout.CancelCheckout(member_id="", checkout_id=f"{member}-gone"))
    await shop.ask(hold(member, "never", 3_000, points=100, coupons=(ten,), hold_seconds=60))
    await shop.ask(at_checkout.ExtendCheckout(member_id="", checkout_id=f"{member}-never", hold_seconds=90))
    await shop.ask(hold(member, "late", 20_000, points="max", cash="max", coupons=(other,)))
    await shop.wait(hours=1)
    await use(of_coupons.RedeemCoupon, other, "f")
    await shop.ask(ask.Redeem(member_id=member, reference="r", points=2_000))
    await shop.ask(complete(member, "late", earn_only=True, paid=100))
    await shop.ask(ask.Accrue(member_id=member, order_id="o3", amount=100_000))
    await shop.ask(hold(member, "part", 8_000, 0, 2_345, points=100, coupons=("HELLO",), settle=False))
    await shop.ask(complete(member, "part"))
    await shop.ask(refund(member, "part", "f1", amount=3_000))
    await shop.wait(days=2)
    await shop.ask(
        hold(member, "open", 9_000, points=100, cash=50, coupons=(f"{member}-U2",), hold_seconds=604_800)
    )
