"""Campaigns through the engine: what they give is loaded, locked, saved and told. Source: RULES.md, Campaigns."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest

from app.domain import decisions
from app.domain.campaign_commands import PayCampaign
from app.domain.campaign_document import CampaignInvalid, read_campaign
from app.domain.carts import Cart, CartLine, Wish
from app.domain.checkout_commands import CompleteCheckout, HoldCheckout, RefundCheckout
from app.domain.command import Command
from app.domain.commands import Accrue, Enrol, Mature, Redeem, Reverse, Settle, SignIn
from app.domain.earning import Line
from app.domain.errors import InsufficientPoints
from app.ledger import campaign_failures
from app.ledger.batch import Batch
from app.ledger.engine import Engine
from tests.ledger.fair import DOUBLE, change_state, end_all, given, put_live, shares
from tests.ledger.shelf import counter, offer
from tests.ledger.till import Till
from tests.pace import HANG_SECONDS, until
from tests.queries.ledgers import Shop, open_shop

_FAILURE = "SELECT failures, last_error FROM campaign_failure WHERE campaign = $1"
POINTS_5: dict[str, Any] = {"kind": "add_points", "points": 5}
ITEMS = (Line("1", "a", "shoes", None, 1, 6_000), Line("2", "b", None, None, 1, 4_000))


@pytest.fixture(scope="module")
def own_url(new_database: Callable[[], str]) -> str:
    """A database of this file's own: campaigns are for everybody."""
    return new_database()


@pytest.fixture
async def shop(own_url: str) -> AsyncGenerator[Shop]:
    async with open_shop(own_url) as opened:
        yield opened


@pytest.fixture
async def till(shop: Shop) -> AsyncGenerator[Till]:
    """A till where no campaign is live yet; afterwards the whole ledger is what its entries make it."""
    till = Till(shop.database, shop.engine)
    yield till
    await end_all(till)
    await till.assert_agrees()


@pytest.fixture
def name() -> str:
    """A campaign's or a template's that nobody else uses."""
    return f"c-{secrets.token_hex(4)}"


def order(member: str, order_id: str = "o", amount: int = 10_000, **fields: Any) -> Accrue:
    return Accrue(member_id=member, order_id=order_id, amount=amount, **fields)


def back(member: str, amount: int, order_id: str = "o", reference: str = "b") -> Reverse:
    return Reverse(member_id=member, order_id=order_id, reference=reference, amount=amount)


async def breakdown(till: Till, member: str, key: str) -> list[list[Any]]:
    [[detail]] = await till.rows("SELECT detail FROM entry WHERE member_id = $1 AND key = $2", member, key)
    return json.loads(detail)["breakdown"]


# --- orders -----------------------------------------------------------------------------------------------


async def test_an_order_now(till: Till, member: str, name: str) -> None:
    await till.enrol(member)
    await put_live(till, name, DOUBLE, POINTS_5)
    body = (await till.ask(order(member))).body
    assert body["breakdown"][1:] == [
        {"rule": f"campaign:{name}", "label": name, "points": 100, "version": 1},
        {"rule": f"campaign:{name}", "label": name, "points": 5, "version": 1},
    ]
    assert await breakdown(till, member, "order/o") == [
        ["purchase", "1 point per yuan", 100],
        [name, 1, 100, name],
        [name, 1, 5, name],
    ]
    assert await till.balance(member) == (205, 0, 0, 0)
    await put_live(till, name, DOUBLE)
    await till.ask(order(member, "o2"))
    assert (await breakdown(till, member, "order/o2"))[1:] == [[name, 2, 100, name]]
    assert await given(till, name, member) == {"times": 2, "amount": 20_000, "points": 205}


async def test_the_same_order_again_gives_nothing_more(till: Till, member: str, name: str) -> None:
    await till.enrol(member)
    await put_live(till, name)
    first = await till.ask(order(member))
    again = await till.ask(order(member))
    assert (again.body, again.replayed) == (first.body, True)
    assert await given(till, name) == {"times": 1, "amount": 10_000, "points": 100}


