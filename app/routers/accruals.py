"""Orders earn points, are settled, and are refunded."""

from __future__ import annotations

from fastapi import Request, Response

from app.domain.errors import (
    ItemNotInOrder,
    ItemsAmountMismatch,
    LineIdRepeated,
    MemberNotFound,
    OccurredAtInFuture,
    OrderAlreadyAccrued,
    OrderNotFound,
    OrderNotPending,
    OrderReversed,
    ReferenceAlreadyUsed,
    RefundExceedsOrder,
)
from app.ledger.engine import LedgerUnavailable, QueueFull
from app.queries.accruals import read_accrual
from app.routers import door
from app.routers.commands import CREATED, FROZEN, answer_to, bring_up_to_date, refusals
from app.routers.document import problems
from app.routers.door import require
from app.schemas.accruals import (
    Accrual,
    AccrualRequest,
    AccrualState,
    Reversal,
    ReversalRequest,
    Settlement,
    accrual_state,
)
from app.schemas.common import MemberId, OrderId

router = door.router("points")


@router.post(
    "/v1/members/{member_id}/accruals",
    status_code=CREATED,
    operation_id="accrue_points",
    response_model=Accrual,
    responses=refusals(
        Accrual,
        OrderAlreadyAccrued,
        *FROZEN,
        OccurredAtInFuture,
        ItemsAmountMismatch,
        LineIdRepeated,
    ),
)
@require("points:write")
async def accrue(member_id: MemberId, body: AccrualRequest, request: Request) -> Response:
    """Let an order earn points.

    The points are available at once, or pending until the order is settled. An upgrade that the order earns
    comes with it; its own rate is that of the tier before. The order is known by its `order_id`: sent again
    it is answered as it was, with another amount or other items it is refused.
    """
    return await answer_to(body.to_command(member_id), request)


@router.get(
    "/v1/members/{member_id}/accruals/{order_id}",
    operation_id="get_accrual",
    responses=problems(MemberNotFound, OrderNotFound, QueueFull, LedgerUnavailable),
)
@require("points:read", member=True)
async def get_accrual(member_id: MemberId, order_id: OrderId, request: Request) -> AccrualState:
    """Read an order as it stands: pending, settled or reversed, and what is left of it."""
    await bring_up_to_date(member_id, request)
    async with request.app.state.database.engine.connect() as connection:
        is_member, row = await read_accrual(connection, member_id=member_id, order_id=order_id)
    if row is None:
        raise OrderNotFound if is_member else MemberNotFound
    return accrual_state(
        row.lot,
        occurred_at=row.occurred_at,
        detail=row.detail,
        programs=request.app.state.ledger.rulebook.programs,
    )


@router.post(
    "/v1/members/{member_id}/accruals/{order_id}/settle",
    operation_id="settle_accrual",
    response_model=Accrual,
    responses=refusals(Accrual, OrderNotFound, OrderNotPending, OrderReversed, is_verb=True),
)
@require("points:write")
async def settle(
    member_id: MemberId,
    order_id: OrderId,
    request: Request,
    body: Settlement | None = None,
) -> Response:
    """Make an order's pending points available.

    Spend, growth and tier count from now on. An order that nobody settles does so by itself when the program
    says. What was refunded meanwhile no longer counts.
    """
    command = (body or Settlement()).to_command(member_id, order_id)
    return await answer_to(command, request, is_verb=True)


@router.post(
    "/v1/members/{member_id}/accruals/{order_id}/reverse",
    operation_id="reverse_accrual",
    response_model=Reversal,
    responses=refusals(
        Reversal, OrderNotFound, RefundExceedsOrder, ReferenceAlreadyUsed, ItemNotInOrder, is_verb=True
    ),
)
@require("points:write")
async def reverse(
    member_id: MemberId, order_id: OrderId, body: ReversalRequest, request: Request
) -> Response:
    """Take back what the refunded part of an order earned.

    By `amount`, or by `items`. Points come from the order's own lot first, then from the others, next to
    expire first, never from reserved ones; what can't be taken becomes debt. Many small refunds take the same
    as one. `reference` names the refund within its order.
    """
    return await answer_to(body.to_command(member_id, order_id), request, is_verb=True)
