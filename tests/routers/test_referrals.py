"""Referrals over HTTP, and birthdays that change once a year. Source: API.md; RULES.md, referral, Members."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

from tests.routers.asking import answered, mistaken, new_id, refused
from tests.tokens import Issuer

INVITATIONS = {"bound": 0, "paid": 0, "this_month": 0, "left_this_month": 20}


def id_of(member: str) -> str:
    return member.rsplit("/", 1)[1]


async def brought(client: httpx.AsyncClient, by: str) -> str:
    """The path of a member who joined, brought by this one."""
    path = f"/v1/members/{new_id()}"
    await answered(client, "PUT", path, {"referred_by": by}, status=201)
    return path


async def bought(client: httpx.AsyncClient, member: str, order_id: str = "o", amount: int = 5_000) -> None:
    await answered(client, "POST", f"{member}/accruals", {"order_id": order_id, "amount": amount}, status=201)


async def points(client: httpx.AsyncClient, member: str) -> int:
    return (await answered(client, "GET", member, status=200))["points"]["available"]


async def referral(client: httpx.AsyncClient, member: str) -> dict[str, Any]:
    return await answered(client, "GET", f"{member}/referral", status=200)


# --- the code --------------------------------------------------------------------------------------------


async def test_the_code_is_made_on_the_first_look(admin: httpx.AsyncClient, member: str) -> None:
    body = await referral(admin, member)
    code = body.pop("code")
    assert len(code) == 8
    assert body == {
        "member_id": id_of(member),
        "invited_by": None,
        "invitations": INVITATIONS,
        "earned": 0,
        "ladder": [{"from": 1, "inviter_points": 200}],
        "offer": {"invitee_points": 100, "min_order": 5_000, "per_month": 20, "share": None},
    }
    assert (await referral(admin, member))["code"] == code


async def test_members_see_their_own(
    admin: httpx.AsyncClient,
    member: str,
    issuer: Issuer,
    as_caller: Callable[[str | None], httpx.AsyncClient],
) -> None:
    client = as_caller(issuer.token(id_of(member)))
    assert (await referral(client, member))["code"] == (await referral(admin, member))["code"]
    await answered(client, "GET", f"{member}/referral/invitations", status=200)
    other = await brought(admin, id_of(member))
    await refused(client, "GET", f"{other}/referral", code="not_your_member")
    await refused(client, "GET", f"{other}/referral/invitations", code="not_your_member")


async def test_who_is_unknown_or_forgotten(admin: httpx.AsyncClient, member: str) -> None:
    await refused(admin, "GET", "/v1/members/nobody-here/referral", code="member_not_found")
    await refused(admin, "GET", "/v1/members/nobody-here/referral/invitations", code="member_not_found")
    await answered(admin, "DELETE", member, status=200)
    assert (await referral(admin, member))["code"] is None


# --- what comes of it ------------------------------------------------------------------------------------


async def test_both_are_rewarded_by_the_first_order(admin: httpx.AsyncClient, member: str) -> None:
    code = (await referral(admin, member))["code"]
    by_code, by_id = await brought(admin, code), await brought(admin, id_of(member))
    assert (await referral(admin, by_code))["invited_by"] == id_of(member)
    await bought(admin, by_code)
    assert (await points(admin, member), await points(admin, by_code)) == (200, 150)
    body = await referral(admin, member)
    assert body["invitations"] == {"bound": 2, "paid": 1, "this_month": 1, "left_this_month": 19}
    assert body["earned"] == 200
    [waiting, paid] = (await answered(admin, "GET", f"{member}/referral/invitations", status=200))["data"]
    assert (waiting["status"], waiting["paid_at"], waiting["points"]) == ("bound", None, 0)
    assert (paid["status"], paid["points"], paid["share_points"]) == ("paid", 200, 0)
    assert not {id_of(by_code), id_of(by_id)} & {*paid.values(), *waiting.values()}
    [entry] = (await answered(admin, "GET", f"{member}/entries", status=200))["data"]
    assert (entry["kind"], entry["actor"], entry["points"]) == ("referral", "system", 200)
    assert entry["breakdown"] == [
        {"rule": "referral", "label": "member brought", "points": 200, "version": 1}
    ]
    back = {"reference": "r", "amount": 5_000}
    await answered(admin, "POST", f"{by_code}/accruals/o/reverse", back, status=200)
    assert (await points(admin, member), await points(admin, by_code)) == (0, 0)
    assert (await referral(admin, member))["earned"] == 0


async def test_invitations_are_listed_page_by_page(admin: httpx.AsyncClient, member: str) -> None:
    for _ in range(5):
        await brought(admin, id_of(member))
    path, found = f"{member}/referral/invitations?limit=2", list[str]()
    cursor: str | None = ""
    while cursor is not None:
        page = await answered(admin, "GET", path + (f"&cursor={cursor}" if cursor else ""), status=200)
        found += [each["bound_at"] for each in page["data"]]
        cursor = page["next_cursor"]
    assert found == sorted(found, reverse=True)
    assert len(found) == 5
    await refused(admin, "GET", f"{path}&cursor=WzFd", code="cursor_invalid")


async def test_the_checkout_pays_too(admin: httpx.AsyncClient, member: str) -> None:
    invitee, checkout = await brought(admin, id_of(member)), new_id("c")
    held = {
        "checkout_id": checkout,
        "member_id": id_of(invitee),
        "items": [{"line_id": "1", "sku": "s", "quantity": 1, "amount": 6_000}],
    }
    await answered(admin, "POST", "/v1/checkouts", held, status=201)
    await answered(admin, "POST", f"/v1/checkouts/{checkout}/complete", {}, status=200)
    assert (await points(admin, member), await points(admin, invitee)) == (200, 160)
    back = {"reference": "r", "amount": 6_000}
    await answered(admin, "POST", f"/v1/checkouts/{checkout}/refund", back, status=200)
    assert (await points(admin, member), await points(admin, invitee)) == (0, 0)


async def test_rings_and_oneself(admin: httpx.AsyncClient, member: str) -> None:
    invitee = await brought(admin, id_of(member))
    for method in ("PUT", "PATCH"):
        problem = await refused(admin, method, member, {"referred_by": id_of(invitee)}, code="referral_ring")
        assert problem["status"] == 409
    code = (await referral(admin, member))["code"]
    problem = await refused(admin, "PUT", member, {"referred_by": code}, code="referrer_is_self")
    assert problem["errors"][0]["pointer"] == "/referred_by"


async def test_a_batch_brings_members(admin: httpx.AsyncClient, member: str) -> None:
    first, second = new_id(), new_id()
    operations = [
        {"op": "enrol", "member_id": first, "referred_by": id_of(member)},
        {"op": "enrol", "member_id": second, "referred_by": first},
        {"op": "accrue", "member_id": second, "order_id": "o", "amount": 5_000},
        {"op": "enrol", "member_id": id_of(member), "referred_by": second},
    ]
    body = await answered(admin, "POST", "/v1/batches", {"operations": operations}, status=200)
    assert [result["status"] for result in body["results"]] == [201, 201, 201, 409]
    assert body["results"][3]["body"]["code"] == "referral_ring"
    assert await points(admin, f"/v1/members/{first}") == 200


# --- birthdays -------------------------------------------------------------------------------------------


async def test_a_birthday_changes_once_a_year(admin: httpx.AsyncClient, member: str) -> None:
    for birthday in ("1990-05-17", "1990-05-17", "1990-05-18", "1990-05-18"):
        await answered(admin, "PUT", member, {"birthday": birthday}, status=200)
    for method in ("PUT", "PATCH"):
        problem = await refused(
            admin, method, member, {"birthday": "1990-05-17"}, code="birthday_changed_recently"
        )
        assert problem["status"] == 409
        assert problem["changeable_at"].endswith("T16:00:00Z")  # a midnight in Shanghai
    await answered(admin, "PATCH", member, {"birthday": "1990-05-18", "name": "x"}, status=200)
    await answered(admin, "PATCH", member, {"birthday": None}, status=200)
    await refused(admin, "PATCH", member, {"birthday": "1990-05-18"}, code="birthday_changed_recently")
    await mistaken(admin, "PATCH", member, {"birthday": "1990-05-32"}, pointer="/birthday")


async def test_a_batch_changes_a_birthday_once(admin: httpx.AsyncClient, member: str) -> None:
    operations = [
        {"op": "enrol", "member_id": id_of(member), "birthday": f"1990-05-{day}"} for day in (17, 17, 18, 19)
    ]
    body = await answered(admin, "POST", "/v1/batches", {"operations": operations}, status=200)
    assert [result["status"] for result in body["results"]] == [200, 200, 200, 409]
    profile = await answered(admin, "GET", f"{member}/profile", status=200)
    assert profile["birthday"] == "1990-05-18"
