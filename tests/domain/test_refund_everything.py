"""Whatever the program, the campaigns and the orders: refund everything, and only what was no order's is left.

Source: RULES.md, refund of an order.
"""

import contextlib
import json
from collections import Counter
from functools import partial
from typing import Any

from hypothesis import HealthCheck, given, settings

from app.domain.account import Entry
from app.domain.campaigns import Campaign
from app.domain.commands import Accrue, Redeem, Reverse, Settle, SignIn
from app.domain.errors import LoyaltyError
from app.domain.gifts import held
from app.domain.program import Program
from tests.domain.fair import Fair
from tests.domain.programs import document
from tests.domain.refund_worlds import TEMPLATES, Bought, Came, campaigns, events, orders, programs

OF_ORDERS = frozenset({"accrue", "settle", "reverse"})


class World(Fair):
    """A member who buys, sends back, settles, signs in and spends, as the events have it."""

    def __init__(self, changes: dict[str, Any], found: list[Campaign], bought: list[Bought]) -> None:
        super().__init__(
            *found,
            program=Program.from_document(1, document(**changes) | {"cash": changes["cash"]}),
            templates=TEMPLATES,
            says={"large": lambda facts: facts.get("order.amount", 10**6) > 9_000},
        )
        self.waiting = list(enumerate(bought))
        self.bought: dict[int, Bought] = {}
        self.rest: dict[int, int] = {}
        self.redeemed = 0
        self.numbers = iter(range(10**6))

    def happen(self, came: Came) -> None:
        with contextlib.suppress(LoyaltyError):  # what the rules refuse changes nothing
            getattr(self, f"_{came.kind}")(came)

    def _order(self, _: Came) -> None:
        if self.waiting:
            number, bought = self.waiting.pop(0)
            body = self.do(
                Accrue(
                    member_id="m",
                    order_id=str(number),
                    amount=bought.amount_fen,
                    items=bought.items,
                    settle=bought.settle,
                )
            )
            lot = self.lot(self.members["m"].orders[str(number)])
            assert body["points"] == sum(part["points"] for part in body["breakdown"]) == lot.granted
            self.bought[number], self.rest[number] = bought, bought.amount_fen

    def _settle(self, came: Came) -> None:
        self.do(Settle(member_id="m", order_id=str(came.number)))

    def _refund(self, came: Came) -> None:
        if amount := int(self.rest.get(came.number, 0) * came.part):
            self._back(came.number, amount=amount)

    def _item(self, came: Came) -> None:
        bought = self.bought.get(came.number)
        if bought is not None and bought.items:
            line = bought.items[int(came.part * 9.99) % len(bought.items)]
            quantity = 1 if came.part < 0.5 else None
            self._back(came.number, items=((line.line_id, quantity, None),))

    def _back(self, number: int, **what: Any) -> None:
        """What is kept never rises by a refund."""
        before = self.account()
        body = self.do(
            Reverse(member_id="m", order_id=str(number), reference=f"b{next(self.numbers)}", **what)
        )
        after = self.account()
        self.rest[number] -= body["amount"]
        assert body["points"] >= 0
        assert after.available + after.pending - after.debt <= before.available + before.pending - before.debt
        assert (after.growth, after.cash, after.spend) <= (before.growth, before.cash, before.spend)

    def _sign_in(self, _: Came) -> None:
        command = SignIn(member_id="m")
        if command.natural_key(self.context().today) not in {
            entry.key for entry in self.entries.get("m", [])
        }:
            self.do(command)

    def _redeem(self, came: Came) -> None:
        points = int(self.account().available * came.part)
        self.do(Redeem(member_id="m", reference=f"r{next(self.numbers)}", points=points or 1))
        self.redeemed += points or 1

    def _days(self, _: Came) -> None:
        self.later(days=1)

    def _weeks(self, _: Came) -> None:
        self.later(days=16).mature("m")

    def refund_the_rest(self) -> None:
        for number, rest in self.rest.items():
            if rest:
                self._back(number, amount=rest)

    def others(self, figure: str) -> int:
        """What entries that are no order's, nor money spent, changed."""
        return self.sum_of(figure, *{*self.kinds()} - OF_ORDERS - {"redeem"})

    def sum_of(self, figure: str, *kinds: str) -> int:
        """What entries of these kinds changed; points with what they paid of a debt."""
        return sum(
            map(partial(_changed, figure), (each for each in self.entries.get("m", []) if each.kind in kinds))
        )

    def sum_of_joining(self, figure: str) -> int:
        """What campaigns gave for joining."""
        found = [each for each in self.entries.get("m", []) if each.key.endswith("/enrolment")]
        return sum(map(partial(_changed, figure), found))


def _changed(figure: str, entry: Entry) -> int:
    return getattr(entry, figure) - (entry.debt if figure == "points" else 0)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(programs, campaigns, orders, events)
def test_only_what_was_no_order_s_is_left(
    changes: dict[str, Any], found: list[Campaign], bought: list[Bought], happens: list[Came]
) -> None:
    world = World(changes, found, bought)
    for came in happens:
        world.happen(came)
    while world.waiting:
        world.happen(Came("order", 0, 0.0))
    world.refund_the_rest()
    world.later(days=16).mature("m")
    account = world.account()
    assert account.available - account.debt == world.others("points") - world.redeemed
    assert account.earned == world.others("points")
    assert (account.pending, account.reserved, account.spend, account.cash) == (0, 0, 0, 0)
    assert account.growth == world.others("growth")
    free = sum(bought.amount_fen == 0 for bought in world.bought.values())
    assert account.orders == free  # what cost nothing can't come back
    for campaign in found:
        row = world.given.get(("m", campaign.campaign))
        if row is not None and campaign.trigger == "order":
            assert row.points == row.taken_back
    _check_missions(world)
    _check_gifts(world)
    details = [
        json.loads(entry.detail) for entry in world.entries.get("m", []) if entry.kind not in OF_ORDERS
    ]
    if not free:
        coupons = [len(detail.get("coupons", ())) - len(detail.get("voided", ())) for detail in details]
        assert account.coupons == sum(coupons)
        assert account.chances == sum(detail.get("chances", 0) for detail in details)


def _check_missions(world: World) -> None:
    """Of orders alone, all of which came back: none is completed, and whatever each gave was taken back."""
    for row in world.members["m"].progress.values():
        assert (row.progress, row.completed_at, row.badge) == (0, None, None)
    kinds = Counter(world.kinds())
    assert kinds["mission"] == kinds["mission_undo"]
    for figure in ("points", "growth"):
        assert world.sum_of(figure, "mission", "mission_undo") == 0


def _check_gifts(world: World) -> None:
    """Joining and signing in are not refunded, nor orders that cost nothing: what they earned may hold a tier. Time may
    have taken one, whose gift stays. Nothing else leaves a gift.
    """
    member, ladder = world.members["m"], world.program.tiers.ladder
    gifts = held(member)
    assert len({each[:2] for each in gifts}) == len(gifts)  # none twice
    gave = [each.gift.points for each in gifts]
    assert world.sum_of("points", "campaign", "campaign_undo") - world.sum_of_joining("points") == sum(gave)
    is_held = world.others("points") - sum(gave) or any(
        not bought.amount_fen for bought in world.bought.values()
    )
    if not is_held and "tier_period" not in world.kinds() and not world.others("growth"):
        assert member.account.tier == ladder[0].code
        assert not gifts
