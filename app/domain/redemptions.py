"""Points are spent, held, freed and given back (RULES.md: spending order, reserve, cancel and refund)."""

from typing import Any, Self

from app.domain.account import Account, Lot, Redemption
from app.domain.command import Command
from app.domain.commands import Cancel, Commit, Redeem, Refund
from app.domain.compact import compact
from app.domain.errors import ErrorKind, LoyaltyError
from app.domain.instants import earlier, rfc3339
from app.domain.lots import moves
from app.domain.posting import Change, Context, Member, post
from app.domain.spending import (
    Parts,
    changed,
    commit_points,
    free_points,
    hold_span,
    parts_of,
    refund_points,
    split,
    take_points,
    told,
)


class RedemptionNotFound(LoyaltyError):
    code = "redemption_not_found"
    kind = ErrorKind.NOT_FOUND
    title = "Unknown redemption"

    def __init__(self) -> None:
        super().__init__("This member has no redemption under this reference. Redeem or reserve first.")


class RefundExceedsRedemption(LoyaltyError):
    """`rest`: points of the redemption that were not given back yet."""

    code = "refund_exceeds_redemption"
    kind = ErrorKind.CONFLICT
    title = "The refund is more than what is left of the redemption"

    def __init__(self, *, rest: int) -> None:
        super().__init__(
            f"Only {rest} points of this redemption were not given back yet; refund at most that.",
            extra={"rest": rest},
        )

    @classmethod
    def example(cls) -> Self:
        return cls(rest=100)


class ReservationExpired(LoyaltyError):
    code = "reservation_expired"
    kind = ErrorKind.CONFLICT
    title = "The reservation has run out"

    def __init__(self) -> None:
        super().__init__(
            "The hold ran out before it was committed, and its points went back to the member. "
            "Redeem again under a new reference."
        )


class ReservationClosed(LoyaltyError):
    """`status`: how the reservation ended, `redeemed` (committed) or `cancelled`."""

    code = "reservation_closed"
    kind = ErrorKind.CONFLICT
    title = "The reservation has ended"

    def __init__(self, *, status: str) -> None:
        super().__init__(
            f"This redemption is already {status}: a hold ends once, in one way. "
            "To give back points that were redeemed, refund it.",
            extra={"redemption_status": status},
        )

    @classmethod
    def example(cls) -> Self:
        return cls(status="redeemed")


class ReservationOpen(LoyaltyError):
    code = "reservation_open"
    kind = ErrorKind.CONFLICT
    title = "The points are only reserved"

    def __init__(self) -> None:
        super().__init__(
            "Nothing was redeemed yet, so nothing can be refunded. Cancel the reservation to free its points."
        )


class CommitExceedsReservation(LoyaltyError):
    """`reserved`: points the reservation holds."""

    code = "commit_exceeds_reservation"
    kind = ErrorKind.CONFLICT
    title = "The commit is more than what is reserved"

    def __init__(self, *, reserved: int) -> None:
        super().__init__(
            f"The reservation holds {reserved} points; commit at most that, or name none to commit all.",
            extra={"reserved": reserved},
        )

    @classmethod
    def example(cls) -> Self:
        return cls(reserved=300)


def redeem(member: Member, command: Redeem, context: Context) -> Change:
    """Spend points, or hold them. Raises InsufficientPoints, HoldTooLong."""
    account, now, program = member.account, context.now, context.program
    hold_expires_at = None
    if command.reserve:
        hold_expires_at = now + hold_span(command.hold_seconds, program)
    taken = take_points(member, command.points, context, holds=command.reserve)
    lots = {lot.lot: lot for lot in taken.lots}
    redemption = Redemption(
        bucket=account.bucket,
        member_id=account.member_id,
        reference=command.reference,
        status="reserved" if command.reserve else "redeemed",
        points=command.points,
        committed=0 if command.reserve else command.points,
        refunded=0,
        lots=[lot for lot, _ in taken.parts],
        parts=[part for _, part in taken.parts],
        order_id=command.order_id,
        hold_expires_at=hold_expires_at,
        program_version=program.version,
    )
    detail: dict[str, Any] = {
        "points": command.points,
        "value": program.paying.value_fen(command.points, tier=account.tier),
        "lots": told(taken.parts, lots),
        "hold_expires_at": rfc3339(hold_expires_at),
    }
    return _posted(
        account,
        taken.account._replace(hold_due_at=earlier(account.hold_due_at, hold_expires_at)),
        kind="reserve" if command.reserve else "redeem",
        command=command,
        context=context,
        detail=detail,
        lots=taken.lots,
        redemption=redemption,
    )


