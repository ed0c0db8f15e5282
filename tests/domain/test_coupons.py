"""Coupons used: locked, redeemed, rolled back, expired, voided. Source: RULES.md, Coupons."""

from datetime import timedelta
from typing import Any

import pytest

from app.domain.account import Code, Counter
from app.domain.command import Command
from app.domain.commands import Erase, Freeze
from app.domain.coupon_commands import (
    ClaimCoupon,
    IssueCoupon,
    LockCoupon,
    RedeemCoupon,
    RollBackCoupon,
    UnlockCoupon,
    VoidCoupon,
)
from app.domain.coupon_errors import (
    CouponBudgetSpent,
    CouponExpired,
    CouponLimitReached,
    CouponLocked,
    CouponNotFound,
    CouponNotLocked,
    CouponNotRedeemed,
    CouponNotStarted,
    CouponNotYours,
    CouponPaused,
    CouponRedeemed,
    CouponVoided,
)
from app.domain.coupon_templates import Template, Window
from app.domain.coupons import refusal_of
from app.domain.errors import HoldTooLong, MemberErased, MemberFrozen
from app.domain.maturity import mature
from app.domain.shelf import ReadingShelf, Shelf
from tests.domain.book import START, Book
from tests.domain.programs import DEFAULT
from tests.domain.shop import template

DAY = timedelta(days=1)


def spring(**terms: Any) -> Template:
    return template("spring", **({"amount_off_fen": 500} | terms))


def book(**terms: Any) -> Book:
    """A member `m` with the coupon C1, and a member `n`."""
    of = Book(DEFAULT, "m", "n", templates=[spring(**terms)])
    of.do(ClaimCoupon(member_id="m", template="spring"))
    return of


def lock(code: str = "C1", reference: str = "r", member_id: str = "m", **rest: Any) -> LockCoupon:
    return LockCoupon(member_id=member_id, code=code, reference=reference, **rest)


def unlock(code: str = "C1", reference: str = "r", member_id: str = "m") -> UnlockCoupon:
    return UnlockCoupon(member_id=member_id, code=code, reference=reference)


def redeem(code: str = "C1", reference: str = "r", member_id: str = "m", **rest: Any) -> RedeemCoupon:
    return RedeemCoupon(member_id=member_id, code=code, reference=reference, **rest)


def roll_back(code: str = "C1", reference: str = "b", member_id: str = "m") -> RollBackCoupon:
    return RollBackCoupon(member_id=member_id, code=code, reference=reference)


def void(code: str = "C1", reference: str = "v", member_id: str = "m") -> VoidCoupon:
    return VoidCoupon(member_id=member_id, code=code, reference=reference, reason="a mistake")


def state(of: Book, code: str = "C1") -> tuple[str, str | None, int | None, int]:
    """How the coupon stands, and how many the member can use."""
    coupon = of.coupon(code)
    return coupon.status, coupon.reference, coupon.discount, of.account().coupons


# --- what can be done, and when --------------------------------------------------------------------------

CHANGED = spring(state="paused")
STATES: dict[str, list[Command]] = {
    "issued": [],
    "locked": [lock(reference="before", discount=300)],
    "mine": [lock(discount=300)],
    "redeemed": [redeem(reference="before")],
    "voided": [void(reference="before")],
}
# (state before, command) → how it stands then, or the refusal
OUTCOMES: list[tuple[str, Command, tuple[str, str | None, int | None, int] | type[Exception]]] = [
    ("issued", lock(), ("locked", "r", 0, 0)),
    ("issued", lock(discount=500), ("locked", "r", 500, 0)),
    ("issued", unlock(), CouponNotLocked),
    ("issued", redeem(), ("redeemed", "r", 0, 0)),
    ("issued", redeem(discount=400), ("redeemed", "r", 400, 0)),
    ("issued", roll_back(), CouponNotRedeemed),
    ("issued", void(), ("voided", None, None, 0)),
    ("locked", lock(), CouponLocked),
    ("locked", unlock(), CouponLocked),
    ("locked", redeem(), CouponLocked),
    ("locked", roll_back(), CouponNotRedeemed),
    ("locked", void(), CouponLocked),
    ("mine", unlock(), ("issued", None, None, 1)),
    ("mine", redeem(), ("redeemed", "r", 300, 0)),
    ("mine", redeem(discount=200), ("redeemed", "r", 200, 0)),
    ("redeemed", lock(), CouponRedeemed),
    ("redeemed", unlock(), CouponNotLocked),
    ("redeemed", redeem(), CouponRedeemed),
    ("redeemed", roll_back(), ("issued", None, None, 1)),
    ("redeemed", void(), CouponRedeemed),
    ("voided", lock(), CouponVoided),
    ("voided", unlock(), CouponNotLocked),
    ("voided", redeem(), CouponVoided),
    ("voided", roll_back(), CouponNotRedeemed),
    ("voided", void(), CouponVoided),
]


