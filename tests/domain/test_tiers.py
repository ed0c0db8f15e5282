from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import TierNotFound
from app.domain.program import Program
from app.domain.tiers import (
    Evaluation,
    Standing,
    after_refund,
    at_period_end,
    evaluate,
    grace_until,
    next_tier,
    previous_tier,
    progress,
    qualified,
    tier_valid_until,
    warn_at,
    window_start,
)
from tests.domain.programs import DEFAULT, document

NOTHING = Standing(0, 0, 0, 0)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def spent(spend_fen: int) -> Standing:
    return Standing(spend_fen, 0, 0, 0)


def with_tiers(
    *,
    metrics: tuple[str, ...] = ("spend",),
    combine: str = "any",
    window: dict[str, Any] | None = None,
    reviewed: tuple[str, ...] = ("diamond",),
    **changes: Any,
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
        tier["requires_review"] = tier["code"] in reviewed
    return Program.from_document(1, made)


TWELVE_MONTHS = with_tiers(
    window={"kind": "rolling_months", "months": 12}, validity_months=12, grace_days=30, warn_days=14
)
NO_GRACE = with_tiers(validity_months=12)
TWO_REVIEWS = with_tiers(reviewed=("platinum", "diamond"))
REVIEW_BELOW = with_tiers(reviewed=("gold",))


def evaluated(
    program: Program,
    current: str,
    spend_fen: int,
    approved: str | None = None,
    reviewed: str | None = None,
    *,
    is_manual: bool = False,
) -> tuple[str, str | None]:
    found = evaluate(
        current=current,
        approved=approved,
        reviewed=reviewed,
        standing=spent(spend_fen),
        program=program,
        is_manual=is_manual,
    )
    assert found.approved == approved
    assert found.closes_review is False
    return found.tier.code, found.open_review


@pytest.mark.parametrize(
    ("spend_fen", "tier"),
    [
        (0, "bronze"),
        (29_999, "bronze"),
        (30_000, "silver"),
        (299_999, "silver"),
        (300_000, "gold"),
        (1_000_000, "platinum"),
        (2_999_999, "platinum"),
        (3_000_000, "diamond"),
    ],
)
def test_reaching_the_threshold_is_enough(spend_fen: int, tier: str) -> None:
    assert qualified(spent(spend_fen), DEFAULT).code == tier


@pytest.mark.parametrize(
    ("metrics", "combine", "standing", "tier"),
    [
        (("orders",), "any", Standing(10**9, 19, 99, 99), "silver"),
        (("points_earned",), "all", Standing(0, 0, 20, 0), "gold"),
        (("growth",), "all", Standing(0, 0, 0, 40), "diamond"),
        (("spend", "orders"), "any", Standing(30_000, 20, 0, 0), "gold"),
        (("spend", "orders"), "all", Standing(30_000, 20, 0, 0), "silver"),
        (("spend", "orders"), "all", Standing(10**9, 9, 0, 0), "bronze"),
        (("spend", "orders"), "any", NOTHING, "bronze"),
        (("spend", "orders"), "all", NOTHING, "bronze"),
    ],
)
def test_what_qualifies_is_data(
    metrics: tuple[str, ...], combine: str, standing: Standing, tier: str
) -> None:
    assert qualified(standing, with_tiers(metrics=metrics, combine=combine)).code == tier


def test_neighbours() -> None:
    assert [
        getattr(next_tier(code, DEFAULT), "code", None) for code in ("bronze", "platinum", "diamond")
    ] == [
        "silver",
        "diamond",
        None,
    ]
    assert [getattr(previous_tier(code, DEFAULT), "code", None) for code in ("bronze", "silver")] == [
        None,
        "bronze",
    ]
    with pytest.raises(TierNotFound):
        next_tier("wood", DEFAULT)


def test_progress() -> None:
    found = progress(spent(68_500), current="silver", program=DEFAULT)
    assert found is not None
    assert (found.next.code, found.missing, found.amount_to_go_fen) == ("gold", {"spend": 231_500}, 231_500)
    awaited = progress(spent(3_000_001), current="platinum", program=DEFAULT)
    assert awaited is not None
    assert (awaited.next.code, awaited.amount_to_go_fen) == ("diamond", 0)
    assert progress(NOTHING, current="diamond", program=DEFAULT) is None
    mixed = progress(
        Standing(10_000, 4, 0, 0), current="bronze", program=with_tiers(metrics=("spend", "orders"))
    )
    assert mixed is not None
    assert (mixed.missing, mixed.amount_to_go_fen) == ({"spend": 20_000, "orders": 6}, 20_000)
    other = progress(NOTHING, current="bronze", program=with_tiers(metrics=("growth",)))
    assert other is not None
    assert (other.missing, other.amount_to_go_fen) == ({"growth": 10}, None)


@pytest.mark.parametrize(
    ("window", "now", "start"),
    [
        ({"kind": "lifetime"}, "2026-03-05T02:00:00", None),
        # Twelve months of whole days, the last of them today: from 6 March.
        ({"kind": "rolling_months", "months": 12}, "2026-03-05T02:00:00", "2025-03-05T16:00:00"),
        ({"kind": "rolling_months", "months": 12}, "2026-03-05T16:00:00", "2025-03-06T16:00:00"),
        ({"kind": "rolling_months", "months": 1}, "2026-03-31T02:00:00", "2026-02-28T16:00:00"),
        ({"kind": "calendar_year"}, "2026-03-05T02:00:00", "2025-12-31T16:00:00"),
        ({"kind": "calendar_year"}, "2026-12-31T16:00:00", "2026-12-31T16:00:00"),
    ],
)
def test_window_start(window: dict[str, Any], now: str, start: str | None) -> None:
    assert window_start(utc(now), with_tiers(window=window)) == (start and utc(start))


def test_periods() -> None:
    won_at = utc("2026-03-05T02:00:00")
    assert tier_valid_until(tier="gold", won_at=won_at, program=DEFAULT) is None
    assert tier_valid_until(tier="bronze", won_at=won_at, program=TWELVE_MONTHS) is None
    until = tier_valid_until(tier="gold", won_at=won_at, program=TWELVE_MONTHS)
    assert until == utc("2027-03-05T16:00:00")
    assert grace_until(until, TWELVE_MONTHS) == utc("2027-04-04T16:00:00")
    assert grace_until(until, NO_GRACE) == until
    assert warn_at(until, TWELVE_MONTHS) == utc("2027-02-19T16:00:00")
    assert warn_at(until, NO_GRACE) is None
    with pytest.raises(TierNotFound):
        tier_valid_until(tier="wood", won_at=won_at, program=TWELVE_MONTHS)


@pytest.mark.parametrize(
    ("current", "spend_fen", "approved", "reviewed", "tier", "open_review"),
    [
        ("bronze", 29_999, None, None, "bronze", None),
        ("bronze", 30_000, None, None, "silver", None),
        ("bronze", 1_000_000, None, None, "platinum", None),  # over several at once
        ("gold", 30_000, None, None, "gold", None),  # never down
        ("bronze", 3_000_000, None, None, "platinum", "diamond"),
        ("platinum", 3_000_000, None, None, "platinum", "diamond"),
        ("platinum", 3_000_000, None, "diamond", "platinum", None),  # once
        ("platinum", 3_000_000, "diamond", "diamond", "diamond", None),
        ("platinum", 3_000_000, "diamond", None, "diamond", None),
        ("platinum", 2_999_999, "diamond", "diamond", "platinum", None),
        ("diamond", 3_000_000, None, None, "diamond", None),
    ],
)
def test_evaluate(
    current: str,
    spend_fen: int,
    approved: str | None,
    reviewed: str | None,
    tier: str,
    open_review: str | None,
) -> None:
    assert evaluated(DEFAULT, current, spend_fen, approved, reviewed) == (tier, open_review)


def test_several_tiers_may_need_a_review() -> None:
    assert evaluated(TWO_REVIEWS, "bronze", 1_000_000) == ("gold", "platinum")
    assert evaluated(TWO_REVIEWS, "gold", 3_000_000, None, "platinum") == ("gold", "diamond")
    assert evaluated(TWO_REVIEWS, "gold", 3_000_000) == ("gold", "diamond")  # only the highest
    assert evaluated(TWO_REVIEWS, "gold", 3_000_000, "platinum", "platinum") == ("platinum", "diamond")
    # Approval of a tier covers the reviewed ones below it.
    assert evaluated(TWO_REVIEWS, "gold", 1_000_000, "diamond", "diamond") == ("platinum", None)
    # A tier above a reviewed one that needs none itself is simply won.
    assert evaluated(REVIEW_BELOW, "bronze", 300_000) == ("silver", "gold")
    assert evaluated(REVIEW_BELOW, "silver", 1_000_000) == ("platinum", None)


def test_a_tier_set_by_hand_is_pinned() -> None:
    assert evaluated(DEFAULT, "silver", 1_000_000, is_manual=True) == ("silver", None)
    assert evaluated(DEFAULT, "gold", 0, is_manual=True) == ("gold", None)
    assert evaluated(DEFAULT, "silver", 3_000_000, is_manual=True) == ("silver", "diamond")
    assert evaluated(DEFAULT, "silver", 3_000_000, "diamond", is_manual=True) == ("silver", None)  # approved
    assert evaluated(DEFAULT, "diamond", 3_000_000, is_manual=True) == ("diamond", None)


@pytest.mark.parametrize(
    ("program", "current", "approved", "reviewed", "spends_fen", "tier", "approved_left", "closes_review"),
    [
        (DEFAULT, "gold", None, None, [300_000], "gold", None, False),
        (DEFAULT, "gold", None, None, [299_999], "silver", None, False),
        (DEFAULT, "platinum", None, None, [0], "bronze", None, False),  # several steps
        (DEFAULT, "silver", None, None, [900_000], "silver", None, False),  # a refund lifts nobody
        (DEFAULT, "platinum", None, "diamond", [2_999_999], "platinum", None, True),
        (DEFAULT, "platinum", None, "diamond", [3_000_000], "platinum", None, False),
        (DEFAULT, "diamond", "diamond", "diamond", [3_000_000], "diamond", "diamond", False),
        (DEFAULT, "diamond", "diamond", "diamond", [2_999_999], "platinum", None, True),
        (TWO_REVIEWS, "diamond", "diamond", "diamond", [1_000_000], "platinum", "platinum", True),
        (TWO_REVIEWS, "diamond", "diamond", "diamond", [999_999], "gold", None, True),
        (TWO_REVIEWS, "gold", None, None, [1_000_000], "gold", None, False),  # what nobody approved is not
        # The window has moved on, but the tier was rightly won, and is so without the refund.
        (TWELVE_MONTHS, "gold", None, None, [10_000, 300_000], "gold", None, False),
        (TWELVE_MONTHS, "gold", None, None, [40_000, 299_999], "silver", None, False),
        (TWELVE_MONTHS, "diamond", "diamond", "diamond", [0, 3_000_000], "diamond", "diamond", False),
    ],
)
def test_after_refund(
    program: Program,
    current: str,
    approved: str | None,
    reviewed: str | None,
    spends_fen: list[int],
    tier: str,
    approved_left: str | None,
    closes_review: bool,
) -> None:
    found = after_refund(
        current=current,
        approved=approved,
        reviewed=reviewed,
        standings=[spent(spend_fen) for spend_fen in spends_fen],
        program=program,
    )
    assert found == Evaluation(program.tier(tier), approved_left, None, closes_review)


def test_a_refund_leaves_a_tier_set_by_hand() -> None:
    found = after_refund(
        current="diamond",
        approved="diamond",
        reviewed="diamond",
        standings=[NOTHING],
        program=DEFAULT,
        is_manual=True,
    )
    assert found == Evaluation(DEFAULT.tier("diamond"), None, None, True)


UNTIL = utc("2027-03-05T16:00:00")
GRACE_UNTIL = utc("2027-04-04T16:00:00")


@pytest.mark.parametrize(
    ("program", "current", "approved", "spend_fen", "at", "outcome", "tier", "valid_until"),
    [
        (TWELVE_MONTHS, "gold", None, 300_000, UNTIL, "kept", "gold", utc("2028-03-05T16:00:00")),
        (TWELVE_MONTHS, "gold", None, 0, UNTIL, "grace", "gold", UNTIL),
        (TWELVE_MONTHS, "diamond", "diamond", 0, UNTIL, "grace", "diamond", UNTIL),
        (TWELVE_MONTHS, "gold", None, 0, GRACE_UNTIL - timedelta(microseconds=1), "grace", "gold", UNTIL),
        (TWELVE_MONTHS, "gold", None, 300_000, GRACE_UNTIL, "kept", "gold", utc("2028-04-04T16:00:00")),
        # One step, whatever was missing.
        (TWELVE_MONTHS, "gold", None, 0, GRACE_UNTIL, "lowered", "silver", utc("2028-04-04T16:00:00")),
        (TWELVE_MONTHS, "silver", None, 0, GRACE_UNTIL, "lowered", "bronze", None),
        (NO_GRACE, "gold", None, 0, UNTIL, "lowered", "silver", utc("2028-03-05T16:00:00")),
        (NO_GRACE, "bronze", None, 0, UNTIL, "kept", "bronze", None),
        (NO_GRACE, "diamond", "diamond", 3_000_000, UNTIL, "kept", "diamond", utc("2028-03-05T16:00:00")),
        (NO_GRACE, "diamond", None, 3_000_000, UNTIL, "lowered", "platinum", utc("2028-03-05T16:00:00")),
    ],
)
def test_at_period_end(
    program: Program,
    current: str,
    approved: str | None,
    spend_fen: int,
    at: datetime,
    outcome: str,
    tier: str,
    valid_until: datetime | None,
) -> None:
    found = at_period_end(
        current=current,
        approved=approved,
        reviewed=approved,
        standing=spent(spend_fen),
        valid_until=UNTIL,
        at=at,
        program=program,
    )
    assert (found.outcome, found.tier.code, found.valid_until) == (outcome, tier, valid_until)
    assert (found.approved, found.closes_review) == (approved, False)


def test_stepping_down_ends_approval_and_review() -> None:
    found = at_period_end(
        current="diamond",
        approved="diamond",
        reviewed="diamond",
        standing=spent(1_000_000),
        valid_until=UNTIL,
        at=UNTIL,
        program=NO_GRACE,
    )
    assert (found.outcome, found.tier.code) == ("lowered", "platinum")
    assert (found.approved, found.closes_review) == (None, True)


spends = st.integers(0, 4_000_000)
codes = st.sampled_from([tier.code for tier in DEFAULT.tiers.ladder])
marks = st.sampled_from([None, "platinum", "diamond"])


@given(spends, codes, marks, marks)
def test_evaluating_twice_changes_nothing_more(
    spend_fen: int, current: str, approved: str | None, reviewed: str | None
) -> None:
    tier, opened = evaluated(TWO_REVIEWS, current, spend_fen, approved, reviewed)
    assert evaluated(TWO_REVIEWS, tier, spend_fen, approved, opened or reviewed) == (tier, None)
    assert TWO_REVIEWS.tier(tier).rank >= TWO_REVIEWS.tier(current).rank


@given(spends, spends, marks)
def test_a_refund_leaves_what_would_have_been_won_without_it(
    before_fen: int, after_fen: int, approved: str | None
) -> None:
    """Whatever was bought in between, the tier after the refund is that of never having bought it."""
    more_fen = max(before_fen, after_fen)
    tier, _ = evaluated(TWO_REVIEWS, "bronze", more_fen, approved)
    found = after_refund(
        current=tier,
        approved=approved,
        reviewed=None,
        standings=[spent(min(before_fen, after_fen))],
        program=TWO_REVIEWS,
    )
    expected, _ = evaluated(TWO_REVIEWS, "bronze", min(before_fen, after_fen), approved)
    assert found.tier.code == expected
