"""Campaigns that pay by themselves, one occasion after another. Source: RULES.md, Campaigns."""

from typing import Any

import pytest

from app.domain.campaign_commands import PayCampaign
from app.domain.campaigns import Campaign, Effect, Facts, Trigger
from app.domain.carts import Wish
from app.domain.checkout_commands import CompleteCheckout, HoldCheckout
from app.domain.commands import Accrue, Freeze, Redeem
from app.domain.errors import MemberFrozen
from app.domain.occasions import pay
from app.domain.posting import Context
from app.domain.program import Program
from app.domain.roster import Asking, ConditionFailed, Failure, Roster
from tests.domain.book import Book
from tests.domain.programs import DEFAULT, with_validity
from tests.domain.shop import cart


class Gifts(Book):
    """A book in which campaigns that give 50 points by themselves are open."""

    def __init__(self, *triggers: Trigger, program: Program = DEFAULT, **more: Any) -> None:
        self.campaigns: dict[Trigger, list[Campaign]] = {
            trigger: [
                Campaign(
                    campaign=trigger,
                    name=trigger,
                    trigger=trigger,
                    effects=(Effect(kind="add_points", amount=50),),
                    **more,
                )
            ]
            for trigger in triggers
        }
        super().__init__(program)

    def context(self) -> Context:
        return super().context()._replace(campaigns=Roster(self.campaigns))

    def ask(self, trigger: Trigger, occasion: str) -> dict[str, Any]:
        return self.do(PayCampaign(member_id="m", campaign=trigger, trigger=trigger, occasion=occasion))


def test_it_pays_and_tells() -> None:
    book = Gifts("schedule")
    assert book.ask("schedule", "at/2026-03-05") == {
        "campaign": "schedule",
        "occasion": "at/2026-03-05",
        "points": 50,
        "balance": {"available": 50, "pending": 0, "reserved": 0, "debt": 0},
    }
    entry = book.last()
    assert (entry.kind, entry.key) == ("campaign", "campaign/schedule/at/2026-03-05")
    assert book.detail()["breakdown"] == [["campaign:schedule", "schedule", 50, 1]]


def test_the_frozen_get_nothing() -> None:
    book = Gifts("schedule")
    book.do(Freeze(member_id="m"))
    with pytest.raises(MemberFrozen):
        book.ask("schedule", "at/2026-03-05")


@pytest.mark.parametrize(("spent", "points"), [(0, 150), (1, 99)])
def test_a_balance_is_asked_for_again_once_the_account_is_locked(spent: int, points: int) -> None:
    book = Gifts("balance", balance=100)
    book.do(Accrue(member_id="m", order_id="o", amount=10_000))
    if spent:
        book.do(Redeem(member_id="m", reference="r", points=spent))
    assert bool(book.ask("balance", "balance")) == (not spent)
    assert book.balances()[0] == points


def test_a_gift_shows_no_life() -> None:
    book = Gifts("dormancy", program=with_validity(policy="inactivity", months=6))
    book.do(Accrue(member_id="m", order_id="o", amount=10_000))
    ends = book.lot(1).expires_at
    assert ends is not None
    book.later(days=100)
    book.ask("dormancy", "dormant/2026-03-05")
    assert book.lot(1).expires_at == ends
    given = book.lot(2).expires_at
    assert given is not None
    assert given > ends


def test_which_campaigns_a_command_has_looked_up() -> None:
    pay = PayCampaign(member_id="m", campaign="c", trigger="schedule", occasion="at/2026-03-05")
    hold = HoldCheckout(member_id="m", checkout_id="k", cart=cart(100), wish=Wish(0, 0, ()))
    complete = CompleteCheckout(member_id="m", checkout_id="k")
    assert [(each.fires, each.foretells) for each in (pay, hold, complete)] == [
        ("schedule", None),
        (None, "order"),
        ("order", None),
    ]


def test_one_that_fails_pays_nothing_and_is_told() -> None:
    def ask(_trigger: Trigger, _facts: Facts) -> Asking:
        raise ConditionFailed("it divides by zero.")

    book = Gifts("schedule", condition="broken")
    roster = Roster(book.campaigns, ask=ask)
    command = PayCampaign(member_id="m", campaign="schedule", trigger="schedule", occasion="at/2026-03-05")
    change = pay(book.members["m"], command, book.context()._replace(campaigns=roster))
    assert change.entry is None
    assert roster.failures == [Failure("schedule", "it divides by zero.")]
