"""A person gives a member a benefit, or takes it back before its time (RULES.md: Tiers, grants to a member)."""

import json

from app.domain.account import BenefitGrant
from app.domain.benefit_commands import BenefitEnded, GrantBenefit, RevokeBenefit
from app.domain.benefits import holds
from app.domain.compact import compact
from app.domain.document import Mistake, Section
from app.domain.errors import ErrorKind, LoyaltyError
from app.domain.instants import rfc3339
from app.domain.posting import Change, Context, Member, post


class BenefitNotFound(LoyaltyError):
    code = "benefit_not_found"
    kind = ErrorKind.NOT_FOUND
    title = "Unknown benefit"

    def __init__(self) -> None:
        super().__init__(
            "Nobody gave the member a benefit under this reference. GET /v1/members/{member_id}/benefits lists those "
            "that hold; what comes with a tier can't be revoked."
        )


class BenefitEndsInPast(LoyaltyError):
    code = "benefit_ends_in_past"
    kind = ErrorKind.UNPROCESSABLE
    title = "The benefit would have ended already"

    def __init__(self) -> None:
        super().__init__("`until` must lie ahead of now; leave it out to give the benefit for good.")


class BenefitInvalid(LoyaltyError):
    """`errors`: each mistake in the terms, with its place."""

    code = "benefit_invalid"
    kind = ErrorKind.UNPROCESSABLE
    title = "The benefit's terms can't be acted on"

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        told = "; ".join(f"{pointer} {detail}" for pointer, detail in mistakes)
        super().__init__(
            f"Correct the terms and send it again: {told}.",
            extra={"errors": [{"pointer": pointer, "detail": detail} for pointer, detail in mistakes]},
        )

    @classmethod
    def example(cls) -> "BenefitInvalid":
        return cls((Mistake("/terms/discount_percent", "must be an integer from 0 to 100"),))


def grant(member: Member, command: GrantBenefit, context: Context) -> Change:
    """Give the benefit, from now on. Raises BenefitEndsInPast, BenefitInvalid."""
    account, now = member.account, context.now
    if command.until is not None and command.until <= now:
        raise BenefitEndsInPast
    terms = dict(command.terms)
    mistakes: list[Mistake] = []
    section = Section(terms, pointer="/terms", mistakes=mistakes)
    section.integer_or_absent("discount_percent", least=0, most=100)
    if "free_shipping" in terms:
        section.flag("free_shipping")
    if "coupon" in terms:
        section.wrong("coupon", "can't be granted: issue the member a coupon instead")
    if mistakes:
        raise BenefitInvalid(tuple(mistakes))
    given = BenefitGrant(
        bucket=account.bucket,
        member_id=account.member_id,
        reference=command.reference,
        sequence=account.sequence + 1,
        benefit=command.benefit,
        label=command.label,
        terms=compact(terms),
        since=now,
        until=command.until,
        revoked_at=None,
        actor=context.caller.actor,
        reason=command.reason,
    )
    return _posted(member, given, command, context)


def revoke(member: Member, command: RevokeBenefit, context: Context) -> Change:
    """End the benefit now. Raises BenefitNotFound, BenefitEnded."""
    given = member.grants.get(command.reference)
    if given is None:
        raise BenefitNotFound
    if not holds(given, context.now):
        raise BenefitEnded
    return _posted(member, given._replace(revoked_at=context.now), command, context)


def _posted(
    member: Member, given: BenefitGrant, command: GrantBenefit | RevokeBenefit, context: Context
) -> Change:
    detail = {
        "benefit": given.benefit,
        "label": given.label,
        "terms": json.loads(given.terms),
        "since": rfc3339(given.since),
        "until": rfc3339(given.until),
        "revoked_at": rfc3339(given.revoked_at),
        "granted_by": given.actor,
        "reason": command.reason,
    }
    account, entry = post(
        member.account,
        member.account,
        kind=command.kind,
        key=command.natural_key(context.today),
        context=context,
        content=command.content(),
        detail=compact(detail),
    )
    return Change(account=account, entry=entry, detail=detail, grant=given)