async def test_an_order_later(till: Till, shop: Shop, member: str, name: str) -> None:
    await offer(till.database, name)
    await till.enrol(member)
    await put_live(
        till, name, DOUBLE, {"kind": "issue_coupon", "template": name}, {"kind": "add_growth", "growth": 7}
    )
    for order_id in ("settled", "by itself", "back"):
        await till.ask(order(member, order_id, settle=False))
    assert await till.balance(member) == (0, 600, 0, 0)
    await end_all(till)
    body = (await till.ask(Settle(member_id=member, order_id="settled"))).body
    assert [part["points"] for part in body["breakdown"]] == [100, 100]
    await till.ask(back(member, 5_000, "by itself"))
    await till.ask(back(member, 10_000, "back"))
    assert await till.balance(member) == (200, 100, 0, 0)
    await shop.wait(days=16)
    await till.ask(Mature(member_id=member))
    assert await till.balance(member) == (300, 0, 0, 0)
    assert await given(till, name) == {
        "times": 3, "amount": 30_000, "points": 300, "growth": 21, "coupons": 2, "taken_back": 150
    }  # fmt: skip
    assert await till.rows("SELECT growth, coupons FROM account WHERE member_id = $1", member) == [(160, 2)]
    assert await counter(till, name) == (2, 0)


async def test_a_refund_in_pieces_by_item_and_amount(till: Till, member: str, name: str) -> None:
    await offer(till.database, name)
    await till.enrol(member)
    shoes = {"kind": "multiply_points", "factor": "1.5", "lines": {"categories": ["shoes"]}}
    prizes = [{"kind": "issue_coupon", "template": name, "count": 2}, {"kind": "add_chances", "chances": 3}]
    await put_live(till, name, shoes, POINTS_5, *prizes)
    await till.ask(order(member, items=ITEMS))
    assert await till.balance(member) == (135, 0, 0, 0)
    await till.ask(Reverse(member_id=member, order_id="o", reference="b1", items=(("1", 1, None),)))
    assert await till.balance(member) == (42, 0, 0, 0)
    assert await given(till, name) == {
        "times": 1, "amount": 10_000, "points": 35, "chances": 3, "coupons": 2, "taken_back": 33
    }  # fmt: skip
    await till.ask(back(member, 4_000, reference="b2"))
    assert await till.balance(member) == (0, 0, 0, 0)
    assert await given(till, name) == {"times": 1, "amount": 10_000, "points": 35, "taken_back": 35}
    assert await till.rows("SELECT chances, coupons FROM account WHERE member_id = $1", member) == [(0, 0)]


async def test_a_checkout(till: Till, member: str, name: str) -> None:
    await till.enrol(member)
    await put_live(till, name, DOUBLE, budget={"points": 70})
    cart = Cart((CartLine("1", "a", None, None, 1, 10_000),), 0, None)
    checkout = f"{member}-k"
    await till.ask(HoldCheckout(member_id=member, checkout_id=checkout, cart=cart, wish=Wish(0, 0, ())))
    await till.ask(CompleteCheckout(member_id=member, checkout_id=checkout))
    assert await till.balance(member) == (170, 0, 0, 0)
    assert await shares(till, name) == (70, 70)
    await till.ask(RefundCheckout(member_id=member, checkout_id=checkout, reference="b", amount=2_500))
    assert await till.balance(member) == (145, 0, 0, 0)  # of what is left it would give 75: still 70
    await till.ask(RefundCheckout(member_id=member, checkout_id=checkout, reference="b2", amount=7_500))
    assert await till.balance(member) == (0, 0, 0, 0)
    assert await given(till, name) == {"times": 1, "amount": 10_000, "points": 70, "taken_back": 70}


async def test_a_sign_in(till: Till, member: str, name: str) -> None:
    await till.enrol(member)
    await put_live(till, name, DOUBLE, {"kind": "add_chances", "chances": 2}, trigger="sign_in")
    body = (await till.ask(SignIn(member_id=member))).body
    assert (body["points"], [part["points"] for part in body["breakdown"]]) == (20, [10, 10])
    assert await given(till, name) == {"times": 1, "points": 10, "chances": 2}
    assert await till.rows("SELECT chances FROM account WHERE member_id = $1", member) == [(2,)]


# --- which apply ------------------------------------------------------------------------------------------


