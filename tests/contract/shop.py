"""A shop in which every operation of the document can be carried out: what it needs is made first.

A new operation falls in by itself if its path names things that are known here and its documented example is good for
a member with points; else `call` says what to add.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import httpx

from app.domain.default_program import DEFAULT_PROGRAM_DOCUMENT
from tests.contract.operations import Operation

_PART = re.compile(r"\{(\w+)\}")


class Call(NamedTuple):
    """A request that is carried out. `values` are the parts of its path, and the `member_id` it is about, if any."""

    method: str
    path: str
    body: Any
    values: dict[str, str]


def new_id(prefix: str) -> str:
    """An id nobody used before."""
    return f"{prefix}-{secrets.token_hex(6)}"


def moment(*, days: int) -> str:
    """That many days from now."""
    return (datetime.now(UTC) + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Shop:
    """What an administrator does beforehand. Everything is made anew for each call, so that none is in the way of
    another, and two calls of one operation are alike but for their ids.
    """

    def __init__(
        self, admin: httpx.AsyncClient, *, carry_out: Callable[[str], Awaitable[object]] | None = None
    ) -> None:
        """`carry_out` runs the backtest of that id; without it the service is waited for."""
        self._admin = admin
        self._carry_out = carry_out or self._wait_for
        self._days = 0

    async def call(self, operation: Operation) -> Call:
        """A request that `operation` carries out, and for the first time."""
        values: dict[str, str] = {}
        for part in _PART.finditer(operation.template):
            resource = operation.template[: part.end()]
            assert resource in _RESOURCES, f"Say in {__name__} how {resource} comes to be."
            values[part.group(1)] = await _RESOURCES[resource](self, values)
        body = operation.example
        if body is not None and "member_id" in body:
            values["member_id"] = await self.member(values)
            body = {**body, "member_id": values["member_id"]}
        if operation.name in _CHANGES:
            changes = await _CHANGES[operation.name](self, values)
            body = {
                name: value for name, value in {**(body or {}), **changes}.items() if value is not _LEFT_OUT
            }
        path = operation.template.format(**values)
        return Call(operation.method, path, body, values)

    async def done(self, method: str, path: str, body: Any = None) -> Any:
        """The answer to what must go well."""
        headers = {"Idempotency-Key": new_id("k")} if method == "POST" else {}
        answer = await self._admin.request(method, path, json=body, headers=headers)
        assert answer.is_success, (method, path, body, answer.text)
        return answer.json()

    # --- what is there, each made by its own request ------------------------------------------------------

    async def member(self, _values: dict[str, str]) -> str:
        """A member with 1,000 points and more."""
        member_id = new_id("u")
        await self.done("PUT", f"/v1/members/{member_id}", {"name": "王小明"})
        order = {"order_id": "o-first", "amount": 200_000}
        await self.done("POST", f"/v1/members/{member_id}/accruals", order)
        return member_id

    async def order(self, values: dict[str, str], *, settle: str = "now") -> str:
        """An order of 300 yuan."""
        order = {"order_id": "o-2", "amount": 30_000, "settle": settle}
        await self.done("POST", f"/v1/members/{values['member_id']}/accruals", order)
        return "o-2"

    async def reservation(self, values: dict[str, str], *, mode: str = "reserve") -> str:
        """100 points, reserved."""
        points = {"reference": "r-1", "points": 100, "mode": mode}
        await self.done("POST", f"/v1/members/{values['member_id']}/redemptions", points)
        return "r-1"

    async def activity(self, values: dict[str, str]) -> str:
        """A review."""
        review = {"reference": "a-1", "kind": "review"}
        await self.done("POST", f"/v1/members/{values['member_id']}/activities", review)
        return "a-1"

    async def benefit(self, values: dict[str, str]) -> str:
        """Free shipping, given by hand."""
        given = {
            "reference": "b-1", "benefit": "free_shipping", "label": "包邮", "until": moment(days=30),
            "terms": {"free_shipping": True}, "reason": "late delivery",
        }  # fmt: skip
        await self.done("POST", f"/v1/members/{values['member_id']}/benefits", given)
        return "b-1"

    async def template(self, _values: dict[str, str]) -> str:
        """A template of coupons, 30 yuan off."""
        terms = {
            "template": new_id("t"),
            "name": "满减",
            "kind": "amount_off",
            "amount_off": 3_000,
            "stock": 100,
        }
        return (await self.done("POST", "/v1/coupon-templates", terms))["template"]

    async def issue(self, values: dict[str, str]) -> str:
        """Ten codes of the template."""
        path = f"/v1/coupon-templates/{values['template']}/issue"
        return (await self.done("POST", path, {"codes": 10, "reason": "leaflet"}))["issue"]

    async def coupon(self, values: dict[str, str]) -> str:
        """A coupon in a member's hand; who that is, is kept."""
        values["member_id"] = await self.member(values)
        claim = {"template": await self.template(values)}
        return (await self.done("POST", f"/v1/members/{values['member_id']}/coupons", claim))["code"]

    async def checkout(self, values: dict[str, str]) -> str:
        """A cart held for a member, with a coupon and 100 points."""
        code = await self.coupon(values)
        checkout_id = new_id("o")
        line = {"line_id": "1", "sku": "tea-100", "category": "tea", "quantity": 2, "amount": 30_000}
        cart = {"items": [line], "coupons": [code], "points": 100, "member_id": values["member_id"]}
        await self.done("POST", "/v1/checkouts", {**cart, "checkout_id": checkout_id})
        return checkout_id

    async def review(self, values: dict[str, str]) -> str:
        """The review of a member who bought enough for the highest tier."""
        member_id = await self.member(values)
        order = {"order_id": "o-much", "amount": 3_000_000}
        await self.done("POST", f"/v1/members/{member_id}/accruals", order)
        (review,) = (await self.done("GET", f"/v1/tier-reviews?status=open&member_id={member_id}"))["data"]
        return review["id"]

    async def campaign(self, _values: dict[str, str]) -> str:
        """A draft that is open to nobody, so that it changes nobody's points."""
        campaign = new_id("c")
        says = {
            "name": "双倍积分", "trigger": "order", "audience": "member.region == 'nowhere'",
            "effects": [{"kind": "multiply_points", "factor": "2"}], "holdout_percent": 10,
        }  # fmt: skip
        await self.done("PUT", f"/v1/campaigns/{campaign}", says)
        return campaign

    async def standard_campaign(self, _values: dict[str, str]) -> str:
        """One of those that come with the service."""
        return "member-day"

    async def version(self, _values: dict[str, str]) -> str:
        """A draft of the program, as it is by default."""
        made = await self.done("POST", "/v1/program/versions", {"document": DEFAULT_PROGRAM_DOCUMENT})
        return str(made["version"])

    async def backtest(self, _values: dict[str, str]) -> str:
        """One that is asked for."""
        asked = {
            "from": "2001-01-01T00:00:00+08:00", "until": "2001-02-01T00:00:00+08:00",
            "campaigns": [{"campaign": "c-draft", "document": {
                "name": "双倍积分", "trigger": "order", "effects": [{"kind": "multiply_points", "factor": "2"}],
            }}],
        }  # fmt: skip
        return (await self.done("POST", "/v1/backtests", asked))["id"]

    async def api_key(self, _values: dict[str, str]) -> str:
        """The id of a key that may read tiers."""
        return (await self.done("POST", "/v1/keys", {"name": "till", "scopes": ["tiers:read"]}))["id"]

    async def _wait_for(self, backtest: str) -> None:
        for _ in range(300):
            if (await self.done("GET", f"/v1/backtests/{backtest}"))["status"] == "done":
                return
            await asyncio.sleep(0.2)
        raise AssertionError("The backtest did not end within a minute.")

    # --- what an operation needs beyond that, and how its body differs from the document's example ---------

    async def _is_settled_later(self, values: dict[str, str]) -> dict[str, Any]:
        values["order_id"] = "o-3"
        order = {"order_id": "o-3", "amount": 30_000, "settle": "later"}
        await self.done("POST", f"/v1/members/{values['member_id']}/accruals", order)
        return {}

    async def _hold(self, values: dict[str, str]) -> dict[str, Any]:
        code = await self.coupon(values)
        return {
            "checkout_id": new_id("o"),
            "coupons": [code],
            "member_id": values["member_id"],
            "quoted": _LEFT_OUT,
        }

    async def _quote(self, values: dict[str, str]) -> dict[str, Any]:
        code = await self.coupon(values)
        return {"coupons": [code], "member_id": values["member_id"]}

    async def _completed(self, values: dict[str, str]) -> dict[str, Any]:
        await self.done("POST", f"/v1/checkouts/{values['checkout_id']}/complete", {})
        return {}

    async def _whole_price(self, _values: dict[str, str]) -> dict[str, Any]:
        return {"paid": _LEFT_OUT}

    async def _claim(self, values: dict[str, str]) -> dict[str, Any]:
        return {"template": await self.template(values)}

    async def _whose_coupon(self, values: dict[str, str]) -> dict[str, Any]:
        # The coupon was made for a member before the example's member was.
        coupon = await self.done("GET", f"/v1/coupons/{values['code']}")
        values["member_id"] = coupon["member_id"]
        return {"member_id": coupon["member_id"]}

    async def _locked(self, values: dict[str, str]) -> dict[str, Any]:
        await self.done("POST", f"/v1/coupons/{values['code']}/lock", {"reference": "cart-17"})
        return {}

    async def _used(self, values: dict[str, str]) -> dict[str, Any]:
        await self.done(
            "POST", f"/v1/coupons/{values['code']}/redeem", {"reference": "cart-17", "discount": 3_000}
        )
        return {}

    async def _spent(self, values: dict[str, str]) -> dict[str, Any]:
        spent = {"reference": "r-2", "points": 100, "mode": "redeem"}
        await self.done("POST", f"/v1/members/{values['member_id']}/redemptions", spent)
        values["reference"] = "r-2"
        return {}

    async def _enrol(self, values: dict[str, str]) -> dict[str, Any]:
        referrer = values["member_id"]
        values["member_id"] = new_id("u")
        return {"referred_by": referrer}

    async def _update(self, values: dict[str, str]) -> dict[str, Any]:
        return {"referred_by": await self.member(values)}

    async def _frozen(self, values: dict[str, str]) -> dict[str, Any]:
        await self.done("POST", f"/v1/members/{values['member_id']}/freeze", {})
        return {}

    async def _batch(self, values: dict[str, str]) -> dict[str, Any]:
        member_id = await self.member(values)
        order = {"op": "accrue", "member_id": member_id, "order_id": "o-9", "amount": 30_000}
        spent = {"op": "redeem", "member_id": member_id, "reference": "r-9", "points": 100}
        return {"operations": [{"op": "enrol", "member_id": new_id("u")}, order, spent]}

    async def _transfer(self, values: dict[str, str]) -> dict[str, Any]:
        return {"to": await self.member(values)}

    async def _until_later(self, _values: dict[str, str]) -> dict[str, Any]:
        return {"until": moment(days=30)}

    async def _new_template(self, _values: dict[str, str]) -> dict[str, Any]:
        return {"template": new_id("t")}

    async def _says_more(self, values: dict[str, str]) -> dict[str, Any]:
        values["campaign"] = new_id("c")
        return {"audience": "member.region == 'nowhere'"}

    async def _started(self, values: dict[str, str]) -> dict[str, Any]:
        await self.done("POST", f"/v1/campaigns/{values['campaign']}/start", {})
        return {}

    async def _new_campaign(self, _values: dict[str, str]) -> dict[str, Any]:
        return {"campaign": new_id("c")}

    async def _to_two(self, values: dict[str, str]) -> dict[str, Any]:
        return {"members": [await self.member(values), await self.member(values)]}

    async def _its_codes(self, values: dict[str, str]) -> dict[str, Any]:
        await self.issue(values)
        answer = await self._admin.get(f"/v1/coupon-templates/{values['template']}/codes")
        return {"codes": [line.split(",")[0] for line in answer.text.splitlines()[1:3]]}

    async def _in_ten_years(self, _values: dict[str, str]) -> dict[str, Any]:
        return {"effective_at": moment(days=3650)}

    async def _carried_out(self, values: dict[str, str]) -> dict[str, Any]:
        await self._carry_out(values["backtest"])
        return {}

    async def _later(self, _values: dict[str, str]) -> dict[str, Any]:
        # Never before the newest entry, wherever the clock was set before.
        self._days += 1
        return {"now": moment(days=self._days)}


