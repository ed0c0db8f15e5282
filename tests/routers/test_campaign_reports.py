"""What a campaign changed, over HTTP; that the groups are right is tried in tests/queries."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from app.domain.campaigns import Campaign, Effect
from tests.routers.asking import answered, new_id, refused


@pytest.fixture
async def campaign(admin: httpx.AsyncClient) -> str:
    """A campaign that is live for whoever is of a region of its own, half of whom it holds out."""
    code = new_id("c")
    document = {
        "name": "x",
        "trigger": "order",
        "audience": f'member.region == "{code}"',
        "effects": [{"kind": "add_points", "points": 5}],
        "holdout_percent": 50,
    }
    await answered(admin, "PUT", f"/v1/campaigns/{code}", document, status=201)
    return code


async def report(client: httpx.AsyncClient, campaign: str) -> Any:
    return await answered(client, "GET", f"/v1/campaigns/{campaign}/report", status=200)


def member_of(campaign: str, *, is_held_out: bool) -> str:
    """The id of a member who is held out of the campaign, or isn't."""
    told = Campaign(
        campaign=campaign,
        name="x",
        trigger="order",
        effects=(Effect(kind="add_points", amount=5),),
        holdout_percent=50,
    )
    while told.holds_out(member_id := new_id()) != is_held_out:
        pass
    return member_id


async def test_both_groups_and_the_lift(admin: httpx.AsyncClient, campaign: str) -> None:
    await answered(admin, "POST", f"/v1/campaigns/{campaign}/start", status=200)
    points: dict[str, int] = {}
    for number in range(6):
        member_id = member_of(campaign, is_held_out=number % 2 == 1)
        member = f"/v1/members/{member_id}"
        await answered(admin, "PUT", member, {"region": campaign}, status=201)
        for order in range(number // 2):
            body = {"order_id": f"o-{order}", "amount": 1_000 * (number + 1)}
            accrued = await answered(admin, "POST", f"{member}/accruals", body, status=201)
            points[f"{number}/{order}"] = accrued["points"]
    # Who is held out gets nothing of it.
    assert points == {"2/0": 35, "3/0": 40, "4/0": 55, "4/1": 55, "5/0": 60, "5/1": 60}
    found = await report(admin, campaign)
    assert found["treated"] == {
        "members": 3,
        "buyers": 2,
        "repeat_buyers": 1,
        "orders": 3,
        "amount": 13_000,
        "amount_per_member": 4_333,
        "orders_per_member": 1.0,
        "buyer_rate": 0.666667,
        "repurchase_rate": 0.333333,
    }
    assert found["control"]["amount"] == 16_000
    assert (found["campaign"], found["version"], found["holdout_percent"]) == (campaign, 1, 50)
    lift = found["lift"]
    assert lift["confidence"] == 0.95
    assert lift["amount_per_member"]["difference"] == -1_000
    assert lift["amount_per_member"]["low"] < -1_000 < lift["amount_per_member"]["high"]
    assert lift["buyer_rate"]["difference"] == 0
    assert lift["repurchase_rate"]["low"] < 0 < lift["repurchase_rate"]["high"]
    assert found["unanswered"] == 0


async def test_groups_too_small_have_no_lift(admin: httpx.AsyncClient, campaign: str) -> None:
    await answered(admin, "POST", f"/v1/campaigns/{campaign}/start", status=200)
    found = await report(admin, campaign)
    assert found["treated"]["buyer_rate"] is None
    assert found["lift"] == {
        "confidence": 0.95,
        "amount_per_member": None,
        "buyer_rate": None,
        "repurchase_rate": None,
    }


async def test_there_must_be_something_to_report(admin: httpx.AsyncClient, campaign: str) -> None:
    await refused(admin, "GET", f"/v1/campaigns/{campaign}/report", code="report_too_early")
    await refused(admin, "GET", f"/v1/campaigns/{new_id('c')}/report", code="campaign_not_found")
