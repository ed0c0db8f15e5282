import pytest

from app.domain.carts import Cart, CartEmpty, CartLine, CartOutOfRange, CartTooLong, check_cart
from app.domain.errors import LineIdRepeated, LoyaltyError


def line(line_id: str = "1", amount_fen: int = 100, quantity: int = 1) -> CartLine:
    return CartLine(line_id, "sku", None, None, quantity, amount_fen)


@pytest.mark.parametrize(
    "cart",
    [
        Cart((line(),)),
        Cart((line(amount_fen=0),)),
        Cart((line(amount_fen=10**12),), shipping_fen=10**12),
        Cart(tuple(line(str(number)) for number in range(500))),
    ],
)
def test_a_sound_cart(cart: Cart) -> None:
    check_cart(cart)


@pytest.mark.parametrize(
    ("cart", "refusal"),
    [
        (Cart(()), CartEmpty),
        (Cart(tuple(line(str(number)) for number in range(501))), CartTooLong),
        (Cart((line("1"), line("2"), line("1"))), LineIdRepeated),
        (Cart((line(quantity=0),)), CartOutOfRange),
        (Cart((line(amount_fen=-1),)), CartOutOfRange),
        (Cart((line("1", 10**12), line("2", 1))), CartOutOfRange),
        (Cart((line(),), shipping_fen=-1), CartOutOfRange),
        (Cart((line(),), shipping_fen=10**12 + 1), CartOutOfRange),
    ],
)
def test_a_cart_that_can_not_be(cart: Cart, refusal: type[LoyaltyError]) -> None:
    with pytest.raises(refusal) as refused:
        check_cart(cart)
    assert refused.value.detail.endswith(".")


def test_a_cart_too_long_is_told_its_length() -> None:
    with pytest.raises(CartTooLong) as refused:
        check_cart(Cart(tuple(line(str(number)) for number in range(502))))
    assert refused.value.extra == {"lines": 502}


def test_the_example_can_be_shown() -> None:
    assert CartTooLong.example().extra == {"lines": 501}