@pytest.mark.parametrize("terms", [{}, {"budget_fen": 500}], ids=["", "budget"])
@pytest.mark.parametrize(("before", "command", "outcome"), OUTCOMES)
def test_each_command_in_each_state(
    terms: dict[str, Any], before: str, command: Command, outcome: Any
) -> None:
    of = book(**terms)
    for each in STATES[before]:
        of.do(each)
    if isinstance(outcome, tuple):
        told = of.do(command)
        assert state(of) == outcome
        assert (told["status"], told["reference"], told["discount"]) == outcome[:3]
    else:
        with pytest.raises(outcome):
            of.do(command)


@pytest.mark.parametrize("command", [lock(code="X"), redeem(code="X"), void(code="X")])
def test_a_coupon_that_is_not_there(command: Command) -> None:
    with pytest.raises(CouponNotFound):
        book().do(command)


def test_anothers_coupon() -> None:
    with pytest.raises(CouponNotYours):
        book().do(redeem(member_id="n"))


def test_refusals_tell_how_it_stands() -> None:
    of = book()
    for command in (unlock(), roll_back()):
        with pytest.raises((CouponNotLocked, CouponNotRedeemed)) as refused:
            of.do(command)
        assert refused.value.extra == {"coupon_status": "issued"}


def test_a_voiding_tells_its_reason() -> None:
    of = book()
    for command in (lock(), unlock()):
        of.do(command)
        assert "reason" not in of.detail()
    of.do(void())
    assert of.detail()["reason"] == "a mistake"


@pytest.mark.parametrize("ending", [redeem(), unlock()])
def test_a_lock_that_ended_has_no_end_to_come(ending: Command) -> None:
    of = book()
    of.do(lock())
    of.do(ending)
    assert of.coupon("C1").lock_expires_at is None


# --- time ------------------------------------------------------------------------------------------------


def test_a_lock_ends_by_itself() -> None:
    of = book(budget_fen=500)
    of.do(lock(discount=500, hold_seconds=60))
    of.later(seconds=59).mature("m")
    assert state(of) == ("locked", "r", 500, 0)
    of.later(seconds=1).mature("m")
    assert state(of) == ("issued", None, None, 1)
    assert of.counters["spring"].discounted == 0
    assert of.kinds()[-1] == "lapse_coupon"
    assert of.detail()["reference"] == "r"
    assert of.do(redeem(reference="s"))["status"] == "redeemed"


def test_how_long_a_lock_lasts() -> None:
    of = book()
    with pytest.raises(HoldTooLong):
        of.do(lock(hold_seconds=604_801))
    of.do(lock())
    assert of.coupon("C1").lock_expires_at == START + timedelta(seconds=1_800)


def test_coupons_expire() -> None:
    of = book(valid=Window(until=START + DAY))
    of.do(ClaimCoupon(member_id="m", template="spring"))
    of.later(days=1).mature("m")
    assert [of.coupon(code).status for code in ("C1", "C2")] == ["expired"] * 2
    assert (of.account().coupons, of.account().coupon_due_at) == (0, None)
    assert (of.last().kind, of.detail()) == (
        "expire_coupons",
        {"coupons": [["C1", "spring"], ["C2", "spring"]]},
    )
    assert of.last().occurred_at == START + DAY
    for command in (lock(), redeem()):
        with pytest.raises(CouponExpired):
            of.do(command)
    assert of.do(void())["status"] == "voided"


