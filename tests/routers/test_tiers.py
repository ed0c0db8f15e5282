"""The ladder, where members stand on it, and the reviews that wait for a person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.routers.asking import answered, mistaken, new_id, refused
from tests.routers.conftest import running, sandbox
from tests.routers.test_sandbox import CLOCK
from tests.tokens import Issuer

Client = httpx.AsyncClient


async def spend(client: Client, member: str, amount: int) -> None:
    await answered(
        client, "POST", f"{member}/accruals", {"order_id": new_id("o"), "amount": amount}, status=201
    )


async def open_review(client: Client, member: str) -> dict[str, Any]:
    """Reach diamond; the review that waits for a person."""
    await spend(client, member, 3_000_000)
    member_id = member.rpartition("/")[2]
    (review,) = (
        await answered(client, "GET", f"/v1/tier-reviews?status=open&member_id={member_id}", status=200)
    )["data"]
    return review


class TestLadder:
    async def test_is_that_of_the_rules(self, admin: Client) -> None:
        ladder = await answered(admin, "GET", "/v1/tiers", status=200)
        assert [(tier["code"], tier["thresholds"], tier["rate"]) for tier in ladder["tiers"]] == [
            ("bronze", {}, "1"),
            ("silver", {"spend": 30_000}, "1"),
            ("gold", {"spend": 300_000}, "1.2"),
            ("platinum", {"spend": 1_000_000}, "1.5"),
            ("diamond", {"spend": 3_000_000}, "2"),
        ]
        assert [tier["requires_review"] for tier in ladder["tiers"]] == [False] * 4 + [True]
        assert [tier["rank"] for tier in ladder["tiers"]] == [0, 1, 2, 3, 4]
        assert ladder["qualification"] == {
            "metrics": ["spend"],
            "combine": "any",
            "window": {"kind": "lifetime", "months": None},
        }
        gained = [benefit for benefit in ladder["tiers"][1]["benefits"] if "discount" in benefit["code"]]
        assert gained[0]["discount_percent"] == 2
        assert (ladder["validity_months"], ladder["grace_days"], ladder["program_version"]) == (None, 0, 1)

    async def test_who_may_read_it(
        self, nobody: Client, as_caller: Callable[[str | None], Client], issuer: Issuer
    ) -> None:
        await refused(nobody, "GET", "/v1/tiers", code="credential_missing")
        await refused(as_caller(issuer.token("u-1")), "GET", "/v1/tiers", code="not_for_members")


class TestStanding:
    async def test_at_the_bottom(self, admin: Client, member: str, member_id: str) -> None:
        standing = await answered(admin, "GET", f"{member}/tier", status=200)
        assert standing | {"since": ""} == {
            "member_id": member_id,
            "code": "bronze",
            "name": "青铜会员",
            "since": "",
            "valid_until": None,
            "state": "held",
            "why": "lowest",
            "set_by_hand": None,
            "gathered": {"spend": 0, "orders": 0, "points_earned": 0, "growth": 0},
            "counts_since": None,
            "qualifies_for": "bronze",
            "next": {
                "code": "silver",
                "name": "白银会员",
                "amount_to_go": 30_000,
                "missing": {"spend": 30_000},
                "combine": "any",
                "requires_review": False,
            },
            "approved": None,
            "open_review": None,
        }

    async def test_earned(self, admin: Client, member: str) -> None:
        await spend(admin, member, 68_500)
        standing = await answered(admin, "GET", f"{member}/tier", status=200)
        assert (standing["code"], standing["why"]) == ("silver", "earned")
        assert standing["gathered"] == {"spend": 68_500, "orders": 1, "points_earned": 685, "growth": 685}
        assert standing["next"]["missing"] == {"spend": 231_500}

    async def test_at_the_top_nothing_is_missing(self, admin: Client, member: str) -> None:
        review = await open_review(admin, member)
        waiting = await answered(admin, "GET", f"{member}/tier", status=200)
        assert (waiting["code"], waiting["qualifies_for"]) == ("platinum", "diamond")
        assert (waiting["next"]["amount_to_go"], waiting["next"]["requires_review"]) == (0, True)
        assert waiting["open_review"] == review["id"]
        await answered(admin, "POST", f"/v1/tier-reviews/{review['id']}/approve", status=200)
        standing = await answered(admin, "GET", f"{member}/tier", status=200)
        assert (standing["code"], standing["why"], standing["next"]) == ("diamond", "approved", None)
        assert (standing["approved"], standing["open_review"]) == ("diamond", None)

    async def test_who_may_read_it(
        self,
        admin: Client,
        as_caller: Callable[[str | None], Client],
        issuer: Issuer,
        member: str,
        member_id: str,
    ) -> None:
        await refused(admin, "GET", "/v1/members/nobody-at-all/tier", code="member_not_found")
        await answered(as_caller(issuer.token(member_id)), "GET", f"{member}/tier", status=200)
        await refused(as_caller(issuer.token("u-1")), "GET", f"{member}/tier", code="not_your_member")


class TestSettingByHand:
    BODY = {"tier": "gold", "reason": "partner", "until": "2190-01-01T00:00:00+08:00", "reference": "s1"}  # noqa: RUF012

    async def test_is_answered_and_told(self, admin: Client, member: str, member_id: str) -> None:
        answer = await answered(admin, "PUT", f"{member}/tier", self.BODY, status=200)
        assert answer | {"set_at": ""} == {
            "member_id": member_id,
            "reference": "s1",
            "from": "bronze",
            "to": "gold",
            "until": "2189-12-31T16:00:00Z",
            "reason": "partner",
            "actor": "bootstrap",
            "set_at": "",
        }
        standing = await answered(admin, "GET", f"{member}/tier", status=200)
        assert (standing["code"], standing["state"], standing["why"]) == ("gold", "manual", "set_by_hand")
        assert standing["valid_until"] == "2189-12-31T16:00:00Z"
        assert standing["set_by_hand"] == {
            "reference": "s1",
            "actor": "bootstrap",
            "reason": "partner",
            "set_at": answer["set_at"],
        }

    async def test_again_is_answered_as_it_was(self, admin: Client, member: str) -> None:
        first = await answered(admin, "PUT", f"{member}/tier", self.BODY, status=200)
        other = self.BODY | {"tier": "silver", "reference": "s2"}
        await answered(admin, "PUT", f"{member}/tier", other, status=200)
        again = await answered(admin, "PUT", f"{member}/tier", self.BODY, status=200, replayed=True)
        assert again == first
        assert (await answered(admin, "GET", f"{member}/tier", status=200))["code"] == "silver"
        await refused(
            admin, "PUT", f"{member}/tier", self.BODY | {"tier": "silver"}, code="reference_already_used"
        )

    async def test_refusals(self, admin: Client, member: str) -> None:
        path = f"{member}/tier"
        await refused(admin, "PUT", path, self.BODY | {"tier": "wood"}, code="tier_not_found")
        await refused(
            admin, "PUT", path, self.BODY | {"until": "2020-01-01T00:00:00Z"}, code="tier_ends_in_past"
        )
        await refused(admin, "PUT", "/v1/members/nobody-at-all/tier", self.BODY, code="member_not_found")
        await mistaken(admin, "PUT", path, self.BODY | {"reason": ""}, pointer="/reason")
        await mistaken(admin, "PUT", path, self.BODY | {"untill": None}, pointer="/untill")
        await answered(admin, "DELETE", member, status=200)
        await refused(admin, "PUT", path, self.BODY, code="member_erased")


class TestEvaluating:
    async def test_one_member(self, admin: Client, member: str, member_id: str) -> None:
        await spend(admin, member, 68_500)
        answer = await answered(admin, "POST", f"{member}/tier/evaluate", status=200)
        assert answer | {"since": ""} == {
            "member_id": member_id,
            "code": "silver",
            "name": "白银会员",
            "since": "",
            "valid_until": None,
            "next": {"code": "gold", "amount_to_go": 231_500},
        }
        await refused(admin, "POST", "/v1/members/nobody-at-all/tier/evaluate", code="member_not_found")

    async def test_under_an_idempotency_key(self, admin: Client, member: str) -> None:
        first = await answered(admin, "POST", f"{member}/tier/evaluate", status=200, key="e1")
        await spend(admin, member, 68_500)
        again = await answered(admin, "POST", f"{member}/tier/evaluate", status=200, key="e1", replayed=True)
        assert again == first
        assert first["code"] == "bronze"

    async def test_all_that_are_due(self, fresh_database_url: str) -> None:
        async with running(sandbox(fresh_database_url)) as client:
            await answered(client, "PUT", "/v1/members/u-1", {}, status=201)
            body = {"tier": "gold", "reason": "x", "until": "2190-01-01T00:00:00Z", "reference": "s1"}
            await answered(client, "PUT", "/v1/members/u-1/tier", body, status=200)
            nothing = await answered(client, "POST", "/v1/tiers/evaluate", status=200, key="all-1")
            assert nothing == {"members": 0}
            await answered(client, "PUT", CLOCK, {"now": "2189-12-31T23:00:00Z"}, status=200)
            standing = await answered(client, "GET", "/v1/members/u-1/tier", status=200)
            assert standing["code"] == "gold"
            await answered(client, "PUT", CLOCK, {"now": "2190-01-01T00:00:00Z"}, status=200)
            standing = await answered(client, "GET", "/v1/members/u-1/tier", status=200)
            assert (standing["code"], standing["state"], standing["why"]) == ("bronze", "held", "lowest")
            again = await answered(
                client, "POST", "/v1/tiers/evaluate", status=200, key="all-1", replayed=True
            )
            assert again == nothing


class TestReviews:
    async def test_opened_by_reaching(self, admin: Client, member: str, member_id: str) -> None:
        review = await open_review(admin, member)
        assert review | {"opened_at": ""} == {
            "id": f"{member_id}~1",
            "member_id": member_id,
            "from": "platinum",
            "to": "diamond",
            "opened_at": "",
            "status": "open",
            "decided_at": None,
            "actor": None,
            "reason": None,
        }
        assert await answered(admin, "GET", f"/v1/tier-reviews/{review['id']}", status=200) == review

    @pytest.mark.parametrize(
        ("verb", "status", "tier"), [("approve", "approved", "diamond"), ("reject", "rejected", "platinum")]
    )
    async def test_decided(self, admin: Client, member: str, verb: str, status: str, tier: str) -> None:
        review = await open_review(admin, member)
        path = f"/v1/tier-reviews/{review['id']}"
        decided = await answered(admin, "POST", f"{path}/{verb}", {"reason": "seen"}, status=200)
        assert decided == await answered(admin, "GET", path, status=200)
        assert (decided["status"], decided["actor"], decided["reason"]) == (status, "bootstrap", "seen")
        assert (decided["from"], decided["to"]) == ("platinum", "diamond")
        assert (await answered(admin, "GET", member, status=200))["tier"]["code"] == tier
        again = await answered(admin, "POST", f"{path}/{verb}", {"reason": "seen"}, status=200, replayed=True)
        assert again == decided
        other = "reject" if verb == "approve" else "approve"
        refusal = await refused(admin, "POST", f"{path}/{other}", {"reason": "seen"}, code="review_closed")
        assert "review_status" not in refusal

    async def test_approved_without_a_reason_but_never_rejected(self, admin: Client, member: str) -> None:
        review = await open_review(admin, member)
        path = f"/v1/tier-reviews/{review['id']}"
        await mistaken(admin, "POST", f"{path}/reject", {}, pointer="/reason")
        await mistaken(admin, "POST", f"{path}/reject", None, pointer="")
        assert (await answered(admin, "GET", path, status=200))["status"] == "open"
        decided = await answered(admin, "POST", f"{path}/approve", status=200)
        assert (decided["status"], decided["reason"]) == ("approved", None)

    async def test_closed_by_a_refund(self, admin: Client, member: str) -> None:
        review = await open_review(admin, member)
        (entry,) = (await answered(admin, "GET", f"{member}/entries", status=200))["data"]
        path = f"{member}/accruals/{entry['order_id']}/reverse"
        await answered(admin, "POST", path, {"reference": "v", "amount": 1}, status=200)
        closed = await answered(admin, "GET", f"/v1/tier-reviews/{review['id']}", status=200)
        assert (closed["status"], closed["actor"]) == ("closed", None)
        refusal = await refused(
            admin, "POST", f"/v1/tier-reviews/{review['id']}/approve", code="review_closed"
        )
        assert refusal["review_status"] == "closed"

    async def test_pages_those_opened_first_first(self, admin: Client) -> None:
        ids: list[str] = []
        for _ in range(3):
            member = f"/v1/members/{new_id()}"
            await answered(admin, "PUT", member, {}, status=201)
            ids.append((await open_review(admin, member))["id"])
        found: list[str] = []
        cursor = ""
        while True:
            page = await answered(admin, "GET", f"/v1/tier-reviews?status=open&limit=2{cursor}", status=200)
            found += [review["id"] for review in page["data"]]
            if page["next_cursor"] is None:
                break
            cursor = f"&cursor={page['next_cursor']}"
        assert [one for one in found if one in ids] == ids

    async def test_refusals(self, admin: Client) -> None:
        for verb in ("approve", "reject"):
            path = f"/v1/tier-reviews/nobody-at-all~1/{verb}"
            await refused(admin, "POST", path, {"reason": "seen"}, code="review_not_found")
        await refused(admin, "GET", "/v1/tier-reviews/nobody-at-all~1", code="review_not_found")
        await mistaken(admin, "GET", "/v1/tier-reviews/u-1", None, pointer="{review_id}")
        await mistaken(admin, "GET", "/v1/tier-reviews/u-1~0", None, pointer="{review_id}")
        await refused(admin, "GET", "/v1/tier-reviews?cursor=WzFd", code="cursor_invalid")

    async def test_who_may_decide(
        self, admin: Client, as_caller: Callable[[str | None], Client], issuer: Issuer
    ) -> None:
        made = await answered(
            admin, "POST", "/v1/keys", {"name": "x", "scopes": ["tiers:read"]}, status=201, key=new_id()
        )
        reader = as_caller(made["key"])
        await answered(reader, "GET", "/v1/tier-reviews", status=200)
        await refused(reader, "POST", "/v1/tier-reviews/u-1~1/approve", code="scope_missing")
        await refused(reader, "POST", "/v1/tiers/evaluate", code="scope_missing")
        token = as_caller(issuer.token("u-1"))
        await refused(token, "POST", "/v1/members/u-1/tier/evaluate", code="not_for_members")
