"""What campaigns gave for reaching a tier goes with it if a refund takes it, and comes again with it."""

import json
from datetime import date, timedelta
from typing import Any

import pytest

from app.domain.activity_commands import RecordActivity, ReverseActivity
from app.domain.campaign_commands import PayCampaign, UndoCampaign
from app.domain.campaigns import CampaignBudget
from app.domain.commands import Accrue, Freeze, Import, Mature, Redeem, Reverse, SetTier
from app.domain.gifts import held, holding
from app.domain.program import Program
from app.domain.shelf import NeedsMore
from tests.domain.fair import Fair, campaign, chances, coupon, growth, points
from tests.domain.programs import program
from tests.domain.shop import template


def ladder(metric: str = "spend", **more: Any) -> Program:
    """low, mid at 100 yuan (or 100), top at 200."""
    step = 10_000 if metric == "spend" else 100
    tiers: list[dict[str, Any]] = [
        {
            "code": code,
            "name": code,
            "thresholds": {metric: step * rank} if rank else {},
            "rate": "1",
            "requires_review": False,
            "benefits": [],
        }
        for rank, code in enumerate(("low", "mid", "top"))
    ]
    qualification = {"metrics": [metric], "combine": "any", "window": {"kind": "lifetime"}}
    return program(tiers={"ladder": tiers, "qualification": qualification, **more})


RISE = campaign("rise", points(7), trigger="tier_change")


def order(order_id: str, yuan: int = 100) -> Accrue:
    return Accrue(member_id="m", order_id=order_id, amount=100 * yuan)


def back(order_id: str, yuan: int = 100) -> Reverse:
    return Reverse(member_id="m", order_id=order_id, reference="r", amount=100 * yuan)


def gifts(book: Fair) -> list[str]:
    return [entry.key for entry in book.entries["m"] if entry.kind.startswith("campaign")]


def test_a_refund_that_takes_the_tier_takes_its_gift() -> None:
    book = Fair(
        campaign("rise", points(7), growth(5), chances(2), coupon("T", 2), trigger="tier_change"),
        program=ladder(),
        templates=[template("T", "free_shipping")],
    )
    book.do(order("a"))
    account = book.account()
    assert (account.available, account.growth, account.chances, account.coupons) == (107, 105, 2, 2)
    book.do(back("a"))
    account = book.account()
    assert (account.available, account.growth, account.chances, account.coupons) == (0, 0, 0, 0)
    assert account.earned == account.debt == 0
    assert book.kinds() == ["accrue", "campaign", "reverse", "campaign_undo"]
    assert book.last().key == "campaign_undo/rise/tier/mid/1"
    told = book.detail()
    assert (told["campaign"], told["occasion"], told["undoes"]) == (
        "rise",
        "tier/mid",
        "campaign/rise/tier/mid",
    )
    assert (told["points"], told["growth"], told["chances"], told["voided"]) == (7, 5, -2, ["C1", "C2"])
    assert book.tally("rise") == {"times": 1, "points": 7, "growth": 5, "taken_back": 7}


def test_reached_again_it_gives_again_and_never_twice() -> None:
    book = Fair(RISE, program=ladder())
    for number in range(3):
        book.do(order(f"{number}"))
        book.do(back(f"{number}"))
    assert gifts(book) == [
        "campaign/rise/tier/mid",
        "campaign_undo/rise/tier/mid/1",
        "campaign/rise/tier/mid/2",
        "campaign_undo/rise/tier/mid/2",
        "campaign/rise/tier/mid/3",
        "campaign_undo/rise/tier/mid/3",
    ]
    assert book.account().available == 0
    book.do(order("kept"))
    assert book.account().available == 107


def test_what_it_gives_one_member_counts_what_was_taken_back() -> None:
    book = Fair(
        campaign("rise", points(7), trigger="tier_change", budget=CampaignBudget(per_member=7)),
        program=ladder(),
    )
    book.do(order("a"))
    book.do(back("a"))
    book.do(order("b"))
    assert gifts(book) == ["campaign/rise/tier/mid", "campaign_undo/rise/tier/mid/1"]


