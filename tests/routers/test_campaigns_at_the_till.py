"""What campaigns take off a cart, over HTTP: quoted, held, completed, to the fen."""

from __future__ import annotations

import secrets
from typing import Any

import httpx

from tests.routers.asking import answered, new_id
from tests.routers.shop import cart, claimed, template

QUOTES, CHECKOUTS = "/v1/quotes", "/v1/checkouts"


class Fair:
    """A member with a mark of their own, and campaigns for who has it."""

    def __init__(self, admin: httpx.AsyncClient) -> None:
        self.admin = admin
        self.mark = f"m{secrets.token_hex(4)}"
        self.member_id = new_id()

    @property
    def member(self) -> str:
        return f"/v1/members/{self.member_id}"

    async def join(self) -> None:
        await answered(self.admin, "PUT", self.member, {"attributes": {self.mark: True}}, status=201)

    async def campaign(self, *effects: dict[str, Any], **fields: Any) -> str:
        """The code of one that is live."""
        code = new_id("c")
        body = {
            "name": "到店礼",
            "trigger": "order",
            "effects": list(effects),
            "audience": f"has(member.attributes.{self.mark})",
            **fields,
        }
        await answered(self.admin, "PUT", f"/v1/campaigns/{code}", body, status=201)
        await answered(self.admin, "POST", f"/v1/campaigns/{code}/start", status=200)
        return code

    async def verb(self, code: str, verb: str) -> None:
        await answered(self.admin, "POST", f"/v1/campaigns/{code}/{verb}", status=200)

    async def quote(self, *amounts: int, **more: Any) -> dict[str, Any]:
        body = {"member_id": self.member_id, **cart(*amounts, **more)}
        return await answered(self.admin, "POST", QUOTES, body, status=200)

    async def hold(self, *amounts: int, **more: Any) -> dict[str, Any]:
        body = {"checkout_id": new_id("k"), "member_id": self.member_id, **cart(*amounts, **more)}
        return await answered(self.admin, "POST", CHECKOUTS, body, status=201)

    async def figures(self, code: str) -> dict[str, Any]:
        shown = await answered(self.admin, "GET", f"/v1/campaigns/{code}", status=200)
        return {name: figure for name, figure in shown["figures"].items() if figure}


OFF = {"kind": "discount", "percent_off": 10}
GIFT = {"kind": "gift", "sku": "mug", "quantity": 2}
FREE = {"kind": "free_shipping"}


async def test_a_checkout_with_all_that_a_campaign_gives(admin: httpx.AsyncClient) -> None:
    fair = Fair(admin)
    await fair.join()
    double = {"kind": "multiply_points", "factor": "2"}
    code = await fair.campaign(OFF, GIFT, FREE, double, condition="order.amount >= 10000")
    source = f"campaign:{code}"

    below = await fair.quote(9_999, shipping=1_200)
    assert (below["payable"], below["promotions"], below["shipping"]["payable"]) == (11_199, [], 1_200)

    quote = await fair.quote(3_333, 6_668, shipping=1_200)
    assert [line["discounts"] for line in quote["lines"]] == [
        [{"source": source, "amount": 333}],
        [{"source": source, "amount": 667}],
    ]
    assert quote["promotions"] == [
        {"template": source, "discount": 0, "gift": {"sku": "mug", "quantity": 2}},
        {"template": source, "discount": 1_000},
        {"template": source, "discount": 1_200},
    ]
    assert quote["shipping"] == {"amount": 1_200, "payable": 0, "free_by": source}
    assert (quote["subtotal"], quote["discount"], quote["payable"]) == (10_001, 1_000, 9_001)
    # The condition asks again when points are earned, and sees what is paid.
    assert quote["earns"]["points"] == 90

    quote = await fair.quote(20_000, shipping=1_200)
    assert (quote["payable"], quote["earns"]["points"]) == (18_000, 360)
    held = await fair.hold(20_000, shipping=1_200)
    assert {name: held[name] for name in ("payable", "discount", "promotions", "shipping")} == {
        name: quote[name] for name in ("payable", "discount", "promotions", "shipping")
    }
    assert await fair.figures(code) == {}
    done = await answered(admin, "POST", f"{CHECKOUTS}/{held['checkout_id']}/complete", status=200)
    assert (done["status"], done["payable"], done["accrual"]["points"]) == ("completed", 18_000, 360)
    assert await fair.figures(code) == {
        "participants": 1,
        "times": 1,
        "amount": 18_000,
        "points": 180,
        "discount": 3_200,
    }
    refund = await answered(
        admin,
        "POST",
        f"{CHECKOUTS}/{held['checkout_id']}/refund",
        {"reference": "r", "amount": 18_000},
        status=200,
    )
    assert refund["refunded"]["amount"] == 18_000
    assert (await fair.figures(code))["taken_back"] == 180


