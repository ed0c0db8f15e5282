"""The engine against a plain model of the rules while campaigns are live."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from app.queries.verify import verify
from tests.ledger.fair_model import FairMember
from tests.ledger.steps import World
from tests.ledger.test_model import Ledger


@pytest.fixture(scope="module")
def fair_world(new_database: Callable[[], str]) -> Generator[World]:
    with asyncio.Runner() as runner:
        made = World(new_database(), runner)
        made.put_campaigns()
        yield made
        made.close()


class FairLedger(Ledger):
    kind = FairMember


def test_the_engine_does_what_the_rules_say_of_campaigns(fair_world: World) -> None:
    FairLedger.world = fair_world
    run_state_machine_as_test(
        FairLedger,
        settings=settings(
            max_examples=12,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    report = fair_world.run(verify(fair_world.database.connect))
    assert report.agrees, report.differences[:5]