def test_one_that_began_and_expired_unseen() -> None:
    of = book(valid=Window(START + DAY, START + 2 * DAY))
    assert of.account().coupons == 0
    for command in (lock(), redeem()):
        with pytest.raises(CouponNotStarted):
            of.do(command)
    of.later(days=3).mature("m")
    assert state(of) == ("expired", None, None, 0)


def test_one_that_has_not_begun_can_be_voided() -> None:
    of = book(valid=Window(from_at=START + DAY))
    of.do(void())
    of.later(days=2).mature("m")
    assert state(of) == ("voided", None, None, 0)


def test_one_that_begins_this_instant_can_be_voided() -> None:
    of = book(valid=Window(from_at=START))
    assert of.account().coupons == 1
    of.do(void())
    assert state(of) == ("voided", None, None, 0)


def test_one_that_begins_is_counted() -> None:
    of = book(valid=Window(from_at=START + DAY))
    of.later(days=1)
    assert of.do(lock())["status"] == "locked"
    assert of.kinds() == ["claim_coupon", "lock_coupon"]  # to begin is no entry
    assert of.account().coupons == 0


@pytest.mark.parametrize("freeing", [unlock(), roll_back()])
def test_what_expired_while_it_was_used_expires_when_it_is_freed(freeing: Command) -> None:
    of = book(valid=Window(until=START + DAY))
    of.do(lock(hold_seconds=2 * 86_400))
    if isinstance(freeing, RollBackCoupon):
        of.do(redeem())
    of.later(days=1)
    assert of.do(freeing)["status"] == "expired"
    assert state(of) == ("expired", None, None, 0)


def test_what_expired_while_it_was_locked_may_be_redeemed_or_expires_with_the_lock() -> None:
    for ends in (True, False):
        of = book(valid=Window(until=START + DAY))
        of.do(lock(hold_seconds=2 * 86_400))
        of.later(days=1)
        if ends:
            of.later(days=1).mature("m")
            assert state(of) == ("expired", None, None, 0)
        else:
            assert of.do(redeem())["status"] == "redeemed"


def test_a_lock_that_ends_before_the_coupon_does() -> None:
    """All of it written down late: the lock, then the coupon, each at its own moment."""
    of = book(valid=Window(until=START + DAY))
    of.do(lock(hold_seconds=3_600))
    of.later(days=30).mature("m")
    assert of.kinds()[-2:] == ["lapse_coupon", "expire_coupons"]
    assert [entry.occurred_at for entry in of.entries["m"][-2:]] == [
        START + timedelta(hours=1),
        START + DAY,
    ]
    assert of.account().due_at is None


def test_a_wallet_that_was_read_in_part_is_not_counted() -> None:
    """Only what fell due is there: the account keeps the count it has."""
    of = book()
    of.do(lock(hold_seconds=60))
    of.do(ClaimCoupon(member_id="m", template="spring"))
    member = of.members["m"]
    unread = member.coupons.pop("C2")
    member.sees_wallet = False
    now = START + timedelta(seconds=60)
    [change] = mature(member, of.context()._replace(now=now))
    assert (change.account.coupons, member.account.coupons) == (2, 2)
    assert unread.status == "issued"


def test_of_a_wallet_that_was_read_in_part_those_that_expired_are_counted_off() -> None:
    of = book(valid=Window(until=START + DAY))
    of.templates["spring"] = spring()
    of.do(ClaimCoupon(member_id="m", template="spring"))
    member = of.members["m"]
    del member.coupons["C2"]
    member.sees_wallet = False
    [change] = mature(member, of.context()._replace(now=START + DAY))
    assert change.account.coupons == 1