Make = Callable[[Shop, dict[str, str]], Awaitable[str]]
Change = Callable[[Shop, dict[str, str]], Awaitable[dict[str, Any]]]

_LEFT_OUT = object()

_RESOURCES: dict[str, Make] = {
    "/v1/members/{member_id}": Shop.member,
    "/v1/members/{member_id}/accruals/{order_id}": Shop.order,
    "/v1/members/{member_id}/redemptions/{reference}": Shop.reservation,
    "/v1/members/{member_id}/activities/{reference}": Shop.activity,
    "/v1/members/{member_id}/benefits/{reference}": Shop.benefit,
    "/v1/checkouts/{checkout_id}": Shop.checkout,
    "/v1/coupons/{code}": Shop.coupon,
    "/v1/tier-reviews/{review_id}": Shop.review,
    "/v1/coupon-templates/{template}": Shop.template,
    "/v1/coupon-templates/{template}/issues/{issue}": Shop.issue,
    "/v1/campaigns/{campaign}": Shop.campaign,
    "/v1/campaign-templates/{template}": Shop.standard_campaign,
    "/v1/program/versions/{version}": Shop.version,
    "/v1/backtests/{backtest}": Shop.backtest,
    "/v1/keys/{key_id}": Shop.api_key,
}
"""How what a path names comes to be; returns its id."""

