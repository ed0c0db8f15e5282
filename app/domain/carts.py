"""A cart: what a quote prices and a checkout holds."""

from typing import Literal, NamedTuple, Self

from app.domain.errors import ErrorKind, LineIdRepeated, LoyaltyError

MAX_LINES = 500
MAX_AMOUNT_FEN = 10**12


class CartEmpty(LoyaltyError):
    code = "cart_empty"
    kind = ErrorKind.UNPROCESSABLE
    title = "The cart is empty"

    def __init__(self) -> None:
        super().__init__("Nothing can be priced without an item. Send at least one.")


class CartTooLong(LoyaltyError):
    """`lines`: how many there were."""

    code = "cart_too_long"
    kind = ErrorKind.UNPROCESSABLE
    title = "The cart has too many items"

    def __init__(self, *, lines: int) -> None:
        super().__init__(
            f"A cart has at most {MAX_LINES} items and this one has {lines}. Split the order.",
            extra={"lines": lines},
        )

    @classmethod
    def example(cls) -> Self:
        return cls(lines=501)


class CartOutOfRange(LoyaltyError):
    code = "cart_out_of_range"
    kind = ErrorKind.UNPROCESSABLE
    title = "A figure of the cart is out of range"

    def __init__(self) -> None:
        super().__init__(
            f"A quantity is at least 1; no amount is negative; goods and shipping are at most {MAX_AMOUNT_FEN} "
            "each, in the minor unit. Correct the item and send the cart again."
        )


class CartLine(NamedTuple):
    """One item; `amount_fen` is the list price of all its pieces."""

    line_id: str
    sku: str
    category: str | None
    brand: str | None
    quantity: int
    amount_fen: int


class Cart(NamedTuple):
    lines: tuple[CartLine, ...]
    shipping_fen: int = 0
    channel: str | None = None


class Wish(NamedTuple):
    """How the member would pay. Coupons are taken in the order named; "best" leaves the choice to us."""

    points: int | Literal["max"] = 0
    cash: int | Literal["max"] = 0  # fen
    coupons: tuple[str, ...] | Literal["best"] = ()


def check_cart(cart: Cart) -> None:
    """Raises CartEmpty, CartTooLong, LineIdRepeated, CartOutOfRange."""
    lines = cart.lines
    if not lines:
        raise CartEmpty
    if len(lines) > MAX_LINES:
        raise CartTooLong(lines=len(lines))
    if len({line.line_id for line in lines}) < len(lines):
        raise LineIdRepeated
    goods_fen = 0
    for line in lines:
        if line.quantity < 1 or line.amount_fen < 0:
            raise CartOutOfRange
        goods_fen += line.amount_fen
    if goods_fen > MAX_AMOUNT_FEN or not 0 <= cart.shipping_fen <= MAX_AMOUNT_FEN:
        raise CartOutOfRange
