"""What a cart would cost: read, never kept."""

from __future__ import annotations

from fastapi import Request, Response
from pydantic_core import to_json

from app.domain.carts import Cart, CartOutOfRange, Wish
from app.domain.commands import Mature
from app.domain.errors import LineIdRepeated, MemberErased, MemberNotFound
from app.domain.quotes import Quote as PricedQuote
from app.domain.quotes import answer
from app.domain.wallets import Wallet
from app.ledger.engine import Engine, LedgerUnavailable, QueueFull
from app.ledger.request import Request as Asked
from app.queries.quotes import QuoteReader, QuoteReading
from app.routers import door
from app.routers.commands import ledger_caller
from app.routers.dependencies import idempotency_key_of
from app.routers.document import problems
from app.routers.door import check_own, require
from app.schemas.quotes import Quote, QuoteRequest

router = door.router("checkout")


@router.post(
    "/v1/quotes",
    operation_id="quote_cart",
    response_model=Quote,
    responses=problems(
        MemberNotFound, MemberErased, LineIdRepeated, CartOutOfRange, QueueFull, LedgerUnavailable
    ),
)
@require("checkout:read", member=True, names_member_in_body=True)
async def quote(body: QuoteRequest, request: Request) -> Response:
    """Price a cart: everything a cart page shows, in one read.

    In the published order: line promotions, tier discount, amount coupons, percent coupons, points, cash, shipping. A
    discount of a campaign takes its place among the coupons.
    Nothing changes and nothing is held. What can't be used as wished is told: coupons with every reason in `rejected`,
    points and cash by how much was `used` and could be at most. Members who are frozen get quotes too.
    """
    check_own(request, body.member_id)
    idempotency_key_of(request)  # nothing is made, but a misshapen one is refused as everywhere
    priced, version = await price(request, body.member_id, body.to_cart(), body.to_wish(), whole=True)
    return Response(to_json(answer(priced, version=version)), media_type="application/json")


async def price(
    request: Request, member_id: str, cart: Cart, wish: Wish, *, whole: bool
) -> tuple[PricedQuote, int]:
    """The quote of a cart as of now, `whole` with every coupon of the member's, and the program's version.

    Raises MemberNotFound, MemberErased, LineIdRepeated, CartOutOfRange.
    """
    codes = () if wish.coupons == "best" else wish.coupons
    reading = await _read(request, member_id, codes)
    if reading is not None and reading.is_owed_coupons:
        engine: Engine = request.app.state.ledger
        await engine.submit(Asked(Mature(member_id=member_id), ledger_caller(request)))
        reading = await _read(request, member_id, codes)
    if reading is None:
        raise MemberNotFound
    if reading.member.account.status == "erased":
        raise MemberErased
    priced = Wallet(reading.member, wish, reading.context, whole=whole).price(cart, wish)
    return priced, reading.context.program.version


async def _read(request: Request, member_id: str, codes: tuple[str, ...]) -> QuoteReading | None:
    reader: QuoteReader = request.app.state.quotes
    return await reader.read(member_id, codes)
