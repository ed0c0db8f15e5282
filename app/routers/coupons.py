"""Coupons in members' hands: claimed, listed, tried, locked, redeemed, rolled back, voided."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Request, Response
from pydantic import Field

from app.domain.carts import CartOutOfRange, Wish, check_cart
from app.domain.coupon_errors import (
    CouponBudgetSpent,
    CouponExhausted,
    CouponExpired,
    CouponLimitReached,
    CouponLocked,
    CouponNeedsMember,
    CouponNotFound,
    CouponNotLocked,
    CouponNotRedeemed,
    CouponNotStarted,
    CouponNotYours,
    CouponOfCheckout,
    CouponPaused,
    CouponRedeemed,
    CouponVoided,
    TemplateAutomatic,
    TemplateNotClaimable,
    TemplateNotFound,
    TemplateNotOpen,
)
from app.domain.errors import (
    HoldTooLong,
    IdempotencyKeyMissing,
    InsufficientPoints,
    LineIdRepeated,
    LoyaltyError,
    MemberErased,
    MemberNotFound,
    ReferenceAlreadyUsed,
)
from app.ledger.engine import LedgerUnavailable, QueueFull
from app.queries.coupons import find_code, list_coupons, read_coupon, read_history
from app.routers import door
from app.routers.commands import CREATED, FROZEN, answer_to, bring_up_to_date, refusals
from app.routers.dependencies import (
    BIGINT,
    CursorInvalid,
    PageQuery,
    decode_cursor,
    encode_cursor,
    idempotency_key_of,
    required_idempotency_key_of,
)
from app.routers.document import problems, type_of_responses
from app.routers.door import require
from app.routers.errors import ValidationFailed
from app.routers.quotes import price
from app.schemas.common import Listing, MemberId
from app.schemas.coupon_states import code_state, coupon_state, member_coupon
from app.schemas.coupon_templates import CouponCodeText
from app.schemas.coupons import (
    ClaimRequest,
    Coupon,
    CouponState,
    CouponStatus,
    LockRequest,
    MemberCoupon,
    RedeemRequest,
    RollBackRequest,
    UnlockRequest,
    ValidateRequest,
    Validation,
    VoidRequest,
    validation_of,
)

router = door.router("coupons")

_GIVING_OUT = (TemplateNotOpen, CouponExhausted, CouponLimitReached)
_UNUSABLE = (CouponVoided, CouponRedeemed, CouponLocked, CouponExpired, CouponNotStarted, CouponPaused)


def _of_coupon(*errors: type[LoyaltyError]) -> type_of_responses:
    """The refusals of a verb on a coupon, which may become a member's by it."""
    return refusals(
        Coupon,
        CouponNotFound,
        CouponNeedsMember,
        CouponNotYours,
        *errors,
        *_GIVING_OUT,
        ReferenceAlreadyUsed,
        is_verb=True,
    )


class CouponsQuery(PageQuery):
    """Which of a member's coupons."""

    status: CouponStatus | None = Field(None, description="Only those that are so now.")


@router.post(
    "/v1/members/{member_id}/coupons",
    status_code=CREATED,
    operation_id="claim_coupon",
    response_model=Coupon,
    responses=refusals(
        Coupon,
        TemplateNotFound,
        CouponNotFound,
        IdempotencyKeyMissing,
        *_GIVING_OUT,
        TemplateAutomatic,
        TemplateNotClaimable,
        CouponNotYours,
        CouponVoided,
        InsufficientPoints,
        *FROZEN,
        is_verb=True,
    ),
)
@require("coupons:write", member=True)
async def claim(member_id: MemberId, body: ClaimRequest, request: Request) -> Response:
    """Claim a coupon (领取), for points if its template has a price.

    By the name of a template, or by a code: a public one, or a unique one that is nobody's yet. Each claim gives
    another coupon, so an `Idempotency-Key` is required. What a tier gives on its occasions, such as birthday coupons,
    can't be claimed by name.
    """
    required_idempotency_key_of(request)
    return await answer_to(body.to_command(member_id), request)


@router.get(
    "/v1/members/{member_id}/coupons",
    operation_id="list_member_coupons",
    response_model=Listing[MemberCoupon],
    responses=problems(MemberNotFound, CursorInvalid, QueueFull, LedgerUnavailable),
)
@require("coupons:read", member=True)
async def list_of_member(
    member_id: MemberId, query: Annotated[CouponsQuery, Query()], request: Request
) -> dict[str, Any]:
    """List a member's coupons, newest first.

    What has expired by now shows so, however late that was written down.
    """
    before: tuple[int, str] | None = None
    if query.cursor is not None:
        sequence, code = decode_cursor(query.cursor, BIGINT, str)
        before = (sequence, code)
    await bring_up_to_date(member_id, request)
    async with request.app.state.database.engine.connect() as connection:
        rows = await list_coupons(
            connection, member_id=member_id, status=query.status, limit=query.limit + 1, before=before
        )
    if rows is None:
        raise MemberNotFound
    more = len(rows) > query.limit
    rows = rows[: query.limit]
    return {
        "data": [member_coupon(row) for row in rows],
        "next_cursor": encode_cursor(rows[-1].coupon.sequence, rows[-1].coupon.code) if more else None,
    }