_CHANGES: dict[str, Change] = {
    "settle_accrual": Shop._is_settled_later,
    "hold_checkout": Shop._hold,
    "complete_checkout": Shop._whole_price,
    "refund_checkout": Shop._completed,
    "quote_cart": Shop._quote,
    "claim_coupon": Shop._claim,
    "validate_coupon": Shop._whose_coupon,
    "unlock_coupon": Shop._locked,
    "redeem_coupon": Shop._locked,
    "roll_back_coupon": Shop._used,
    "refund_redemption": Shop._spent,
    "enrol_member": Shop._enrol,
    "update_member": Shop._update,
    "unfreeze_member": Shop._frozen,
    "run_batch": Shop._batch,
    "transfer_points": Shop._transfer,
    "set_member_tier": Shop._until_later,
    "grant_benefit": Shop._until_later,
    "create_coupon_template": Shop._new_template,
    "put_campaign": Shop._says_more,
    "pause_campaign": Shop._started,
    "end_campaign": Shop._started,
    "get_campaign_report": Shop._started,
    "create_campaign_from_template": Shop._new_campaign,
    "issue_coupons": Shop._to_two,
    "void_coupon_codes": Shop._its_codes,
    "publish_program_version": Shop._in_ten_years,
    "get_backtest_chart": Shop._carried_out,
    "set_sandbox_clock": Shop._later,
}
"""What an operation needs to be there, and the body it then takes; by the operation's id."""
