"""What the rules may refuse, and the words in which they say so.

An error has a stable `code` for programs, a `kind` that says what sort of refusal it is (only
`routers/errors.py` knows which HTTP status a kind becomes), a `title` that never varies, and a `detail`
that tells the reader what to do next. `extra` holds figures a program may want, such as `available`.

Errors that many rules share are here; an error that one rule alone raises stands beside that rule. A detail
names figures and states, never ids or other text the caller sent: problems end up in logs.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Self


class ErrorKind(StrEnum):
    """The sorts of refusal; the edge translates each into its protocol's status."""

    MALFORMED = "malformed"
    """The request could not be read at all."""
    UNAUTHENTICATED = "unauthenticated"
    """Nobody, or nobody known, is asking."""
    FORBIDDEN = "forbidden"
    """The caller is known and may not do this."""
    NOT_FOUND = "not_found"
    """What the request names does not exist."""
    CONFLICT = "conflict"
    """A sound request that the rules refuse as things stand; later it may succeed."""
    PRECONDITION_FAILED = "precondition_failed"
    """The caller's own condition does not hold."""
    TOO_LARGE = "too_large"
    """More than is read in one piece."""
    UNSUPPORTED = "unsupported"
    """In a form that is not understood."""
    UNPROCESSABLE = "unprocessable"
    """Readable, and wrong in itself, however often it is sent."""
    OVERLOADED = "overloaded"
    """Nothing was done; the same request may be sent again in a moment."""


