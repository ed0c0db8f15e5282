from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from app.domain.campaign_document import CampaignInvalid, read_campaign, write_campaign
from app.domain.campaigns import (
    ALL_LINES,
    AT_THE_TILL,
    EARNING_TRIGGERS,
    TRIGGERS,
    Campaign,
    CampaignBudget,
    CampaignWindow,
    Effect,
    EffectKind,
    Lines,
    Trigger,
)
from app.domain.ratio import Ratio

KINDS: tuple[EffectKind, ...] = get_args(EffectKind)
PLAIN: dict[str, Any] = {
    "name": "Thanks",
    "trigger": "order",
    "effects": [{"kind": "add_points", "points": 5}],
}
FULL: dict[str, Any] = {
    "name": "会员日双倍积分",
    "trigger": "order",
    "window": {
        "from": "2026-03-01T00:00:00+08:00",
        "until": "2027-03-01T00:00:00.5+08:00",
        "rrule": "FREQ=MONTHLY;BYDAY=1SA",
    },
    "tiers": ["platinum", "gold"],
    "audience": "member.orders > 3\n  && member.region == 'x'",
    "condition": "order.amount >= 10000",
    "effects": [
        {
            "kind": "multiply_points",
            "factor": "2.50",
            "lines": {"skus": ["tea-1"], "categories": ["tea"], "brands": ["acme", "other"]},
        },
        {"kind": "add_points", "points": 5},
        {"kind": "add_growth", "growth": 6},
        {"kind": "add_chances", "chances": 7},
        {"kind": "issue_coupon", "template": "spring-30", "count": 2},
        {"kind": "discount", "percent_off": 10, "max_discount": 5_000, "lines": {"skus": ["tea-1"]}},
        {"kind": "gift", "sku": "cup-7", "quantity": 2},
        {"kind": "free_shipping"},
    ],
    "budget": {"points": 1_000_000, "per_member": 5_000, "per_day": 10_000},
    "priority": -10,
    "stacks": False,
    "holdout_percent": 10,
}
MULTIPLIED: dict[str, Any] = {"kind": "multiply_points", "factor": "2"}
OCCASIONS: dict[Trigger, dict[str, Any]] = {
    "dormancy": {"dormant_days": 30},
    "balance": {"balance": 10_000},
    "holiday": {"holidays": ["春节"], "at": "09:30"},
    "campaign_end": {"of_campaign": "spring-sale"},
    "schedule": {"at": "23:59"},
}
NEEDED: dict[Trigger, dict[str, Any]] = {
    "balance": {"balance": 1},
    "holiday": {"holidays": ["春节"]},
    "campaign_end": {"of_campaign": "a"},
}


def read(document: dict[str, Any]) -> Campaign:
    return read_campaign("member-day", document)


def mistakes(document: Any) -> dict[str, str]:
    with pytest.raises(CampaignInvalid) as refused:
        read(document)
    assert refused.value.extra["errors"] == [mistake._asdict() for mistake in refused.value.mistakes]
    pointers = [mistake.pointer for mistake in refused.value.mistakes]
    assert len(set(pointers)) == len(pointers), "one for each place"
    return {mistake.pointer: mistake.detail for mistake in refused.value.mistakes}


def effect(**said: Any) -> dict[str, Any]:
    return PLAIN | {"effects": [said]}


# --- what is read ----------------------------------------------------------------------------------------


def test_all_that_it_may_say() -> None:
    made_at = datetime(2026, 2, 1, tzinfo=UTC)
    campaign = read_campaign("member-day", FULL, version=3, revision=9, state="live", created_at=made_at)
    assert campaign == Campaign(
        campaign="member-day",
        name="会员日双倍积分",
        trigger="order",
        effects=(
            Effect(
                kind="multiply_points",
                factor=Ratio(5, 2),
                lines=Lines(frozenset({"tea-1"}), frozenset({"tea"}), frozenset({"acme", "other"})),
            ),
            Effect(kind="add_points", amount=5),
            Effect(kind="add_growth", amount=6),
            Effect(kind="add_chances", amount=7),
            Effect(kind="issue_coupon", template="spring-30", count=2),
            Effect(
                kind="discount",
                percent_off=10,
                max_discount_fen=5_000,
                lines=Lines(skus=frozenset({"tea-1"})),
            ),
            Effect(kind="gift", sku="cup-7", count=2),
            Effect(kind="free_shipping"),
        ),
        window=CampaignWindow(
            datetime(2026, 2, 28, 16, tzinfo=UTC),
            datetime(2027, 2, 28, 16, 0, 0, 500_000, tzinfo=UTC),
            "FREQ=MONTHLY;BYDAY=1SA",
        ),
        tiers=frozenset({"gold", "platinum"}),
        audience="member.orders > 3\n  && member.region == 'x'",
        condition="order.amount >= 10000",
        budget=CampaignBudget(1_000_000, 5_000, 10_000),
        priority=-10,
        stacks=False,
        holdout_percent=10,
        version=3,
        revision=9,
        state="live",
        created_at=made_at,
    )


