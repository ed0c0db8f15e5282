"""The engine against a plain model of the rules while campaigns are live."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from app.queries.verify import verify
from tests.ledger.fair import put_live
from tests.ledger.fair_model import CAMPAIGNS, FairMember
from tests.ledger.test_model import Ledger, World
from tests.ledger.till import Till


@pytest.fixture(scope="module")
def fair_world(new_database: Callable[[], str]) -> Generator[World]:
    with asyncio.Runner() as runner:
        made = World(new_database(), runner)
        till = Till(made.database, made.engine)
        for name, fields in CAMPAIGNS.items():
            terms = {key: value for key, value in fields.items() if key != "effects"}
            made.run(put_live(till, name, *fields["effects"], **terms))
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
