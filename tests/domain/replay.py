"""What a member's lots hold, by their entries alone: read as `loyalty verify` and the past of liability read them."""

import json
from collections.abc import Iterable, Iterator

from app.domain.account import Entry, Lot
from app.domain.posting import Change
from app.queries.lot_moves import GRANTING_KINDS, HOLDING_KINDS, MOVING_KINDS, TAKING_KINDS

_REFUNDING_KINDS = ("reverse", "refund_checkout")


class Replay:
    """What the entries taken in so far tell of each lot: which made it, what is left, reserved and refunded of it."""

    def __init__(self) -> None:
        self._made_by: dict[int, int] = {}
        self._left: dict[int, tuple[int, int]] = {}
        self._refunded: dict[str, int] = {}  # by order

    def take_in(self, entry: Entry) -> None:
        for lot, remaining, reserved in _moves(entry):
            self._made_by.setdefault(lot, entry.sequence)
            before = self._left.get(lot, (0, 0))
            self._left[lot] = (before[0] + remaining, before[1] + reserved)
        if entry.kind in _REFUNDING_KINDS:
            assert entry.order_id is not None
            before = self._refunded.get(entry.order_id, 0)
            self._refunded[entry.order_id] = before + json.loads(entry.detail)["amount"]

    def check(self, lots: Iterable[Lot]) -> None:
        """All the member's lots, and no others, are as the entries tell."""
        found = {lot.lot: lot for lot in lots}
        assert self._made_by == {number: lot.sequence for number, lot in found.items()}
        assert self._left == {number: (lot.remaining, lot.reserved) for number, lot in found.items()}
        for lot in found.values():
            assert lot.order_id is None or lot.refunded == self._refunded.get(lot.order_id, 0)


def _moves(entry: Entry) -> Iterator[tuple[int, int, int]]:
    """(lot, remaining, reserved), signed, as `lot_moves` has them in SQL."""
    if entry.kind in GRANTING_KINDS and entry.lot is not None:
        yield entry.lot, entry.points + entry.pending, 0
    elif entry.kind in TAKING_KINDS + HOLDING_KINDS:
        for lot, part, *_ in json.loads(entry.detail).get("lots", ()):
            yield lot, -part, part if entry.kind in HOLDING_KINDS else 0
    elif entry.kind in (*MOVING_KINDS, "adjust"):
        for lot, remaining, reserved in json.loads(entry.detail).get("moves", ()):
            yield lot, remaining, reserved


def check_rows(change: Change) -> None:
    """What a change writes is its member's own."""
    many = (*change.lots, *change.coupons, *change.reviews, *change.progress, *change.given)
    one = (change.redemption, change.checkout, change.grant, change.activity)
    whose = (change.account.bucket, change.account.member_id)
    for row in (*many, *(each for each in one if each is not None)):
        assert (row.bucket, row.member_id) == whose, row
