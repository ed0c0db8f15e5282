"""A cart as the entry of its hold keeps it: what completing, refunding and showing a checkout need of it."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from app.domain.coupon_templates import Gift
from app.domain.earning import Earned, Line, Part
from app.domain.orders import Order
from app.domain.quotes import CashUse, PointsUse, Quote, Shipping
from app.domain.till import QuotedLine, Used


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


def quote_of(kept: Sequence[Any]) -> Quote:
    """The quote that the entry keeps: in JSON its tuples are lists."""
    if isinstance(kept, Quote):
        return kept
    quote = Quote(*kept)
    points, breakdown, growth, cash_fen = quote.earned[:4]
    return quote._replace(
        lines=tuple(QuotedLine(*line) for line in quote.lines),
        used=tuple(
            Used(code, template, discount_fen, gift and Gift(*gift))
            for code, template, discount_fen, gift in quote.used
        ),
        points=PointsUse(*quote.points),
        cash=CashUse(*quote.cash),
        shipping=Shipping(*quote.shipping),
        earned=Earned(points, tuple(map(_part, breakdown)), growth, cash_fen),
    )


def _part(kept: Sequence[Any]) -> Part:
    """A part of a breakdown; in JSON it is a list."""
    rule, told, points, *more = kept
    return (rule, told, points, more[0]) if more else (rule, told, points)


class PricedCart:
    """Reads the detail of a hold's entry."""

    def __init__(self, held: Mapping[str, Any]) -> None:
        self._held = held
        self.quote = quote_of(held["quote"])
        self.channel: str | None = held["channel"]
        self.parts = [
            LineParts(line.payable_fen, line.points_fen, line.cash_fen) for line in self.quote.lines
        ]

    @property
    def shipping_fen(self) -> int:
        """What is to be paid for shipping."""
        return self.quote.shipping.payable_fen

    @property
    def money_fen(self) -> list[int]:
        """What of each line is to be paid in money."""
        return [part.money_fen for part in self.parts]

    @property
    def coupon_discounts(self) -> dict[str, int]:
        """What each coupon gives, by its own code."""
        by_name = {used.code: used.discount_fen for used in self.quote.used}
        return {code: by_name[name] for name, code in self._held["coupons"]}

    @property
    def campaign_discounts(self) -> Mapping[str, int]:
        """What each campaign takes off, goods and shipping together; 0 for a gift."""
        return self._held.get("campaign_discounts", {})

    def order_lines(self, amounts: Sequence[int]) -> tuple[Line, ...]:
        """The lines with these amounts (minor unit), as an order has them."""
        return tuple(
            Line(line.line_id, line.sku, line.category, line.brand, line.quantity, amount)
            for line, amount in zip(self.quote.lines, amounts, strict=True)
        )

    @property
    def goods(self) -> Order:
        """The lines at what they cost after discounts, nothing returned: what refunds are counted in."""
        payables = [part.payable_fen for part in self.parts]
        return Order(sum(payables), self.order_lines(payables), {}, 0, self.channel)
