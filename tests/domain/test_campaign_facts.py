"""What conditions of campaigns are told. Source: API.md, CEL sees."""

from datetime import UTC, datetime

import pytest

from app.domain.campaign_commands import PayCampaign
from app.domain.campaign_facts import CampaignFacts
from app.domain.carts import Wish
from app.domain.checkout_commands import CompleteCheckout, HoldCheckout
from app.domain.commands import Accrue, Redeem, SignIn
from app.domain.earning import Line
from app.domain.orders import Order
from tests.domain.book import Book
from tests.domain.fair import PLAIN
from tests.domain.shop import cart

LATE = datetime(2026, 3, 7, 16, 30, tzinfo=UTC)  # half past midnight on Sunday in Shanghai
ORDER = Order(
    9_000, (Line("1", "a", None, "acme", 2, 4_000), Line("2", "b", "shoes", None, 1, 5_000)), {}, 0, None
)


def facts(**more: object) -> CampaignFacts:
    book = Book(PLAIN, now=LATE)
    book.members["m"].traits = {"region": "沪", "birthday_month": 3, "attributes": {"vip": True}}
    return CampaignFacts(book.members["m"], book.account(), book.context(), **more)  # type: ignore[arg-type]


def test_of_the_member_and_the_moment() -> None:
    assert dict(facts()) == {
        "member.tier": "bronze",
        "member.region": "沪",
        "member.gender": "",
        "member.spend": 0,
        "member.orders": 0,
        "member.joined_at": LATE,
        "member.birthday_month": 3,
        "member.attributes": {"vip": True},
        "now": LATE,
        "local.date": "2026-03-08",
        "local.year": 2026,
        "local.month": 3,
        "local.day": 8,
        "local.weekday": 7,
        "local.hour": 0,
    }


def test_of_the_order() -> None:
    told = facts(order=ORDER)
    assert len(told) == len(facts()) + 7
    assert {name: fact for name, fact in told.items() if name.startswith("order.")} == {
        "order.amount": 9_000,
        "order.channel": "",
        "order.items": [
            {"line_id": "1", "sku": "a", "category": "", "brand": "acme", "quantity": 2, "amount": 4_000},
            {"line_id": "2", "sku": "b", "category": "shoes", "brand": "", "quantity": 1, "amount": 5_000},
        ],
        "order.skus": ["a", "b"],
        "order.categories": ["shoes"],
        "order.brands": ["acme"],
        "order.first": True,
    }


def test_of_the_event() -> None:
    told = facts(event={"event.streak": 3})
    assert told["event.streak"] == 3
    assert "order.amount" not in told
    with pytest.raises(KeyError):
        _ = told["event.kind"]
    with pytest.raises(KeyError):
        _ = told["order.amount"]


def test_which_commands_campaigns_add_to() -> None:
    hold = HoldCheckout(member_id="m", checkout_id="k", cart=cart(1), wish=Wish(0, 0, ()))
    commands = [
        Accrue(member_id="m", order_id="o", amount=1),
        SignIn(member_id="m"),
        Redeem(member_id="m", reference="r", points=1),
        hold,
        CompleteCheckout(member_id="m", checkout_id="k"),
        PayCampaign(member_id="m", campaign="c", trigger="birthday", occasion="birthday/2026"),
    ]
    assert [command.fires for command in commands] == ["order", "sign_in", None, None, "order", "birthday"]
    assert [command.foretells for command in commands] == [None, None, None, "order", None, None]
