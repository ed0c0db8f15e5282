"""The engine against a plain model of the rules, step by step, while the clock moves (TARGETS.md, 4)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from app.queries.verify import verify
from tests.ledger.at_length import ROUNDS, walk
from tests.ledger.steps import CODES, MEMBERS, Steps, World


@pytest.fixture(scope="module")
def world(new_database: Callable[[], str]) -> Generator[World]:
    with asyncio.Runner() as runner:
        made = World(new_database(), runner)
        yield made
        made.close()


WHO = st.integers(0, MEMBERS - 1)
WHICH = st.integers(0, 4)
CODE = st.integers(0, CODES - 1)
POINTS = st.one_of(st.integers(1, 40), st.integers(1, 3_000))
AMOUNT = st.one_of(st.integers(0, 20_000), st.integers(0, 700_000))


class Ledger(Steps, RuleBasedStateMachine):
    """Draws the steps, and makes a failure small."""

    enrol = initialize()(Steps.enrol)
    gather = rule()(Steps.gather)
    take_together = rule()(Steps.take_together)
    accrue = rule(
        who=WHO,
        which=WHICH,
        amount=AMOUNT,
        settle=st.booleans(),
        days_ago=st.sampled_from([0, 0, 30, 364, 400]),
    )(Steps.accrue)
    settle = rule(who=WHO, which=WHICH)(Steps.settle)
    reverse = rule(who=WHO, which=WHICH, amount=st.one_of(AMOUNT.filter(bool), st.none()))(Steps.reverse)
    redeem = rule(
        who=WHO,
        which=WHICH,
        points=POINTS,
        hold_seconds=st.sampled_from([None, None, 1_800, 86_400, 604_800]),
    )(Steps.redeem)
    commit = rule(who=WHO, which=WHICH, points=st.one_of(POINTS, st.none()))(Steps.commit)
    cancel = rule(who=WHO, which=WHICH)(Steps.cancel)
    refund = rule(who=WHO, which=WHICH, points=st.one_of(POINTS, st.none()))(Steps.refund)
    sign_in = rule(who=WHO)(Steps.sign_in)
    adjust = rule(who=WHO, points=st.one_of(POINTS, POINTS.map(lambda points: -points)))(Steps.adjust)
    transfer = rule(who=WHO, to=WHO, points=POINTS)(Steps.transfer)
    claim = rule(who=WHO, which=CODE)(Steps.claim)
    hold = rule(
        who=WHO,
        amount=st.one_of(st.integers(0, 5_000), st.integers(0, 400_000)),
        points=st.sampled_from([0, 0, 100, 300, 2_000, 50]),
        cash=st.sampled_from([0, 0, 1, 700]),
        coupon=st.one_of(st.none(), CODE),
        seconds=st.sampled_from([60, 1_800, 86_400, 604_800]),
    )(Steps.hold)
    complete = rule(who=WHO, status=st.sampled_from(["held", "held", "lapsed", ""]), earn_only=st.booleans())(
        Steps.complete
    )
    release = rule(who=WHO, status=st.sampled_from(["held", ""]))(Steps.release)
    refund_checkout = rule(who=WHO, amount=st.one_of(st.integers(1, 400), st.integers(1, 90_000), st.none()))(
        Steps.refund_checkout
    )
    wait = rule(hours=st.sampled_from([1, 12, 24, 24, 7 * 24, 16 * 24, 100 * 24, 366 * 24]))(Steps.wait)
    mature = rule(who=WHO)(Steps.mature)
    both_hold_the_same = invariant()(Steps.both_hold_the_same)


def test_the_engine_does_what_the_rules_say(world: World) -> None:
    Ledger.world = world
    run_state_machine_as_test(
        Ledger,
        settings=settings(
            max_examples=20,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    report = world.run(verify(world.database.connect))
    assert report.agrees, report.differences[:5]


def test_both_decide_at_the_same_moment(world: World) -> None:
    """Whenever the engine comes to it: a hold of a minute stands up to the last microsecond, and is over then."""
    steps = Steps()
    steps.world = world
    steps.enrol()
    steps.adjust(0, 1_000)
    steps.hold(0, 3_100, points=300, cash=0, coupon=None, seconds=60)
    for microseconds, reserved in ((59_999_999, 300), (1, 0)):
        world.wait(timedelta(microseconds=microseconds))
        steps.adjust(0, 1)
        steps.both_hold_the_same()
        assert steps.members[0].reserved == reserved


def test_holds_that_end_together_end_in_one_order(world: World) -> None:
    """Which of their lots pays a debt hangs on it."""
    steps = Steps()
    steps.world = world
    steps.enrol()
    steps.accrue(0, 0, 30_000, settle=True, days_ago=0)
    steps.redeem(0, 1, 300, None)
    for lot, hold in enumerate(("redemption", "checkout", "checkout", "redemption", "redemption")):
        steps.adjust(0, 100)
        if hold == "checkout":
            steps.hold(0, 3_100, points=100, cash=0, coupon=None, seconds=1_800)
        else:
            steps.redeem(0, 6 - lot, 100, 1_800)
    steps.reverse(0, 0, None)
    assert steps.members[0].debt == 300
    world.wait(timedelta(hours=1))
    steps.mature(0)
    steps.both_hold_the_same()
    assert steps.members[0].balances() == (200, 0, 0, 0)


def test_many_at_once_do_as_well(new_database: Callable[[], str]) -> None:
    with asyncio.Runner() as runner:
        world = World(new_database(), runner)
        try:
            assert walk(world, seed="7", operations=1, trios=20, tell=lambda _: None) > 20 * ROUNDS
        finally:
            world.close()
