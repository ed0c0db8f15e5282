"""What members do besides buying. Source: RULES.md, activities."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.activities import (
    ActivityKindUnknown,
    ActivityLevelUnknown,
    ActivityLimitReached,
    ActivityNotFound,
)
from app.domain.activity_commands import RecordActivity, ReverseActivity
from app.domain.campaign_choice import sums_of
from app.domain.campaigns import Campaign, Effect
from app.domain.commands import Accrue, EvaluateTier, Redeem, SignIn
from app.domain.coupon_commands import RedeemCoupon
from app.domain.errors import MemberFrozen
from app.domain.posting import Change, Context
from app.domain.program import Program
from app.domain.ratio import Ratio
from app.domain.roster import Asking, Roster
from tests.domain.book import Book
from tests.domain.fair import Fair, campaign, chances, coupon, points
from tests.domain.programs import DEFAULT, document
from tests.domain.shop import template

KINDS: list[dict[str, Any]] = [
    {"kind": "review", "label": "r", "points": 20, "growth": 20, "per_day": 2},
    {"kind": "vote", "label": "v", "points": 0, "growth": 3},
    {"kind": "profile", "label": "p", "points": 50, "once": True},
    {"kind": "wave", "label": "w", "points": 0},
]


def rules(**changes: Any) -> Program:
    return Program.from_document(1, {**document(**changes), "activities": KINDS})


def record(reference: str = "a", activity: str = "review", level: str | None = None) -> RecordActivity:
    return RecordActivity(member_id="m", reference=reference, activity=activity, level=level)


def undo(reference: str = "a") -> ReverseActivity:
    return ReverseActivity(member_id="m", reference=reference)


class Campaigning(Book):
    """A book in which campaigns for activities are open."""

    def __init__(self, *campaigns: Campaign, **about: Any) -> None:
        self.campaigns = campaigns
        self.asked: list[dict[str, Any]] = []
        self.given: list[list[int]] = []  # what campaigns gave more, each time
        super().__init__(rules(), **about)

    def _record(self, change: Change) -> None:
        super()._record(change)
        self.given += [list(sums) for sums in sums_of(change.tallies).values()]

    def _ask(self, _trigger: str, facts: Any) -> Asking:
        self.asked.append({name: value for name, value in facts.items() if name.startswith("event.")})
        return lambda condition: condition == facts["event.kind"]

    def context(self) -> Context:
        return super().context()._replace(campaigns=Roster({"activity": self.campaigns}, ask=self._ask))


@pytest.mark.parametrize(
    ("kind", "level", "points", "growth", "label"),
    [
        ("review", None, 20, 20, "商品评价"),
        ("review", "text", 20, 20, "商品评价"),
        ("review", "pictures", 40, 20, "带图评价"),
        ("share", None, 5, 0, "分享"),
        ("post", None, 5, 0, "社区发帖"),
        ("reply", None, 2, 0, "社区回复"),
        ("topic", None, 5, 0, "参与话题"),
        ("vote", None, 2, 0, "参与投票"),
        ("quiz", None, 5, 0, "知识问答"),
        ("survey", None, 30, 0, "问卷调查"),
        ("charity", None, 10, 0, "公益活动"),
        ("suggestion", None, 200, 0, "建议被采纳"),
        ("profile", None, 50, 0, "完善资料"),
    ],
)
def test_the_default_is_the_rules(kind: str, level: str | None, points: int, growth: int, label: str) -> None:
    book = Book()
    told = book.do(record(activity=kind, level=level))
    assert told == {
        "reference": "a",
        "kind": kind,
        "level": level,
        "status": "recorded",
        "points": points,
        "growth": growth,
        "chances": 0,
        "coupons": [],
        "breakdown": [{"rule": f"activity:{kind}", "label": label, "points": points, "version": 1}],
        "debt_paid": 0,
        "balance": {"available": points, "pending": 0, "reserved": 0, "debt": 0},
        "tier": {"code": "bronze", "changed": False},
    }
    assert book.account().growth == growth
    lot = book.lot(1)
    assert (lot.source, lot.granted, lot.expires_at) == (
        "activity",
        points,
        datetime(2027, 3, 5, 16, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("kind", "per_day"),
    [("review", 5), ("share", 3), ("post", 5), ("reply", 10), ("survey", 1), ("topic", None)],
)
def test_the_default_limits(kind: str, per_day: int | None) -> None:
    assert DEFAULT.activities[kind].per_day == per_day
    book = Book()
    for number in range(per_day or 20):
        book.do(record(f"a{number}", kind))
    if per_day is None:
        return
    with pytest.raises(ActivityLimitReached) as refused:
        book.do(record("more", kind))
    assert refused.value.extra == {"limit": per_day, "counts_again_at": "2026-03-05T16:00:00Z"}
    assert "2026-03-05T16:00:00Z" in refused.value.detail
    book.do(record("other", "topic"))  # another kind has a limit of its own
    book.later(hours=14).do(record("more", kind))  # midnight in Shanghai


def test_levels_share_the_limit_of_their_kind() -> None:
    book = Book()
    for number in range(5):
        book.do(record(f"a{number}", level=("text", "pictures", None)[number % 3]))
    with pytest.raises(ActivityLimitReached):
        book.do(record("more", level="pictures"))


def test_what_was_taken_back_still_counts_that_day() -> None:
    book = Book(rules())
    for reference in ("a", "b"):
        book.do(record(reference))
        book.do(undo(reference))
    with pytest.raises(ActivityLimitReached):
        book.do(record("c"))


def test_once_is_once_until_it_is_taken_back() -> None:
    book = Book(rules())
    book.do(record(activity="profile"))
    with pytest.raises(ActivityLimitReached) as refused:
        book.later(days=400).do(record("b", "profile"))
    assert refused.value.extra == {"limit": 1, "counts_again_at": None}
    assert "once" in refused.value.detail
    book.do(undo())
    book.do(record("b", "profile"))
    with pytest.raises(ActivityLimitReached):
        book.do(record("c", "profile"))


def test_unknown_kinds_and_levels_are_refused() -> None:
    book = Book()
    with pytest.raises(ActivityKindUnknown):
        book.do(record(activity="dance"))
    with pytest.raises(ActivityLevelUnknown):
        book.do(record(level="film"))
    bare = document()
    del bare["activities"]
    with pytest.raises(ActivityKindUnknown):
        Book(Program.from_document(1, bare)).do(record())


def test_no_points_but_growth() -> None:
    book = Book(rules())
    told = book.do(record(activity="vote"))
    assert (told["points"], told["growth"], told["breakdown"]) == (0, 3, [])
    assert book.kinds() == ["activity"]
    back = book.do(undo())
    assert (back["points"], back["growth"]) == (0, 3)
    assert book.account().growth == 0


def test_what_is_worth_nothing_is_recorded_too() -> None:
    book = Book(rules())
    assert book.do(record(activity="wave"))["points"] == 0
    assert (book.last().lot, book.account().lot_count) == (None, 0)
    back = book.do(undo())
    assert (back["points"], back["recovered"], back["shortfall"]) == (0, 0, 0)


def test_what_must_be_loaded() -> None:
    assert (record().activity_counted, record().activity_named, record().fires) == (
        "review",
        None,
        "activity",
    )
    assert (undo().activity_counted, undo().activity_named) == (None, "a")
    assert undo().entries_told == (("m", "activity/a"),)
    assert (undo().reads_all_lots, undo().counts, record().counts) == (True, True, True)


def test_it_is_taken_back_whole() -> None:
    book = Book()
    book.do(record(level="pictures"))
    assert book.do(undo()) == {
        "reference": "a",
        "kind": "review",
        "level": "pictures",
        "status": "reversed",
        "points": 40,
        "recovered": 40,
        "shortfall": 0,
        "growth": 20,
        "chances": 0,
        "balance": {"available": 0, "pending": 0, "reserved": 0, "debt": 0},
        "tier": {"code": "bronze", "changed": False},
    }
    account = book.account()
    assert (account.earned, account.growth, account.available) == (0, 0, 0)
    taken_back = book.members["m"].activities["a"]
    assert (taken_back.status, taken_back.sequence, taken_back.lot) == ("reversed", 1, 1)


def test_what_was_spent_comes_from_other_lots_then_is_owed() -> None:
    book = Book()
    book.do(record())
    book.do(record("b", "survey"))
    book.do(Redeem(member_id="m", reference="r", points=45))
    told = book.do(undo())
    assert (told["recovered"], told["shortfall"]) == (5, 15)
    assert "level" not in book.detail()
    assert book.balances() == (0, 0, 0, 15)
    assert book.later(days=1).do(record("c", "survey"))["debt_paid"] == 15


def test_chances_it_did_not_give_are_left() -> None:
    book = Book()
    account = book.account()
    book.members["m"].account = account._replace(chances=5)
    book.do(record())
    assert book.do(undo())["chances"] == 0
    assert book.account().chances == 5


def test_what_expired_unused_counts_as_recovered() -> None:
    book = Book()
    book.do(record())
    told = book.later(days=400).do(undo())
    assert (told["recovered"], told["shortfall"]) == (20, 0)
    assert book.account().expired == 0


def test_what_is_not_there_can_not_be_taken_back() -> None:
    book = Book()
    with pytest.raises(ActivityNotFound):
        book.do(undo())


def test_a_frozen_member_does_nothing_but_is_taken_back_from() -> None:
    book = Book()
    book.do(record())
    member = book.members["m"]
    member.account = member.account._replace(status="frozen")
    with pytest.raises(MemberFrozen):
        book.decide(record("b"))
    book.decide(undo())
    assert book.account().available == 0


def test_campaigns_add_to_it_and_are_taken_back_with_it() -> None:
    campaign = Campaign(
        campaign="c",
        name="C",
        trigger="activity",
        condition="review",
        version=3,
        effects=(
            Effect(kind="multiply_points", factor=Ratio(3, 2)),
            Effect(kind="add_growth", amount=7),
            Effect(kind="add_chances", amount=2),
        ),
    )
    book = Campaigning(campaign)
    told = book.do(record())
    assert (told["points"], told["growth"], told["chances"]) == (30, 27, 2)
    assert told["breakdown"] == [
        {"rule": "activity:review", "label": "r", "points": 20, "version": 1},
        {"rule": "campaign:c", "label": "C", "points": 10, "version": 3},
    ]
    assert book.asked == [{"event.kind": "review", "event.level": ""}]
    assert book.do(record("b", "profile"))["points"] == 50  # the condition does not hold
    assert book.given == [[1, 0, 10, 7, 2]]
    member = book.members["m"]
    member.account = member.account._replace(chances=1)  # one was used
    back = book.do(undo())
    assert (back["points"], back["growth"], back["chances"]) == (30, 27, 1)
    assert book.given == [[1, 0, 10, 7, 2], [0, 0, 0, 0, -1, 0, 0, 10]]
    assert (book.account().growth, book.account().chances) == (0, 0)


def test_campaigns_lose_what_nobody_used_yet_in_their_order() -> None:
    """Two gave 2 coupons and 2 chances each; one coupon and one chance are used."""
    gifts = (chances(2), coupon("t", 2))
    book = Fair(
        campaign("a", points(5), *gifts, trigger="activity"),
        campaign("b", points(7), *gifts, trigger="activity"),
        program=rules(),
        templates=[template("t", amount_off_fen=100)],
    )
    book.do(record())
    book.do(RedeemCoupon(member_id="m", code="C1", reference="r", discount=100))
    member = book.members["m"]
    member.account = member.account._replace(chances=3)
    assert book.do(undo())["chances"] == 3
    assert (book.detail()["voided"], book.detail()["undoes"]) == (["C2", "C3", "C4"], "activity/a")
    assert (book.account().chances, book.account().coupons) == (0, 0)
    assert [book.coupon(f"C{number}").status for number in (1, 2, 3, 4)] == ["redeemed"] + ["voided"] * 3
    assert book.tally("a") == {"times": 1, "points": 5, "taken_back": 5}
    assert book.tally("b") == {"times": 1, "points": 7, "taken_back": 7, "chances": 1, "coupons": 1}


ROLLING = {
    "qualification": {
        "metrics": ["points_earned", "growth"],
        "combine": "any",
        "window": {"kind": "rolling_months", "months": 12},
    },
    "ladder": [
        {"code": "low", "name": "l", "thresholds": {}, "rate": "1", "requires_review": False, "benefits": []},
        {
            "code": "high",
            "name": "h",
            "thresholds": {"points_earned": 60, "growth": 60},
            "rate": "1",
            "requires_review": False,
            "benefits": [],
        },
    ],
}


def test_activities_count_for_tiers_within_their_window() -> None:
    book = Book(rules(tiers=ROLLING))
    book.do(SignIn(member_id="m"))  # 10 points, 5 growth
    assert book.do(record(activity="profile"))["tier"] == {"code": "high", "changed": True}  # 60 points
    assert book.do(undo())["tier"] == {"code": "low", "changed": True}
    book.do(record("b"))
    book.do(record("c"))
    assert book.account().tier == "low"  # 50 points, 45 growth
    book.later(days=1).do(record("d"))
    assert book.account().tier == "high"
    book.later(days=400).do(EvaluateTier(member_id="m"))
    book.do(Accrue(member_id="m", order_id="o", amount=1))
    assert book.account().tier == "high"  # once won it holds


def test_growth_of_sign_ins_is_that_of_their_lots() -> None:
    high: dict[str, Any] = {**ROLLING["ladder"][1], "thresholds": {"growth": 10}}
    qualification = {**ROLLING["qualification"], "metrics": ["growth"]}
    tiers = {"qualification": qualification, "ladder": [ROLLING["ladder"][0], high]}
    book = Book(rules(tiers=tiers))
    book.do(SignIn(member_id="m"))
    member = book.members["m"]
    member.lots[1] = member.lots[1]._replace(terms=None)  # of before lots told their growth
    book.later(days=1).do(SignIn(member_id="m"))
    assert book.account().tier == "high"


@given(
    st.lists(
        st.tuples(st.sampled_from(["review", "vote", "profile"]), st.integers(0, 20), st.booleans()),
        max_size=12,
    )
)
def test_taking_everything_back_leaves_nothing(steps: list[tuple[str, int, bool]]) -> None:
    book = Book(rules())
    recorded: list[str] = []
    for number, (kind, hours, spends) in enumerate(steps):
        book.later(hours=hours)
        try:
            book.do(record(f"a{number}", kind))
        except ActivityLimitReached:
            continue
        recorded.append(f"a{number}")
        if spends and book.account().available:
            book.do(Redeem(member_id="m", reference=f"r{number}", points=book.account().available))
    for reference in recorded:
        book.do(undo(reference))
    account = book.account()
    assert (account.earned, account.growth, account.available) == (0, 0, 0)
    assert account.debt == account.redeemed


def test_examples_are_plausible() -> None:
    assert ActivityLimitReached.example().extra["limit"] == 5