def commit(member: Member, command: Commit, context: Context) -> Change:
    """Spend what a hold keeps, or part of it; the rest is freed. Raises as `_open_hold`, CommitExceedsReservation."""
    redemption = _open_hold(member, command.reference)
    points = redemption.points if command.points is None else command.points
    if points > redemption.points:
        raise CommitExceedsReservation(reserved=redemption.points)
    used, freed = split(parts_of(redemption.lots, redemption.parts), points)
    lots = dict(member.lots)
    account = commit_points(member.account, lots, used)
    account, debt_paid, expired = free_points(account, lots, freed, context)
    closed = _keeping(redemption, used)._replace(status="redeemed", committed=points)
    program = context.programs[redemption.program_version]
    detail: dict[str, Any] = {
        "points": points,
        "value": program.paying.value_fen(points, tier=account.tier),
        "lots": told(used, lots),
        "freed": redemption.points - points,
        "expired": expired,
        "debt_paid": debt_paid,
        "moves": moves(member.lots, changed(lots, used, freed)),
    }
    return _posted(
        member.account,
        account,
        kind="commit",
        command=command,
        context=context,
        detail=detail,
        lots=changed(lots, used, freed),
        redemption=closed,
    )


def cancel(member: Member, command: Cancel, context: Context) -> Change:
    """Free a hold. Raises RedemptionNotFound, ReservationExpired, ReservationClosed."""
    return free(member, _open_hold(member, command.reference), context, kind="cancel", command=command)


def free(
    member: Member, redemption: Redemption, context: Context, *, kind: str, command: Command | None
) -> Change:
    """Give what an open hold keeps back to its lots: because somebody cancels, or because it lapsed (no command)."""
    taken = parts_of(redemption.lots, redemption.parts)
    lots = dict(member.lots)
    account, debt_paid, expired = free_points(member.account, lots, taken, context)
    closed = _keeping(redemption, [])._replace(status="cancelled" if command else "expired")
    detail: dict[str, Any] = {
        "points": redemption.points,
        "expired": expired,
        "debt_paid": debt_paid,
        "lots": told(taken, lots),
        "moves": moves(member.lots, changed(lots, taken)),
    }
    if command is not None:
        return _posted(
            member.account,
            account,
            kind=kind,
            command=command,
            context=context,
            detail=detail,
            lots=changed(lots, taken),
            redemption=closed,
        )
    account, entry = post(
        member.account,
        account,
        kind=kind,
        key=f"{kind}/{redemption.reference}",
        context=context,
        detail=compact(detail),
        occurred_at=redemption.hold_expires_at,
        order_id=redemption.order_id,
    )
    return Change(account=account, entry=entry, detail=detail, lots=changed(lots, taken), redemption=closed)


def refund(member: Member, command: Refund, context: Context) -> Change:
    """Give spent points back to the lots they came from, what was taken last first.

    What has expired meanwhile stays expired, unless the program grants grace days.
    Raises RedemptionNotFound, ReservationOpen, ReservationClosed, RefundExceedsRedemption.
    """
    redemption = member.redemptions.get(command.redemption)
    if redemption is None:
        raise RedemptionNotFound
    if redemption.status == "reserved":
        raise ReservationOpen
    if redemption.status != "redeemed":
        raise ReservationClosed(status=redemption.status)
    rest = redemption.committed - redemption.refunded
    points = rest if command.points is None else command.points
    if points > rest or points == 0:
        raise RefundExceedsRedemption(rest=rest)
    kept, returned = split(parts_of(redemption.lots, redemption.parts), rest - points)
    lots = dict(member.lots)
    account, debt_paid, expired = refund_points(member.account, lots, returned, context)
    detail: dict[str, Any] = {
        "points": points,
        "expired": expired,
        "debt_paid": debt_paid,
        "lots": told(returned, lots),
        "rest": rest - points,
        "moves": moves(member.lots, changed(lots, returned)),
    }
    return _posted(
        member.account,
        account,
        kind="refund",
        command=command,
        context=context,
        detail=detail,
        lots=changed(lots, returned),
        redemption=_keeping(redemption, kept)._replace(refunded=redemption.refunded + points),
    )


def _open_hold(member: Member, reference: str) -> Redemption:
    redemption = member.redemptions.get(reference)
    if redemption is None:
        raise RedemptionNotFound
    if redemption.status == "expired":
        raise ReservationExpired
    if redemption.status != "reserved":
        raise ReservationClosed(status=redemption.status)
    return redemption


def _keeping(redemption: Redemption, parts: Parts) -> Redemption:
    return redemption._replace(lots=[lot for lot, _ in parts], parts=[part for _, part in parts])


def _posted(
    before: Account,
    after: Account,
    *,
    kind: str,
    command: Command,
    context: Context,
    detail: dict[str, Any],
    lots: tuple[Lot, ...],
    redemption: Redemption,
) -> Change:
    account, entry = post(
        before,
        after,
        kind=kind,
        key=command.natural_key(context.today),
        context=context,
        content=command.content(),
        detail=compact(detail),
        order_id=redemption.order_id,
    )
    return Change(account=account, entry=entry, detail=detail, lots=lots, redemption=redemption)