async def test_the_hold_keeps_its_prices_when_the_campaign_is_paused(admin: httpx.AsyncClient) -> None:
    fair = Fair(admin)
    await fair.join()
    code = await fair.campaign(OFF)
    held = await fair.hold(10_000)
    assert held["payable"] == 9_000
    await fair.verb(code, "pause")
    assert (await fair.quote(10_000))["payable"] == 10_000
    assert (await fair.hold(10_000))["payable"] == 10_000
    done = await answered(admin, "POST", f"{CHECKOUTS}/{held['checkout_id']}/complete", status=200)
    assert done["payable"] == 9_000
    assert await fair.figures(code) == {"participants": 1, "times": 1, "amount": 9_000, "discount": 1_000}


async def test_once_its_budget_is_spent_quotes_and_holds_are_without_it(admin: httpx.AsyncClient) -> None:
    fair = Fair(admin)
    await fair.join()
    ten = {"kind": "add_points", "points": 10}
    code = await fair.campaign(OFF, ten, budget={"points": 15, "per_day": 100})
    for payable, points in ((9_000, 100), (9_000, 95), (10_000, 100)):
        quote = await fair.quote(10_000)
        assert quote["payable"] == payable
        held = await fair.hold(10_000, quoted={"payable": payable, "discount": 10_000 - payable})
        done = await answered(admin, "POST", f"{CHECKOUTS}/{held['checkout_id']}/complete", status=200)
        assert (done["payable"], done["accrual"]["points"]) == (payable, points)
    figures = await fair.figures(code)
    assert (figures["points"], figures["discount"], figures["times"]) == (15, 2_000, 2)


async def test_with_coupons(admin: httpx.AsyncClient) -> None:
    fair = Fair(admin)
    await fair.join()
    await fair.campaign({**OFF, "max_discount": 700})
    amount = await claimed(admin, fair.member, await template(admin, amount_off=500))
    percent = await claimed(admin, fair.member, await template(admin, kind="percent_off", percent_off=5))
    assert (await fair.quote(6_000, coupons=[amount]))["payable"] == 6_000 - 500 - 550
    # Two percentages don't go together unless both say so: the coupon was asked for.
    assert (await fair.quote(6_000, coupons=[percent]))["payable"] == 5_700
    best = await fair.quote(6_000, coupons="best")
    assert (best["payable"], [each["code"] for each in best["coupons"]]) == (4_950, [amount])
    validated = await answered(
        admin,
        "POST",
        f"/v1/coupons/{amount}/validate",
        {"member_id": fair.member_id, "cart": cart(6_000)},
        status=200,
    )
    assert (validated["valid"], validated["discount"]) == (True, 500)


async def test_the_control_group_pays_the_full_price(admin: httpx.AsyncClient) -> None:
    fair = Fair(admin)
    await fair.join()
    await fair.campaign(OFF, holdout_percent=50)
    treated = 0
    for _ in range(24):
        other = new_id()
        await answered(admin, "PUT", f"/v1/members/{other}", {"attributes": {fair.mark: True}}, status=201)
        body = {"member_id": other, **cart(10_000)}
        payables = {
            (await answered(admin, "POST", QUOTES, body, status=200))["payable"],
            (await answered(admin, "POST", CHECKOUTS, {"checkout_id": new_id("k"), **body}, status=201))[
                "payable"
            ],
        }
        assert payables in ({9_000}, {10_000})
        treated += payables == {9_000}
    assert 0 < treated < 24
