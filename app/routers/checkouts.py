"""A cart is held, completed, cancelled, refunded: points, coupons, cash, earnings and tier in one call each."""

from __future__ import annotations

from fastapi import Request, Response

from app.domain.carts import CartOutOfRange
from app.domain.checkout_commands import CheckoutAlreadyExists, CheckoutCompleted
from app.domain.checkout_errors import (
    CashOverLimit,
    CheckoutCancelled,
    CheckoutNotCompleted,
    CheckoutNotFound,
    CheckoutNotHeld,
    HoldLapsed,
    PaidExceedsCheckout,
    PointsOverLimit,
    QuoteChanged,
)
from app.domain.coupon_errors import CouponNotApplicable
from app.domain.errors import (
    HoldTooLong,
    IdempotencyKeyReused,
    ItemNotInOrder,
    LineIdRepeated,
    LoyaltyError,
    OrderAlreadyAccrued,
    ReferenceAlreadyUsed,
    RefundExceedsOrder,
)
from app.ledger.engine import LedgerUnavailable, QueueFull
from app.queries.checkouts import find_holder, read_checkout
from app.routers import door
from app.routers.commands import CREATED, FROZEN, answer_to, bring_up_to_date, refusals
from app.routers.document import problems, type_of_responses
from app.routers.door import require
from app.schemas.checkouts import (
    CancelledCheckout,
    CancelRequest,
    CheckoutId,
    CheckoutRefundRequest,
    CheckoutState,
    CompletedCheckout,
    CompleteRequest,
    ExtendRequest,
    HeldCheckout,
    HoldRequest,
    RefundedCheckout,
    checkout_state,
)

router = door.router("checkout")


def _of_checkout(*errors: type[LoyaltyError]) -> type_of_responses:
    """The refusals of a verb on a checkout, which names no member."""
    return problems(CheckoutNotFound, *errors, IdempotencyKeyReused, QueueFull, LedgerUnavailable)


@router.post(
    "/v1/checkouts",
    status_code=CREATED,
    operation_id="hold_checkout",
    response_model=HeldCheckout,
    response_model_exclude_unset=True,
    responses=refusals(
        HeldCheckout,
        CheckoutAlreadyExists,
        OrderAlreadyAccrued,
        CouponNotApplicable,
        PointsOverLimit,
        CashOverLimit,
        QuoteChanged,
        *FROZEN,
        LineIdRepeated,
        CartOutOfRange,
        HoldTooLong,
    ),
)
@require("checkout:write")
async def hold(body: HoldRequest, request: Request) -> Response:
    """Price a cart and hold what it uses.

    Points are reserved, cash is taken out of the wallet and coupons are locked in one transaction, until the checkout
    is completed or cancelled or the hold ends by itself. Points and coupons that can't be used so are refused, with
    every reason; so is a cart that costs other than was `quoted`. The checkout is known by its `checkout_id`.
    """
    return await answer_to(body.to_command(), request)


@router.get(
    "/v1/checkouts/{checkout_id}",
    operation_id="get_checkout",
    response_model_exclude_unset=True,
    responses=problems(CheckoutNotFound, QueueFull, LedgerUnavailable),
)
@require("checkout:read")
async def get_checkout(checkout_id: CheckoutId, request: Request) -> CheckoutState:
    """Read a checkout as it stands.

    The figures it was held at, what it keeps of points, cash and coupons, and what was refunded.
    """
    engine = request.app.state.database.engine
    async with engine.connect() as connection:
        member_id = await find_holder(connection, checkout_id)
    if member_id is None:
        raise CheckoutNotFound
    await bring_up_to_date(member_id, request)
    async with engine.connect() as connection:
        row = await read_checkout(connection, member_id=member_id, checkout_id=checkout_id)
    return checkout_state(row)


@router.post(
    "/v1/checkouts/{checkout_id}/complete",
    operation_id="complete_checkout",
    response_model=CompletedCheckout,
    response_model_exclude_unset=True,
    responses=_of_checkout(
        CheckoutCancelled, CheckoutCompleted, HoldLapsed, OrderAlreadyAccrued, *FROZEN, PaidExceedsCheckout
    ),
)
@require("checkout:write")
async def complete(
    checkout_id: CheckoutId, request: Request, body: CompleteRequest | None = None
) -> Response:
    """Complete a checkout that was paid.

    Points are spent, coupons redeemed, points earned and the tier evaluated in one transaction; the checkout is an
    order from then on. After the hold lapsed, what is still free of it is taken again; if something is missing,
    nothing is done unless `earn_only` says to go on without.
    """
    command = (body or CompleteRequest()).to_command(checkout_id)
    return await answer_to(command, request, is_verb=True)


@router.post(
    "/v1/checkouts/{checkout_id}/cancel",
    operation_id="cancel_checkout",
    response_model=CancelledCheckout,
    responses=_of_checkout(CheckoutNotHeld),
)
@require("checkout:write")
async def cancel(checkout_id: CheckoutId, request: Request, body: CancelRequest | None = None) -> Response:
    """Free all that a checkout holds.

    Points go back to their lots, cash to the wallet, coupons to the member; what has expired meanwhile stays expired.
    """
    command = (body or CancelRequest()).to_command(checkout_id)
    return await answer_to(command, request, is_verb=True)


@router.post(
    "/v1/checkouts/{checkout_id}/extend",
    operation_id="extend_checkout",
    response_model=HeldCheckout,
    response_model_exclude_unset=True,
    responses=_of_checkout(CheckoutCancelled, CheckoutNotHeld, HoldTooLong),
)
@require("checkout:write")
async def extend(checkout_id: CheckoutId, body: ExtendRequest, request: Request) -> Response:
    """Let a hold last longer, counted from now. A hold that has lapsed is not brought back."""
    return await answer_to(body.to_command(checkout_id), request, is_verb=True)


@router.post(
    "/v1/checkouts/{checkout_id}/refund",
    operation_id="refund_checkout",
    response_model=RefundedCheckout,
    responses=_of_checkout(
        CheckoutNotCompleted,
        CheckoutCancelled,
        RefundExceedsOrder,
        ReferenceAlreadyUsed,
        ItemNotInOrder,
    ),
)
@require("checkout:write")
async def refund(checkout_id: CheckoutId, body: CheckoutRefundRequest, request: Request) -> Response:
    """Undo part of a completed checkout, or all of it.

    By `amount`, or by `items`. Points, cash and money come back by their shares, what the refunded part earned is
    taken back, and coupons return with the last of the goods. Many small refunds give the same as one. `reference`
    names the refund within its checkout.
    """
    return await answer_to(body.to_command(checkout_id), request, is_verb=True)
