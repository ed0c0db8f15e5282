"""Campaigns that are triggered by invitations: they add to what the inviter gets, and go back with it."""

from app.domain.commands import Accrue, Enrol, Reverse
from app.domain.program import Program
from tests.domain.fair import Fair, campaign, chances, coupon, growth, points, times
from tests.domain.programs import document
from tests.domain.shop import template


def bring(fair: Fair, *invitees: str) -> None:
    for invitee in invitees:
        fair.do(Enrol(member_id=invitee, person={"referred_by": "m"}))
        fair.do(Accrue(member_id=invitee, order_id=f"o-{invitee}", amount=6_000))


def take_back(fair: Fair, *invitees: str) -> None:
    for invitee in invitees:
        fair.do(Reverse(member_id=invitee, order_id=f"o-{invitee}", reference="r", amount=6_000))


def test_they_add_to_what_the_inviter_gets() -> None:
    fair = Fair(
        campaign("double", times("2"), trigger="referral", priority=1),
        campaign("flat", points(7), growth(5), chances(2), coupon("T"), trigger="referral"),
        templates=[template("T", "free_shipping")],
    )
    bring(fair, "n")
    account = fair.account("m")
    assert (account.available, account.growth, account.chances, account.coupons) == (407, 5, 2, 1)
    assert fair.account("n").available == 160  # the welcome is nobody's campaign
    assert fair.detail("m")["breakdown"] == [
        ["referral", "member brought", 200],
        ["double", 1, 200, "the double"],
        ["flat", 1, 7, "the flat"],
    ]
    referrer, invitation = fair.members["m"].referrer, fair.members["m"].invitations["n"]
    assert referrer is not None
    assert (referrer.earned, invitation.points) == (407, 407)
    take_back(fair, "n")
    account = fair.account("m")
    assert (account.available, account.growth, account.chances, account.coupons) == (0, 0, 0, 0)
    assert fair.tally("double") == {"times": 1, "points": 200, "taken_back": 200}


def test_conditions_are_told_how_many_it_is() -> None:
    says = {"event.invitations >= 2": lambda facts: facts["event.invitations"] >= 2}
    fair = Fair(
        campaign("second", points(50), trigger="referral", condition="event.invitations >= 2"), says=says
    )
    bring(fair, "a", "b", "c")
    assert fair.account("m").available == 200 + 250 + 250
    take_back(fair, "a", "b", "c")
    assert fair.account("m").available == 0


def test_they_stand_beside_those_of_joining() -> None:
    fair = Fair(campaign("hello", points(3), trigger="enrolment"))
    bring(fair, "n")
    assert fair.kinds("n") == ["campaign", "accrue", "referral"]
    assert fair.account("n").available == 163


def test_what_the_invitee_got_for_a_tier_goes_with_the_welcome_that_brought_them_to_it() -> None:
    """What is left of the order itself would not have been enough."""
    window = {"kind": "lifetime"}
    made = document(
        tiers={"qualification": {"metrics": ["points_earned"], "combine": "any", "window": window}}
    )
    for tier, least in zip(made["tiers"]["ladder"], (0, 130, 1_000, 2_000, 3_000), strict=True):
        tier["thresholds"] = {"points_earned": least} if least else {}
    fair = Fair(campaign("rise", points(7), trigger="tier_change"), program=Program.from_document(1, made))
    bring(fair, "n")
    assert (fair.account("n").tier, fair.account("n").available) == ("silver", 60 + 100 + 7)
    fair.do(Reverse(member_id="n", order_id="o-n", reference="r", amount=2_000))
    assert fair.kinds("n") == ["accrue", "referral", "campaign", "reverse", "referral_undo", "campaign_undo"]
    assert (fair.account("n").tier, fair.account("n").available) == ("bronze", 40)
