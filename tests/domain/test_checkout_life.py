"""Any order of holding, completing, cancelling, refunding and expiring keeps the invariants of the book."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from app.domain.account import ORDERED
from app.domain.carts import Cart, CartLine, Wish
from app.domain.checkout_commands import (
    CancelCheckout,
    CompleteCheckout,
    ExtendCheckout,
    HoldCheckout,
    RefundCheckout,
)
from app.domain.command import Command
from app.domain.commands import Accrue, Redeem, Settle
from app.domain.coupon_commands import (
    ClaimCoupon,
    CouponCommand,
    IssueCoupon,
    LockCoupon,
    RedeemCoupon,
    RollBackCoupon,
    UnlockCoupon,
    VoidCoupon,
)
from app.domain.coupon_templates import Window
from app.domain.errors import LoyaltyError
from tests.domain.lane import Lane
from tests.domain.shop import template

TEMPLATES = (
    template("off", amount_off_fen=700, threshold_fen=2_000, valid=Window(days=3), stock=6, per_member=4),
    template("share", "percent_off", percent_off=13, budget_fen=2_500, stacks_with="all"),
    template("public", amount_off_fen=300, public_code="HELLO", per_day=2, return_on="never"),
    template("dear", "exchange", skus=["s1"], points_price=90, valid=Window(days=1)),
    template("free", "free_shipping"),
)
CODES = [f"C{number}" for number in range(1, 12)] + ["HELLO", "U1", "U2"]
WHICH = st.sampled_from(["k1", "k2", "k3"])
CODE = st.sampled_from(CODES)
REFERENCE = st.sampled_from(["a", "b", "c"])
AMOUNT = st.one_of(st.integers(0, 9), st.integers(0, 12_000))
CARTS = st.lists(st.tuples(AMOUNT, st.integers(1, 3)), min_size=1, max_size=3).map(
    lambda lines: Cart(
        tuple(
            CartLine(str(place), f"s{place}", None, None, quantity, amount)
            for place, (amount, quantity) in enumerate(lines)
        ),
        800,
    )
)


class Life(RuleBasedStateMachine):
    """One member with three checkouts. The book checks lots, coupons, counters and entries after every step."""

    def __init__(self) -> None:
        super().__init__()
        self.lane = Lane(*TEMPLATES, claims=False)
        self.book = self.lane.book
        self.book.make_codes("off", "U1", "U2")
        self.number = 0

    def new(self, kind: str) -> str:
        self.number += 1
        return f"{kind}{self.number}"

    def ask(self, command: Command) -> dict[str, Any] | None:
        """Refusals change nothing; a natural key that was used is not asked again, as the engine would answer it."""
        key = command.natural_key(self.book.context().today)
        self.book.mature(command.member_id)
        if any(entry.key == key for entry in self.book.entries.get(command.member_id, ())):
            return None
        try:
            return self.book.do(command)
        except LoyaltyError:
            return None

    @rule(
        which=WHICH,
        cart=CARTS,
        points=st.sampled_from([0, 100, "max"]),
        cash=st.sampled_from([0, 55, "max"]),
        coupons=st.one_of(st.just("best"), st.lists(CODE, max_size=3, unique=True).map(tuple)),
        seconds=st.sampled_from([None, 604_800]),
        settle=st.booleans(),
    )
    def hold(
        self, which: str, cart: Cart, points: Any, cash: Any, coupons: Any, seconds: int | None, settle: bool
    ) -> None:
        self.ask(
            HoldCheckout(
                member_id="m",
                checkout_id=which,
                cart=cart,
                wish=Wish(points, cash, coupons),
                hold_seconds=seconds,
                settle=settle,
            )
        )

    @rule(which=WHICH, seconds=st.sampled_from([60, 90_000]))
    def extend(self, which: str, seconds: int) -> None:
        self.ask(ExtendCheckout(member_id="m", checkout_id=which, hold_seconds=seconds))

    @rule(which=WHICH, earn_only=st.booleans(), paid=st.one_of(st.none(), st.integers(0, 9_000)))
    def complete(self, which: str, earn_only: bool, paid: int | None) -> None:
        self.ask(CompleteCheckout(member_id="m", checkout_id=which, earn_only=earn_only, paid=paid))

    @rule(which=WHICH)
    def cancel(self, which: str) -> None:
        self.ask(CancelCheckout(member_id="m", checkout_id=which))

    @rule(
        which=WHICH,
        amount=st.integers(1, 9_000),
        items=st.lists(
            st.tuples(st.sampled_from("012"), st.none(), st.one_of(st.none(), st.integers(0, 5_000))),
            max_size=2,
            unique_by=lambda item: item[0],
        ),
    )
    def refund(self, which: str, amount: int, items: Any) -> None:
        told = self.ask(
            RefundCheckout(
                member_id="m",
                checkout_id=which,
                reference=self.new("f"),
                amount=None if items else amount,
                items=tuple(items),
            )
        )
        if told is not None:
            refunded = told["refunded"]
            assert min(refunded["amount"], refunded["points"], refunded["cash"]) >= 0

    @rule(name=st.sampled_from(["off", "share", "public", "dear", "free"]))
    def claim(self, name: str) -> None:
        self.ask(ClaimCoupon(member_id="m", template=name))

    @rule(code=CODE)
    def claim_code(self, code: str) -> None:
        self.ask(ClaimCoupon(member_id="m", code=code))

    @rule(name=st.sampled_from(["off", "share"]), who=st.sampled_from("mn"))
    def issue(self, name: str, who: str) -> None:
        self.ask(IssueCoupon(member_id=who, template=name, reference=self.new("i")))

    @rule(
        verb=st.sampled_from([LockCoupon, UnlockCoupon, RedeemCoupon, RollBackCoupon]),
        code=CODE,
        reference=REFERENCE,
    )
    def use(self, verb: type[CouponCommand], code: str, reference: str) -> None:
        self.ask(verb(member_id="m", code=code, reference=reference))

    @rule(code=CODE, discount=st.integers(0, 1_500), locks=st.booleans())
    def use_for(self, code: str, discount: int, locks: bool) -> None:
        if locks:
            self.ask(LockCoupon(member_id="m", code=code, reference="d", discount=discount))
        else:
            self.ask(RedeemCoupon(member_id="m", code=code, reference="d", discount=discount))

    @rule(code=CODE)
    def void(self, code: str) -> None:
        self.ask(VoidCoupon(member_id="m", code=code, reference="v", reason="x"))

    @rule(points=st.sampled_from([50, 300]))
    def redeem(self, points: int) -> None:
        self.ask(Redeem(member_id="m", reference=self.new("r"), points=points))

    @rule(amount=st.sampled_from([30_000, 100_000]))
    def accrue(self, amount: int) -> None:
        self.ask(Accrue(member_id="m", order_id=self.new("o"), amount=amount))

    @rule(which=WHICH)
    def settle(self, which: str) -> None:
        if which in self.book.members["m"].checkouts:
            self.ask(Settle(member_id="m", order_id=which))

    @rule(hours=st.sampled_from([0.4, 1, 24, 24 * 8, 24 * 380]))
    def wait(self, hours: float) -> None:
        self.book.later(hours=hours)

    @rule()
    def mature(self) -> None:
        self.book.mature("m")

    @invariant()
    def cash_is_never_lost(self) -> None:
        """What orders gave is in the wallet, held, or was spent."""
        member = self.book.members["m"]
        given = sum(
            2_000
            for lot in member.lots.values()
            if lot.order_id and not lot.pending and (lot.amount or 0) - (lot.refunded or 0) >= 100_000
        )
        elsewhere = 0
        for checkout in member.checkouts.values():
            if checkout.status == "held":
                elsewhere += checkout.cash
            elif checkout.status in ORDERED:
                elsewhere += checkout.cash - checkout.cash_refunded
        assert member.account.cash + elsewhere == given

    @invariant()
    def spend_is_that_of_orders(self) -> None:
        member = self.book.members["m"]
        settled = [lot for lot in member.lots.values() if lot.order_id and not lot.pending]
        assert member.account.spend == sum((lot.amount or 0) - (lot.refunded or 0) for lot in settled)


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=50, stateful_step_count=50, deadline=None)