@router.get(
    "/v1/coupons/{code}",
    operation_id="get_coupon",
    response_model=CouponState,
    responses=problems(CouponNotFound, QueueFull, LedgerUnavailable),
)
@require("coupons:read")
async def get_coupon(code: CouponCodeText, request: Request) -> dict[str, Any]:
    """Read a coupon by its code: whose it is, what it is now, and what became of it on the way."""
    engine = request.app.state.database.engine
    async with engine.connect() as connection:
        found = await find_code(connection, code)
    if found is None:
        raise CouponNotFound
    member_id = found.code.member_id
    if member_id is None:
        return code_state(found)
    await bring_up_to_date(member_id, request)
    async with engine.connect() as connection:
        row = await read_coupon(connection, member_id=member_id, code=code)
        return coupon_state(row, await read_history(connection, row.coupon))


@router.post(
    "/v1/coupons/{code}/validate",
    operation_id="validate_coupon",
    response_model=Validation,
    response_model_exclude_unset=True,
    responses=problems(CouponNotFound, MemberNotFound, MemberErased, QueueFull, LedgerUnavailable),
)
@require("coupons:read")
async def validate(code: CouponCodeText, body: ValidateRequest, request: Request) -> dict[str, Any]:
    """Try a coupon on a cart, alone.

    Nothing changes: a code that is nobody's yet stays so. A coupon that can't be used is answered 200 too, with every
    reason.
    """
    idempotency_key_of(request)  # nothing is made, but a misshapen one is refused as everywhere
    cart = body.cart.to_cart()
    try:
        check_cart(cart)
    except (LineIdRepeated, CartOutOfRange) as error:
        place = {"in": "body", "pointer": "/cart/items", "code": error.code, "detail": error.detail}
        raise ValidationFailed([place]) from error
    async with request.app.state.database.engine.connect() as connection:
        if await find_code(connection, code) is None:
            raise CouponNotFound
    priced, _ = await price(request, body.member_id, cart, Wish(coupons=(code,)), whole=False)
    return validation_of(code, priced)


@router.post(
    "/v1/coupons/{code}/lock",
    operation_id="lock_coupon",
    response_model=Coupon,
    responses=_of_coupon(*_UNUSABLE, CouponBudgetSpent, *FROZEN, HoldTooLong),
)
@require("coupons:write")
async def lock(code: CouponCodeText, body: LockRequest, request: Request) -> Response:
    """Keep a coupon for one use, so that no other can have it.

    Until it is redeemed or unlocked under the same `reference`, or the lock ends by itself. A checkout does so on its
    own.
    """
    return await answer_to(body.to_command(code), request, is_verb=True)


@router.post(
    "/v1/coupons/{code}/unlock",
    operation_id="unlock_coupon",
    response_model=Coupon,
    responses=_of_coupon(CouponNotLocked, CouponLocked, CouponOfCheckout, CouponVoided),
)
@require("coupons:write")
async def unlock(code: CouponCodeText, body: UnlockRequest, request: Request) -> Response:
    """End a coupon's lock. What has expired meanwhile expires at once."""
    return await answer_to(body.to_command(code), request, is_verb=True)


@router.post(
    "/v1/coupons/{code}/redeem",
    operation_id="redeem_coupon",
    response_model=Coupon,
    responses=_of_coupon(*_UNUSABLE, CouponBudgetSpent, CouponOfCheckout, *FROZEN),
)
@require("coupons:write")
async def redeem(code: CouponCodeText, body: RedeemRequest, request: Request) -> Response:
    """Use a coupon up: one that the same `reference` locked before, or that nobody did."""
    return await answer_to(body.to_command(code), request, is_verb=True)


@router.post(
    "/v1/coupons/{code}/rollback",
    operation_id="roll_back_coupon",
    response_model=Coupon,
    responses=_of_coupon(CouponNotRedeemed, CouponOfCheckout, CouponVoided),
)
@require("coupons:write")
async def roll_back(code: CouponCodeText, body: RollBackRequest, request: Request) -> Response:
    """Let a redeemed coupon be used again, if it is still valid."""
    return await answer_to(body.to_command(code), request, is_verb=True)


@router.post(
    "/v1/coupons/{code}/void",
    operation_id="void_coupon",
    response_model=Coupon,
    responses=_of_coupon(CouponVoided, CouponRedeemed, CouponLocked),
)
@require("coupons:write")
async def void(code: CouponCodeText, body: VoidRequest, request: Request) -> Response:
    """Withdraw a coupon, with the reason. It still counts in its template's stock, not in its member's limits."""
    return await answer_to(body.to_command(code), request, is_verb=True)