def test_one_that_begins_while_others_are_due() -> None:
    of = book(valid=Window(from_at=START + 2 * DAY))
    of.templates["spring"] = spring(valid=Window(until=START + DAY))
    of.do(ClaimCoupon(member_id="m", template="spring"))
    of.later(days=1).mature("m")
    assert of.account().coupon_due_at == START + 2 * DAY


def test_what_is_over_can_not_be_used_also_before_it_is_written_down() -> None:
    of = book(valid=Window(until=START + DAY))
    why = refusal_of(of.coupon("C1"), spring(), START + DAY)
    assert why is not None
    assert why.code == "coupon_expired"


# --- templates that change -------------------------------------------------------------------------------


def test_while_it_is_paused_nothing_can_be_used() -> None:
    of = book()
    of.offer(spring(state="paused"))
    for command in (lock(), redeem()):
        with pytest.raises(CouponPaused):
            of.do(command)
    of.offer(spring(state="ended"))  # what is held can still be used
    assert of.do(lock())["status"] == "locked"
    of.offer(spring(state="paused"))
    assert of.do(redeem())["status"] == "redeemed"  # locked before
    assert of.do(roll_back())["status"] == "issued"


# --- budgets ---------------------------------------------------------------------------------------------


def test_the_budget() -> None:
    of = book(budget_fen=1_000)
    of.do(ClaimCoupon(member_id="m", template="spring"))
    of.do(lock(discount=600))
    for command in (lock("C2", discount=401), redeem("C2", discount=401), redeem(discount=1_001)):
        with pytest.raises(CouponBudgetSpent):
            of.do(command)
    of.do(redeem("C2", discount=400))
    assert of.counters["spring"].discounted == 1_000
    of.do(redeem(discount=100))  # gave less in the end
    assert of.counters["spring"].discounted == 500
    of.do(roll_back("C2"))
    assert of.counters["spring"].discounted == 100


def test_a_budget_that_is_spent_has_not_one_fen_more() -> None:
    of = book(budget_fen=1_000)
    of.do(ClaimCoupon(member_id="m", template="spring"))
    of.do(redeem(discount=1_000))
    with pytest.raises(CouponBudgetSpent):
        of.do(redeem("C2", discount=1))
    of.do(redeem("C2"))  # one that gives nothing needs none


def test_a_budget_below_what_was_spent_lets_coupons_come_back() -> None:
    of = book(budget_fen=1_000)
    of.do(ClaimCoupon(member_id="m", template="spring"))
    of.do(lock(discount=600))
    of.do(lock("C2", discount=400))
    of.templates["spring"] = spring(budget_fen=600)
    of.counters["spring"] = of.counters["spring"]._replace(discounted=1_000)
    of.do(unlock("C2"))
    assert of.counters["spring"].discounted == 600


# --- codes that are nobody's yet -------------------------------------------------------------------------


def test_a_unique_code_can_be_used_at_once() -> None:
    of = book(per_member=2, budget_fen=500)
    of.make_codes("spring", "U1", "U2")
    assert of.do(lock("U1", discount=500))["status"] == "locked"
    assert (of.coupon("U1").source, of.account().coupons) == ("code", 1)
    with pytest.raises(CouponLimitReached):
        of.do(lock("U2"))
    assert of.do(redeem("U2", member_id="n"))["member_id"] == "n"
    with pytest.raises(CouponNotYours):
        of.do(redeem("U2"))


def test_a_unique_code_voided_at_once() -> None:
    of = book()
    of.make_codes("spring", "U1")
    assert of.do(void("U1"))["status"] == "voided"
    assert of.account().coupons == 1


def test_a_coupon_got_and_voided_at_once_took_its_stock() -> None:
    of = book(public_code="SPRING", stock=2)
    assert of.do(void("SPRING"))["code"] == "C2"
    assert of.counters["spring"].issued == 2


@pytest.mark.parametrize("discount", [0, 300])
def test_a_coupon_got_and_redeemed_at_once_took_its_stock_and_its_budget(discount: int) -> None:
    of = book(public_code="SPRING", stock=2, budget_fen=700)
    assert of.do(redeem("SPRING", discount=discount))["code"] == "C2"
    assert (of.counters["spring"].issued, of.counters["spring"].discounted) == (2, discount)


