"""A cart as the entry of its hold keeps it: what completing, refunding and showing a checkout need of it."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from app.domain.earning import Line
from app.domain.orders import Order


class LineParts(NamedTuple):
    """What is paid of a line, in the minor unit: payable = points' value + cash + money."""

    payable_fen: int
    points_fen: int
    cash_fen: int

    def of(self, value_fen: int) -> "LineParts":
        """The parts of `value_fen` of the line: never more of any than before, for more of the line, never less."""
        if not value_fen:
            return LineParts(0, 0, 0)
        points_fen = self.points_fen * value_fen // self.payable_fen
        left_fen = self.payable_fen - self.points_fen
        cash_fen = self.cash_fen * (value_fen - points_fen) // left_fen if left_fen else 0
        return LineParts(value_fen, points_fen, cash_fen)

    @property
    def money_fen(self) -> int:
        return self.payable_fen - self.points_fen - self.cash_fen


class PricedCart:
    """Reads the detail of a hold's entry."""

    def __init__(self, held: Mapping[str, Any]) -> None:
        self._held = held
        self._quote: Mapping[str, Any] = held["quote"]
        self.payable_fen: int = self._quote["payable"]
        self.shipping_fen: int = self._quote["shipping"]["payable"]
        self.channel: str | None = held["channel"]
        self.points_value_fen: int = self._quote["points"]["value"]
        self.line_ids: list[str] = [line["line_id"] for line in self._quote["lines"]]
        self.parts = [
            LineParts(line["payable"], points_fen, cash_fen)
            for line, (*_, points_fen, cash_fen) in zip(self._quote["lines"], held["lines"], strict=True)
        ]

    @cached_property
    def money_fen(self) -> list[int]:
        """What of each line is to be paid in money."""
        return [part.money_fen for part in self.parts]

    @property
    def coupon_discounts(self) -> dict[str, int]:
        """What each coupon gives, by its own code."""
        by_name = {coupon["code"]: coupon["discount"] for coupon in self._quote["coupons"]}
        return {code: by_name[name] for name, code in self._held["coupons"]}

    def order_lines(self, amounts: Sequence[int]) -> tuple[Line, ...]:
        """The lines with these amounts (minor unit), as an order has them."""
        return tuple(
            Line(line_id, sku, category, brand, quantity, amount)
            for line_id, (sku, category, brand, quantity, *_), amount in zip(
                self.line_ids, self._held["lines"], amounts, strict=True
            )
        )

    @property
    def goods(self) -> Order:
        """The lines at what they cost after discounts, nothing returned: what refunds are counted in."""
        payables = [part.payable_fen for part in self.parts]
        return Order(sum(payables), self.order_lines(payables), {}, 0, self.channel)
