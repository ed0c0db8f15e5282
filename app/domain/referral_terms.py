"""The program's section `referral`: what bringing a member is worth (RULES.md: referral). Amounts in the minor unit."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from app.domain.document import Section
from app.domain.limits import AMOUNT, DAYS
from app.domain.ratio import Ratio

_INVITATIONS = 1_000_000
_STEPS = 100
_WHOLE_PERCENT = 100


class ReferralStep(NamedTuple):
    """From the `at`-th paid invitation of an inviter on, each is worth `inviter_points`."""

    at: int
    inviter_points: int


class ReferralShare(NamedTuple):
    """A share of what the invitee spends in the first `days`: `percent` of it, in points for each whole unit."""

    percent: Ratio
    days: int


@dataclass(frozen=True, slots=True)
class ReferralTerms:
    """What the invitee's first order of at least `min_order_fen` pays to both; `per_month` invitations are paid to an
    inviter in a program month.
    """

    inviter_points: int
    invitee_points: int
    min_order_fen: int
    per_month: int
    ladder: tuple[ReferralStep, ...] = ()
    share: ReferralShare | None = None

    def points_for(self, number: int) -> int:
        """What the `number`-th paid invitation of an inviter is worth to them."""
        points = self.inviter_points
        for step in self.ladder:
            if step.at <= number:
                points = step.inviter_points
        return points


def read_referral(section: Section) -> ReferralTerms:
    """What the section says; its mistakes are noted there."""
    terms = ReferralTerms(
        inviter_points=section.integer("inviter_points", least=0, most=AMOUNT),
        invitee_points=section.integer("invitee_points", least=0, most=AMOUNT),
        min_order_fen=section.integer("min_order_fen", least=1, most=AMOUNT),
        per_month=section.integer("per_month", least=1, most=_INVITATIONS),
        ladder=_read_ladder(section) if "ladder" in section.names else (),
        share=_read_share(section.section("share")) if "share" in section.names else None,
    )
    section.refuse_others()
    return terms


def _read_ladder(section: Section) -> tuple[ReferralStep, ...]:
    ladder: list[ReferralStep] = []
    places = section.sections("ladder")
    if len(places) > _STEPS:
        section.wrong("ladder", f"must have at most {_STEPS} steps")
    for place in places:
        at = place.integer("from", least=2, most=_INVITATIONS)
        if ladder and at <= ladder[-1].at:
            place.wrong("from", f"must be above the step before it ({ladder[-1].at})")
        ladder.append(ReferralStep(at, place.integer("inviter_points", least=0, most=AMOUNT)))
        place.refuse_others()
    return tuple(ladder)


def _read_share(section: Section) -> ReferralShare:
    percent = section.ratio("percent")
    if percent.numerator > _WHOLE_PERCENT * percent.denominator:
        section.wrong("percent", "must be at most 100")
    share = ReferralShare(percent, section.integer("days", least=1, most=DAYS))
    section.refuse_others()
    return share


def write_referral(terms: ReferralTerms) -> dict[str, Any]:
    """The section of these terms, as `read_referral` reads it."""
    written: dict[str, Any] = {
        "inviter_points": terms.inviter_points,
        "invitee_points": terms.invitee_points,
        "min_order_fen": terms.min_order_fen,
        "per_month": terms.per_month,
    }
    if terms.ladder:
        written["ladder"] = [
            {"from": step.at, "inviter_points": step.inviter_points} for step in terms.ladder
        ]
    if terms.share is not None:
        written["share"] = {"percent": str(terms.share.percent), "days": terms.share.days}
    return written
