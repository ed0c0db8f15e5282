"""Coupons given out: claimed, exchanged, issued, by code. Source: RULES.md, Coupons; API.md, Coupons."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.domain.account import Code, Coupon, Redemption, bucket_of
from app.domain.commands import Accrue, Erase, Freeze
from app.domain.coupon_commands import ClaimCoupon, IssueCoupon, LockCoupon, RedeemCoupon, VoidCoupon
from app.domain.coupon_errors import (
    CouponExhausted,
    CouponLimitReached,
    CouponNotFound,
    CouponNotYours,
    CouponVoided,
    TemplateAutomatic,
    TemplateNotClaimable,
    TemplateNotFound,
    TemplateNotOpen,
)
from app.domain.coupon_templates import Template, Window
from app.domain.errors import InsufficientPoints, MemberErased, MemberFrozen
from app.domain.instants import rfc3339
from app.domain.posting import Context
from app.domain.program import Program
from app.domain.shelf import EMPTY_SHELF, NeedsMore
from tests.domain.book import START, Book
from tests.domain.programs import DEFAULT, document
from tests.domain.shop import template


def spring(**terms: Any) -> Template:
    return template("spring", **({"amount_off_fen": 500} | terms))


def book(*members: str, **terms: Any) -> Book:
    return Book(DEFAULT, *members, templates=[spring(**terms)])


def claim(of: Book, member_id: str = "m", **what: Any) -> dict[str, Any]:
    return of.do(ClaimCoupon(member_id=member_id, **(what or {"template": "spring"})))


# --- claims ----------------------------------------------------------------------------------------------


def test_a_claim() -> None:
    of = book()
    assert claim(of) == {
        "code": "C1",
        "template": "spring",
        "member_id": "m",
        "status": "issued",
        "source": "claim",
        "valid_from": "2026-03-05T02:00:00Z",
        "valid_until": None,
        "reference": None,
        "discount": None,
        "lock_expires_at": None,
        "points": None,
        "reason": None,
    }
    assert of.account().coupons == 1
    assert of.coupon("C1").sequence == of.last().sequence
    assert of.counters["spring"].issued == 1
    assert claim(of)["code"] == "C2"  # nothing says that there may be but one


@pytest.mark.parametrize(
    ("valid", "from_at", "until"),
    [
        (Window(), START, None),
        (Window(days=1), START, datetime(2026, 3, 6, 16, tzinfo=UTC)),
        (Window(days=30), START, datetime(2026, 4, 4, 16, tzinfo=UTC)),
        (Window(until=START + timedelta(1)), START, START + timedelta(1)),
        (Window(from_at=START - timedelta(1)), START, None),
        (
            Window(START + timedelta(1), START + timedelta(2)),
            START + timedelta(1),
            START + timedelta(2),
        ),
    ],
)
def test_when_it_can_be_used(valid: Window, from_at: datetime, until: datetime | None) -> None:
    of = book(valid=valid)
    claim(of)
    coupon = of.coupon("C1")
    assert (coupon.valid_from, coupon.valid_until) == (from_at, until)
    assert of.account().coupons == (from_at <= START)
    of.later(days=1).mature("m")
    assert of.account().coupons == (until is None or until > of.now)


REFUSED: list[tuple[dict[str, Any], dict[str, Any], type[Exception], dict[str, Any]]] = [
    ({}, {"template": "other"}, TemplateNotFound, {}),
    ({"state": "paused"}, {"template": "spring"}, TemplateNotOpen, {"state": "paused"}),
    ({"state": "ended"}, {"template": "spring"}, TemplateNotOpen, {"state": "ended"}),
    ({"valid": Window(until=START)}, {"template": "spring"}, TemplateNotOpen, {"state": "over"}),
    ({"automatic": True}, {"template": "spring"}, TemplateAutomatic, {}),
    ({"stock": 0}, {"template": "spring"}, CouponExhausted, {"left": 0}),
    ({}, {"code": "NOBODY"}, CouponNotFound, {}),
    ({"points_price": 1}, {"template": "spring"}, InsufficientPoints, {"available": 0}),
]


@pytest.mark.parametrize(("terms", "what", "refusal", "extra"), REFUSED)
def test_a_claim_refused(
    terms: dict[str, Any], what: dict[str, Any], refusal: type[Exception], extra: dict[str, Any]
) -> None:
    of = book(**terms)
    with pytest.raises(refusal) as refused:
        claim(of, **what)
    assert getattr(refused.value, "extra", {}) == extra
    assert of.kinds() == []


def test_what_tiers_give_is_not_for_the_taking() -> None:
    made = document()
    made["tiers"]["ladder"][1]["benefits"] = [
        {"code": code, "label": code, "coupon": {"template": code, "on": "month"}}
        for code in ("monthly", "priced")
    ]
    of = Book(
        Program.from_document(1, made),
        templates=[
            *(template(code, amount_off_fen=500) for code in ("birthday", "monthly", "other")),
            template("priced", amount_off_fen=500, points_price=10),
        ],
    )
    for code in ("birthday", "monthly"):
        with pytest.raises(TemplateNotClaimable):
            claim(of, template=code)
    assert of.kinds() == []
    assert claim(of, template="other")["source"] == "claim"
    assert of.do(IssueCoupon(member_id="m", template="birthday", reference="r"))["source"] == "issue"
    of.do(Accrue(member_id="m", order_id="o", amount=10_000))
    assert claim(of, template="priced")["points"] == 10  # it is paid for


def test_the_last_of_the_stock() -> None:
    of = book("m", "n", stock=2)
    claim(of)
    claim(of, "n")
    with pytest.raises(CouponExhausted):
        claim(of)


def test_per_member() -> None:
    of = book("m", "n", per_member=2)
    claim(of)
    of.do(RedeemCoupon(member_id="m", code="C1", reference="r"))
    claim(of)
    with pytest.raises(CouponLimitReached) as refused:
        claim(of)
    assert refused.value.extra == {"limit": "per_member"}
    claim(of, "n")
    of.do(VoidCoupon(member_id="m", code="C2", reference="v", reason="a mistake"))
    assert claim(of)["code"] == "C4"  # what was voided does not count


def test_per_day_is_the_programs_day() -> None:
    of = book("m", "n", per_day=1)
    claim(of)
    of.later(hours=13, minutes=59, seconds=59)
    with pytest.raises(CouponLimitReached) as refused:
        claim(of)
    assert refused.value.extra == {"limit": "per_day"}
    claim(of, "n")
    of.later(seconds=1)  # midnight in Shanghai
    claim(of)


@pytest.mark.parametrize(
    ("before", "refusal"),
    [(Freeze(member_id="m"), MemberFrozen), (Erase(member_id="m"), MemberErased)],
)
def test_who_may_not_claim(before: Any, refusal: type[Exception]) -> None:
    of = book()
    of.do(before)
    with pytest.raises(refusal):
        claim(of)


def test_what_is_kept_of_a_claim() -> None:
    of = book()
    claim(of)
    assert of.coupon("C1") == Coupon(
        bucket=bucket_of("m"),
        member_id="m",
        code="C1",
        template="spring",
        status="issued",
        sequence=of.last().sequence,
        source="claim",
        issued_at=START,
        valid_from=START,
        valid_until=None,
        reference=None,
        discount=None,
        lock_expires_at=None,
        public_code=None,
    )
    assert of.codes["C1"] == Code(bucket_of("C1"), "C1", "spring", "coupon", "m", None, START)


def test_when_it_ends_and_its_lock_ends_is_told() -> None:
    of = book(valid=Window(until=START + timedelta(days=1)))
    assert claim(of)["valid_until"] == of.detail()["valid_until"] == "2026-03-06T02:00:00Z"
    told = of.do(LockCoupon(member_id="m", code="C1", reference="r"))
    until = told["lock_expires_at"]
    assert until == of.detail()["lock_expires_at"] == rfc3339(of.coupon("C1").lock_expires_at)
    assert until is not None
    of.later(hours=1).mature("m")
    lapse = of.last()
    assert (lapse.kind, lapse.content) == ("lapse_coupon", b"")  # nobody asked for it


# --- exchanges -------------------------------------------------------------------------------------------


def test_an_exchange_takes_points_as_a_redemption_does() -> None:
    of = book(points_price=120, valid=Window(days=5))
    of.do(Accrue(member_id="m", order_id="o1", amount=10_000))
    of.do(Accrue(member_id="m", order_id="o2", amount=10_000))
    told = claim(of)
    assert (told["points"], told["source"], told["status"]) == (120, "exchange", "issued")
    assert of.balances() == (80, 0, 0, 0)
    entry, detail = of.last(), of.detail()
    assert (entry.kind, entry.points) == ("claim_coupon", -120)
    assert [part[:2] for part in detail["lots"]] == [[1, 100], [2, 20]]
    assert detail["moves"] == [[1, -100, 0], [2, -20, 0]]
    redemption = of.members["m"].redemptions["coupon/C1"]
    assert redemption == Redemption(
        bucket=bucket_of("m"),
        member_id="m",
        reference="coupon/C1",
        status="redeemed",
        points=120,
        committed=120,
        refunded=0,
        lots=[1, 2],
        parts=[100, 20],
        order_id=None,
        hold_expires_at=None,
        program_version=1,
    )
    with pytest.raises(InsufficientPoints):
        claim(of)
    assert of.account().coupon_due_at == of.coupon("C1").valid_until


def test_an_exchange_refused_takes_nothing() -> None:
    of = book(points_price=10, per_member=1)
    of.do(Accrue(member_id="m", order_id="o1", amount=10_000))
    claim(of)
    with pytest.raises(CouponLimitReached):
        claim(of)
    assert of.balances()[0] == 90


# --- codes -----------------------------------------------------------------------------------------------


def test_a_unique_code_becomes_the_coupon() -> None:
    of = book("m", "n", stock=2, points_price=5)  # a price asks nothing of who has a code
    of.make_codes("spring", "U1", "U2")
    told = claim(of, code="U1")
    assert (told["code"], told["source"], told["points"]) == ("U1", "code", None)
    assert of.codes["U1"].kind == "unique"
    assert of.counters["spring"].issued == 2
    with pytest.raises(CouponNotYours):
        claim(of, "n", code="U1")
    with pytest.raises(CouponExhausted):
        claim(of)  # codes made beforehand took the stock
    claim(of, "n", code="U2")


def test_a_public_code_gives_a_coupon_of_ones_own() -> None:
    of = book("m", "n", stock=2, public_code="SPRING", per_member=1)
    told = claim(of, code="SPRING")
    assert (told["code"], told["source"]) == ("C1", "code")
    assert of.coupon("C1").public_code == "SPRING"
    assert of.codes["SPRING"].member_id is None
    with pytest.raises(CouponLimitReached):
        claim(of, code="SPRING")
    claim(of, "n", code="SPRING")
    assert of.counters["spring"].issued == 2


def test_a_public_code_whose_stock_is_gone() -> None:
    of = book("m", "n", stock=1, public_code="SPRING")
    claim(of, code="SPRING")
    with pytest.raises(CouponExhausted):
        claim(of, "n", code="SPRING")


def test_a_code_that_was_made_void() -> None:
    of = book()
    of.make_codes("spring", "U1")
    of.codes["U1"] = of.codes["U1"]._replace(kind="void")
    of.counters["spring"] = of.counters["spring"]._replace(issued=0)
    with pytest.raises(CouponVoided):
        claim(of, code="U1")


# --- issued by the shop ----------------------------------------------------------------------------------


def test_the_shop_issues_one() -> None:
    of = book(stock=1)
    told = of.do(IssueCoupon(member_id="m", template="spring", reference="i", reason="sorry"))
    assert (told["source"], told["reason"]) == ("issue", "sorry")
    assert of.last().key == "issue/i"
    with pytest.raises(CouponExhausted):
        of.do(IssueCoupon(member_id="m", template="spring", reference="j"))


def test_the_shop_issues_to_the_frozen_but_not_to_the_erased() -> None:
    of = book()
    of.do(Freeze(member_id="m"))
    told = of.do(IssueCoupon(member_id="m", template="spring", reference="i"))
    assert told["reason"] is None
    of.do(Erase(member_id="m"))
    with pytest.raises(MemberErased):
        of.do(IssueCoupon(member_id="m", template="spring", reference="j"))


# --- the shelf -------------------------------------------------------------------------------------------


def test_what_is_not_locked_is_asked_for() -> None:
    of = book(stock=1)
    del of.counters["spring"]
    with pytest.raises(NeedsMore) as more:
        claim(of)
    assert (more.value.counters, more.value.all_lots_of) == ({"spring"}, frozenset())


def test_a_shelf_of_nothing() -> None:
    with pytest.raises(AssertionError, match="nothing hands out codes"):
        EMPTY_SHELF.new_code()
    assert EMPTY_SHELF.matches("true", {}) is False
    assert Context._field_defaults["shelf"] is EMPTY_SHELF