def test_only_the_gifts_of_the_tiers_that_are_taken() -> None:
    book = Fair(RISE, campaign("too", points(3), trigger="tier_change"), program=ladder())
    book.do(order("a"))
    book.do(order("b"))
    assert (book.account().tier, book.account().available) == ("top", 220)
    book.do(back("b", 1))
    assert (book.account().tier, book.account().available) == ("mid", 209)
    book.do(back("a"))
    assert (book.account().tier, book.account().available) == ("low", 99)
    assert gifts(book)[4:] == [
        "campaign_undo/rise/tier/top/1",
        "campaign_undo/too/tier/top/1",
        "campaign_undo/rise/tier/mid/1",
        "campaign_undo/too/tier/mid/1",
    ]


def test_who_is_brought_along_joined_and_rose_elsewhere() -> None:
    book = Fair(RISE, campaign("hello", points(5), trigger="enrolment"), program=ladder())
    book.do(Import(member_id="n", reference="crm", spend=100))
    book.do(Import(member_id="n", reference="more", spend=10_000))
    assert (book.account("n").tier, book.kinds("n")) == ("mid", ["import", "import"])
    book.do(Accrue(member_id="n", order_id="o", amount=10_000))
    assert book.account("n").tier == "top"
    assert [entry.key for entry in book.entries["n"]][2:] == ["order/o", "campaign/rise/tier/top"]


def test_over_several_tiers_at_once() -> None:
    book = Fair(RISE, program=ladder())
    book.do(order("a", 200))
    assert gifts(book) == ["campaign/rise/tier/top"]
    book.do(back("a", 200))
    assert gifts(book) == ["campaign/rise/tier/top", "campaign_undo/rise/tier/top/1"]


@pytest.mark.parametrize("window", [{"kind": "lifetime"}, {"kind": "calendar_year"}])
def test_a_gift_does_not_hold_the_tier_it_was_given_for(window: dict[str, Any]) -> None:
    """Else buying, and sending back, would keep both."""
    metrics = {"metrics": ["growth"], "combine": "any", "window": window}
    book = Fair(
        campaign("rise", growth(100), points(90), coupon("T"), trigger="tier_change"),
        program=ladder("growth", qualification=metrics),
        templates=[template("T", "free_shipping")],
    )
    book.do(order("a", 50))
    book.do(order("b", 50))
    assert (book.account().tier, book.account().growth) == ("top", 300)
    book.do(back("a", 50))
    account = book.account()
    assert (account.tier, account.growth, account.available, account.coupons) == ("low", 50, 50, 0)
    assert tiers(book) == ["mid", "top", "low"]
    book.do(back("b", 50))
    assert book.account().growth == book.account().available == 0
    assert len(gifts(book)) == 4


def test_the_gift_of_the_tier_below_holds_the_one_above() -> None:
    book = Fair(campaign("rise", growth(60), trigger="tier_change"), program=ladder("growth"))
    book.do(order("a", 130))
    book.do(order("b", 50))
    book.do(back("b", 40))
    assert (book.account().tier, book.account().growth) == ("top", 260)  # 140 of orders, and 60 of mid
    assert len(gifts(book)) == 2


def test_a_gift_of_a_tier_that_time_took_holds_what_is_below() -> None:
    window = {"metrics": ["growth"], "combine": "any", "window": {"kind": "lifetime"}}
    book = Fair(
        campaign("rise", growth(100), trigger="tier_change"), program=ladder("growth", qualification=window)
    )
    book.do(order("a", 99))
    book.do(SetTier(member_id="m", reference="t", tier="top", reason="r"))
    book.do(SetTier(member_id="m", reference="u", tier="mid", reason="r", until=book.now + timedelta(days=1)))
    book.later(days=2).do(Mature(member_id="m"))
    assert (book.account().tier, book.account().growth) == ("mid", 199)
    book.do(back("a", 9))
    assert book.account().tier == "mid"
    assert gifts(book) == ["campaign/rise/tier/top"]


def tiers(book: Fair) -> list[str]:
    """Each tier that the member came to."""
    details = [json.loads(entry.detail) for entry in book.entries["m"]]
    return [detail["tier_change"]["to"] for detail in details if "tier_change" in detail]


def test_what_time_or_a_person_takes_keeps_its_gift() -> None:
    window = {"metrics": ["spend"], "combine": "any", "window": {"kind": "rolling_months", "months": 1}}
    book = Fair(RISE, program=ladder(qualification=window, validity_months=1, grace_days=0))
    book.do(order("a"))
    book.later(days=70).do(Mature(member_id="m"))
    assert book.account().tier == "low"
    book.do(order("b"))
    assert book.account().tier == "mid"  # it gave for that
    book.do(SetTier(member_id="m", reference="t", tier="low", reason="r"))
    book.do(back("a"))
    book.do(back("b"))
    assert gifts(book) == ["campaign/rise/tier/mid"]
    assert book.account().available == 7


