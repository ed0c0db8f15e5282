"""How an account moves on the ladder: by orders, refunds, periods, and people. Source: RULES.md, Tiers."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.domain.account import Review
from app.domain.activity_commands import RecordActivity, ReverseActivity
from app.domain.command import Command
from app.domain.commands import (
    Accrue,
    Adjust,
    DecideReview,
    EvaluateTier,
    Import,
    Redeem,
    Reverse,
    SetTier,
    SignIn,
)
from app.domain.errors import ReviewClosed, ReviewNotFound, TierNotFound
from app.domain.program import Program
from app.domain.standing import TierEndsInPast, standing_of, tier_foreseen
from app.domain.tiers import Standing
from tests.domain.book import START, Book, at
from tests.domain.programs import DEFAULT, document


def tiers(
    *, metrics: Iterable[str] = ("spend",), combine: str = "any", window: Any = None, **changes: Any
) -> Program:
    """The default ladder; metrics other than spend ask for 10, 20, 30 and 40."""
    made = document(tiers=changes)
    made["tiers"]["qualification"] = {
        "metrics": list(metrics),
        "combine": combine,
        "window": window or {"kind": "lifetime"},
    }
    for rank, tier in enumerate(made["tiers"]["ladder"]):
        spend = tier["thresholds"].get("spend")
        tier["thresholds"] = {name: spend if name == "spend" else rank * 10 for name in metrics if rank}
    return Program.from_document(1, made)


def buy(book: Book, amount: int, order_id: str | None = None, **fields: Any) -> dict[str, Any]:
    name = order_id or f"o{book.account().lot_count}"
    return book.do(Accrue(member_id="m", order_id=name, amount=amount, **fields))


def refund(book: Book, amount: int, order_id: str) -> dict[str, Any]:
    reference = f"b{book.account().sequence}"
    return book.do(Reverse(member_id="m", order_id=order_id, reference=reference, amount=amount))


def tier(book: Book) -> tuple[str, str]:
    return book.account().tier, book.account().tier_state


def reviews(book: Book) -> list[Review]:
    return [review for _, review in sorted(book.members["m"].reviews.items())]


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        (29_999, "bronze"),
        (30_000, "silver"),
        (299_999, "silver"),
        (300_000, "gold"),
        (1_000_000, "platinum"),
        (3_000_000, "platinum"),
    ],
)
def test_reaching_the_threshold_is_enough(amount: int, code: str) -> None:
    book = Book()
    buy(book, amount)
    assert tier(book) == (code, "held")
    if code != "bronze":
        assert book.account().tier_since == START


def test_a_refund_moves_down_at_once_over_several_steps() -> None:
    book = Book()
    buy(book, 30_000, "a")
    buy(book, 970_000, "b")
    assert tier(book)[0] == "platinum"
    body = refund(book.later(days=1), 700_001, "b")
    assert body["tier"] == {"code": "silver", "changed": True}
    assert book.account().tier_since == book.now
    assert refund(book, 1, "b")["tier"]["changed"] is False


# --- review ----------------------------------------------------------------------------------------------


def reviewed() -> tuple[Book, int]:
    book = Book()
    buy(book, 3_000_000, "o")
    review = book.account().review
    assert review is not None
    return book, review


def test_diamond_waits_for_a_person() -> None:
    book, review = reviewed()
    assert tier(book)[0] == "platinum"
    assert book.detail()["tier_change"]["review_opened"] == "diamond"
    assert reviews(book) == [
        Review(
            bucket=book.account().bucket,
            member_id="m",
            sequence=book.last().sequence,
            from_tier="platinum",
            to_tier="diamond",
            status="open",
            opened_at=START,
            decided_at=None,
            actor=None,
            reason=None,
        )
    ]
    assert reviews(book)[0].sequence == review
    buy(book, 100)
    assert len(reviews(book)) == 1  # once
    body = book.later(days=1).do(DecideReview(member_id="m", review=review, approve=True, reason="好"))
    assert (body["status"], body["from"], body["to"]) == ("approved", "platinum", "diamond")
    assert (body["actor"], body["opened_at"]) == ("till", "2026-03-05T02:00:00Z")
    assert book.detail()["tier_change"]["to"] == "diamond"
    assert (reviews(book)[0].actor, reviews(book)[0].reason) == ("till", "好")
    assert tier(book)[0] == "diamond"
    assert (book.account().approved_tier, book.account().review) == ("diamond", None)
    assert reviews(book)[0].decided_at == book.now
    assert book.last().kind == "approve_review"
    with pytest.raises(ReviewClosed) as closed:
        book.do(DecideReview(member_id="m", review=review, approve=False))
    assert closed.value.extra == {"review_status": "approved"}
    with pytest.raises(ReviewNotFound):
        book.do(DecideReview(member_id="m", review=99, approve=False))


def test_a_rejected_review_does_not_open_again_unless_the_standing_fell_below() -> None:
    book, review = reviewed()
    body = book.do(DecideReview(member_id="m", review=review, approve=False, reason="no"))
    assert (body["status"], body["reason"]) == ("rejected", "no")
    assert tier(book)[0] == "platinum"
    buy(book, 100, "p")
    assert len(reviews(book)) == 1
    refund(book, 200, "o")
    assert book.account().reviewed_tier is None
    buy(book, 200, "q")
    assert [r.status for r in reviews(book)] == ["rejected", "open"]


def test_falling_below_closes_an_open_review() -> None:
    book, _ = reviewed()
    body = refund(book.later(days=1), 1, "o")
    assert body["tier"] == {"code": "platinum", "changed": False}
    assert [(r.status, r.decided_at) for r in reviews(book)] == [("closed", book.now)]
    assert book.account().review is None
    assert book.detail()["tier_change"] == {"review_closed": True}


FALLS: list[tuple[Command, Command]] = [
    (Accrue(member_id="m", order_id="o", amount=4_000), Reverse(member_id="m", order_id="o", reference="b", amount=1)),
    (Adjust(member_id="m", reference="a", points=40, reason="x"),
     Adjust(member_id="m", reference="b", points=-1, reason="x")),
    (RecordActivity(member_id="m", reference="a", activity="review", level="pictures"),
     ReverseActivity(member_id="m", reference="a")),
]  # fmt: skip
"""What earns the 40 points of the highest tier, and what takes some of them."""


@pytest.mark.parametrize(("earning", "taking"), FALLS)
def test_whatever_earns_the_points_opens_a_review_and_what_takes_them_closes_it(
    earning: Command, taking: Command
) -> None:
    book = Book(tiers(metrics=["points_earned"]))
    book.do(earning)
    assert [(r.to_tier, r.status) for r in reviews(book)] == [("diamond", "open")]
    book.do(taking)
    assert [r.status for r in reviews(book)] == ["closed"]


def test_falling_below_removes_an_approved_tier() -> None:
    book, review = reviewed()
    book.do(DecideReview(member_id="m", review=review, approve=True))
    assert refund(book, 1, "o")["tier"] == {"code": "platinum", "changed": True}
    assert book.account().approved_tier is None
    buy(book, 1, "p")
    assert [r.status for r in reviews(book)] == ["approved", "open"]


def test_a_refund_that_leaves_enough_leaves_an_approved_tier() -> None:
    book, review = reviewed()
    book.do(DecideReview(member_id="m", review=review, approve=True))
    buy(book, 1_000, "p")
    assert refund(book, 1_000, "p")["tier"] == {"code": "diamond", "changed": False}
    assert (book.account().approved_tier, book.account().reviewed_tier) == ("diamond", "diamond")


def test_a_higher_review_replaces_the_open_one() -> None:
    made = document()
    made["tiers"]["ladder"][3]["requires_review"] = True
    book = Book(Program.from_document(1, made))
    buy(book, 1_000_000)
    buy(book.later(days=1), 2_000_000)
    assert [(r.to_tier, r.status, r.decided_at) for r in reviews(book)] == [
        ("platinum", "closed", book.now),
        ("diamond", "open", None),
    ]
    assert tier(book)[0] == "gold"
    review = book.account().review
    assert review is not None
    book.do(DecideReview(member_id="m", review=review, approve=True))
    assert tier(book)[0] == "diamond"


def test_a_review_that_was_not_read_is_left_where_it_is() -> None:
    made = document()
    made["tiers"]["ladder"][3]["requires_review"] = True
    book = Book(Program.from_document(1, made))
    buy(book, 1_000_000, "o")
    book.members["m"].reviews.clear()
    buy(book, 2_000_000, "p")
    assert [(r.to_tier, r.status) for r in reviews(book)] == [("diamond", "open")]
    book.members["m"].reviews.clear()
    refund(book, 1, "p")
    assert (reviews(book), book.account().review) == ([], None)


def test_an_approval_goes_step_by_step_also_behind_a_tier_set_by_hand() -> None:
    made = document()
    made["tiers"]["ladder"][3]["requires_review"] = True
    book = Book(Program.from_document(1, made))
    buy(book, 3_000_000, "o")
    review = book.account().review
    assert review is not None
    book.do(DecideReview(member_id="m", review=review, approve=True))
    assert (tier(book)[0], book.account().approved_tier) == ("diamond", "diamond")
    refund(book, 1, "o")
    assert (tier(book)[0], book.account().approved_tier) == ("platinum", "platinum")
    book.do(set_tier("silver"))
    refund(book, 2_000_000, "o")
    assert (tier(book), book.account().approved_tier) == (("silver", "manual"), None)


def test_approving_one_may_open_the_next() -> None:
    made = document()
    made["tiers"]["ladder"][3]["requires_review"] = True
    rules = Program.from_document(1, made)
    book = Book(rules)
    buy(book, 1_000_000)
    first = book.account().review
    assert first is not None
    # A person pinned gold, so the spend that reaches diamond opens no review of its own ... but opens it.
    buy(book, 2_000_000)
    second = book.account().review
    assert second is not None
    assert second != first
    with pytest.raises(ReviewClosed):
        book.do(DecideReview(member_id="m", review=first, approve=True))


# --- by hand ---------------------------------------------------------------------------------------------


def set_tier(code: str, until: datetime | None = None, reference: str = "s") -> SetTier:
    return SetTier(member_id="m", reference=reference, tier=code, reason="朋友", until=until)


def test_a_tier_set_by_hand_stays_whatever_happens() -> None:
    book = Book()
    body = book.do(set_tier("gold"))
    assert (body["from"], body["to"], body["until"], body["reason"]) == ("bronze", "gold", None, "朋友")
    assert book.detail()["benefits_gained"]
    assert tier(book) == ("gold", "manual")
    buy(book, 2_000_000, "o")
    assert tier(book) == ("gold", "manual")
    refund(book, 2_000_000, "o")
    assert tier(book) == ("gold", "manual")
    assert book.do(EvaluateTier(member_id="m")) == {}
    book.later(days=4000).mature("m")
    assert tier(book) == ("gold", "manual")


def test_its_end_gives_what_is_deserved() -> None:
    book = Book()
    buy(book, 1_000_000)
    book.do(set_tier("silver", START + timedelta(days=10)))
    assert book.detail()["until"] == "2026-03-15T02:00:00Z"
    book.later(days=1).do(set_tier("silver", START + timedelta(days=10), "s2"))
    assert book.account().tier_since == START
    book.do(set_tier("gold", reference="up"))
    assert book.account().tier_since == book.now
    book.do(set_tier("silver", START + timedelta(days=10), "s3"))
    book.later(days=20).mature("m")
    assert tier(book) == ("platinum", "held")
    assert book.account().tier_since == START + timedelta(days=10)
    assert book.detail()["outcome"] == "manual_ended"


def test_its_end_begins_a_period_of_what_is_deserved() -> None:
    book = Book(ROLLING)
    buy(book, 300_000)
    book.do(set_tier("silver", START + timedelta(days=10)))
    book.later(days=20).mature("m")
    assert tier(book) == ("gold", "held")
    assert book.account().tier_valid_until == datetime.fromisoformat("2027-03-15T16:00:00+00:00")


@pytest.mark.parametrize(("approve", "code"), [(True, "diamond"), (False, "platinum")])
def test_its_end_knows_what_was_decided_before(approve: bool, code: str) -> None:
    book, review = reviewed()
    book.do(DecideReview(member_id="m", review=review, approve=approve))
    book.do(set_tier("silver", START + timedelta(days=10)))
    book.later(days=20).mature("m")
    assert tier(book) == (code, "held")
    assert len(reviews(book)) == 1


def test_its_end_may_open_a_review() -> None:
    book = Book()
    buy(book, 1_000_000)
    book.do(set_tier("silver", START + timedelta(days=10)))
    made = document()
    made["tiers"]["ladder"][3]["requires_review"] = True
    book.adopt(Program.from_document(2, made))
    book.later(days=20).mature("m")
    assert tier(book) == ("gold", "held")
    assert [(review.sequence, review.to_tier) for review in reviews(book)] == [
        (book.last().sequence, "platinum")
    ]


def test_its_end_may_change_nothing() -> None:
    book = Book()
    book.do(set_tier("bronze", START + timedelta(days=1)))
    book.later(days=1).mature("m")
    assert tier(book) == ("bronze", "held")
    assert book.detail() == {"outcome": "manual_ended"}


def test_set_tier_refuses() -> None:
    book = Book()
    with pytest.raises(TierNotFound):
        book.do(set_tier("wood"))
    with pytest.raises(TierEndsInPast):
        book.do(set_tier("gold", START))


# --- evaluation by hand ----------------------------------------------------------------------------------


def test_evaluate_finds_nothing_most_of_the_time() -> None:
    book = Book()
    buy(book, 30_000)
    assert book.decide(EvaluateTier(member_id="m")).entry is None


def test_evaluate_after_the_ladder_changed() -> None:
    book = Book()
    buy(book, 20_000)
    made = document()
    made["tiers"]["ladder"][1]["thresholds"]["spend"] = 20_000
    book.adopt(Program.from_document(2, made))
    book.do(EvaluateTier(member_id="m"))
    assert tier(book)[0] == "silver"
    assert (book.last().kind, book.detail()["to"]) == ("evaluate", "silver")


def test_evaluate_looks_again_when_a_later_version_warns() -> None:
    book = Book(tiers(validity_months=12))
    buy(book, 30_000)
    book.adopt(at(ROLLING, version=2))
    book.do(EvaluateTier(member_id="m"))
    assert book.account().due_at == UNTIL - timedelta(days=14)
    assert book.kinds() == ["accrue"]


# --- metrics and windows ---------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", ["orders", "points_earned", "growth"])
def test_other_metrics(metric: str) -> None:
    for window in (None, {"kind": "rolling_months", "months": 12}, {"kind": "calendar_year"}):
        book = Book(tiers(metrics=[metric], window=window))
        step = 1_000 if metric != "orders" else 1
        for number in range(10 if metric == "orders" else 1):
            buy(book, step, f"o{number}")
        assert tier(book)[0] == "silver"
        refund(book, step, "o0")
        assert tier(book)[0] == "bronze"


def test_sign_ins_and_adjustments_count_for_points_and_growth_under_a_window() -> None:
    rolling = {"kind": "rolling_months", "months": 1}
    book = Book(tiers(metrics=["points_earned"], window=rolling))
    book.do(SignIn(member_id="m"))
    assert tier(book)[0] == "silver"
    book.do(Adjust(member_id="m", reference="a", points=10, reason="r"))
    assert tier(book)[0] == "gold"
    book = Book(tiers(metrics=["growth"], window=rolling))
    book.do(SignIn(member_id="m"))
    book.later(days=1).do(SignIn(member_id="m"))
    assert tier(book)[0] == "silver"
    book = Book(tiers(metrics=["spend"], window=rolling))
    book.do(Import(member_id="m", reference="i", points=100))
    assert tier(book)[0] == "bronze"


# a lot's source, what it keeps → the points and the growth that it counts for
GRANTED: list[tuple[str, str | None, tuple[int, int]]] = [
    ("sign_in", None, (5, DEFAULT.sign_in.growth)),  # of before they told it
    ("sign_in", '{"growth":3}', (5, 3)),
    ("activity", None, (5, 0)),
    ("campaign", '{"growth":3}', (5, 3)),
    ("campaign", '{"growth":3,"taken_back":true}', (0, 0)),
    ("adjustment", None, (5, 0)),
    ("import", None, (0, 0)),
    ("transfer", None, (0, 0)),
]


@pytest.mark.parametrize(("source", "terms", "counts"), GRANTED)
def test_what_is_granted_outside_orders_counts_within_a_window(
    source: str, terms: str | None, counts: tuple[int, int]
) -> None:
    book = Book(ROLLING)
    book.do(Adjust(member_id="m", reference="a", points=5, reason="r"))
    lot = book.lot(1)._replace(source=source, terms=terms)
    found = standing_of(book.account(), [lot], at=book.now, programs=book.programs, program=ROLLING)
    assert found == Standing(0, 0, *counts)


def test_any_or_all() -> None:
    for combine, code in (("any", "silver"), ("all", "bronze")):
        book = Book(tiers(metrics=["spend", "orders"], combine=combine))
        buy(book, 30_000)
        assert tier(book)[0] == code


ROLLING = tiers(
    window={"kind": "rolling_months", "months": 12}, validity_months=12, grace_days=30, warn_days=14
)
UNTIL = datetime.fromisoformat("2027-03-05T16:00:00+00:00")


def test_pending_orders_and_those_outside_the_window_do_not_count() -> None:
    book = Book(ROLLING)
    buy(book, 29_999, occurred_at=START - timedelta(days=366))
    buy(book, 1, settle=False)
    buy(book, 29_999)
    assert tier(book)[0] == "bronze"
    buy(book, 1, occurred_at=START - timedelta(days=300))
    assert tier(book)[0] == "silver"


@pytest.mark.parametrize(
    ("bought_at", "code"),
    [
        ("2025-03-05T15:59:59", "bronze"),
        ("2025-03-05T16:00:00", "silver"),  # twelve months begin on 6 March
        ("2026-03-05T15:59:59", "silver"),
        ("2026-03-05T16:00:00", "bronze"),  # they end with today
    ],
)
def test_a_window_is_whole_days(bought_at: str, code: str) -> None:
    book = Book(ROLLING)
    buy(book, 30_000, occurred_at=datetime.fromisoformat(f"{bought_at}+00:00"))
    assert tier(book)[0] == code


def test_an_order_of_nothing_counts_as_one_and_one_that_came_back_whole_does_not() -> None:
    book = Book(tiers(metrics=["orders"], window={"kind": "rolling_months", "months": 12}))
    for number in range(9):
        buy(book, 0, f"o{number}")
    buy(book, 100, "o9")
    assert tier(book)[0] == "silver"
    refund(book, 99, "o9")
    assert tier(book)[0] == "silver"
    refund(book, 1, "o9")
    assert tier(book)[0] == "bronze"


def test_a_till_whose_clock_is_ahead_earns_its_tier_at_once() -> None:
    for window in ({"kind": "rolling_months", "months": 12}, {"kind": "calendar_year"}):
        book = Book(tiers(window=window))
        buy(book, 30_000, occurred_at=START + timedelta(minutes=5))
        assert tier(book)[0] == "silver"


def test_kept_warned_grace_one_step_down() -> None:
    book = Book(ROLLING)
    buy(book, 1_000_000)
    assert (book.account().tier_valid_until, tier(book)) == (UNTIL, ("platinum", "held"))
    book.now = UNTIL - timedelta(days=14)
    book.mature("m")
    assert tier(book) == ("platinum", "warned")
    assert book.last().kind == "tier_warning"
    assert book.detail() == {"tier": "platinum", "valid_until": "2027-03-05T16:00:00Z", "will_keep": True}
    book.now = UNTIL
    book.mature("m")
    assert tier(book) == ("platinum", "grace")
    assert book.detail()["outcome"] == "grace"
    book.now = UNTIL + timedelta(days=30) - timedelta(microseconds=1)
    book.mature("m")
    assert tier(book) == ("platinum", "grace")
    book.later(microseconds=1).mature("m")
    assert tier(book) == ("gold", "held")
    assert book.detail()["outcome"] == "lowered"
    # A period of its own for the tier below, and so on to the lowest.
    assert book.account().tier_valid_until == datetime.fromisoformat("2028-04-04T16:00:00+00:00")
    book.later(days=5 * 400).mature("m")
    assert tier(book) == ("bronze", "held")
    assert (book.account().tier_valid_until, book.account().due_at) == (None, None)
    assert [entry.points for entry in book.entries["m"] if entry.kind.startswith("tier")] == [0] * 9


def test_the_warning_tells_that_the_tier_goes() -> None:
    book = Book(ROLLING)
    buy(book, 30_000, occurred_at=START - timedelta(days=100))
    book.now = UNTIL - timedelta(days=14)
    book.mature("m")
    assert book.detail() == {"tier": "silver", "valid_until": "2027-03-05T16:00:00Z", "will_keep": False}


def test_who_wins_a_tier_for_less_than_a_warning_takes_is_warned_at_once() -> None:
    book = Book(tiers(validity_months=1, warn_days=40))
    buy(book, 30_000)
    assert book.account().due_at == START
    book.mature("m")
    assert tier(book) == ("silver", "warned")
    assert book.last().recorded_at == START


def test_kept_for_another_period() -> None:
    book = Book(ROLLING)
    buy(book, 30_000)
    book.later(days=200)
    buy(book, 30_000)
    book.later(days=200).mature("m")
    assert tier(book) == ("silver", "held")
    assert book.detail() == {"outcome": "kept", "valid_until": "2028-03-05T16:00:00Z"}
    assert book.kinds() == ["accrue", "accrue", "expire", "tier_warning", "tier_period"] or book.kinds() == [
        "accrue",
        "accrue",
        "tier_warning",
        "expire",
        "tier_period",
    ]


def test_enough_within_the_grace_keeps_it() -> None:
    book = Book(ROLLING)
    buy(book, 30_000)
    book.now = UNTIL + timedelta(days=1)
    buy(book, 30_000)
    assert tier(book) == ("silver", "grace")
    book.later(days=30).mature("m")
    assert tier(book) == ("silver", "held")


def test_an_upgrade_begins_a_period_of_its_own() -> None:
    book = Book(ROLLING)
    buy(book, 30_000)
    book.now = UNTIL - timedelta(days=1)
    buy(book, 300_000)
    assert tier(book) == ("gold", "held")
    assert book.account().tier_valid_until == datetime.fromisoformat("2028-03-05T16:00:00+00:00")


def test_a_tier_won_holds_although_the_window_moves_on() -> None:
    book = Book(ROLLING)
    buy(book, 30_000, "old", occurred_at=START - timedelta(days=360))
    assert tier(book)[0] == "silver"
    book.later(days=30)
    buy(book, 100, "new")
    refund(book, 100, "new")
    assert tier(book)[0] == "silver"
    refund(book, 1, "old")
    assert tier(book)[0] == "bronze"


def test_without_a_warning() -> None:
    book = Book(tiers(window={"kind": "calendar_year"}, validity_months=12))
    buy(book, 30_000)
    book.later(days=400).mature("m")
    assert "tier_warning" not in book.kinds()
    assert tier(book) == ("bronze", "held")


def test_the_year_that_ends_decides_what_comes_of_its_tier() -> None:
    """At the midnight that ends the period the new year is empty: what was bought in the old one counts."""
    rules = tiers(window={"kind": "calendar_year"}, validity_months=12)
    book = Book(rules, now=datetime.fromisoformat("2026-12-31T02:00:00+00:00"))
    buy(book, 30_000)
    assert book.account().tier_valid_until == datetime.fromisoformat("2027-12-31T16:00:00+00:00")
    book.now = datetime.fromisoformat("2027-12-31T15:59:59+00:00")
    buy(book, 30_000)
    book.later(days=1).mature("m")
    assert tier(book) == ("silver", "held")
    assert book.account().tier_valid_until == datetime.fromisoformat("2028-12-31T16:00:00+00:00")


def test_one_set_by_hand_ends_at_its_moment_in_the_year_that_begins_there() -> None:
    book = Book(tiers(window={"kind": "calendar_year"}, validity_months=12))
    buy(book, 300_000)
    book.do(set_tier("silver", datetime.fromisoformat("2026-12-31T16:00:00+00:00")))
    book.later(days=400).mature("m")
    assert tier(book) == ("bronze", "held")


def test_a_reviewed_tier_that_ends_loses_its_approval() -> None:
    book = Book(ROLLING)
    buy(book, 3_000_000)
    review = book.account().review
    assert review is not None
    book.do(DecideReview(member_id="m", review=review, approve=True))
    assert tier(book)[0] == "diamond"
    book.later(days=400).mature("m")
    assert tier(book) == ("platinum", "held")
    assert (book.account().approved_tier, book.account().reviewed_tier) == (None, None)


def test_a_reviewed_tier_that_is_kept_keeps_its_approval() -> None:
    book = Book(ROLLING)
    buy(book, 3_000_000)
    review = book.account().review
    assert review is not None
    book.do(DecideReview(member_id="m", review=review, approve=True))
    book.later(days=200)
    buy(book, 3_000_000)
    book.later(days=200).mature("m")
    assert (tier(book), book.detail()["outcome"]) == (("diamond", "held"), "kept")
    assert (book.account().approved_tier, book.account().reviewed_tier) == ("diamond", "diamond")


def test_a_period_ends_with_the_review_of_a_tier_no_longer_reached() -> None:
    book = Book(ROLLING)
    buy(book, 3_000_000)
    book.later(days=400).mature("m")
    assert [review.status for review in reviews(book)] == ["closed"]
    assert book.account().review is None


def test_a_period_that_keeps_a_tier_forgets_the_review_of_one_no_longer_reached() -> None:
    book = Book(ROLLING)
    buy(book, 3_000_000)
    first = book.account().review
    assert first is not None
    book.do(DecideReview(member_id="m", review=first, approve=False, reason="too soon"))
    book.later(days=300)
    buy(book, 1_000_000)
    book.later(days=100).mature("m")
    assert tier(book) == ("platinum", "held")
    assert book.detail()["outcome"] == "kept"
    buy(book, 2_000_000)
    assert book.account().review is not None


def test_the_period_of_a_tier_ends_after_points_are_spent_too() -> None:
    """Lots that hold nothing any more still count: standing is by what was bought, not by what is left."""
    book = Book(ROLLING)
    buy(book, 30_000)
    book.do(Redeem(member_id="m", reference="r", points=300))
    book.later(days=180)
    buy(book, 30_000)
    book.later(days=190).mature("m")
    assert tier(book) == ("silver", "held")
    assert DEFAULT.version == 1


@pytest.mark.parametrize(
    ("amount", "foreseen"),
    [(29_999, "bronze"), (30_000, "silver"), (300_000, "gold"), (3_000_000, "platinum")],
)
def test_the_tier_that_an_order_brings_is_foreseen(amount: int, foreseen: str) -> None:
    book = Book()
    assert tier_foreseen(book.account(), amount, book.program) == foreseen
    buy(book, amount)
    assert book.account().tier == foreseen


def test_the_order_that_makes_up_the_number_is_foreseen() -> None:
    book = Book(tiers(metrics=["orders"]))
    for number in range(9):
        assert tier_foreseen(book.account(), 100, book.program) == "bronze"
        buy(book, 100, f"o{number}")
    assert tier_foreseen(book.account(), 100, book.program) == "silver"


@pytest.mark.parametrize("metric", ["points_earned", "growth"])
def test_what_was_gathered_otherwise_is_foreseen_as_it_stands(metric: str) -> None:
    book = Book()
    buy(book, 1_000)
    assert tier_foreseen(book.account(), 100_000, tiers(metrics=[metric])) == "silver"
    assert tier_foreseen(book.account()._replace(earned=9, growth=9), 0, tiers(metrics=[metric])) == "bronze"


def test_a_tier_that_was_approved_is_foreseen() -> None:
    account = Book().account()._replace(tier="platinum", spend=2_999_000)
    assert tier_foreseen(account, 1_000, DEFAULT) == "platinum"
    assert tier_foreseen(account._replace(approved_tier="diamond"), 1_000, DEFAULT) == "diamond"


def test_a_tier_set_by_hand_is_foreseen_to_stay() -> None:
    book = Book()
    book.do(SetTier(member_id="m", reference="s", tier="bronze", reason="why"))
    assert tier_foreseen(book.account(), 300_000, book.program) == "bronze"


def test_within_a_window_nothing_is_foreseen() -> None:
    book = Book(tiers(window={"kind": "calendar_year"}))
    assert tier_foreseen(book.account(), 300_000, book.program) == "bronze"
