"""What RULES.md says of points, written a second time and as plainly as can be, to hold the engine against.

Nothing here is taken from the service's code. The program is the default one: 1 point per yuan times the
tier's rate, valid a year from the accrual, orders pending 15 days at most, tiers by lifetime spend.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

SHANGHAI = timedelta(hours=8)
TIERS = [
    ("platinum", 1_000_000, 15),
    ("gold", 300_000, 12),
    ("silver", 30_000, 10),
    ("bronze", 0, 10),
]  # spend in fen, rate in tenths


class Refused(Exception):
    """The rules say no, under this code."""


@dataclass
class Lot:
    granted: int
    accrued_at: datetime
    expires_at: datetime
    order: str | None = None
    amount: int = 0
    refunded: int = 0
    rate: int = 10
    settle_at: datetime | None = None  # while it is pending
    remaining: int = 0
    reserved: int = 0
    redeemed: int = 0
    expired: int = 0
    clawed_back: int = 0
    moved: int = 0

    def is_reversed(self) -> bool:
        """An order that came back whole."""
        return 0 < self.amount == self.refunded

    def worth(self) -> int:
        """The points of what is left of the order."""
        return (self.amount - self.refunded) * self.rate // 1_000


@dataclass
class Taken:
    """A redemption: what it took of which lot, in that order; `hold_ends` while it is a hold."""

    parts: list[list[int]]
    hold_ends: datetime | None
    status: str


@dataclass
class Checkout:
    """A cart of one line: what is to be paid in points, cash and money, and what was taken of the first two."""

    payable: int
    points: int
    cash: int
    coupon: str | None
    parts: list[list[int]]
    ends: datetime
    status: str = "held"
    taken_points: int = 0
    taken_cash: int = 0
    refunded: int = 0  # of what was payable

    def back(self, refunded: int) -> tuple[int, int, int]:
        """Points, cash and money that come back of so much."""
        if not refunded:
            return 0, 0, 0
        points = self.points * refunded // self.payable
        rest = self.payable - self.points
        cash = self.cash * (refunded - points) // rest if rest else 0
        return (
            self.taken_points * points // self.points if self.points else 0,
            self.taken_cash * cash // self.cash if self.cash else 0,
            refunded - points - cash,
        )


@dataclass
class Member:
    lots: list[Lot] = field(default_factory=list[Lot])
    checkouts: dict[str, Checkout] = field(default_factory=dict[str, Checkout])
    coupons: dict[str, tuple[str, datetime]] = field(default_factory=dict[str, tuple[str, datetime]])
    taken: dict[str, Taken] = field(default_factory=dict[str, Taken])
    debt: int = 0
    spend: int = 0
    growth: int = 0
    cash: int = 0
    earned: int = 0
    streak: int = 0
    last_sign_in: str | None = None

    # --- looking ------------------------------------------------------------------------------------------

    @property
    def available(self) -> int:
        return sum(lot.remaining for lot in self.lots if lot.settle_at is None)

    @property
    def pending(self) -> int:
        return sum(lot.remaining for lot in self.lots if lot.settle_at is not None)

    @property
    def reserved(self) -> int:
        return sum(lot.reserved for lot in self.lots)

    @property
    def tier(self) -> str:
        return next(code for code, spend, _ in TIERS if self.spend >= spend)

    def balances(self) -> tuple[int, int, int, int]:
        return self.available, self.pending, self.reserved, self.debt

    def next_expiration(self) -> tuple[datetime | None, int]:
        """When points that are available expire next, and how many."""
        spendable = self._in_spending_order()
        if not spendable:
            return None, 0
        at = spendable[0].expires_at
        return at, sum(lot.remaining for lot in spendable if lot.expires_at == at)

    def _order(self, order: str) -> Lot | None:
        return next((lot for lot in self.lots if lot.order == order), None)

    def _in_spending_order(self) -> list[Lot]:
        spendable = [lot for lot in self.lots if lot.settle_at is None and lot.remaining]
        return sorted(spendable, key=lambda lot: lot.expires_at)  # stable: oldest first

    # --- time ---------------------------------------------------------------------------------------------

    def pass_to(self, now: datetime) -> None:
        """Whatever falls due by `now` happens, earliest first."""
        while True:
            moment = min(self._moments(), default=None)
            if moment is None or moment > now:
                return
            self._happen(moment)

    def _moments(self) -> list[datetime]:
        return [
            *(lot.settle_at for lot in self.lots if lot.settle_at and not lot.is_reversed()),
            *(lot.expires_at for lot in self.lots if not lot.settle_at and lot.remaining),
            *(taken.hold_ends for taken in self.taken.values() if taken.hold_ends),
            *(checkout.ends for checkout in self.checkouts.values() if checkout.status == "held"),
            *(until for status, until in self.coupons.values() if status == "issued"),
        ]

    def _happen(self, moment: datetime) -> None:
        for lot in self.lots:
            if lot.settle_at == moment and not lot.is_reversed():
                self._settle(lot, moment)
        for lot in self.lots:
            if not lot.settle_at and lot.expires_at <= moment:
                lot.expired += lot.remaining
                lot.remaining = 0
        # Whose points come back first matters: they pay debt. RULES.md doesn't say; the engine goes by kind and name.
        for _, checkout in sorted(self.checkouts.items()):
            if checkout.status == "held" and checkout.ends == moment:
                self._let_go(checkout, moment, "lapsed")
        for _, taken in sorted(self.taken.items()):
            if taken.hold_ends == moment:
                self._free(taken.parts, moment)
                taken.parts, taken.hold_ends, taken.status = [], None, "expired"
        for code, (status, until) in self.coupons.items():
            if status == "issued" and until <= moment:
                self.coupons[code] = "expired", until

    def _arrive(self, lot: Lot, points: int, now: datetime) -> None:
        """What has expired is gone, the rest pays debt before it is available."""
        if lot.expires_at <= now:
            lot.expired += points
            return
        paid = min(self.debt, points)
        self.debt -= paid
        lot.clawed_back += paid
        lot.remaining += points - paid

    def _grant(self, lot: Lot, now: datetime) -> None:
        self.lots.append(lot)
        self._arrive(lot, lot.granted, now)

    def _settle(self, lot: Lot, now: datetime) -> None:
        lot.settle_at = None
        points, lot.remaining = lot.remaining, 0
        self._arrive(lot, points, now)
        left = lot.amount - lot.refunded
        self.spend += left
        self.earned += points
        self.growth += left // 100
        self.cash += 1_000 if left >= 100_000 else 0

    def _free(self, parts: list[list[int]], now: datetime) -> None:
        for number, part in parts:
            self.lots[number].reserved -= part
            self._arrive(self.lots[number], part, now)

    # --- commands -----------------------------------------------------------------------------------------

    def accrue(self, now: datetime, order: str, amount: int, *, occurred_at: datetime, settle: bool) -> None:
        rate = next(rate for code, _, rate in TIERS if code == self.tier)
        lot = Lot(
            granted=amount * rate // 1_000,
            accrued_at=occurred_at,
            expires_at=a_year_after(occurred_at),
            order=order,
            amount=amount,
            rate=rate,
            settle_at=now + timedelta(days=15),
        )
        lot = self.with_campaigns(lot)
        lot.remaining = lot.granted
        self.lots.append(lot)
        if settle:
            self._settle(lot, now)

    def with_campaigns(self, lot: Lot) -> Lot:
        """An order's lot with what campaigns add to it: here none is live."""
        return lot

    def with_campaigns_of_the_day(self, points: int) -> int:
        """What a sign-in gives with what campaigns add to it."""
        return points

    def settle(self, now: datetime, order: str) -> None:
        lot = self._order(order)
        if lot is None:
            raise Refused("order_not_found")
        if lot.settle_at is None:
            raise Refused("order_not_pending")
        if lot.is_reversed():
            raise Refused("order_reversed")
        self._settle(lot, now)

    def reverse(self, order: str, amount: int) -> None:
        lot = self._order(order)
        if lot is None:
            raise Refused("order_not_found")
        left = lot.amount - lot.refunded
        if amount > left:
            raise Refused("refund_exceeds_order")
        self._take_back(lot, amount)

    def _take_back(self, lot: Lot, amount: int) -> None:
        left = lot.amount - lot.refunded
        before = lot.worth()
        lot.refunded += amount
        owed = before - lot.worth()
        if lot.settle_at is not None:
            lot.remaining -= owed
            lot.clawed_back += owed
            return
        self.spend -= amount
        self.earned -= owed
        self.growth += (left - amount) // 100 - left // 100
        self.cash -= 1_000 if left >= 100_000 > left - amount else 0
        self._recover(lot, owed)

    def _recover(self, lot: Lot, owed: int) -> None:
        """From the lot itself (what expired of it counts), then from the others; the rest is debt."""
        own = min(lot.remaining, owed)
        lot.remaining -= own
        gone = min(lot.expired, owed - own)
        lot.expired -= gone
        lot.clawed_back += own + gone
        owed -= own + gone
        for other in self._in_spending_order():
            part = min(other.remaining, owed)
            other.remaining -= part
            other.clawed_back += part
            owed -= part
        self.debt += owed

    def redeem(self, now: datetime, reference: str, points: int, *, hold_seconds: int | None) -> None:
        if points > self.available:
            raise Refused("insufficient_points")
        parts = self._take(points, holds=bool(hold_seconds))
        ends = now + timedelta(seconds=hold_seconds) if hold_seconds else None
        self.taken[reference] = Taken(parts, ends, "reserved" if hold_seconds else "redeemed")

    def _take(self, points: int, *, holds: bool) -> list[list[int]]:
        parts: list[list[int]] = []
        for lot in self._in_spending_order():
            part = min(lot.remaining, points)
            if part:
                parts.append([self.lots.index(lot), part])
                lot.remaining -= part
                if holds:
                    lot.reserved += part
                else:
                    lot.redeemed += part
                points -= part
        return parts

    def _hold(self, reference: str) -> Taken:
        taken = self.taken.get(reference)
        if taken is None:
            raise Refused("redemption_not_found")
        if taken.status == "expired":
            raise Refused("reservation_expired")
        if taken.status != "reserved":
            raise Refused("reservation_closed")
        return taken

    def commit(self, now: datetime, reference: str, points: int | None) -> None:
        taken = self._hold(reference)
        held = sum(part for _, part in taken.parts)
        points = held if points is None else points
        if points > held:
            raise Refused("commit_exceeds_reservation")
        kept, freed = split(taken.parts, points)
        for number, part in kept:
            self.lots[number].reserved -= part
            self.lots[number].redeemed += part
        self._free(freed, now)
        taken.parts, taken.hold_ends, taken.status = kept, None, "redeemed"

    def cancel(self, now: datetime, reference: str) -> None:
        taken = self._hold(reference)
        self._free(taken.parts, now)
        taken.parts, taken.hold_ends, taken.status = [], None, "cancelled"

    def refund(self, now: datetime, reference: str, points: int | None) -> None:
        taken = self.taken.get(reference)
        if taken is None:
            raise Refused("redemption_not_found")
        if taken.status == "reserved":
            raise Refused("reservation_open")
        if taken.status != "redeemed":
            raise Refused("reservation_closed")
        spent = sum(part for _, part in taken.parts)
        points = spent if points is None else points
        if points > spent or not points:
            raise Refused("refund_exceeds_redemption")
        taken.parts, back = split(taken.parts, spent - points)
        for number, part in back:
            self.lots[number].redeemed -= part
            self._arrive(self.lots[number], part, now)

    # --- coupons and checkouts: 7 yuan off 20, till the end of the next day ---------------------------------

    def claim(self, now: datetime, code: str) -> None:
        if code in self.coupons:
            raise Refused("coupon_not_yours")
        self.coupons[code] = "issued", midnight_after(now, days=1)

    def hold(
        self,
        now: datetime,
        name: str,
        amount: int,
        *,
        points: int,
        cash: int,
        coupon: str | None,
        seconds: int,
    ) -> None:
        payable = amount - amount * {"platinum": 5, "gold": 2, "silver": 2, "bronze": 0}[self.tier] // 100
        if coupon is not None:
            status, _ = self.coupons.get(coupon, ("issued", now))
            if status != "issued" or payable < 2_000:
                raise Refused("coupon_not_applicable")
            payable -= 700
        most = min(self.available, payable // 2) // 100 * 100
        if points % 100 or points > most:
            raise Refused("points_over_limit")
        if cash > max(min(self.cash, payable - points), 0):
            raise Refused("cash_over_limit")
        if coupon is not None:
            _, until = self.coupons.get(coupon, ("issued", midnight_after(now, days=1)))
            self.coupons[coupon] = "locked", until
        parts = self._take(points, holds=True)
        self.cash -= cash
        ends = now + timedelta(seconds=seconds)
        self.checkouts[name] = Checkout(payable, points, cash, coupon, parts, ends)

    def _checkout(self, name: str) -> Checkout:
        if name not in self.checkouts:
            raise Refused("checkout_not_found")
        if self.checkouts[name].status == "cancelled":
            raise Refused("checkout_cancelled")
        return self.checkouts[name]

    def _let_go(self, checkout: Checkout, now: datetime, status: str) -> None:
        self._free(checkout.parts, now)
        self.cash += checkout.cash
        checkout.parts, checkout.status = [], status
        self._give_coupon_back(checkout, now)

    def _give_coupon_back(self, checkout: Checkout, now: datetime) -> None:
        if checkout.coupon is not None:
            _, until = self.coupons[checkout.coupon]
            self.coupons[checkout.coupon] = "expired" if until <= now else "issued", until

    def release(self, now: datetime, name: str) -> None:
        checkout = self._checkout(name)
        if checkout.status != "held":
            raise Refused("checkout_not_held")
        self._let_go(checkout, now, "cancelled")

    def complete(self, now: datetime, name: str, *, earn_only: bool) -> None:
        checkout = self._checkout(name)
        if checkout.status == "held":
            checkout.taken_points, checkout.taken_cash = checkout.points, checkout.cash
            for number, part in checkout.parts:
                self.lots[number].reserved -= part
                self.lots[number].redeemed += part
        elif checkout.status == "lapsed":
            self._take_what_is_free(checkout, earn_only=earn_only)
        else:
            raise Refused("checkout_completed")
        if checkout.coupon is not None:
            self.coupons[checkout.coupon] = "redeemed", self.coupons[checkout.coupon][1]
        checkout.status = "completed"
        money = checkout.payable - checkout.points - checkout.cash
        self.accrue(now, name, money, occurred_at=now, settle=True)

    def _take_what_is_free(self, checkout: Checkout, *, earn_only: bool) -> None:
        points, cash = min(checkout.points, self.available), min(checkout.cash, max(self.cash, 0))
        lost = checkout.coupon is not None and self.coupons[checkout.coupon][0] != "issued"
        if (points < checkout.points or cash < checkout.cash or lost) and not earn_only:
            raise Refused("hold_lapsed")
        checkout.parts = self._take(points, holds=False)
        self.cash -= cash
        checkout.taken_points, checkout.taken_cash = points, cash
        if lost:
            checkout.coupon = None

    def refund_checkout(self, now: datetime, name: str, amount: int) -> None:
        checkout = self._checkout(name)
        if checkout.status not in ("completed", "refunded"):
            raise Refused("checkout_not_completed")
        if amount > checkout.payable - checkout.refunded:
            raise Refused("refund_exceeds_order")
        had, back = checkout.back(checkout.refunded), checkout.back(checkout.refunded + amount)
        points, cash, money = (now_ - then for now_, then in zip(back, had, strict=True))
        checkout.refunded += amount
        left = sum(part for _, part in checkout.parts)
        checkout.parts, returned = split(checkout.parts, left - points)
        for number, part in returned:
            self.lots[number].redeemed -= part
            self._arrive(self.lots[number], part, now)
        self.cash += cash
        lot = self._order(name)
        assert lot is not None
        self._take_back(lot, money)
        if checkout.refunded == checkout.payable:
            checkout.status = "refunded"
            self._give_coupon_back(checkout, now)

    def usable(self) -> int:
        return sum(status == "issued" for status, _ in self.coupons.values())

    def sign_in(self, now: datetime) -> bool:
        """False if today's was there."""
        today, yesterday = day(now), day(now - timedelta(days=1))
        if self.last_sign_in == today:
            return False
        self.streak = self.streak + 1 if self.last_sign_in == yesterday else 1
        self.last_sign_in = today
        extra = {7: 20, 15: 50, 0: 100}.get(self.streak % 30, 0)
        points = self.with_campaigns_of_the_day(10 + extra)
        self.earned += points
        self.growth += 5
        self._grant(Lot(points, now, a_year_after(now)), now)
        return True

    def adjust(self, now: datetime, points: int) -> None:
        if points > 0:
            self.earned += points
            self._grant(Lot(points, now, a_year_after(now)), now)
            return
        if -points > self.available:
            raise Refused("insufficient_points")
        self.earned += points
        for lot in self._in_spending_order():
            part = min(lot.remaining, -points)
            lot.remaining -= part
            lot.clawed_back += part
            points += part

    def transfer(self, now: datetime, other: Member, points: int) -> None:
        if points > self.available:
            raise Refused("insufficient_points")
        for lot in self._in_spending_order():
            part = min(lot.remaining, points)
            if part:
                lot.remaining -= part
                lot.moved += part
                points -= part
                other._grant(Lot(part, lot.accrued_at, lot.expires_at), now)


def split(parts: list[list[int]], first: int) -> tuple[list[list[int]], list[list[int]]]:
    """The first so many points, and the others, last first."""
    kept: list[list[int]] = []
    others: list[list[int]] = []
    for number, part in parts:
        here = min(part, first)
        first -= here
        if here:
            kept.append([number, here])
        if part - here:
            others.insert(0, [number, part - here])
    return kept, others


def day(instant: datetime) -> str:
    """The day in Shanghai."""
    return (instant.astimezone(UTC) + SHANGHAI).date().isoformat()


def midnight_after(instant: datetime, *, days: int) -> datetime:
    """The midnight in Shanghai that ends the day so many days later."""
    local = (instant.astimezone(UTC) + SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
    return local + timedelta(days=days + 1) - SHANGHAI


def a_year_after(instant: datetime) -> datetime:
    """The midnight that ends the same day a year later, in Shanghai; 29 February has 28 February."""
    local = (instant.astimezone(UTC) + SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
    if (local.month, local.day) == (2, 29):
        local = local.replace(day=28)
    return local.replace(year=local.year + 1) + timedelta(days=1) - SHANGHAI
