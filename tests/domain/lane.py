"""A checkout lane for the tests: a member with points and cash, and what a shop asks for one cart after another."""

from collections.abc import Iterable
from typing import Any

from app.domain.carts import Cart, Wish
from app.domain.checkout_commands import (
    CancelCheckout,
    CompleteCheckout,
    ExtendCheckout,
    HoldCheckout,
    RefundCheckout,
)
from app.domain.commands import Accrue
from app.domain.coupon_commands import ClaimCoupon
from app.domain.coupon_templates import Template
from app.domain.program import Program
from tests.domain.book import Book
from tests.domain.programs import program
from tests.domain.shop import cart

CASH = {"policy": "single_order", "steps": [{"at_fen": 100_000, "reward_fen": 2_000}]}
PLAIN = program(cash=CASH, tiers={"ladder": [{"code": "bronze", "name": "b", "thresholds": {}, "rate": "1",
    "requires_review": False, "benefits": []}]})  # fmt: skip
"""One tier without benefits; 1 point a yuan; an order of 1,000 yuan or more gives 20 yuan of cash."""


class Lane:
    """A member `m` with 1,000 points, 20 yuan of cash and a coupon of each template, C1, C2, ... in their order."""

    def __init__(self, *templates: Template, program: Program = PLAIN, claims: bool = True) -> None:
        self.book = Book(program, "m", "n", templates=templates)
        self.book.do(Accrue(member_id="m", order_id="opening", amount=100_000))
        for template in templates:
            if claims and not template.automatic:
                self.book.do(ClaimCoupon(member_id="m", template=template.template))

    def hold(
        self,
        *amounts_fen: int,
        checkout_id: str = "k",
        items: Cart | None = None,
        shipping_fen: int = 0,
        points: Any = 0,
        cash: Any = 0,
        coupons: Any = (),
        **rest: Any,
    ) -> dict[str, Any]:
        return self.book.do(
            HoldCheckout(
                member_id="m",
                checkout_id=checkout_id,
                cart=items or cart(*amounts_fen, shipping_fen=shipping_fen),
                wish=Wish(points, cash, coupons),
                **rest,
            )
        )

    def extend(self, hold_seconds: int, checkout_id: str = "k") -> dict[str, Any]:
        return self.book.do(ExtendCheckout(member_id="m", checkout_id=checkout_id, hold_seconds=hold_seconds))

    def complete(self, checkout_id: str = "k", **how: Any) -> dict[str, Any]:
        return self.book.do(CompleteCheckout(member_id="m", checkout_id=checkout_id, **how))

    def cancel(self, checkout_id: str = "k") -> dict[str, Any]:
        return self.book.do(CancelCheckout(member_id="m", checkout_id=checkout_id))

    def refund(
        self,
        amount: int | None = None,
        *,
        items: Iterable[tuple[str, int | None, int | None]] = (),
        reference: str | None = None,
        checkout_id: str = "k",
    ) -> dict[str, Any]:
        return self.book.do(
            RefundCheckout(
                member_id="m",
                checkout_id=checkout_id,
                reference=reference or f"b{len(self.book.entries['m'])}",
                amount=amount,
                items=tuple(items),
            )
        )

    def lapse(self, **span: float) -> None:
        self.book.later(**(span or {"seconds": 1_800})).mature("m")

    @property
    def wallet(self) -> tuple[int, int, int, int, int]:
        """Available and reserved points, debt, cash, usable coupons."""
        account = self.book.account()
        return account.available, account.reserved, account.debt, account.cash, account.coupons