class LoyaltyError(Exception):
    """The base of every refusal. `str(error)` is its detail."""

    code: ClassVar[str]
    kind: ClassVar[ErrorKind]
    title: ClassVar[str]
    within: str = ""
    """Where in a larger request that stands which is refused: a JSON pointer."""

    def __init__(self, detail: str, *, extra: Mapping[str, Any] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extra: dict[str, Any] = dict(extra or {})

    @classmethod
    def example(cls) -> Self:
        """One such error with plausible figures, as the API's document shows it."""
        return cls()  # pyright: ignore[reportCallIssue]  # those that take facts override this


# --- members ---------------------------------------------------------------------------------------------


class MemberNotFound(LoyaltyError):
    code = "member_not_found"
    kind = ErrorKind.NOT_FOUND
    title = "Unknown member"

    def __init__(self) -> None:
        super().__init__("No member has this id. Enrol it first with PUT /v1/members/{member_id}.")


class MemberFrozen(LoyaltyError):
    """A frozen member can't accrue, redeem, reserve, sign in or transfer (RULES.md, Points)."""

    code = "member_frozen"
    kind = ErrorKind.CONFLICT
    title = "The member is frozen"

    def __init__(self) -> None:
        super().__init__(
            "This member is frozen: nothing can be earned or spent until it is unfrozen. "
            "Settling, reversing, refunding, committing and cancelling still work."
        )


class MemberErased(LoyaltyError):
    code = "member_erased"
    kind = ErrorKind.CONFLICT
    title = "The member was erased"

    def __init__(self) -> None:
        super().__init__(
            "This member was erased on request: the ledger stands and nothing new is written to it. "
            "Enrol the customer under another id to start again."
        )


class ReferrerFixed(LoyaltyError):
    code = "referrer_fixed"
    kind = ErrorKind.CONFLICT
    title = "The referrer stays as it is"

    def __init__(self) -> None:
        super().__init__(
            "Who brought this member was told before and can't be changed or cleared: rewards rest on it. "
            "Leave `referred_by` out to change the rest."
        )


class ReferrerIsSelf(LoyaltyError):
    code = "referrer_is_self"
    kind = ErrorKind.UNPROCESSABLE
    title = "A member can't refer itself"

    def __init__(self) -> None:
        super().__init__("`referred_by` names the member itself. Name the member who brought this one.")


# --- keys ------------------------------------------------------------------------------------------------


class ReferenceAlreadyUsed(LoyaltyError):
    code = "reference_already_used"
    kind = ErrorKind.CONFLICT
    title = "The reference was used with other content"

    def __init__(self) -> None:
        super().__init__(
            "This member already has an operation under this reference, with other content. Use a new "
            "reference for a new operation, or send the first one again unchanged to get its answer."
        )


class IdempotencyKeyReused(LoyaltyError):
    code = "idempotency_key_reused"
    kind = ErrorKind.UNPROCESSABLE
    title = "The Idempotency-Key belongs to another request"

    def __init__(self) -> None:
        super().__init__(
            "This Idempotency-Key came with another request before. Use a new key for a new request; "
            "to try again, send the first request unchanged."
        )


class IdempotencyKeyMissing(LoyaltyError):
    code = "idempotency_key_missing"
    kind = ErrorKind.MALFORMED
    title = "An Idempotency-Key is required"

    def __init__(self) -> None:
        super().__init__(
            "Nothing in this request names what it makes, so it needs an Idempotency-Key header "
            "(1 to 255 visible ASCII characters, new for each thing to be made) to be safe to repeat."
        )


# --- orders ----------------------------------------------------------------------------------------------


class OrderAlreadyAccrued(LoyaltyError):
    code = "order_already_accrued"
    kind = ErrorKind.CONFLICT
    title = "The order was accrued with other content"

    def __init__(self) -> None:
        super().__init__(
            "This order was accrued before, with another amount or other items. To correct it, reverse the "
            "part that was refunded, or use another order_id for another order."
        )


class OrderNotFound(LoyaltyError):
    code = "order_not_found"
    kind = ErrorKind.NOT_FOUND
    title = "Unknown order"

    def __init__(self) -> None:
        super().__init__("This member has no order under this order_id. Accrue it first.")


class OrderNotPending(LoyaltyError):
    code = "order_not_pending"
    kind = ErrorKind.CONFLICT
    title = "The order is not pending"

    def __init__(self) -> None:
        super().__init__("This order is settled already: its points are available and nothing is left to do.")


class OrderReversed(LoyaltyError):
    """An order reversed in full can't be settled (RULES.md, Points)."""

    code = "order_reversed"
    kind = ErrorKind.CONFLICT
    title = "The order was reversed in full"

    def __init__(self) -> None:
        super().__init__("This order was refunded in full: nothing of it is left to settle or to reverse.")


class RefundExceedsOrder(LoyaltyError):
    """`rest_fen`: what of the order, or of the named item, is not refunded yet."""

    code = "refund_exceeds_order"
    kind = ErrorKind.CONFLICT
    title = "The refund is more than what is left of the order"

    def __init__(self, *, rest_fen: int) -> None:
        super().__init__(
            f"Only {rest_fen} of the amount is not refunded yet; reverse at most that. "
            "Refunds made before count too.",
            extra={"rest": rest_fen},
        )

    @classmethod
    def example(cls) -> Self:
        return cls(rest_fen=12_000)


class ItemsAmountMismatch(LoyaltyError):
    """The items of an order must add up to its amount."""

    code = "items_amount_mismatch"
    kind = ErrorKind.UNPROCESSABLE
    title = "The items do not add up to the amount"

    def __init__(self, *, amount_fen: int, items_fen: int) -> None:
        super().__init__(
            f"The items add up to {items_fen} and the amount is {amount_fen}. Send what was paid for each "
            "item after discounts, without shipping, so that they add up to the amount.",
            extra={"amount": amount_fen, "items_amount": items_fen},
        )

    @classmethod
    def example(cls) -> Self:
        return cls(amount_fen=30_000, items_fen=29_900)


class LineIdRepeated(LoyaltyError):
    code = "line_id_repeated"
    kind = ErrorKind.UNPROCESSABLE
    title = "Two items share a line_id"

    def __init__(self) -> None:
        super().__init__("Give each item a line_id of its own within the order: refunds name items by it.")


class ItemNotInOrder(LoyaltyError):
    code = "item_not_in_order"
    kind = ErrorKind.UNPROCESSABLE
    title = "The order has no such item"

    def __init__(self) -> None:
        super().__init__(
            "A line_id in this refund is not in the order as it was accrued. Name the items by the line_id "
            "of the accrual; an order accrued without items can only be reversed by amount."
        )


class OccurredAtInFuture(LoyaltyError):
    """`latest_at`: the last instant that would have been taken, one day ahead of now."""

    code = "occurred_at_in_future"
    kind = ErrorKind.UNPROCESSABLE
    title = "occurred_at lies too far ahead"

    def __init__(self, *, latest_at: datetime) -> None:
        latest = latest_at.isoformat(timespec="seconds").replace("+00:00", "Z")
        super().__init__(
            f"occurred_at may lie in the past, but at most a day ahead: {latest} is the latest taken now. "
            "Check the clock and the offset of the sender.",
            extra={"latest": latest},
        )

    @classmethod
    def example(cls) -> Self:
        return cls(latest_at=datetime.fromisoformat("2026-03-06T02:00:00+00:00"))


# --- spending --------------------------------------------------------------------------------------------


class InsufficientPoints(LoyaltyError):
    """`available`: points that could be spent at this moment; never negative, 0 while there is debt."""

    code = "insufficient_points"
    kind = ErrorKind.CONFLICT
    title = "Not enough points"

    def __init__(self, *, available: int) -> None:
        super().__init__(
            f"The member can spend {available} points now: pending, reserved and expired ones don't count. "
            "Ask for at most that.",
            extra={"available": available},
        )

    @classmethod
    def example(cls) -> Self:
        return cls(available=415)


class HoldTooLong(LoyaltyError):
    """`max_hold_seconds`: the longest hold the program allows."""

    code = "hold_too_long"
    kind = ErrorKind.UNPROCESSABLE
    title = "The hold is longer than the program allows"

    def __init__(self, *, max_hold_seconds: int) -> None:
        super().__init__(
            f"The program holds points for at most {max_hold_seconds} seconds; ask for that or less.",
            extra={"max_hold_seconds": max_hold_seconds},
        )

    @classmethod
    def example(cls) -> Self:
        return cls(max_hold_seconds=604_800)


class TransferToSelf(LoyaltyError):
    code = "transfer_to_self"
    kind = ErrorKind.UNPROCESSABLE
    title = "A transfer needs two members"

    def __init__(self) -> None:
        super().__init__("The points would go to the member they come from. Name another member in `to`.")


# --- tiers -----------------------------------------------------------------------------------------------


class TierNotFound(LoyaltyError):
    code = "tier_not_found"
    kind = ErrorKind.NOT_FOUND
    title = "Unknown tier"

    def __init__(self) -> None:
        super().__init__("The program has no tier with this code. GET /v1/tiers lists them.")


class ReviewNotFound(LoyaltyError):
    code = "review_not_found"
    kind = ErrorKind.NOT_FOUND
    title = "Unknown review"

    def __init__(self) -> None:
        super().__init__("No tier review has this id. GET /v1/tier-reviews lists them.")


class ReviewClosed(LoyaltyError):
    """`status`: how the review ended: `approved`, `rejected` or `closed`; None: a person decided."""

    code = "review_closed"
    kind = ErrorKind.CONFLICT
    title = "The review has ended"

    def __init__(self, *, status: str | None) -> None:
        super().__init__(
            f"This review is already {status or 'decided'} and can't be decided again. "
            "Set the member's tier by hand if it should differ.",
            extra=None if status is None else {"review_status": status},
        )

    @classmethod
    def example(cls) -> Self:
        return cls(status="closed")
