import json
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from app.domain.default_program import DEFAULT_PROGRAM_DOCUMENT
from app.domain.errors import TierNotFound
from app.domain.program import Program
from app.domain.ratio import Ratio
from tests.domain.programs import DEFAULT, document, program


def test_the_default_is_the_rules() -> None:
    assert DEFAULT.timezone.key == "Asia/Shanghai"
    assert DEFAULT.earning.rate == Ratio(1, 1)
    assert [(step.day, step.points) for step in DEFAULT.sign_in.ladder] == [(7, 20), (15, 50), (30, 100)]
    assert [
        (tier.code, tier.thresholds.get("spend"), str(tier.rate), tier.requires_review)
        for tier in DEFAULT.tiers.ladder
    ] == [
        ("bronze", None, "1", False),
        ("silver", 30_000, "1", False),
        ("gold", 300_000, "1.2", False),
        ("platinum", 1_000_000, "1.5", False),
        ("diamond", 3_000_000, "2", True),
    ]
    assert DEFAULT.tier("silver").name == "白银会员"
    assert [tier.rank for tier in DEFAULT.tiers.ladder] == [0, 1, 2, 3, 4]
    discount = next(each for each in DEFAULT.tier("platinum").benefits if each.code == "discount")
    assert (discount.label, discount.discount_percent, dict(discount.terms)) == ("会员折扣 5%", 5, {})
    assert (DEFAULT.reserve.default_seconds, DEFAULT.reserve.max_seconds) == (1_800, 7 * 86_400)
    assert (DEFAULT.settlement_days, DEFAULT.refund_grace_days, DEFAULT.approval_over_points) == (
        15,
        0,
        10_000,
    )
    with pytest.raises(TierNotFound):
        DEFAULT.tier("wood")


def test_it_is_one_immutable_value() -> None:
    assert program() == DEFAULT
    assert hash(DEFAULT) == hash(program())
    assert program(sign_in={"points": 11}) != DEFAULT
    assert len({hash(Program.from_document(version, document())) for version in range(1, 6)}) == 5
    with pytest.raises(FrozenInstanceError):
        DEFAULT.version = 2  # type: ignore[misc]


VARIANTS: dict[str, dict[str, Any]] = {
    "default": {},
    "rates": {"earning": {"rate": "0.5", "categories": {"a/b~c": "0"}, "brands": {"acme": "2.25"}}},
    "no cash": {"cash": None},
    "cumulative": {"cash": {"policy": "cumulative", "every_fen": 100, "reward_fen": 1}},
    "months": {"validity": {"policy": "months", "months": 6}},
    "inactivity": {"validity": {"policy": "inactivity", "months": 6}},
    "year end": {"validity": {"policy": "calendar_year_end", "years": 0}},
    "tenth": {"validity": {"policy": "yearly_tenth"}},
    "never": {"validity": {"policy": "never"}},
    "paying": {"paying": {"tiers": {"gold": {"worth_fen": 120}, "diamond": {"max_share_percent": 100}}}},
    "referral": {
        "referral": {
            "ladder": [{"from": 2, "inviter_points": 300}, {"from": 10, "inviter_points": 0}],
            "share": {"percent": "1.5", "days": 90},
        }
    },
    "rolling": {
        "tiers": {
            "qualification": {
                "metrics": ["spend"],
                "combine": "all",
                "window": {"kind": "rolling_months", "months": 12},
            },
            "validity_months": 12,
            "grace_days": 30,
            "warn_days": 14,
        }
    },
    "calendar year": {
        "tiers": {
            "qualification": {"metrics": ["spend"], "combine": "any", "window": {"kind": "calendar_year"}}
        }
    },
}


def variant(name: str) -> dict[str, Any]:
    made = document(**VARIANTS[name])
    for section in ("cash", "validity"):  # policies replace each other whole
        if section in VARIANTS[name]:
            made[section] = VARIANTS[name][section] or {"policy": "none"}
    return made


@pytest.mark.parametrize("name", VARIANTS)
def test_documents_round_trip(name: str) -> None:
    made = Program.from_document(7, json.loads(json.dumps(variant(name))))
    assert made.version == 7
    assert made.to_document() == variant(name)
    assert Program.from_document(7, made.to_document()) == made


def test_rates_are_written_in_their_shortest_form() -> None:
    assert program(earning={"rate": "01.50"}).to_document()["earning"]["rate"] == "1.5"


def test_paying_by_tier() -> None:
    paying = program(
        paying={"tiers": {"gold": {"worth_fen": 150}, "diamond": {"max_share_percent": 100}}}
    ).paying
    assert [paying.value_fen(150, tier=tier) for tier in ("bronze", "gold", "diamond")] == [150, 225, 150]
    assert paying.value_fen(1, tier="gold") == 1
    assert [paying.share_percent(tier=tier) for tier in ("bronze", "gold", "diamond")] == [50, 50, 100]


def test_what_a_benefit_says_to_other_systems_is_kept() -> None:
    made = document()
    terms = {"gate": ["A", {"from": 3, "vip": True, "lounge": None}], "label_en": "lounge"}
    made["tiers"]["ladder"][0] |= {
        "benefits": [{"code": "lounge", "label": "休息室", **terms}],
        "name_en": "Bronze",
    }
    read = Program.from_document(1, made)
    assert read.tier("bronze").benefits[0].terms == terms
    assert read.to_document()["tiers"]["ladder"][0] == made["tiers"]["ladder"][0]


def test_the_default_document_is_left_alone() -> None:
    document()["tiers"]["ladder"].clear()
    assert len(DEFAULT_PROGRAM_DOCUMENT["tiers"]["ladder"]) == 5