async def test_paused_live_and_ended(till: Till, member: str, name: str) -> None:
    await till.enrol(member)
    await put_live(till, name)
    got: list[int] = []
    for number, state in enumerate(("paused", "live", "ended")):
        await change_state(till, name, state)
        got.append((await till.ask(order(member, f"o{number}"))).body["points"])
    assert got == [100, 200, 100]


async def test_conditions_ask_the_order_the_member_and_the_person(till: Till, member: str, name: str) -> None:
    await till.ask(Enrol(member_id=member, person={"region": "Shanghai"}))
    await put_live(till, name, audience="member.region == 'Shanghai' && member.tier == 'bronze'",
                   condition="order.amount >= 10000 && order.items.exists(i, i.category == 'shoes')")  # fmt: skip
    got = [
        (await till.ask(order(member, f"o{number}", amount, items=items))).body["points"]
        for number, (amount, items) in enumerate([(10_000, ITEMS), (10_000, ()), (9_900, ())])
    ]
    assert got == [200, 100, 99]


async def test_what_fails_is_told_on_the_campaign_and_the_purchase_is_unharmed(
    till: Till, member: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await till.enrol(member)
    await put_live(till, name, condition="10 / member.orders > 1")
    [first, second] = [await till.ask(order(member, f"o{number}")) for number in range(2)]
    assert (first.body["points"], second.body["points"]) == (100, 200)
    [(failures, error)] = await till.rows(
        "SELECT failures, last_error FROM campaign_failure WHERE campaign = $1", name
    )
    assert failures == 1
    assert "zero" in error


async def test_failures_are_told_soon_though_nothing_fails_any_more(
    till: Till, member: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At most once a second; what was left over comes with the next batch, or as the process ends."""
    now = [100.0]
    monkeypatch.setattr(campaign_failures, "monotonic", lambda: now[0])
    monkeypatch.setattr(campaign_failures, "TELL_SECONDS", HANG_SECONDS)
    failures = "SELECT failures FROM campaign_failure WHERE campaign = $1"
    await till.enrol(member)
    await put_live(till, name, condition="1 / member.orders > 1")
    engine = Engine(till.database.connect)
    await engine.start()
    other = Till(till.database, engine)
    for number in range(2):
        await other.ask(order(member, f"o{number}", settle=False))
    assert await till.rows(failures, name) == [(1,)]
    now[0] += HANG_SECONDS
    await other.ask(Enrol(member_id=member))
    assert await till.rows(failures, name) == [(2,)]
    await other.ask(order(member, "o2", settle=False))
    assert await till.rows(failures, name) == [(2,)]
    await engine.stop()
    assert await till.rows(failures, name) == [(3,)]


async def test_failures_are_told_though_nothing_more_is_asked(
    till: Till, member: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A quiet process keeps none to itself, and waits for the next request when it has told them."""
    monkeypatch.setattr(campaign_failures, "TELL_SECONDS", 0.1)
    await till.enrol(member)
    await put_live(till, name, condition="1 / member.orders > 1")
    for number in range(3):
        await till.ask(order(member, f"o{number}", settle=False))
    await until_all_told(till, name, 3)
    await until(lambda: not till.engine.campaigns.failures.is_waiting)
    await till.ask(order(member, "o3", settle=False))
    await until_all_told(till, name, 4)


async def test_what_failed_is_not_lost_with_the_connection(
    till: Till, shop: Shop, member: str, name: str
) -> None:
    await till.enrol(member)
    await put_live(till, name, condition="1 / member.orders > 1")
    await till.ask(order(member, settle=False))
    await shop.owner.execute(
        "SELECT pg_terminate_backend(pid, 60_000) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await till.ask(order(member, "o2", settle=False))
    await until_all_told(till, name, 2)


async def until_all_told(till: Till, name: str, count: int) -> None:
    """Until the campaign shows so many failures, and never more."""

    async def are_told() -> bool:
        [(failures, _)] = await till.rows(_FAILURE, name)
        assert failures <= count
        return failures == count

    await until(are_told)


async def failure(till: Till, name: str) -> tuple[int, str]:
    [row] = await till.rows(_FAILURE, name)
    return row


async def test_more_points_than_there_are(till: Till, member: str, name: str) -> None:
    """Factors multiply: what no ledger can hold is a failure of the campaign that asks for it."""
    await till.enrol(member)
    await put_live(till, name, *[{"kind": "multiply_points", "factor": "100"}] * 10)
    await put_live(till, f"{name}-too")
    await put_live(till, f"{name}-s", *[{"kind": "multiply_points", "factor": "100"}] * 10, trigger="sign_in")
    assert (await till.ask(order(member))).body["points"] == 200
    assert (await till.ask(SignIn(member_id=member))).body["points"] == 10
    assert (await failure(till, name))[0] == 1
    assert "points at once" in (await failure(till, name))[1]


async def test_chances_never_grow_beyond_what_can_be_counted(till: Till, member: str, name: str) -> None:
    with pytest.raises(CampaignInvalid):
        read_campaign(
            name, {"name": name, "trigger": "order", "effects": [{"kind": "add_chances", "chances": 10**6}]}
        )
    await till.enrol(member)
    await put_live(till, name, *[{"kind": "add_chances", "chances": 1_000}] * 10)
    await till.ask(order(member))
    assert await given(till, name) == {"times": 1, "amount": 10_000, "chances": 10_000}


async def test_a_campaign_that_this_process_cannot_read(till: Till, member: str, name: str) -> None:
    """Such as one of a newer release: it pays nothing, and is told of."""
    await till.enrol(member)
    await put_live(till, name, {"kind": "send_flowers"})
    await put_live(till, f"{name}-too")
    assert (await till.ask(order(member))).body["points"] == 200
    assert "/effects/0/kind" in (await failure(till, name))[1]
    engine = Engine(till.database.connect)
    await engine.start()
    await engine.stop()


async def test_what_breaks_afterwards_does_not_break_what_it_follows_from(
    till: Till, shop: Shop, member: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a command, and of what fell due."""

    def breaks(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setitem(decisions._DECISIONS, PayCampaign, breaks)
    await put_live(till, name, POINTS_5, trigger="enrolment")
    await put_live(till, f"{name}-t", POINTS_5, trigger="tier_change")
    await till.enrol(member)
    assert (await till.ask(order(member, amount=40_000))).body["points"] == 400
    await till.ask(order(member, "o2", amount=400_000, settle=False))
    await shop.wait(days=16)
    assert (await till.balance(member))[0] == 4_400
    assert (await failure(till, f"{name}-t")) == (2, "it broke.")


async def test_coupons_within_the_stock(till: Till, member: str, name: str) -> None:
    await offer(till.database, name, stock=3, per_member=2)
    members = [f"{member}-{number}" for number in range(3)]
    await till.enrol(*members)
    await put_live(till, name, {"kind": "issue_coupon", "template": name})
    commands: list[Command] = [order(each, f"o{number}") for each in members for number in range(3)]
    results = await till.ask_all(commands)
    assert all(not isinstance(result, Exception) for result in results)
    assert await counter(till, name) == (3, 0)
    assert await given(till, name) == {"times": 9, "amount": 90_000, "coupons": 3}
    [(failures,)] = await till.rows("SELECT failures FROM campaign_failure WHERE campaign = $1", name)
    assert failures == 6


# --- budgets ----------------------------------------------------------------------------------------------


async def test_a_budget_in_one_batch(till: Till, member: str, name: str) -> None:
    members = [f"{member}-{number}" for number in range(5)]
    await till.enrol(*members)
    await put_live(till, name, budget={"points": 350, "per_member": 150})
    results = await till.ask_all([order(each, f"o{number}") for number in range(2) for each in members])
    got = sum(result.body["points"] for result in results) - 1_000  # type: ignore[union-attr]
    assert got == 350
    assert await shares(till, name) == (350, 350)
    assert await given(till, name) == {"times": 4, "amount": 40_000, "points": 350}


async def test_a_day_s_budget(till: Till, shop: Shop, member: str, name: str) -> None:
    await till.enrol(member)
    await put_live(till, name, budget={"per_day": 150})
    got = [(await till.ask(order(member, f"o{number}"))).body["points"] for number in range(3)]
    await shop.wait(days=1)
    got.append((await till.ask(order(member, "tomorrow"))).body["points"])
    assert got == [200, 150, 100, 200]
    rows = await till.rows(
        "SELECT budget, sum(granted)::int, sum(share)::int FROM campaign_budget WHERE budget LIKE $1 GROUP BY 1 "
        "ORDER BY 1",
        f"{name}/%",
    )
    assert [row[1:] for row in rows] == [(150, 150), (100, 150)]


async def test_a_limit_per_member_that_comes_later(till: Till, member: str, name: str) -> None:
    other = f"{member}-2"
    await till.enrol(member, other)
    await put_live(till, name)
    got = [(await till.ask(order(member, f"o{number}"))).body["points"] for number in range(2)]
    await put_live(till, name, budget={"per_member": 250})
    got += [(await till.ask(order(member, f"p{number}"))).body["points"] for number in range(2)]
    assert got == [200, 200, 150, 100]  # what it gave before counts
    rows = "SELECT member_id, points FROM campaign_points WHERE campaign = $1 ORDER BY 1"
    assert await till.rows(rows, name) == [(member, 250)]
    await put_live(till, name)
    await till.ask(order(member, "q"))
    await put_live(till, name, budget={"per_member": 400})
    assert (await till.ask(order(member, "r"))).body["points"] == 150  # and what it gave in between
    await till.ask(order(other))
    assert await till.rows(rows, name) == [(member, 400), (other, 100)]


async def test_who_took_part(till: Till, member: str, name: str) -> None:
    other = f"{member}-2"
    await till.enrol(member, other)
    names = [await put_live(till, f"{name}-{number}", POINTS_5) for number in range(12)]
    for number in range(2):
        await till.ask_all([order(each, f"o{number}") for each in (member, other)])
    await till.ask(back(member, 10_000, "o0"))
    for each in names:
        assert (await given(till, each))["times"] == 4
        took_part = "SELECT sum(participants)::int FROM campaign_sum WHERE campaign = $1"
        assert await till.rows(took_part, each) == [(2,)]
    [[bits]] = await till.rows("SELECT campaigns FROM account WHERE member_id = $1", member)
    numbers = await till.rows("SELECT number FROM campaign WHERE campaign LIKE $1 ORDER BY 1", f"{name}%")
    assert [number for number in range(8 * len(bits)) if bits[number >> 3] >> (number & 7) & 1] == [
        number for (number,) in numbers
    ]


async def test_a_budget_that_is_raised_and_lowered(till: Till, member: str, name: str) -> None:
    await till.enrol(member)
    got: list[int] = []
    for number, points in enumerate((100, 100, 130, 250, 250, 1_000, 500)):
        await put_live(till, name, budget={"points": points})
        got.append((await till.ask(order(member, f"o{number}"))).body["points"])
    assert got == [200, 100, 130, 200, 120, 200, 200]
    assert await shares(till, name) == (500, 450)


async def test_a_spent_budget_is_asked_for_no_more(
    till: Till, own_url: str, member: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By no process, also not by one that drew nothing of it: else each order would be decided twice."""
    batches: list[int] = []
    run = Batch.run

    async def counted(self: Batch, *args: Any, **more: Any) -> Any:
        batches.append(1)
        return await run(self, *args, **more)

    await till.enrol(member)
    await put_live(till, name, budget={"points": 100})
    await till.ask(order(member, "spends"))
    monkeypatch.setattr(Batch, "run", counted)
    other = Engine(till.database.connect)
    await other.start()
    try:
        for engine in (till.engine, other):
            await Till(till.database, engine).ask(order(member, f"{id(engine)}"))  # it may learn that first
            batches.clear()
            assert (await Till(till.database, engine).ask(order(member, f"{id(engine)} 2"))).body[
                "points"
            ] == 100
            assert len(batches) == 1
    finally:
        await other.stop()


# --- what follows -----------------------------------------------------------------------------------------


async def test_joining(till: Till, member: str, name: str) -> None:
    await put_live(till, name, {"kind": "add_points", "points": 50}, trigger="enrolment")
    await till.ask(Enrol(member_id=member))
    await till.ask(Enrol(member_id=member))
    assert await till.kinds(member) == ["campaign"]
    assert await till.balance(member) == (50, 0, 0, 0)
    rows = await till.rows("SELECT key, actor FROM entry WHERE member_id = $1", member)
    assert rows == [(f"campaign/{name}/enrolment", "system")]


async def test_a_batch_with_several_follow_ups(till: Till, member: str, name: str) -> None:
    """Members join and rise at once, in one batch, where campaigns of both give coupons and points."""
    joiners = [f"{member}-{number}" for number in range(4)]
    await offer(till.database, name)
    await till.enrol(member)
    gift = {"kind": "issue_coupon", "template": name}
    await put_live(till, f"{name}-1", gift, POINTS_5, trigger="enrolment", budget={"points": 12})
    await put_live(till, f"{name}-2", gift, {"kind": "add_growth", "growth": 3}, trigger="tier_change",
                   condition="event.from == 'bronze'")  # fmt: skip
    commands: list[Command] = [Enrol(member_id=each) for each in joiners]
    commands += [order(each, amount=40_000) for each in (*joiners, member)]
    results = await till.ask_all(commands)
    assert [result.body["points"] for result in results[4:]] == [400] * 5  # type: ignore[union-attr]
    assert await given(till, f"{name}-1") == {"times": 3, "points": 12, "coupons": 3}
    assert await given(till, f"{name}-2") == {"times": 5, "growth": 15, "coupons": 5}
    assert await counter(till, name) == (8, 0)
    assert await till.kinds(joiners[0]) == ["campaign", "accrue", "campaign"]
    assert await till.kinds(member) == ["accrue", "campaign"]


async def test_rising_by_what_fell_due(till: Till, shop: Shop, member: str, name: str) -> None:
    """Two orders settle by themselves, the first of them raises the tier: what follows does not undo the second."""
    await put_live(till, name, {"kind": "add_points", "points": 50}, trigger="tier_change")
    await till.enrol(member)
    for order_id in ("o1", "o2"):
        await till.ask(order(member, order_id, 40_000, settle=False))
    await shop.wait(days=16)
    await till.ask(Mature(member_id=member))
    assert await till.balance(member) == (850, 0, 0, 0)
    assert await till.kinds(member) == ["accrue", "accrue", "settle", "settle", "campaign"]


async def test_rising_by_what_fell_due_before_a_command_that_is_refused(
    till: Till, shop: Shop, member: str, name: str
) -> None:
    """What follows is the newest of the member's account, though it was decided of an earlier change."""
    await put_live(till, name, {"kind": "add_points", "points": 50}, trigger="tier_change")
    await till.enrol(member)
    for order_id in ("o1", "o2"):
        await till.ask(order(member, order_id, 40_000, settle=False))
    await shop.wait(days=16)
    with pytest.raises(InsufficientPoints):
        await till.ask(Redeem(member_id=member, reference="r", points=851))
    assert await till.balance(member) == (850, 0, 0, 0)


async def test_rising_by_what_a_campaign_gives(till: Till, member: str, name: str) -> None:
    """Growth may raise the tier, which another campaign waits for. Nothing loops."""
    await put_live(till, name, {"kind": "add_points", "points": 50}, trigger="tier_change")
    await till.enrol(member)
    await till.ask(order(member, amount=400_000))
    assert await till.kinds(member) == ["accrue", "campaign"]
    await till.ask(back(member, 400_000))
    await till.ask(order(member, "o2", amount=400_000))
    paid = ["accrue", "campaign"]
    assert await till.kinds(member) == [*paid, "reverse", "campaign_undo", *paid]
    await till.ask_all([back(member, 400_000, "o2"), order(member, "o3", amount=400_000)])
    assert await till.kinds(member) == [*paid, "reverse", "campaign_undo"] * 2 + paid
    assert (await till.balance(member))[0] == 4_000 + 50


async def test_an_occasion_is_paid_once(till: Till, member: str, name: str) -> None:
    await till.enrol(member)
    await put_live(till, name, {"kind": "add_points", "points": 50}, trigger="schedule")
    pay = PayCampaign(member_id=member, campaign=name, trigger="schedule", occasion="at/2026-12-05")
    results = await till.ask_all([pay, pay])
    assert await till.balance(member) == (50, 0, 0, 0)
    assert [result.replayed for result in results] == [False, True]  # type: ignore[union-attr]
