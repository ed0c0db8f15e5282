"""A shop for the tests of coupons, quotes and checkouts: templates, carts, and coupons in members' hands."""

from __future__ import annotations

from typing import Any

import httpx

from tests.routers.asking import answered, new_id


async def template(admin: httpx.AsyncClient, **terms: Any) -> str:
    """A new template: 30 yuan off, if nothing else is said."""
    kind = {"kind": "amount_off", "amount_off": 3_000} if "kind" not in terms else {}
    body = {"template": new_id("t"), "name": "满减", **kind, **terms}
    await answered(admin, "POST", "/v1/coupon-templates", body, status=201)
    return body["template"]


async def claimed(admin: httpx.AsyncClient, member: str, template: str) -> str:
    """The code of a coupon that the member just claimed."""
    got = await answered(
        admin, "POST", f"{member}/coupons", {"template": template}, status=201, key=new_id("k")
    )
    return got["code"]


def cart(*amounts: int, **more: Any) -> dict[str, Any]:
    """A cart with a line "1", "2", ... for each amount."""
    items = [
        {"line_id": str(number), "sku": f"sku-{number}", "quantity": 1, "amount": amount}
        for number, amount in enumerate(amounts, start=1)
    ]
    return {"items": items, **more}
