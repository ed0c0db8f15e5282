"""A member's tier as the account keeps it: moved by purchases and refunds, by the end of a period, by a person.

The ladder itself is in `tiers.py`; here its answers become changes of the account and of its reviews.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from app.domain.account import Account, Lot, Review
from app.domain.benefits import owing, with_months
from app.domain.calendar import end_of_day, local_date
from app.domain.command import Command
from app.domain.commands import DecideReview, EvaluateTier, SetTier
from app.domain.compact import compact
from app.domain.errors import ErrorKind, LoyaltyError, ReviewClosed, ReviewNotFound
from app.domain.gifts import holding
from app.domain.instants import earlier, rfc3339
from app.domain.orders import order_of
from app.domain.posting import Change, Context, Gift, Member, post
from app.domain.program import Program
from app.domain.tiers import (
    Evaluation,
    Standing,
    after_refund,
    at_period_end,
    evaluate,
    grace_until,
    qualified,
    reaches_next,
    tier_valid_until,
    warn_at,
    window_start,
)

_JUST_BEFORE = timedelta(microseconds=1)
_GIVEN = frozenset({"points_earned", "growth"})
_GRANTS = frozenset({"sign_in", "activity", "mission", "campaign", "referral"})


class TierEndsInPast(LoyaltyError):
    code = "tier_ends_in_past"
    kind = ErrorKind.UNPROCESSABLE
    title = "The tier would have ended already"

    def __init__(self) -> None:
        super().__init__("`until` must lie ahead of now; leave it out to set the tier for good.")


class Restanding(NamedTuple):
    """The account with the tier it deserves now, the reviews that opened or closed, and what to tell of it."""

    account: Account
    reviews: tuple[Review, ...] = ()
    detail: dict[str, Any] | None = None


def standing_of(
    account: Account,
    lots: Iterable[Lot],
    *,
    at: datetime,
    programs: Mapping[int, Program],
    program: Program,
    without: Collection[Gift] = (),
) -> Standing:
    """What a member has gathered over the qualification's window, as of `at`; `lots` hold all that lie in it. What
    some gifts gave may be left out.

    A window is whole days, so it ends with the day of `at`: the clock of a till may be some minutes ahead.
    """
    start = window_start(at, program)
    if start is None:
        earned, growth = account.earned, account.growth
        for gift in without:
            earned, growth = earned - gift.points, growth - gift.growth
        return Standing(account.spend, account.orders, earned, growth)
    left_out = {gift.lot for gift in without}
    end = end_of_day(local_date(at, program.timezone), program.timezone)
    spend = orders = points = growth = 0
    for lot in lots:
        if lot.pending or lot.lot in left_out or not start <= lot.accrued_at < end:
            continue
        granting = programs[lot.program_version]
        if lot.source in _GRANTS:
            kept, grown = _granted(lot, granting)
            points, growth = points + kept, growth + grown
        elif lot.source == "order":
            order = order_of(lot)
            kept = order.earned(tier=lot.tier or "", program=granting)
            spend, points, growth = spend + order.rest, points + kept.points, growth + kept.growth
            orders += 1 if order.rest or not order.amount else 0
        elif lot.source == "adjustment":
            points += lot.granted
    return Standing(spend, orders, points, growth)


def _granted(lot: Lot, program: Program) -> tuple[int, int]:
    """The points and the growth of a grant outside orders. `terms` tell its growth, or that it was taken back; without
    them it gave none, but for sign-ins of before there were any.
    """
    if lot.terms is None:
        return lot.granted, program.sign_in.growth if lot.source == "sign_in" else 0
    terms: Mapping[str, Any] = json.loads(lot.terms)
    return (0, 0) if "taken_back" in terms else (lot.granted, terms["growth"])


def restand(
    member: Member, after: Account, context: Context, *, changed: tuple[Lot, ...], refunded: bool = False
) -> Restanding:
    """Evaluate the tier once `after` and the `changed` lots hold (RULES.md: upgrades in the same transaction)."""
    if refunded:
        return _evaluated(member, after, _refunded(member, after, context, changed), context)
    standing = _standing(member, after, context, changed, at=context.now)
    if not reaches_next(after.tier, standing, context.program):
        return Restanding(after)  # most orders end here
    evaluation = evaluate(
        current=after.tier,
        approved=after.approved_tier,
        reviewed=after.reviewed_tier,
        standing=standing,
        program=context.program,
        is_manual=after.tier_state == "manual",
    )
    return _evaluated(member, after, evaluation, context)


def _standing(
    member: Member,
    after: Account,
    context: Context,
    changed: Iterable[Lot],
    *,
    at: datetime,
    without: Collection[Gift] = (),
) -> Standing:
    if context.program.tiers.qualification.window == "lifetime":
        lots: Iterable[Lot] = ()
    else:
        lots = {**member.lots, **{lot.lot: lot for lot in changed}}.values()
    return standing_of(
        after, lots, at=at, programs=context.programs, program=context.program, without=without
    )


def _refunded(member: Member, after: Account, context: Context, changed: tuple[Lot, ...]) -> Evaluation:
    """What a refund leaves of the tier. What campaigns gave for reaching a tier does not hold it: they would not have
    given it without what was refunded. Raises NeedsMore.
    """
    program = context.program

    def judged(tier: str, without: Collection[Gift]) -> Evaluation:
        return after_refund(
            current=tier,
            approved=after.approved_tier,
            reviewed=after.reviewed_tier,
            standings=[
                _standing(member, after, context, changed, at=at, without=without)
                for at in (context.now, after.tier_since)
            ],
            program=program,
            is_manual=after.tier_state == "manual",
        )

    evaluation = judged(after.tier, ())
    if after.tier_state == "manual" or _GIVEN.isdisjoint(program.tiers.qualification.metrics):
        return evaluation
    while evaluation.tier.rank:
        gifts = holding(member, evaluation.tier, program, changed)
        again = judged(evaluation.tier.code, gifts) if gifts else evaluation
        if again.tier == evaluation.tier:
            break
        evaluation = again
    return evaluation


def tier_foreseen(account: Account, spend_fen: int, program: Program) -> str:
    """The tier that an order of so much plainly brings, points and growth left aside: a guess, for who has to know
    beforehand. Where a window decides, the tier that is.
    """
    if program.tiers.qualification.window != "lifetime":
        return account.tier
    standing = Standing(account.spend + spend_fen, account.orders + 1, account.earned, account.growth)
    if not reaches_next(account.tier, standing, program):
        return account.tier
    evaluation = evaluate(
        current=account.tier,
        approved=account.approved_tier,
        reviewed=account.reviewed_tier,
        standing=standing,
        program=program,
        is_manual=account.tier_state == "manual",
    )
    return evaluation.tier.code


def evaluate_tier(member: Member, command: EvaluateTier, context: Context) -> Change:
    """Look again where the member stands, and when next; no entry if the standing stays.

    A later version of the program may have brought monthly coupons, a warning, or a shorter grace.
    """
    account = member.account
    restanding = restand(member, account, context, changed=())
    after = restanding.account if restanding.account != account else with_months(account, context)
    after = after._replace(due_at=earlier(after.due_at, tier_due_at(after, context.program)))
    if restanding.account == account:
        return Change(account=after)
    return _posted(account, restanding._replace(account=after), command.kind, None, context)


def set_tier(member: Member, command: SetTier, context: Context) -> Change:
    """A person sets the tier until a moment or for good; nothing earned, refunded or due moves it meanwhile.

    Raises TierNotFound, TierEndsInPast.
    """
    account = member.account
    tier = context.program.tier(command.tier)
    if command.until is not None and command.until <= context.now:
        raise TierEndsInPast
    after = account._replace(
        tier=tier.code,
        tier_since=context.now if tier.code != account.tier else account.tier_since,
        tier_valid_until=command.until,
        tier_state="manual",
        due_at=earlier(account.due_at, command.until),
    )
    if tier.code != account.tier:
        after = owing(after, before=account.tier, context=context)
    restanding = Restanding(
        after,
        detail=_told(account.tier, tier.code, context.program, reason=command.reason, until=command.until),
    )
    return _posted(account, restanding, command.kind, command, context)


def decide_review(member: Member, command: DecideReview, context: Context) -> Change:
    """Approve or reject a tier that waits for a person. Raises ReviewNotFound, ReviewClosed."""
    account = member.account
    review = member.reviews.get(command.review)
    if review is None:
        raise ReviewNotFound
    if review.status != "open":
        raise ReviewClosed(status=review.status)
    decided = review._replace(
        status="approved" if command.approve else "rejected",
        decided_at=context.now,
        actor=context.caller.actor,
        reason=command.reason,
    )
    after = account._replace(review=None)
    restanding = Restanding(after)
    if command.approve:
        restanding = restand(member, after._replace(approved_tier=review.to_tier), context, changed=())
    asked = {"from": review.from_tier, "to": review.to_tier, "opened_at": rfc3339(review.opened_at)}
    detail: dict[str, Any] = {"review": command.review, **asked, "reason": command.reason}
    if restanding.detail:
        detail["tier_change"] = restanding.detail
    restanding = restanding._replace(detail=detail)
    change = _posted(
        account, restanding, "approve_review" if command.approve else "reject_review", command, context
    )
    return change._replace(reviews=(decided, *change.reviews))


def tier_due_at(account: Account, program: Program) -> datetime | None:
    """When the tier is looked at next: its warning, the end of its period, the end of its grace."""
    until = account.tier_valid_until
    if until is None or account.tier_state in ("manual", "warned"):
        return until
    if account.tier_state == "grace":
        return grace_until(until, program)
    warning = warn_at(until, program)
    return until if warning is None else max(warning, account.tier_since)


def end_tier_period(member: Member, context: Context) -> Change:
    """What `tier_due_at` announced happens: a warning, or the tier is kept, in grace, or one step lower."""
    account, program, now = member.account, context.program, context.now
    until = account.tier_valid_until
    assert until is not None
    # A period ends with its last day, and so does the window that decides it: at midnight a year would be empty.
    at = now if account.tier_state == "manual" else now - _JUST_BEFORE
    standing = standing_of(account, member.lots.values(), at=at, programs=context.programs, program=program)
    if account.tier_state == "manual":
        return _end_manual(member, standing, context)
    if account.tier_state == "held" and now < until:
        deserved = qualified(standing, program).rank >= program.tier(account.tier).rank
        restanding = Restanding(
            account._replace(tier_state="warned"),
            detail={"tier": account.tier, "valid_until": rfc3339(until), "will_keep": deserved},
        )
        return _posted(account, restanding, "tier_warning", None, context)
    end = at_period_end(
        current=account.tier,
        approved=account.approved_tier,
        reviewed=account.reviewed_tier,
        standing=standing,
        valid_until=until,
        at=now,
        program=program,
    )
    evaluation = Evaluation(end.tier, end.approved, None, end.closes_review)
    restanding = _evaluated(member, account, evaluation, context)
    after = restanding.account._replace(
        tier_valid_until=end.valid_until, tier_state="grace" if end.outcome == "grace" else "held"
    )
    detail = {**(restanding.detail or {}), "outcome": end.outcome, "valid_until": rfc3339(end.valid_until)}
    return _posted(account, Restanding(after, restanding.reviews, detail), "tier_period", None, context)


def _end_manual(member: Member, standing: Standing, context: Context) -> Change:
    """A tier set by hand has run out: what is deserved counts again, from the lowest tier up."""
    account, program = member.account, context.program
    evaluation = evaluate(
        current=program.tiers.ladder[0].code,
        approved=account.approved_tier,
        reviewed=account.reviewed_tier,
        standing=standing,
        program=program,
    )
    released = account._replace(tier_state="held", tier_valid_until=None)
    restanding = _evaluated(member, released, evaluation, context)
    after = restanding.account._replace(
        tier_valid_until=tier_valid_until(tier=evaluation.tier.code, won_at=context.now, program=program)
    )
    detail = {**(restanding.detail or {}), "outcome": "manual_ended"}
    return _posted(account, Restanding(after, restanding.reviews, detail), "tier_period", None, context)


def _evaluated(member: Member, after: Account, evaluation: Evaluation, context: Context) -> Restanding:
    """Put an evaluation into the account, and open or close its review; nothing to do most of the time."""
    tier = evaluation.tier.code
    if (
        tier == after.tier
        and evaluation.open_review is None
        and not evaluation.closes_review
        and evaluation.approved == after.approved_tier
    ):
        return Restanding(after)
    reviews: list[Review] = []
    detail: dict[str, Any] = {}
    account = after
    if evaluation.approved != after.approved_tier:
        account = account._replace(approved_tier=evaluation.approved)
    if tier != after.tier:
        until = tier_valid_until(tier=tier, won_at=context.now, program=context.program)
        account = account._replace(
            tier=tier,
            tier_since=context.now,
            tier_valid_until=until,
            tier_state="held",
        )
        if until is not None:
            account = account._replace(due_at=earlier(account.due_at, tier_due_at(account, context.program)))
        account = owing(account, before=after.tier, context=context)
        detail = _told(after.tier, tier, context.program)
    if evaluation.closes_review:
        if after.review is not None and after.review in member.reviews:
            withdrawn = member.reviews[after.review]
            reviews.append(withdrawn._replace(status="closed", decided_at=context.now))
        account = account._replace(reviewed_tier=None, review=None)
        detail["review_closed"] = True
    if evaluation.open_review is not None:
        sequence = member.account.sequence + 1
        account = account._replace(reviewed_tier=evaluation.open_review, review=sequence)
        if after.review is not None and after.review in member.reviews:
            replaced = member.reviews[after.review]
            reviews.append(replaced._replace(status="closed", decided_at=context.now))
        reviews.append(
            Review(
                bucket=after.bucket,
                member_id=after.member_id,
                sequence=sequence,
                from_tier=tier,
                to_tier=evaluation.open_review,
                status="open",
                opened_at=context.now,
                decided_at=None,
                actor=None,
                reason=None,
            )
        )
        detail["review_opened"] = evaluation.open_review
    return Restanding(account, tuple(reviews), detail)


def _told(
    before: str, after: str, program: Program, *, reason: str | None = None, until: datetime | None = None
) -> dict[str, Any]:
    """What the upgrade notice needs: from, to, and the benefits that come with it."""
    told: dict[str, Any] = {"from": before, "to": after}
    had = {benefit.code for benefit in program.tier(before).benefits}
    told["benefits_gained"] = [
        benefit.code for benefit in program.tier(after).benefits if benefit.code not in had
    ]
    if reason is not None:
        told["reason"] = reason
    if until is not None:
        told["until"] = rfc3339(until)
    return told


def _posted(
    before: Account, restanding: Restanding, kind: str, command: Command | None, context: Context
) -> Change:
    detail = restanding.detail or {}
    account, entry = post(
        before,
        restanding.account,
        kind=kind,
        key=command.natural_key(context.today) if command else None,
        context=context,
        content=command.content() if command else b"",
        detail=compact(detail),
    )
    return Change(account=account, entry=entry, detail=detail, reviews=restanding.reviews)
