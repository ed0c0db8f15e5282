"""How campaigns stand."""

from __future__ import annotations

from typing import get_args

import pytest

from app.domain.campaign_states import (
    VERBS,
    BudgetBelowGranted,
    CampaignEnded,
    CampaignExists,
    CampaignNotFound,
    CampaignNotStarted,
    Verb,
    after,
)
from app.domain.campaigns import State
from app.domain.errors import LoyaltyError

STATES = get_args(State)
TABLE: dict[tuple[State, Verb], State | type[LoyaltyError]] = {
    ("draft", "start"): "live",
    ("draft", "pause"): CampaignNotStarted,
    ("draft", "end"): "ended",
    ("live", "start"): "live",
    ("live", "pause"): "paused",
    ("live", "end"): "ended",
    ("paused", "start"): "live",
    ("paused", "pause"): "paused",
    ("paused", "end"): "ended",
    ("ended", "start"): CampaignEnded,
    ("ended", "pause"): CampaignEnded,
    ("ended", "end"): "ended",
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_in_every_state(state: State, verb: Verb) -> None:
    expected = TABLE[state, verb]
    if isinstance(expected, str):
        assert after(state, verb) == expected
    else:
        with pytest.raises(expected):
            after(state, verb)


@pytest.mark.parametrize(
    "error", [BudgetBelowGranted, CampaignEnded, CampaignExists, CampaignNotFound, CampaignNotStarted]
)
def test_errors_say_what_to_do(error: type[LoyaltyError]) -> None:
    assert error.example().detail.endswith(".")


def test_the_budget_tells_what_was_granted() -> None:
    assert BudgetBelowGranted(granted=7).extra == {"granted": 7}