def test_a_tier_set_by_hand_is_no_refund_s_to_take() -> None:
    book = Fair(RISE, program=ladder())
    book.do(order("a", 10))
    book.do(SetTier(member_id="m", reference="t", tier="top", reason="r"))
    book.do(back("a", 10))
    assert gifts(book) == ["campaign/rise/tier/top"]


def test_a_frozen_member_s_too_and_what_was_spent_is_owed() -> None:
    book = Fair(RISE, program=ladder())
    book.do(order("a"))
    book.do(Redeem(member_id="m", reference="r", points=107))
    book.do(Freeze(member_id="m"))
    book.do(back("a"))
    assert (book.account().available, book.account().debt) == (0, 107)


def test_what_was_taken_down_is_as_a_refund() -> None:
    book = Fair(RISE, program=ladder("points_earned"))
    book.do(order("a", 90))
    book.do(RecordActivity(member_id="m", reference="a", activity="quiz"))
    book.do(RecordActivity(member_id="m", reference="b", activity="quiz"))
    assert (book.account().tier, book.account().available) == ("mid", 107)
    book.do(ReverseActivity(member_id="m", reference="b"))
    assert (book.account().tier, book.account().available) == ("low", 95)
    assert gifts(book) == ["campaign/rise/tier/mid", "campaign_undo/rise/tier/mid/1"]


def test_what_is_not_loaded_is_asked_for() -> None:
    book = Fair(RISE, program=ladder())
    member = book.members["m"]
    member.sees_gifts = False
    with pytest.raises(NeedsMore) as asked:
        book.decide(PayCampaign(member_id="m", campaign="rise", trigger="tier_change", occasion="tier/mid"))
    assert asked.value.gifts_of == {"m"}
    member.sees_gifts = True
    book.do(order("a"))
    member.sees_gifts = False
    with pytest.raises(NeedsMore) as asked:
        book.decide(back("a"))
    assert asked.value.gifts_of == {"m"}


def test_a_refund_that_leaves_the_tier_asks_for_no_gifts() -> None:
    book = Fair(RISE, program=ladder())
    book.do(order("a", yuan=101))
    book.members["m"].sees_gifts = False
    book.do(back("a", yuan=1))
    assert (book.account().tier, book.kinds()) == ("mid", ["accrue", "campaign", "reverse"])


def test_a_gift_of_a_tier_that_a_person_took_stays_when_a_refund_takes_the_one_below() -> None:
    book = Fair(RISE, program=ladder())
    book.do(order("a"))
    until = book.now + timedelta(days=1)
    book.do(SetTier(member_id="m", reference="s", tier="top", reason="x", until=until))
    book.later(days=2)
    book.do(back("a"))
    assert gifts(book) == [
        "campaign/rise/tier/mid",
        "campaign/rise/tier/top",
        "campaign_undo/rise/tier/mid/1",
    ]


def test_those_that_were_not_taken_back_and_those_that_the_tier_holds() -> None:
    book = Fair(RISE, program=ladder())
    for number in range(2):
        book.do(order(f"{number}"))
        if not number:
            book.do(back(f"{number}"))
    member = book.members["m"]
    [kept] = held(member)
    assert (kept.campaign, kept.tier, kept.number) == ("rise", "mid", 2)
    tier, lot = book.program.tier("mid"), member.lots[kept.gift.lot or 0]
    assert holding(member, tier, book.program, ()) == [kept.gift]
    assert holding(member, tier, book.program, [lot]) == [kept.gift]
    assert holding(member, tier, book.program, [lot._replace(terms='{"taken_back":true}')]) == []


def test_keys() -> None:
    today = date(2026, 3, 5)
    undone = UndoCampaign(member_id="m", campaign="c", occasion="tier/mid", number=1)
    assert undone.natural_key(today) == "campaign_undo/c/tier/mid/1"
    assert undone.entries_told == (("m", "campaign/c/tier/mid"),)
    assert (
        UndoCampaign(member_id="m", campaign="c", occasion="tier/mid", number=2).payment
        == "campaign/c/tier/mid/2"
    )
    enrolled = PayCampaign(member_id="m", campaign="c", trigger="enrolment", occasion="enrolment")
    assert enrolled.natural_key(today) == "campaign/c/enrolment"
