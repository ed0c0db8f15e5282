"""Members join, are brought along from elsewhere, frozen and forgotten (RULES.md: Members, frozen members)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self

from app.domain.account import Account, bucket_of
from app.domain.benefits import owing, owing_no_entry
from app.domain.calendar import add_months, local_date, midnight
from app.domain.commands import Enrol, Erase, Freeze, Import, Unfreeze
from app.domain.compact import compact
from app.domain.errors import (
    ErrorKind,
    LoyaltyError,
    MemberErased,
    MemberNotFound,
    ReferrerIsSelf,
)
from app.domain.expiry import expires_at
from app.domain.grants import granted
from app.domain.instants import rfc3339
from app.domain.posting import Change, Context, Member, post
from app.domain.referral_binding import bound
from app.domain.standing import restand
from app.domain.tiers import tier_valid_until

_MONTHS = 12
"""Between two changes of a birthday."""


class ImportAheadOfTime(LoyaltyError):
    code = "import_ahead_of_time"
    kind = ErrorKind.UNPROCESSABLE
    title = "What is brought along lies in the future"

    def __init__(self) -> None:
        super().__init__("joined_at and accrued_at must not lie in the future.")


class BirthdayChangedRecently(LoyaltyError):
    """`changeable_at`: from when on the birthday may be changed again."""

    code = "birthday_changed_recently"
    kind = ErrorKind.CONFLICT
    title = "The birthday was changed within a year"

    def __init__(self, *, changeable_at: datetime) -> None:
        told = rfc3339(changeable_at)
        super().__init__(
            f"A birthday may be changed once a year, and this one may be again from {told} on. "
            "Leave `birthday` out to change the rest.",
            extra={"changeable_at": told},
        )

    @classmethod
    def example(cls) -> Self:
        return cls(changeable_at=datetime.fromisoformat("2027-03-04T16:00:00+00:00"))


def new_account(member_id: str, context: Context) -> Account:
    """An account as it is on joining: the lowest tier, nothing held."""
    tier = context.program.tiers.ladder[0].code
    account = Account(
        bucket=bucket_of(member_id),
        member_id=member_id,
        status="active",
        joined_at=context.now,
        sequence=0,
        lot_count=0,
        lot_floor=1,
        available=0,
        pending=0,
        reserved=0,
        debt=0,
        growth=0,
        cash=0,
        earned=0,
        redeemed=0,
        expired=0,
        spend=0,
        orders=0,
        tier=tier,
        tier_since=context.now,
        tier_valid_until=tier_valid_until(tier=tier, won_at=context.now, program=context.program),
        tier_state="held",
        approved_tier=None,
        reviewed_tier=None,
        review=None,
        streak=0,
        last_sign_in=None,
        last_at=None,
        due_at=None,
        hold_due_at=None,
        next_expires_at=None,
        next_expires_points=0,
        coupons=0,
        coupon_due_at=None,
        benefits_at=None,
        chances=0,
        invited_by=None,
    )
    return owing(account, before=None, context=context)


def enrol(members: Mapping[str, Member], command: Enrol, context: Context) -> Change:
    """Join, or change what is known of the person. No entry: nothing the ledger counts has changed.

    Raises MemberErased: a forgotten member does not come back under the same id; MemberNotFound where it must exist;
    ReferrerIsSelf; ReferrerFixed: who brought a member is told once (rewards rest on it); ReferralRing;
    BirthdayChangedRecently; NeedsMore.
    """
    member = members.get(command.member_id)
    if command.referrer == command.member_id:
        raise ReferrerIsSelf
    if member is None:
        if command.must_exist:
            raise MemberNotFound
        account = new_account(command.member_id, context)
        if command.joined_at is not None:
            account = account._replace(joined_at=min(command.joined_at, context.now))
        return bound(members, None, account, command, context)._replace(person=command.person)
    if member.account.status == "erased":
        raise MemberErased
    change = bound(members, member, member.account, command, context)
    return change._replace(person=_with_birthday(member, command.person, context))


def _with_birthday(
    member: Member, person: Mapping[str, Any] | None, context: Context
) -> Mapping[str, Any] | None:
    """What becomes known of the person, with when a birthday that was known became another.

    One that is cleared is a change too, never refused; until a year after it none can be told. Raises
    BirthdayChangedRecently.
    """
    if person is None or "birthday_mark" not in person or person["birthday_mark"] == member.birthday_mark:
        return person
    changed_at = member.birthday_changed_at
    if person["birthday_mark"] is not None and changed_at is not None:
        timezone = context.program.timezone
        changeable_at = midnight(add_months(local_date(changed_at, timezone), _MONTHS), timezone)
        if context.now < changeable_at:
            raise BirthdayChangedRecently(changeable_at=changeable_at)
    return person if member.birthday_mark is None else {**person, "birthday_changed_at": context.now}


def bring_along(member: Member | None, command: Import, context: Context) -> Change:
    """Open a member's balances as they stood elsewhere: points in one lot, spend, growth; the tier follows.

    Raises ImportAheadOfTime, MemberErased.
    """
    before = new_account(command.member_id, context) if member is None else member.account
    if before.status == "erased":
        raise MemberErased
    accrued_at = command.accrued_at or context.now
    joined_at = command.joined_at or (context.now if member is None else before.joined_at)
    if max(accrued_at, joined_at) > context.now:
        raise ImportAheadOfTime
    after = before._replace(
        joined_at=joined_at,
        spend=before.spend + command.spend,
        growth=before.growth + command.growth,
        earned=before.earned + command.points,
    )
    detail: dict[str, Any] = {"points": command.points, "spend": command.spend}
    lots = ()
    if command.points:
        expiry = command.expires_at or expires_at(accrued_at, context.program)
        after, arrival = granted(
            after, command.points, context, source="import", accrued_at=accrued_at, expires_at=expiry
        )
        lots = (arrival.lot,)
    restanding = restand(member or Member(before), after, context, changed=lots)
    if restanding.detail:
        detail["tier_change"] = restanding.detail
    after, entry = post(
        before,
        owing_no_entry(restanding.account, context),
        kind="import",
        key=command.natural_key(context.today),
        context=context,
        content=command.content(),
        detail=compact(detail),
        occurred_at=accrued_at,
        lot=lots[0].lot if lots else None,
    )
    return Change(
        account=after,
        entry=entry,
        detail=detail,
        lots=lots,
        reviews=restanding.reviews,
        person=command.person,
    )


def freeze(member: Member, command: Freeze | Unfreeze, context: Context) -> Change:
    """Freeze or unfreeze; no entry if the member is so already."""
    account = member.account
    status = "frozen" if isinstance(command, Freeze) else "active"
    if account.status == status:
        return Change(account=account)
    detail = {"reason": command.reason} if command.reason else {}
    after, entry = post(
        account,
        account._replace(status=status),
        kind=command.kind,
        key=None,
        context=context,
        detail=compact(detail),
    )
    return Change(account=after, entry=entry, detail=detail)


def erase(member: Member, command: Erase, context: Context) -> Change:
    """Forget the person. The account, its entries and lots stand, under an id that is the shop's own."""
    account = member.account
    if account.status == "erased":
        return Change(account=account)
    reviews = tuple(
        review._replace(status="closed", decided_at=context.now)
        for review in member.reviews.values()
        if review.status == "open"
    )
    after, entry = post(
        account,
        account._replace(status="erased", review=None, benefits_at=None, invited_by=None),
        kind=command.kind,
        key=None,
        context=context,
    )
    return Change(account=after, entry=entry, reviews=reviews, erases_person=True)
