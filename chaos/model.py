"""The model the history is held against: that of the tests, with activities, locked coupons and lines of orders.

It is single-threaded, keeps everything in memory and shares no code with the service.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from tests.ledger.fair_model import FairMember
from tests.ledger.model import Checkout, Lot, Refused, a_year_after, day

ACTIVITIES: Final[dict[tuple[str, str | None], tuple[int, int]]] = {
    ("review", None): (20, 20),
    ("review", "pictures"): (40, 20),
    ("share", None): (5, 0),
    ("quiz", None): (5, 0),
    ("suggestion", None): (200, 0),
}
"""Points and growth."""
PER_DAY: Final = {"review": 5, "share": 3}
SO_ALREADY: Final = "so_already"
"""What the model says to a command that would change nothing, and is accepted all the same."""

Facts = dict[str, Any]
Told = dict[str, Any]


@dataclass
class Activity:
    kind: str
    day: str
    lot: Lot
    growth: int


@dataclass
class ChaosMember(FairMember):
    activities: dict[str, Activity] = field(default_factory=dict[str, Activity])
    lines: dict[str, dict[str, int]] = field(default_factory=dict[str, dict[str, int]])  # not refunded yet
    locks: dict[str, tuple[str, datetime | None]] = field(
        default_factory=dict[str, tuple[str, datetime | None]]
    )  # by code: reference and end, of locked and redeemed coupons
    scarce: int = 0
    is_frozen: bool = False

    # --- trying ---------------------------------------------------------------------------------------------

    def keep(self) -> Callable[[], None]:
        """Remember how the member stands; what is returned puts it back so."""
        things = [*self.lots, *self.taken.values(), *self.checkouts.values()]
        were = [(thing, dict(vars(thing))) for thing in things]
        stood = {name: copy(value) for name, value in vars(self).items()}
        stood["lines"] = {order: dict(lines) for order, lines in self.lines.items()}

        def put_back() -> None:
            vars(self).update(stood)
            for thing, was in were:
                vars(thing).update(was)

        return put_back

    def due_between(self, first: datetime, last: datetime) -> set[datetime]:
        """When something falls due in this span, as the member stands."""
        return {moment for moment in self._moments() if first < moment <= last}

    def due_by(self, now: datetime) -> int:
        """How many things are due by then, as the member stands."""
        return sum(moment <= now for moment in self._moments())

    # --- what falls due -------------------------------------------------------------------------------------

    def _moments(self) -> list[datetime]:
        return [*super()._moments(), *(ends for _, ends in self.locks.values() if ends is not None)]

    def _happen(self, moment: datetime) -> None:
        for code, (_, ends) in list(self.locks.items()):
            if ends == moment:
                self._free_coupon(code, moment)
        super()._happen(moment)

    def check_active(self) -> None:
        if self.is_frozen:
            raise Refused("member_frozen")

    # --- commands -------------------------------------------------------------------------------------------

    def reverse_line(self, order: str, line: str) -> int:
        """The amount of the line, all of which comes back."""
        if self._order(order) is None:
            raise Refused("order_not_found")
        amount = self.lines[order].get(line)
        if amount is None:
            raise Refused("refund_exceeds_order")
        self.reverse(order, amount)
        del self.lines[order][line]
        return amount

    def record(
        self, now: datetime, reference: str, kind: str, level: str | None, gift: int
    ) -> tuple[int, int]:
        """Points and growth; `gift` is what a campaign adds whose budget all members share."""
        today = day(now)
        done = sum(each.kind == kind and each.day == today for each in self.activities.values())
        if done >= PER_DAY.get(kind, done + 1):
            raise Refused("activity_limit_reached")
        points, growth = ACTIVITIES[kind, level]
        points += gift
        lot = Lot(points, now, a_year_after(now))
        self.earned += points
        self.growth += growth
        self._grant(lot, now)
        self.activities[reference] = Activity(kind, today, lot, growth)
        return points, growth

    def take_down(self, reference: str) -> int:
        activity = self.activities.get(reference)
        if activity is None:
            raise Refused("activity_not_found")
        self.earned -= activity.lot.granted
        self.growth -= activity.growth
        self._recover(activity.lot, activity.lot.granted)
        return activity.lot.granted

    def _coupon(self, code: str) -> str:
        """How the coupon stands; one that is nobody's becomes this member's by being named."""
        if any(checkout.coupon == code for checkout in self._with_coupons()):
            raise Refused("coupon_of_checkout")
        return self.coupons[code][0] if code in self.coupons else "issued"

    def _with_coupons(self) -> list[Any]:
        return [checkout for checkout in self.checkouts.values() if checkout.status in ("held", "completed")]

    def _check_usable(self, status: str) -> None:
        if status != "issued":
            raise Refused(f"coupon_{status}")

    def _get(self, now: datetime, code: str) -> None:
        if code not in self.coupons:
            self.claim(now, code)

    def lock(self, now: datetime, code: str, reference: str, seconds: int) -> None:
        self._check_usable(self.coupons[code][0] if code in self.coupons else "issued")
        self._get(now, code)
        self.coupons[code] = "locked", self.coupons[code][1]
        self.locks[code] = reference, now + timedelta(seconds=seconds)

    def unlock(self, now: datetime, code: str, reference: str) -> None:
        if self._coupon(code) != "locked":
            raise Refused("coupon_not_locked")
        if self.locks[code][0] != reference:
            raise Refused("coupon_locked")
        self._free_coupon(code, now)

    def use(self, now: datetime, code: str, reference: str) -> None:
        status = self._coupon(code)
        if status != "locked" or self.locks[code][0] != reference:
            self.check_active()
            self._check_usable(status)
        self._get(now, code)
        self.coupons[code] = "redeemed", self.coupons[code][1]
        self.locks[code] = reference, None

    def roll_back(self, now: datetime, code: str) -> None:
        if self._coupon(code) != "redeemed":
            raise Refused("coupon_not_redeemed")
        self._free_coupon(code, now)

    def void(self, now: datetime, code: str) -> None:
        status = self.coupons[code][0] if code in self.coupons else "issued"
        if status in ("locked", "redeemed", "voided"):
            raise Refused(f"coupon_{status}")
        self._get(now, code)
        self.coupons[code] = "voided", self.coupons[code][1]

    def _take_what_is_free(self, checkout: Checkout, *, earn_only: bool) -> None:
        self.check_active()  # what was held is kept; what lapsed would be taken anew
        super()._take_what_is_free(checkout, earn_only=earn_only)

    def extend(self, now: datetime, name: str, seconds: int) -> None:
        checkout = self._checkout(name)
        if checkout.status != "held":
            raise Refused("checkout_not_held")
        checkout.ends = max(checkout.ends, now + timedelta(seconds=seconds))

    def _free_coupon(self, code: str, now: datetime) -> None:
        _, until = self.coupons[code]
        del self.locks[code]
        self.coupons[code] = "expired" if until <= now else "issued", until


# --- from what was asked to what the answer must tell ---------------------------------------------------------


def carry_out(members: dict[str, ChaosMember], name: str, kind: str, facts: Facts, now: datetime) -> Told:
    """Do it in the model. What the answer must tell, by field; raises Refused."""
    member = members[name]
    member.pass_to(now)
    if kind in _NEEDS_ACTIVE:
        member.check_active()
    told = _DOES[kind](members, member, facts, now)
    available, pending, reserved, debt = member.balances()
    if kind not in _WITHOUT_BALANCE:
        told["balance"] = {"available": available, "pending": pending, "reserved": reserved, "debt": debt}
    return told


def _accrue(_members: dict[str, ChaosMember], member: ChaosMember, facts: Facts, now: datetime) -> Told:
    member.accrue(now, facts["order"], facts["amount"], occurred_at=now, settle=facts["settle"])
    if "lines" in facts:
        member.lines[facts["order"]] = dict(facts["lines"])
    return {"points": member.lots[-1].granted, "status": "settled" if facts["settle"] else "pending"}


def _settle(_members: dict[str, ChaosMember], member: ChaosMember, facts: Facts, now: datetime) -> Told:
    member.settle(now, facts["order"])
    return {"status": "settled"}


def _reverse(_members: dict[str, ChaosMember], member: ChaosMember, facts: Facts, _now: datetime) -> Told:
    if "line" in facts:
        return {"amount": member.reverse_line(facts["order"], facts["line"])}
    debt = member.debt
    member.reverse(facts["order"], facts["amount"])
    return {"amount": facts["amount"], "shortfall": member.debt - debt}


def _redeem(_members: dict[str, ChaosMember], member: ChaosMember, facts: Facts, now: datetime) -> Told:
    member.redeem(now, facts["reference"], facts["points"], hold_seconds=facts["hold_seconds"])
    parts = member.taken[facts["reference"]].parts
    return {"points": facts["points"], "lots": [(number + 1, part) for number, part in parts]}


def _commit(_members: dict[str, ChaosMember], member: ChaosMember, facts: Facts, now: datetime) -> Told:
    member.commit(now, facts["reference"], facts["points"])
    return {"points": sum(part for _, part in member.taken[facts["reference"]].parts)}


def _cancel(_members: dict[str, ChaosMember], member: ChaosMember, facts: Facts, now: datetime) -> Told:
    member.cancel(now, facts["reference"])
    return {"status": "cancelled"}


def _refund(_members: dict[str, ChaosMember], member: ChaosMember, facts: Facts, now: datetime) -> Told:
    before = sum(lot.redeemed for lot in member.lots)
    member.refund(now, facts["reference"], facts["points"])
    return {"points": before - sum(lot.redeemed for lot in member.lots)}


def _sign_in(_members: dict[str, ChaosMember], member: ChaosMember, _facts: Facts, now: datetime) -> Told:
    if not member.sign_in(now):
        raise Refused("signed_in_already")
    return {"streak": member.streak, "date": day(now), "points": member.lots[-1].granted}


def _adjust(_members: dict[str, ChaosMember], member: ChaosMember, facts: Facts, now: datetime) -> Told:
    member.adjust(now, facts["points"])
    return {"points": facts["points"]}


def _transfer(members: dict[str, ChaosMember], member: ChaosMember, facts: Facts, now: datetime) -> Told:
    other = members[facts["to"]]
    other.check_active()
    other.pass_to(now)
    member.transfer(now, other, facts["points"])
    return {"points": facts["points"]}


def _activity(_members: dict[str, ChaosMember], member: ChaosMember, facts: Facts, now: datetime) -> Told:
    points, growth = member.record(
        now, facts["reference"], facts["activity"], facts["level"], facts.get("gift", 0)
    )
    return {"points": points, "growth": growth, "status": "recorded"}


def _take_down(_members: dict[str, ChaosMember], member: ChaosMember, facts: Facts, _now: datetime) -> Told:
    return {"points": member.take_down(facts["reference"]), "status": "reversed"}


def _claim(_members: dict[str, ChaosMember], member: ChaosMember, facts: Facts, now: datetime) -> Told:
    member.claim(now, facts["code"])
    return {"code": facts["code"], "status": "issued"}


def _claim_scarce(
    _members: dict[str, ChaosMember], member: ChaosMember, _facts: Facts, _now: datetime
) -> Told:
    """What is given out of a stock is counted over all members, apart from here."""
    member.scarce += 1
    return {"status": "issued"}


def _lock(_members: dict[str, ChaosMember], member: ChaosMember, facts: Facts, now: datetime) -> Told:
    member.lock(now, facts["code"], facts["reference"], facts["hold_seconds"])
    return {"status": "locked", "reference": facts["reference"]}


def _unlock(_members: dict[str, ChaosMember], member: ChaosMember, facts: Facts, now: datetime) -> Told:
    member.unlock(now, facts["code"], facts["reference"])
    return {"status": member.coupons[facts["code"]][0]}


def _use(_members: dict[str, ChaosMember], member: ChaosMember, facts: Facts, now: datetime) -> Told:
    member.use(now, facts["code"], facts["reference"])
    return {"status": "redeemed"}


def _roll_back(_members: dict[str, ChaosMember], member: ChaosMember, facts: Facts, now: datetime) -> Told:
    member.roll_back(now, facts["code"])
    return {"status": member.coupons[facts["code"]][0]}


def _void(_members: dict[str, ChaosMember], member: ChaosMember, facts: Facts, now: datetime) -> Told:
    member.void(now, facts["code"])
    return {"status": "voided"}


def _freeze(_members: dict[str, ChaosMember], member: ChaosMember, _facts: Facts, _now: datetime) -> Told:
    if member.is_frozen:
        raise Refused(SO_ALREADY)
    member.is_frozen = True
    return {"status": "frozen"}


def _unfreeze(_members: dict[str, ChaosMember], member: ChaosMember, _facts: Facts, _now: datetime) -> Told:
    if not member.is_frozen:
        raise Refused(SO_ALREADY)
    member.is_frozen = False
    return {"status": "active"}


def _extend(_members: dict[str, ChaosMember], member: ChaosMember, facts: Facts, now: datetime) -> Told:
    member.extend(now, facts["checkout"], facts["seconds"])
    return {"status": "held"}


def _hold(_members: dict[str, ChaosMember], member: ChaosMember, facts: Facts, now: datetime) -> Told:
    member.hold(
        now,
        facts["checkout"],
        facts["amount"],
        points=facts["points"],
        cash=facts["cash"],
        coupon=facts["coupon"],
        seconds=facts["seconds"],
    )
    held = member.checkouts[facts["checkout"]]
    return {"status": "held", "payable": held.payable - held.points - held.cash}


def _complete(_members: dict[str, ChaosMember], member: ChaosMember, facts: Facts, now: datetime) -> Told:
    member.complete(now, facts["checkout"], earn_only=facts["earn_only"])
    return {"status": "completed"}


def _release(_members: dict[str, ChaosMember], member: ChaosMember, facts: Facts, now: datetime) -> Told:
    member.release(now, facts["checkout"])
    return {"status": "cancelled"}


def _refund_checkout(
    _members: dict[str, ChaosMember], member: ChaosMember, facts: Facts, now: datetime
) -> Told:
    member.refund_checkout(now, facts["checkout"], facts["amount"])
    refunded = member.checkouts[facts["checkout"]].status == "refunded"
    return {"status": "refunded" if refunded else "partially_refunded"}


_DOES: Final[dict[str, Callable[[dict[str, ChaosMember], ChaosMember, Facts, datetime], Told]]] = {
    "accrue": _accrue,
    "settle": _settle,
    "reverse": _reverse,
    "redeem": _redeem,
    "commit": _commit,
    "cancel": _cancel,
    "refund": _refund,
    "sign_in": _sign_in,
    "adjust": _adjust,
    "transfer": _transfer,
    "activity": _activity,
    "reverse_activity": _take_down,
    "claim_code": _claim,
    "claim_scarce": _claim_scarce,
    "lock_coupon": _lock,
    "unlock_coupon": _unlock,
    "redeem_coupon": _use,
    "roll_back_coupon": _roll_back,
    "void_coupon": _void,
    "freeze": _freeze,
    "unfreeze": _unfreeze,
    "extend": _extend,
    "hold": _hold,
    "complete": _complete,
    "release": _release,
    "refund_checkout": _refund_checkout,
}
_NEEDS_ACTIVE: Final = frozenset(
    (
        "accrue",
        "redeem",
        "sign_in",
        "transfer",
        "activity",
        "claim_code",
        "claim_scarce",
        "lock_coupon",
        "hold",
    )
)
_WITHOUT_BALANCE: Final = frozenset(
    ("claim_code", "claim_scarce", "lock_coupon", "unlock_coupon", "redeem_coupon", "roll_back_coupon", "void_coupon",
     "complete", "release", "refund_checkout", "freeze", "unfreeze")
)  # fmt: skip