def test_a_public_code_means_the_latest_that_can_come_back() -> None:
    of = book(public_code="SPRING")
    for _ in range(7):
        of.do(ClaimCoupon(member_id="m", template="spring"))
    assert [of.do(redeem("SPRING", reference))["code"] for reference in ("a", "b")] == ["C9", "C10"]
    assert [of.do(roll_back("SPRING", back))["code"] for back in ("x", "y")] == ["C10", "C9"]


@pytest.mark.parametrize("command", [unlock("U1"), roll_back("U1")])
def test_a_code_of_nobody_is_neither_locked_nor_redeemed(command: Command) -> None:
    of = book()
    of.make_codes("spring", "U1")
    with pytest.raises((CouponNotLocked, CouponNotRedeemed)):
        of.do(command)
    assert of.codes["U1"].member_id is None


def test_a_public_code_means_the_coupon_it_gave() -> None:
    of = book(public_code="SPRING", per_member=2, stock=3, budget_fen=700)
    assert of.do(lock("SPRING", discount=700))["code"] == "C2"
    with pytest.raises(CouponLimitReached):
        of.do(lock("SPRING", "other"))  # C1 was claimed otherwise
    assert of.do(redeem("SPRING"))["code"] == "C2"
    assert of.do(roll_back("SPRING", "r"))["code"] == "C2"
    assert of.do(redeem("SPRING", "again"))["code"] == "C2"
    assert of.do(roll_back("SPRING", "return-1"))["code"] == "C2"  # by a reference of its own
    assert of.do(lock("SPRING", "once more"))["code"] == "C2"
    assert of.do(unlock("SPRING", "once more"))["code"] == "C2"
    assert of.counters["spring"] == of.counters["spring"]._replace(issued=2, discounted=0)


@pytest.mark.parametrize(
    ("before", "refusal"),
    [(Freeze(member_id="m"), MemberFrozen), (Erase(member_id="m"), MemberErased)],
)
def test_members_who_may_not(before: Command, refusal: type[Exception]) -> None:
    """What was locked before goes on; nothing new begins."""
    of = book()
    of.do(ClaimCoupon(member_id="m", template="spring"))
    of.make_codes("spring", "U1")
    of.do(lock())
    of.do(before)
    for command in (lock("C2"), redeem("C2"), redeem("U1")):
        with pytest.raises(refusal):
            of.do(command)
    assert of.do(redeem())["status"] == "redeemed"
    assert of.do(roll_back())["status"] == "issued"
    assert of.do(void())["status"] == "voided"


# --- the shelf, and repeats ------------------------------------------------------------------------------


def test_the_shelf_takes_in_what_changed() -> None:
    shelf = Shelf({"spring": spring()}, counters={"spring": Counter(1, "spring", 0, 0)})
    code = Code(1, "U1", "spring", "unique", "m", None, START)
    shelf.put([Counter(1, "spring", 2, 3)], [code])
    assert (shelf.counter("spring").issued, shelf.codes["U1"]) == (2, code)
    assert [*shelf.automatic] == []
    reading = ReadingShelf(shelf.templates, counters=shelf.counters)
    assert (reading.counter("spring").issued, reading.counter("other").issued) == (2, 0)


def test_a_repeat_is_the_same_whoever_is_named() -> None:
    claims = ClaimCoupon(member_id="m", template="spring"), ClaimCoupon(member_id="m", code="U1")
    assert [command.template_issued for command in claims] == ["spring", None]
    assert [command.codes_named for command in claims] == [(), ("U1",)]
    assert IssueCoupon(member_id="m", template="spring", reference="i").template_issued == "spring"
    assert lock().codes_named == lock().codes_held == ("C1",)
    assert lock(member_id="").content() == lock().content() != lock(discount=1).content()
    assert {type(command).kind for command in (lock(), unlock(), redeem(), roll_back(), void())} == {
        command.natural_key(START.date()).partition("/")[0]
        for command in (lock(), unlock(), redeem(), roll_back(), void())
    }
