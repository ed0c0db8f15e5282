"""An order as its lot keeps it: what was bought, what of it came back, and what the rest is worth in points.

Points kept after refunds are the points of what is left of the order, under the version and the tier rate that
granted them (RULES.md: refund of an order): so many small refunds give the same as one.
"""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from app.domain.account import Lot
from app.domain.boosts import Boost, read_boosts, write_boosts
from app.domain.compact import compact
from app.domain.earning import Earned, Line, earned
from app.domain.errors import ItemNotInOrder, RefundExceedsOrder
from app.domain.program import Program
from app.domain.rows import quickly_replaced


class Returned(NamedTuple):
    """What came back of one line so far."""

    quantity: int
    amount: int


@quickly_replaced
class Order(NamedTuple):
    """What was paid for goods, in the minor unit, and what of it was refunded: by lines, and without naming any.

    `boosts` are what campaigns added to it.
    """

    amount: int
    lines: tuple[Line, ...]
    returned: dict[str, Returned]
    unallocated: int
    channel: str | None
    boosts: tuple[Boost, ...] = ()
    coupons: tuple[str, ...] = ()  # codes of those that campaigns gave for it

    @property
    def refunded(self) -> int:
        if not self.returned:
            return self.unallocated
        return self.unallocated + sum(part.amount for part in self.returned.values())

    @property
    def rest(self) -> int:
        return self.amount - self.refunded

    def refund_amount(self, amount: int) -> "Order":
        """The order after `amount` more came back, no line named. Raises RefundExceedsOrder."""
        if amount > self.rest:
            raise RefundExceedsOrder(rest_fen=self.rest)
        return self._replace(unallocated=self.unallocated + amount)

    def refund_items(self, items: Sequence[tuple[str, int | None, int | None]]) -> "Order":
        """The order after these (line_id, quantity, amount) came back. Raises ItemNotInOrder, RefundExceedsOrder.

        A quantity without an amount takes its share of the line, so that all its pieces add up to the line.
        """
        lines = {line.line_id: line for line in self.lines}
        returned = dict(self.returned)
        for line_id, quantity, amount in items:
            line = lines.get(line_id)
            if line is None:
                raise ItemNotInOrder
            before = returned.get(line_id, Returned(0, 0))
            returned[line_id] = _returned(line, before, quantity, amount)
        after = self._replace(returned=returned)
        if after.rest < 0:
            raise RefundExceedsOrder(rest_fen=self.rest)
        return after

    def earned(self, *, tier: str, program: Program, spend_before: int = 0) -> Earned:
        """What is left of the order earns this, at the rate of `tier` in the version that granted it.

        `spend_before` is the lifetime spend without this order: cumulative cash back depends on it.
        """
        lines = self.lines
        if self.returned:
            lines = tuple(
                line._replace(amount_fen=line.amount_fen - self.returned[line.line_id].amount)
                if line.line_id in self.returned
                else line
                for line in lines
            )
        return earned(
            amount_fen=self.rest,
            lines=lines,
            unallocated_refund_fen=self.unallocated,
            tier=tier,
            spend_before_fen=spend_before,
            program=program,
            boosts=self.boosts,
            ordered_fen=self.amount,
        )

    def terms(self, *, is_told: bool = False) -> str | None:
        """The JSON kept in the lot: None where the amounts tell it all. Once an entry told what the order earned in
        full (`is_told`), it need not say what campaigns call themselves.
        """
        if not (self.lines or self.channel is not None or self.returned or self.coupons):
            return _terms_of(self.boosts, is_told=is_told) if self.boosts else None
        terms: dict[str, Any] = {}
        if self.channel is not None:
            terms["channel"] = self.channel
        if self.lines:
            terms["lines"] = self.lines
        if self.returned:
            terms["returned"] = self.returned
            terms["unallocated"] = self.unallocated
        if self.boosts:
            terms["boosts"] = write_boosts(self.boosts, is_told=is_told)
        if self.coupons:
            terms["coupons"] = self.coupons
        return compact(terms)


@lru_cache(maxsize=1024)
def _terms_of(boosts: tuple[Boost, ...], *, is_told: bool) -> str:
    """The terms of an order that tell of campaigns alone: one after another has the same."""
    return compact({"boosts": write_boosts(boosts, is_told=is_told)})


def order_of(lot: Lot) -> Order:
    """The order a lot keeps."""
    terms: dict[str, Any] = json.loads(lot.terms) if lot.terms else {}
    refunded = lot.refunded or 0
    return Order(
        amount=lot.amount or 0,
        lines=tuple(Line(*line) for line in terms.get("lines", ())),
        returned={line_id: Returned(*part) for line_id, part in terms.get("returned", {}).items()},
        unallocated=terms.get("unallocated", 0) if "returned" in terms else refunded,
        channel=terms.get("channel"),
        boosts=read_boosts(terms.get("boosts", ())),
        coupons=tuple(terms.get("coupons", ())),
    )


def _returned(line: Line, before: Returned, quantity: int | None, amount: int | None) -> Returned:
    rest = line.amount_fen - before.amount
    pieces = line.quantity - before.quantity
    if quantity is None and amount is None:
        if not rest and not pieces:
            raise RefundExceedsOrder(rest_fen=0)
        return Returned(line.quantity, line.amount_fen)
    if quantity is not None and quantity > pieces:
        raise RefundExceedsOrder(rest_fen=rest)
    if amount is None:
        came_back = before.quantity + (quantity or 0)
        amount = min(max(line.amount_fen * came_back // line.quantity - before.amount, 0), rest)
    if amount > rest:
        raise RefundExceedsOrder(rest_fen=rest)
    return Returned(before.quantity + (quantity or 0), before.amount + amount)
