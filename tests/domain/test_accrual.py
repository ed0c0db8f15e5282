"""Orders earn points, now or later. Source: RULES.md, Points (purchase, pending, back-dated orders)."""

from datetime import timedelta

import pytest

from app.domain.commands import Accrue, Freeze, Reverse, Settle
from app.domain.earning import Line
from app.domain.errors import (
    ItemsAmountMismatch,
    LineIdRepeated,
    MemberErased,
    MemberFrozen,
    MemberNotFound,
    OccurredAtInFuture,
    OrderNotFound,
    OrderNotPending,
    OrderReversed,
)
from tests.domain.book import START, Book, at
from tests.domain.programs import program, with_section, with_validity


def order(amount: int, *, order_id: str = "o1", **fields: object) -> Accrue:
    return Accrue(member_id="m", order_id=order_id, amount=amount, **fields)  # pyright: ignore[reportArgumentType]


def line(line_id: str, amount: int, *, quantity: int = 1, category: str | None = None) -> Line:
    return Line(line_id, f"sku-{line_id}", category, None, quantity, amount)


@pytest.mark.parametrize(
    ("amount", "points"), [(0, 0), (99, 0), (100, 1), (199, 1), (30_000, 300), (10**12, 10**10)]
)
def test_a_point_a_yuan_rounded_down_once(amount: int, points: int) -> None:
    book = Book()
    body = book.do(order(amount))
    assert body["points"] == sum(part["points"] for part in body["breakdown"]) == points
    assert (body["status"], body["order_id"], body["debt_paid"]) == ("settled", "o1", 0)
    assert body["expires_at"] == ("2027-03-05T16:00:00Z" if points else None)
    assert body["balance"] == {"available": points, "pending": 0, "reserved": 0, "debt": 0}
    account = book.account()
    assert (account.earned, account.spend, account.orders) == (points, amount, 1)
    assert account.growth == amount // 100


def test_the_order_that_earns_a_tier_has_the_rates_of_the_one_before() -> None:
    book = Book()
    first = book.do(order(1_000_000))
    assert first["points"] == 10_000
    assert first["tier"] == {"code": "platinum", "changed": True}
    second = book.do(order(10_000, order_id="o2"))
    assert second["points"] == 150
    assert [part["rule"] for part in second["breakdown"]] == ["purchase", "tier:platinum"]
    assert second["tier"] == {"code": "platinum", "changed": False}


def test_upgrade_tells_the_benefits_gained() -> None:
    book = Book()
    book.do(order(30_000))
    assert book.detail()["tier_change"] == {
        "from": "bronze",
        "to": "silver",
        "benefits_gained": ["discount", "priority_activities"],
    }


def test_pending_counts_for_nothing_until_settled() -> None:
    book = Book()
    body = book.do(order(30_000, settle=False))
    assert (body["status"], body["points"]) == ("pending", 300)
    assert body["balance"] == {"available": 0, "pending": 300, "reserved": 0, "debt": 0}
    account = book.account()
    assert (account.spend, account.orders, account.growth, account.earned) == (0, 0, 0, 0)
    assert account.tier == "bronze"
    assert book.lot(1).settle_at == START + timedelta(days=15)

    settled = book.later(days=3).do(Settle(member_id="m", order_id="o1"))
    assert settled["status"] == "settled"
    assert settled["balance"] == {"available": 300, "pending": 0, "reserved": 0, "debt": 0}
    assert settled["tier"] == {"code": "silver", "changed": True}
    account = book.account()
    assert (account.spend, account.orders, account.growth, account.earned) == (30_000, 1, 300, 300)
    # Valid from the accrual, not from the settlement.
    assert settled["expires_at"] == "2027-03-05T16:00:00Z"


def test_pending_keeps_the_rate_and_version_of_its_accrual() -> None:
    book = Book()
    book.do(order(10_000, settle=False))
    book.do(order(1_000_000, order_id="o2"))
    changed = program(earning={"rate": "5"})
    book.adopt(at(changed, version=2))
    body = book.do(Settle(member_id="m", order_id="o1"))
    assert (body["points"], body["breakdown"][0]["version"]) == (100, 1)
    assert book.lot(1).program_version == 1
    assert book.last().program_version == 2
    assert book.detail()["version"] == 1
    book.do(order(10_000, order_id="o3", settle=False))
    book.do(Settle(member_id="m", order_id="o3"))
    assert "version" not in book.detail()  # that of the entry


def test_settle_refuses() -> None:
    book = Book()
    with pytest.raises(OrderNotFound):
        book.do(Settle(member_id="m", order_id="o1"))
    book.do(order(10_000))
    with pytest.raises(OrderNotPending):
        book.do(Settle(member_id="m", order_id="o1"))
    for name, amount in (("o2", 10_000), ("o3", 1)):
        book.do(order(amount, order_id=name, settle=False))
        book.do(Reverse(member_id="m", order_id=name, reference="r", amount=amount))
        with pytest.raises(OrderReversed):
            book.do(Settle(member_id="m", order_id=name))