def test_what_it_does_not_say() -> None:
    assert read(PLAIN) == Campaign(
        campaign="member-day",
        name="Thanks",
        trigger="order",
        effects=(Effect(kind="add_points", amount=5),),
        state="draft",
    )
    assert read(PLAIN | {"trigger": "dormancy"}).dormant_days == 90


@pytest.mark.parametrize(
    "silent",
    [
        *("window", "tiers", "audience", "condition", "budget", "priority", "stacks", "holdout_percent"),
        *("dormant_days", "balance", "holidays", "of_campaign", "at"),
    ],
)
def test_null_is_absent(silent: str) -> None:
    assert read(PLAIN | {silent: None}) == read(PLAIN)


def test_null_is_absent_further_in() -> None:
    document = PLAIN | {
        "effects": [
            MULTIPLIED | {"lines": {"skus": ["a"], "categories": None, "brands": None}},
            MULTIPLIED | {"lines": None},
            {"kind": "issue_coupon", "template": "t", "count": None},
            {"kind": "discount", "percent_off": 1, "max_discount": None, "lines": None},
        ],
        "window": {"from": None, "until": None, "rrule": None},
        "budget": {"points": 1, "per_member": None, "per_day": None},
    }
    campaign = read(document)
    assert [made.lines for made in campaign.effects[:2]] == [Lines(frozenset({"a"})), ALL_LINES]
    assert (campaign.effects[2].count, campaign.effects[3].max_discount_fen) == (1, None)
    assert (campaign.window, campaign.budget) == (CampaignWindow(), CampaignBudget(points=1))


@pytest.mark.parametrize(
    ("factor", "ratio"),
    [
        ("2", (2, 1)),
        ("1.1", (11, 10)),
        ("1.000001", (1_000_001, 1_000_000)),
        ("100", (100, 1)),
        ("02.50", (5, 2)),
    ],
)
def test_factors(factor: str, ratio: tuple[int, int]) -> None:
    assert read(effect(kind="multiply_points", factor=factor)).effects[0].factor == Ratio(*ratio)


@pytest.mark.parametrize(("at", "minute"), [("00:00", 0), ("00:01", 1), ("09:30", 570), ("23:59", 1_439)])
def test_times_of_the_day(at: str, minute: int) -> None:
    assert read(PLAIN | {"trigger": "schedule", "at": at}).at_minute == minute


@pytest.mark.parametrize("trigger", TRIGGERS)
@pytest.mark.parametrize("kind", KINDS)
def test_which_effects_go_with_which_trigger(trigger: Trigger, kind: EffectKind) -> None:
    said = next(each for each in FULL["effects"] if each["kind"] == kind)
    document = PLAIN | {"trigger": trigger, "effects": [said]} | NEEDED.get(trigger, {})
    if (kind == "multiply_points" and trigger not in EARNING_TRIGGERS) or (
        kind in AT_THE_TILL and trigger != "order"
    ):
        (told,) = mistakes(document).items()
        assert told[0] == "/effects/0/kind"
        assert told[1].startswith(f"does not go with {trigger}: ")
    else:
        assert read(document).effects[0].kind == kind


@pytest.mark.parametrize("name", ["dormant_days", "balance", "holidays", "of_campaign", "at"])
@pytest.mark.parametrize("trigger", TRIGGERS)
def test_what_goes_with_a_trigger_goes_with_no_other(trigger: Trigger, name: str) -> None:
    value = next(said[name] for said in OCCASIONS.values() if name in said)
    with_it = [each for each, said in OCCASIONS.items() if name in said]
    document = PLAIN | {"trigger": trigger} | NEEDED.get(trigger, {}) | {name: value}
    if trigger in with_it:
        assert write_campaign(read(document))[name] == value
    else:
        told = mistakes(document)[f"/{name}"]
        assert told.startswith("goes with ")
        assert told.endswith(" alone")
        assert all(each in told for each in with_it)


def test_only_what_it_says_is_written() -> None:
    assert write_campaign(read(PLAIN)) == PLAIN
    assert write_campaign(read(FULL)) == FULL | {
        "window": {
            "from": "2026-02-28T16:00:00Z",
            "until": "2027-02-28T16:00:00.500000Z",
            "rrule": "FREQ=MONTHLY;BYDAY=1SA",
        },
        "tiers": ["gold", "platinum"],
        "effects": [FULL["effects"][0] | {"factor": "2.5"}, *FULL["effects"][1:]],
    }
    for trigger, said in OCCASIONS.items():
        document = PLAIN | {"trigger": trigger} | said
        assert write_campaign(read(document)) == document
