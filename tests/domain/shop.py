"""A shop for the tests of prices: templates, carts, coupons in a wallet, and a member who asks for a quote."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from app.domain.carts import Cart, CartLine, Wish
from app.domain.coupon_templates import Eligible, Kind, Template
from app.domain.program import Program
from app.domain.quotes import Held, Quote, Shopper, quote
from tests.domain.book import Book
from tests.domain.programs import DEFAULT

NAMES = ("skus", "categories", "brands", "channels", "tiers")


def template(code: str, kind: Kind = "amount_off", **terms: Any) -> Template:
    """A template; what `Eligible` says may be given beside the rest, names as iterables."""
    of_eligible = {name: frozenset(terms.pop(name)) for name in NAMES if name in terms}
    of_eligible |= {
        name: terms.pop(name) for name in ("first_order", "member", "min_quantity") if name in terms
    }
    return Template(template=code, name=code, kind=kind, eligible=Eligible(**of_eligible), **terms)


def line(
    line_id: str, amount_fen: int, quantity: int = 1, *, category: str | None = None, brand: str | None = None
) -> CartLine:
    return CartLine(line_id, f"sku-{line_id}", category, brand, quantity, amount_fen)


def cart(*amounts_fen: int, shipping_fen: int = 0, channel: str | None = None) -> Cart:
    """Lines "1", "2", ... of one piece each."""
    lines = tuple(line(str(number), amount_fen) for number, amount_fen in enumerate(amounts_fen, start=1))
    return Cart(lines, shipping_fen, channel)


def held(code: str, template: Template, valid_until: datetime | None = None) -> Held:
    return Held(code, template, valid_until)


def ask(
    cart: Cart,
    *,
    coupons: Any = (),
    points: Any = 0,
    cash: Any = 0,
    wallet: Iterable[Held] = (),
    promotions: Iterable[Template] = (),
    tier: str = "bronze",
    is_first_order: bool = False,
    matches: Any = lambda _: False,
    program: Program = DEFAULT,
    cash_fen: int = 0,
    **account: Any,
) -> Quote:
    """The quote for a member of `tier` whose account has `cash_fen` and these other figures."""
    book = Book(program)
    member = book.members["m"]
    member.account = member.account._replace(tier=tier, cash=cash_fen, **account)
    return ask_of(
        book,
        cart,
        Wish(points, cash, coupons),
        wallet=wallet,
        promotions=promotions,
        shopper=Shopper(tier, is_first_order, matches),
    )


def ask_of(
    book: Book,
    cart: Cart,
    wish: Wish,
    *,
    wallet: Iterable[Held] = (),
    promotions: Iterable[Template] = (),
    shopper: Shopper | None = None,
) -> Quote:
    """The quote for the member `m` of a book as it stands."""
    member = book.members["m"]
    return quote(
        member,
        cart,
        wish,
        shopper=shopper or Shopper(member.account.tier, False, lambda _: False),
        wallet=list(wallet),
        promotions=list(promotions),
        context=book.context(),
    )


def discounts(quote: Quote) -> list[dict[str, int]]:
    """What each line takes off, by source."""
    return [dict(line.discounts) for line in quote.lines]


def payables(quote: Quote) -> list[int]:
    return [line.payable_fen for line in quote.lines]


def reasons(quote: Quote) -> dict[str, list[tuple[str, dict[str, Any]]]]:
    return {code: [(why.code, dict(why.extra)) for why in whys] for code, whys in quote.rejected}


def used(quote: Quote) -> list[tuple[str, int]]:
    """(code or template, what it saves) each."""
    return [(each.code or each.template, each.discount_fen) for each in quote.used]
