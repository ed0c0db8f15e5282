from typing import Any

import pytest

from app.domain.carts import Cart
from app.domain.coupon_reasons import REASON_CODES, reason
from app.domain.eligibility import Shopper, eligible_lines, unmet
from tests.domain.shop import line, template

CART = Cart(
    (
        line("1", 100, 2, category="tea"),
        line("2", 100, 3, category="cups", brand="acme"),
        line("3", 100, 1),
    ),
    channel="app",
)
SHOPPER = Shopper("gold", False, lambda condition: condition == "member.spend > 0")


@pytest.mark.parametrize(
    ("terms", "lines"),
    [
        ({}, (0, 1, 2)),
        ({"skus": ["sku-3"]}, (2,)),
        ({"categories": ["tea", "cups"]}, (0, 1)),
        ({"brands": ["acme"]}, (1,)),
        ({"skus": ["sku-1"], "brands": ["acme"]}, (0, 1)),
        ({"skus": ["sku-9"]}, ()),
        ({"channels": ["web"]}, (0, 1, 2)),
    ],
)
def test_which_lines_count(terms: dict[str, Any], lines: tuple[int, ...]) -> None:
    assert eligible_lines(template("t", **terms), CART) == lines


@pytest.mark.parametrize(
    ("terms", "reasons"),
    [
        ({}, []),
        ({"channels": ["app"], "tiers": ["gold"], "member": "member.spend > 0", "min_quantity": 6}, []),
        ({"channels": ["web"]}, [("channel_not_eligible", {})]),
        ({"tiers": ["silver", "platinum"]}, [("tier_not_eligible", {})]),
        ({"first_order": True}, [("first_order_only", {})]),
        ({"member": "member.spend > 10"}, [("member_not_eligible", {})]),
        ({"brands": ["other"]}, [("product_not_eligible", {})]),
        ({"min_quantity": 7}, [("quantity_not_reached", {"missing": 1})]),
        ({"categories": ["tea"], "min_quantity": 2}, []),
        ({"categories": ["tea"], "min_quantity": 5}, [("quantity_not_reached", {"missing": 3})]),
        (
            {
                "channels": ["web"],
                "tiers": ["silver"],
                "first_order": True,
                "member": "x",
                "brands": ["other"],
            }
            | {"min_quantity": 1},
            [
                ("channel_not_eligible", {}),
                ("tier_not_eligible", {}),
                ("first_order_only", {}),
                ("member_not_eligible", {}),
                ("product_not_eligible", {}),
            ],
        ),
    ],
)
def test_every_condition_that_does_not_hold_is_told(
    terms: dict[str, Any], reasons: list[tuple[str, dict[str, Any]]]
) -> None:
    asked = template("t", **terms)
    found = unmet(asked, eligible_lines(asked, CART), CART, SHOPPER)
    assert [(each.code, dict(each.extra)) for each in found] == reasons


def test_no_channel_is_no_channel_of_the_template() -> None:
    asked = template("t", channels=["app"])
    assert unmet(asked, (0,), CART._replace(channel=None), SHOPPER)[0].code == "channel_not_eligible"


def test_a_first_order() -> None:
    assert not unmet(template("t", first_order=True), (0,), CART, SHOPPER._replace(is_first_order=True))


def test_each_reason_is_a_sentence() -> None:
    for code in REASON_CODES:
        told = reason(code, {"missing": 500})
        assert told.code == code
        assert told.detail.endswith(".")
        assert "{" not in told.detail
    assert "500" in reason("threshold_not_reached", {"missing": 500}).detail
    assert reason("coupon_expired").extra == {}
    with pytest.raises(KeyError):
        reason("coupon_lost")