def test_an_order_of_nothing_settles() -> None:
    book = Book()
    book.do(order(0, settle=False))
    body = book.do(Settle(member_id="m", order_id="o1"))
    assert (body["points"], body["expires_at"], book.lot(1).expires_at) == (0, None, None)
    assert book.account().orders == 1


def test_backdated_orders_expire_counted_from_then() -> None:
    book = Book()
    body = book.do(order(30_000, occurred_at=START - timedelta(days=100)))
    assert body["expires_at"] == "2026-11-25T16:00:00Z"
    assert book.last().occurred_at == START - timedelta(days=100)
    body = book.do(order(20_000, order_id="o2", occurred_at=START - timedelta(days=400)))
    assert body["points"] == 200
    assert body["balance"]["available"] == 300
    account = book.account()
    assert (account.earned, account.expired, account.spend) == (500, 200, 50_000)


def test_the_day_of_a_backdated_order_is_that_of_the_programs_zone() -> None:
    bought_at = START.replace(hour=17) - timedelta(days=2)  # the 4th in Shanghai
    assert Book().do(order(30_000, occurred_at=bought_at))["expires_at"] == "2027-03-04T16:00:00Z"


def test_a_backdated_order_loses_the_tenths_of_its_years() -> None:
    book = Book(with_validity(policy="yearly_tenth"))
    body = book.do(order(100_000, occurred_at=START - timedelta(days=2 * 366)))
    assert body["balance"]["available"] == 800
    assert book.account().next_expires_points == 100


@pytest.mark.parametrize(("ahead_seconds", "fits"), [(86_400, True), (86_401, False)])
def test_at_most_a_day_ahead(ahead_seconds: int, fits: bool) -> None:
    book = Book()
    command = order(100, occurred_at=START + timedelta(seconds=ahead_seconds))
    if fits:
        book.do(command)
        return
    with pytest.raises(OccurredAtInFuture) as refused:
        book.do(command)
    assert refused.value.extra == {"latest": "2026-03-06T02:00:00Z"}


def test_the_entries_of_an_order_name_it_its_lot_and_its_day() -> None:
    """It happened when it was bought; that it settles happens then."""
    book = Book()
    bought_at = START - timedelta(days=1)
    book.do(order(100, settle=False, occurred_at=bought_at))
    book.do(order(100, order_id="o2", occurred_at=bought_at))
    book.later(days=1).do(Settle(member_id="m", order_id="o1"))
    assert [(entry.kind, entry.order_id, entry.lot, entry.occurred_at) for entry in book.entries["m"]] == [
        ("accrue", "o1", 1, bought_at),
        ("accrue", "o2", 2, bought_at),
        ("settle", "o1", 1, book.now),
    ]


def test_lines_are_checked_and_rates_by_category_replace_the_base_rate() -> None:
    book = Book(program(earning={"categories": {"books": "3"}}))
    with pytest.raises(LineIdRepeated):
        book.do(order(200, items=(line("a", 100), line("a", 100))))
    with pytest.raises(ItemsAmountMismatch):
        book.do(order(300, items=(line("a", 100), line("b", 100))))
    body = book.do(order(30_000, items=(line("a", 10_000), line("b", 20_000, category="books"))))
    assert body["points"] == 700
    assert [part["rule"] for part in body["breakdown"]] == ["purchase", "category:books"]


def test_channel_is_kept_with_the_order() -> None:
    book = Book()
    book.do(order(100, channel="wechat"))
    assert book.lot(1).terms == '{"channel":"wechat"}'
    book.do(order(100, order_id="o2"))
    assert book.lot(2).terms is None


def test_cash_back() -> None:
    book = Book()
    book.do(order(99_999))
    assert book.account().cash == 0
    book.do(order(100_000, order_id="o2"))
    assert book.account().cash == 1_000
    book.do(Reverse(member_id="m", order_id="o2", reference="r", amount=1))
    assert book.account().cash == 0


CUMULATIVE = with_section("cash", {"policy": "cumulative", "every_fen": 100_000, "reward_fen": 500})


def test_cumulative_cash_back_counts_settled_spend_only() -> None:
    book = Book(CUMULATIVE)
    for name in ("o1", "o2"):
        book.do(order(60_000, order_id=name, settle=False))
    book.do(Settle(member_id="m", order_id="o1"))
    assert book.account().cash == 0
    book.do(Settle(member_id="m", order_id="o2"))
    assert book.account().cash == 500


def test_cumulative_cash_back_is_not_paid_twice_for_the_same_stretch() -> None:
    book = Book(CUMULATIVE)
    book.do(order(60_000))
    book.do(order(60_000, order_id="o2"))
    book.do(Reverse(member_id="m", order_id="o1", reference="r", amount=60_000))
    assert book.account().cash == 0
    book.do(order(60_000, order_id="o3"))
    assert book.account().cash == 500


def test_who_may_not_accrue() -> None:
    book = Book()
    with pytest.raises(MemberNotFound):
        book.do(Accrue(member_id="stranger", order_id="o", amount=1))
    book.do(Freeze(member_id="m"))
    with pytest.raises(MemberFrozen):
        book.do(order(100))
    book.members["m"].account = book.account()._replace(status="erased")
    with pytest.raises(MemberErased):
        book.do(order(100))
