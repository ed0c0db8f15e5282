"""Missions: so much of something within a period earns a reward and a badge."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.account import MissionProgress
from app.domain.activity_commands import RecordActivity, ReverseActivity
from app.domain.commands import Accrue, Enrol, Erase, Mature, Redeem, Reverse, Settle, SignIn
from app.domain.coupon_commands import RedeemCoupon
from app.domain.mission_commands import PayMission, UndoMission
from app.domain.mission_terms import MissionPeriod
from app.domain.missions import periods_of
from app.domain.program import Program
from app.domain.shelf import NeedsMore
from tests.domain.book import Book
from tests.domain.lane import Lane
from tests.domain.programs import DEFAULT, document
from tests.domain.shop import template

THREE_ORDERS: dict[str, Any] = {
    "mission": "three",
    "name": "本月三单",
    "counts": "orders",
    "at_least": 3,
    "period": "month",
    "reward": {"points": 50},
    "badge": "regular",
}


def rules(*missions: dict[str, Any], version: int = 1, **changes: Any) -> Program:
    return Program.from_document(version, {**document(**changes), "missions": list(missions)})


def mission(counts: str, at_least: int, period: Any = "ever", **more: Any) -> dict[str, Any]:
    return {
        "mission": "m",
        "name": "M",
        "counts": counts,
        "at_least": at_least,
        "period": period,
        "reward": {"points": 7},
        **more,
    }


def order(order_id: str, amount: int = 1_000, **more: Any) -> Accrue:
    return Accrue(member_id="m", order_id=order_id, amount=amount, **more)


def back(order_id: str, amount: int = 1_000, reference: str = "r") -> Reverse:
    return Reverse(member_id="m", order_id=order_id, reference=reference, amount=amount)


def activity(reference: str, kind: str = "review") -> RecordActivity:
    return RecordActivity(member_id="m", reference=reference, activity=kind)


def progress(book: Book) -> dict[tuple[str, str], tuple[int, bool]]:
    """By mission and period: how far, and whether it is completed."""
    return {
        key: (row.progress, row.completed_at is not None) for key, row in book.members["m"].progress.items()
    }


def done(book: Book) -> list[str]:
    return [entry.key for entry in book.entries.get("m", []) if entry.kind == "mission"]


@pytest.mark.parametrize(
    ("period", "day", "ends"),
    [
        (MissionPeriod("ever"), date(2026, 3, 5), None),
        (MissionPeriod("day"), date(2026, 12, 31), date(2027, 1, 1)),
        (MissionPeriod("week"), date(2026, 3, 2), date(2026, 3, 9)),
        (MissionPeriod("week"), date(2026, 3, 8), date(2026, 3, 9)),
        (MissionPeriod("month"), date(2026, 2, 1), date(2026, 3, 1)),
        (MissionPeriod("month"), date(2028, 2, 29), date(2028, 3, 1)),
        (MissionPeriod("month"), date(2026, 12, 31), date(2027, 1, 1)),
        (MissionPeriod("joining", 7), date(2026, 3, 5), date(2026, 3, 9)),
    ],
)
def test_the_end_of_a_period(period: MissionPeriod, day: date, ends: date | None) -> None:
    joined = date(2026, 3, 1)
    assert period.ends(day, joined=joined) == ends
    if ends is not None:
        last = ends - timedelta(days=1)
        assert (
            period.name(last, joined=joined)
            == period.name(day, joined=joined)
            != period.name(ends, joined=joined)
        )


@pytest.mark.parametrize(
    ("period", "day", "name"),
    [
        (MissionPeriod("ever"), date(2026, 3, 5), "ever"),
        (MissionPeriod("day"), date(2026, 3, 5), "2026-03-05"),
        (MissionPeriod("week"), date(2026, 3, 5), "2026-W10"),
        (MissionPeriod("week"), date(2027, 1, 3), "2026-W53"),
        (MissionPeriod("week"), date(2027, 1, 4), "2027-W01"),
        (MissionPeriod("month"), date(2026, 3, 31), "2026-03"),
        (MissionPeriod("joining", 7), date(2026, 2, 28), None),
        (MissionPeriod("joining", 7), date(2026, 3, 1), "joining"),
        (MissionPeriod("joining", 7), date(2026, 3, 8), "joining"),
        (MissionPeriod("joining", 7), date(2026, 3, 9), None),
    ],
)
def test_the_name_of_a_period(period: MissionPeriod, day: date, name: str | None) -> None:
    assert period.name(day, joined=date(2026, 3, 1)) == name


def test_three_orders_a_month() -> None:
    book = Book(rules(THREE_ORDERS))
    book.do(order("a"))
    book.do(order("b"))
    assert progress(book) == {("three", "2026-03"): (2, False)}
    assert book.detail()["missions"] == [["three", "2026-03", 1]]
    told = book.do(order("c"))
    assert told["points"] == 10  # the order's own
    assert progress(book) == {("three", "2026-03"): (3, True)}
    assert book.kinds() == ["accrue", "accrue", "accrue", "mission"]
    assert book.last().key == "mission/three/2026-03"
    assert book.detail() == {
        "points": 50,
        "breakdown": [["mission:three", "本月三单", 50]],
        "debt_paid": 0,
        "version": 1,
        "completed_at": "2026-03-05T02:00:00Z",
        "badge": "regular",
    }
    assert book.account().available == 80
    assert book.lot(4).source == "mission"
    book.do(order("d"))  # once a month
    assert progress(book) == {("three", "2026-03"): (4, True)}
    for order_id in "efg":
        book.later(days=30).do(order(order_id))
    assert progress(book)["three", "2026-04"] == (1, False)
    assert done(book) == ["mission/three/2026-03"]


def test_a_refund_takes_an_order_out_again_until_the_mission_is_completed() -> None:
    book = Book(rules(THREE_ORDERS))
    book.do(order("a"))
    book.do(order("b"))
    book.do(back("a", 400))
    assert progress(book) == {("three", "2026-03"): (2, False)}  # part of it is left
    book.do(back("a", 600, reference="s"))
    assert progress(book) == {("three", "2026-03"): (1, False)}
    book.do(order("c"))
    assert not done(book)
    book.do(order("d"))
    assert done(book) == ["mission/three/2026-03"]


def test_what_came_back_undoes_the_mission_and_what_comes_again_pays_again() -> None:
    book = Book(rules(THREE_ORDERS))
    for order_id in "abcd":
        book.do(order(order_id))
    book.do(back("d"))
    assert progress(book) == {("three", "2026-03"): (3, True)}  # one more than it needed
    assert book.kinds() == ["accrue", "accrue", "accrue", "mission", "accrue", "reverse"]
    book.do(back("a", 999))
    assert progress(book) == {("three", "2026-03"): (3, True)}
    book.do(back("a", 1, reference="s"))
    assert book.kinds()[-2:] == ["reverse", "mission_undo"]
    assert book.last().key == "mission_undo/three/2026-03/1"
    assert book.detail() == {
        "points": 50,
        "recovered": 50,
        "shortfall": 0,
        "moves": [[4, -50, 0]],
        "undoes": "mission/three/2026-03",
    }
    row = book.members["m"].progress["three", "2026-03"]
    assert (row.progress, row.completed_at, row.badge, row.undone) == (2, None, None, 1)
    assert book.account().available == 20
    for order_id in "ef":
        book.do(order(order_id))
    book.do(back("b"))
    book.do(back("c"))
    assert [entry.key for entry in book.entries["m"] if entry.kind.startswith("mission")][2:] == [
        "mission/three/2026-03/2",
        "mission_undo/three/2026-03/2",
    ]
    assert book.members["m"].progress["three", "2026-03"].undone == 2


def test_what_was_spent_of_an_undone_reward_is_owed() -> None:
    reward = {"points": 7, "growth": 5, "chances": 2, "coupon": "T"}
    book = Book(rules(mission("orders", 1, reward=reward)), templates=[template("T", "free_shipping")])
    book.do(order("a"))
    book.do(Redeem(member_id="m", reference="r", points=17))
    book.do(back("a"))
    account = book.account()
    assert (account.available, account.debt, account.growth, account.chances, account.coupons) == (
        0,
        17,
        0,
        0,
        0,
    )
    assert [coupon.status for coupon in book.members["m"].coupons.values()] == ["voided"]
    assert (book.detail()["chances"], book.detail()["voided"]) == (-2, ["C1"])
    book.do(order("b"))  # pays what is owed first
    assert (book.account().available, book.account().debt) == (0, 0)
    book.do(RedeemCoupon(member_id="m", code="C2", reference="r", discount=1))
    book.do(back("b"))
    assert [coupon.status for coupon in book.members["m"].coupons.values()] == ["voided", "redeemed"]
    assert "voided" not in book.detail()


def test_another_version_that_asks_for_more_undoes_nothing() -> None:
    book = Book(rules(mission("orders", 1)))
    book.do(order("a"))
    book.adopt(rules(mission("orders", 5), version=2))
    book.do(order("b"))
    assert progress(book) == {("m", "ever"): (2, True)}
    book.do(back("b"))
    assert progress(book) == {("m", "ever"): (1, True)}
    assert book.members["m"].progress["m", "ever"].program_version == 1
    book.do(back("a"))
    assert progress(book) == {("m", "ever"): (0, False)}
    assert book.kinds()[-1] == "mission_undo"


def test_what_was_completed_before_any_could_be_undone_stays_so() -> None:
    book = Book(rules(THREE_ORDERS))
    for order_id in "abc":
        book.do(order(order_id))
    member = book.members["m"]
    member.progress["three", "2026-03"] = member.progress["three", "2026-03"]._replace(undone=None)
    book.do(back("a"))
    assert progress(book) == {("three", "2026-03"): (3, True)}
    assert "missions" not in book.detail()


def test_a_payment_that_broke_leaves_nothing_to_take_back() -> None:
    book = Book(rules(mission("orders", 1)))
    book.do(order("a"))
    book.members["m"].told.clear()
    book.do(back("a"))
    assert progress(book) == {("m", "ever"): (0, False)}
    assert book.kinds()[-1] == "reverse"


def test_an_undone_reward_may_lower_the_tier() -> None:
    ladder = document()["tiers"]["ladder"][:2]
    ladder[1]["thresholds"] = {"growth": 42}
    tiers = {
        "ladder": ladder,
        "qualification": {"metrics": ["growth"], "combine": "any", "window": {"kind": "lifetime"}},
    }
    book = Book(rules(mission("orders", 2, reward={"growth": 40}), tiers=tiers))
    book.do(order("a", 500))
    book.do(order("b", 500))
    assert book.account().tier == "silver"
    book.do(back("a", 500))
    assert book.account().tier == "bronze"
    assert book.detail()["tier_change"]["to"] == "bronze"


def test_the_days_of_newcomers_and_of_orders_are_those_of_the_programs_zone() -> None:
    evening = datetime(2026, 3, 5, 17, tzinfo=UTC)  # the sixth in Shanghai
    book = Book(rules(mission("orders", 9, "day", badge="b"), {**mission("orders", 9), "mission": "new",
                                                    "period": {"days_after_joining": 1}}), now=evening)  # fmt: skip
    book.do(order("a", 1_000))
    assert progress(book) == {("m", "2026-03-06"): (1, False), ("new", "joining"): (1, False)}
    assert {row.badge for row in book.members["m"].progress.values()} == {None}
    assert book.detail()["missions"] == [["m", "2026-03-06", 1], ["new", "joining", 1]]
    book.later(days=1).do(order("b", 1_000))
    assert progress(book)["new", "joining"] == (2, False)


def test_each_sign_in_counts_once() -> None:
    book = Book(rules(mission("sign_ins", 2)))
    book.do(SignIn(member_id="m"))
    assert progress(book) == {("m", "ever"): (1, False)}


def test_what_was_taken_down_counts_no_more_on_its_own_day() -> None:
    book = Book(rules(mission("activities", 3, "day")))
    for reference in "ab":
        book.do(activity(reference))
    book.later(days=1).do(activity("c"))
    book.do(ReverseActivity(member_id="m", reference="a"))
    assert progress(book) == {("m", "2026-03-05"): (1, False), ("m", "2026-03-06"): (1, False)}


def test_an_invitation_that_is_undone_counts_no_more_in_its_own_month() -> None:
    book = Book(rules(mission("referrals", 3, "month")))
    for invitee in "ab":
        book.do(Enrol(member_id=invitee, person={"referred_by": "m"}))
    book.now = datetime(2026, 3, 31, 17, tzinfo=UTC)  # April in Shanghai
    for invitee in "ab":
        book.do(Accrue(member_id=invitee, order_id=f"o-{invitee}", amount=6_000))
    assert progress(book) == {("m", "2026-04"): (2, False)}
    book.later(days=31).do(Reverse(member_id="a", order_id="o-a", reference="r", amount=6_000))
    assert progress(book) == {("m", "2026-04"): (1, False)}


def test_a_refund_is_of_the_month_of_its_order() -> None:
    book = Book(rules(THREE_ORDERS))
    book.do(order("a"))
    book.later(days=31).do(order("b"))
    book.do(back("a"))
    assert progress(book) == {("three", "2026-03"): (0, False), ("three", "2026-04"): (1, False)}
    book.do(order("c", occurred_at=datetime(2026, 3, 31, 15, 59, tzinfo=UTC)))  # still March in Shanghai
    assert progress(book)["three", "2026-03"] == (1, False)


def test_amounts_count_what_is_left_of_orders() -> None:
    book = Book(rules(mission("amount", 5_000)))
    book.do(order("a", 3_000))
    book.do(back("a", 1_000))
    book.do(order("free", 0))
    assert progress(book) == {("m", "ever"): (2_000, False)}
    book.do(order("b", 3_000))
    assert progress(book) == {("m", "ever"): (5_000, True)}


def test_orders_count_once_they_are_settled() -> None:
    book = Book(rules(mission("orders", 9)))
    book.do(order("a", settle=False))
    book.do(order("b", settle=False))
    book.do(order("c", settle=False))
    book.do(back("c"))
    book.do(order("free", 0))
    assert progress(book) == {}
    book.do(Settle(member_id="m", order_id="a"))
    assert progress(book) == {("m", "ever"): (1, False)}
    book.later(days=15).do(Mature(member_id="m"))
    assert progress(book) == {("m", "ever"): (2, False)}


def test_what_settles_by_itself_completes_it_too() -> None:
    book = Book(rules(mission("orders", 1)))
    book.do(order("a", settle=False))
    book.later(days=20).do(Mature(member_id="m"))
    assert book.kinds() == ["accrue", "settle", "mission"]
    assert book.members["m"].progress["m", "ever"].completed_at == datetime(2026, 3, 20, 2, tzinfo=UTC)


def test_checkouts_are_orders() -> None:
    lane = Lane(program=rules(mission("amount", 400_000, badge="b")))
    lane.hold(6_000)
    assert lane.complete()["accrual"]["points"] == 58  # silver members pay 2 % less
    assert progress(lane.book) == {("m", "ever"): (105_880, False)}
    lane.refund(2_000)
    assert progress(lane.book) == {("m", "ever"): (103_880, False)}


def test_sign_ins_by_day_and_week() -> None:
    book = Book(rules(mission("sign_ins", 3, "week"), mission("sign_ins", 1, "day", mission="d")))
    for _ in range(3):  # Thursday, Friday, Saturday
        book.do(SignIn(member_id="m"))
        book.later(days=1)
    assert sorted(done(book)) == [
        "mission/d/2026-03-05",
        "mission/d/2026-03-06",
        "mission/d/2026-03-07",
        "mission/m/2026-W10",
    ]


def test_activities_of_a_kind_and_of_all() -> None:
    book = Book(rules(mission("activities", 2, kind="review"), mission("activities", 4, mission="all")))
    book.do(activity("a"))
    book.do(activity("b", "share"))
    assert progress(book) == {("m", "ever"): (1, False), ("all", "ever"): (2, False)}
    book.do(ReverseActivity(member_id="m", reference="a"))
    assert progress(book) == {("m", "ever"): (0, False), ("all", "ever"): (1, False)}
    book.do(activity("c"))
    book.do(activity("d"))
    assert done(book) == ["mission/m/ever"]
    book.do(ReverseActivity(member_id="m", reference="d"))
    assert progress(book) == {("m", "ever"): (1, False), ("all", "ever"): (2, False)}
    assert book.kinds()[-2:] == ["reverse_activity", "mission_undo"]


def test_paid_invitations_count_for_who_invited() -> None:
    book = Book(rules(mission("referrals", 2)))
    for friend in ("x", "y"):
        book.do(Enrol(member_id=friend, person={"referred_by": "m"}))
        book.do(Accrue(member_id=friend, order_id="o", amount=10_000))
    assert progress(book) == {("m", "ever"): (2, True)}
    assert book.kinds() == ["referral", "referral", "mission"]
    assert not book.members["x"].progress


def test_an_invitation_that_is_undone_counts_no_more() -> None:
    book = Book(rules(mission("referrals", 2, "day")))
    book.do(Enrol(member_id="x", person={"referred_by": "m"}))
    book.do(Accrue(member_id="x", order_id="o", amount=10_000))
    today = str(book.context().today)
    book.later(days=1).do(Reverse(member_id="x", order_id="o", reference="r", amount=10_000))
    assert progress(book) == {("m", today): (0, False)}
    assert book.kinds() == ["referral", "referral_undo"]


def test_an_invitation_that_is_undone_undoes_the_mission_of_its_version() -> None:
    book = Book(rules(mission("referrals", 1)))
    book.do(Enrol(member_id="x", person={"referred_by": "m"}))
    book.do(Accrue(member_id="x", order_id="o", amount=10_000))
    book.adopt(rules(version=2))
    book.do(Reverse(member_id="x", order_id="o", reference="r", amount=10_000))
    assert book.kinds() == ["referral", "mission", "referral_undo", "mission_undo"]
    assert book.account().available == 0


def test_newcomers_have_some_days() -> None:
    book = Book(rules(mission("orders", 2, {"days_after_joining": 7})))
    book.later(days=7).do(order("a"))
    book.do(order("before", occurred_at=book.now - timedelta(days=8)))
    book.later(days=1).do(order("b"))
    assert progress(book) == {("m", "joining"): (1, False)}
    book.do(order("c", occurred_at=book.now - timedelta(days=3)))
    assert done(book) == ["mission/m/joining"]


def test_rewards_of_every_sort() -> None:
    reward = {"points": 7, "growth": 5, "chances": 2, "coupon": "T"}
    book = Book(rules(mission("orders", 1, reward=reward)), templates=[template("T", "free_shipping")])
    book.do(order("a"))
    assert [coupon.source for coupon in book.members["m"].coupons.values()] == ["mission"]
    account = book.account()
    assert (account.available, account.growth, account.chances, account.coupons) == (17, 15, 2, 1)


def test_a_badge_alone_is_told_too() -> None:
    made = mission("orders", 1, badge="first")
    del made["reward"]
    book = Book(rules(made))
    book.do(order("a"))
    assert (book.detail()["points"], book.detail()["badge"]) == (0, "first")
    assert book.members["m"].progress["m", "ever"].badge == "first"


def test_a_reward_may_raise_the_tier() -> None:
    ladder = document()["tiers"]["ladder"][:2]
    ladder[1]["thresholds"] = {"points_earned": 17}
    tiers = {
        "ladder": ladder,
        "qualification": {
            "metrics": ["points_earned"],
            "combine": "any",
            "window": {"kind": "rolling_months", "months": 12},
        },
    }
    book = Book(rules(mission("orders", 1), tiers=tiers))
    book.do(order("a"))
    assert book.account().tier == "silver"
    assert book.detail()["tier_change"]["to"] == "silver"


def test_orders_count_by_the_version_that_granted_them() -> None:
    book = Book()
    book.do(order("old", settle=False))
    book.do(order("counted"))
    book.adopt(rules(mission("orders", 2), version=2))
    book.do(Settle(member_id="m", order_id="old"))
    assert progress(book) == {}
    book.do(order("new"))
    book.do(order("pending", settle=False))
    book.do(back("counted"))
    assert progress(book) == {("m", "ever"): (1, False)}
    book.adopt(rules(version=3))
    book.do(Settle(member_id="m", order_id="pending"))
    assert done(book) == ["mission/m/ever"]
    assert book.detail()["version"] == 2


def test_who_was_erased_earns_no_more() -> None:
    book = Book(rules(mission("orders", 1)))
    book.do(order("a", settle=False))
    book.do(Erase(member_id="m"))
    book.do(Settle(member_id="m", order_id="a"))
    assert progress(book) == {}


def test_a_period_that_was_not_looked_up_is_asked_for() -> None:
    book = Book(rules(THREE_ORDERS))
    member = book.members["m"]
    member.periods = frozenset({"2026-04"})
    with pytest.raises(NeedsMore) as asked:
        book.do(order("a"))
    assert asked.value.periods == {("m", "2026-03")}
    member.periods = frozenset({"2026-03"})
    book.do(order("a"))


def test_what_to_look_up() -> None:
    assert periods_of(DEFAULT, date(2026, 3, 5)) == frozenset()
    made = rules(THREE_ORDERS, mission("orders", 1, {"days_after_joining": 3}))
    assert periods_of(made, date(2026, 3, 5)) == {"2026-03", "joining"}


def test_a_reward_is_paid_once_under_its_own_key() -> None:
    command = PayMission(member_id="m", mission="three", period="2026-03", program_version=1)
    assert command.natural_key(date(2026, 3, 5)) == "mission/three/2026-03"
    again = replace(command, number=2)
    assert again.natural_key(date(2026, 3, 5)) == "mission/three/2026-03/2"
    undone = UndoMission(member_id="m", mission="three", period="2026-03", number=2)
    assert undone.natural_key(date(2026, 3, 5)) == "mission_undo/three/2026-03/2"
    assert undone.entries_told == (("m", "mission/three/2026-03/2"),)


GOALS = {"three": 3, "m": 2_000, "s": 2, "a": 2}
STEPS = st.lists(
    st.tuples(st.sampled_from(["order", "later", "refund", "sign_in", "review", "undo"]), st.integers(0, 5)),
    max_size=25,
)


@given(STEPS)
def test_progress_is_what_the_entries_count(steps: list[tuple[str, int]]) -> None:
    book = Book(
        rules(
            {**THREE_ORDERS, "at_least": GOALS["three"]},
            mission("amount", GOALS["m"], "week"),
            mission("sign_ins", GOALS["s"], "ever", mission="s"),
            mission("activities", GOALS["a"], "day", mission="a"),
        )
    )
    left: dict[str, int] = {}
    reviews: list[str] = []
    for number, (what, figure) in enumerate(steps):
        if what == "order":
            left[f"o{number}"] = figure * 300
            book.do(order(f"o{number}", figure * 300))
        elif what == "later":
            book.later(days=figure)
        elif what == "refund" and any(left.values()):
            order_id = next(name for name, amount in left.items() if amount)
            amount = min(left[order_id], 100 + 300 * figure)
            left[order_id] -= amount
            book.do(back(order_id, amount, reference=f"r{number}"))
        elif what == "sign_in" and book.account().last_sign_in != book.context().today:
            book.do(SignIn(member_id="m"))
        elif what == "review":
            reviews.append(f"a{number}")
            book.do(activity(reviews[-1], "quiz"))
        elif what == "undo" and reviews:
            book.do(ReverseActivity(member_id="m", reference=reviews.pop()))
    told: dict[tuple[str, str], int] = {}
    for entry in book.entries.get("m", []):
        for name, period, figure in told_by(entry.detail):
            told[name, period] = told.get((name, period), 0) + figure
    rows: dict[tuple[str, str], MissionProgress] = book.members["m"].progress
    assert {key: row.progress for key, row in rows.items()} == told
    for (name, period), row in rows.items():
        turns = ["mission", "mission_undo"] * (row.undone or 0) + ["mission"] * bool(row.completed_at)
        assert turns_of(book, f"{name}/{period}") == turns
        assert bool(row.completed_at) == (row.progress >= GOALS[name])


def turns_of(book: Book, place: str) -> list[str]:
    """The entries that paid a mission in a period, or undid it."""
    keys = [entry.key for entry in book.entries["m"] if entry.kind.startswith("mission")]
    return [key.split("/")[0] for key in keys if f"{key}/".partition("/")[2].startswith(f"{place}/")]


def told_by(detail: str) -> list[tuple[str, str, int]]:
    return json.loads(detail).get("missions", [])
