"""How much a document may say: the least and the most of each figure, and how long texts and arrays may be.

Of campaigns, coupon templates and programs, member by member: the bounds themselves are taken, one beyond is refused.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

import pytest

from app.domain.campaign_document import CampaignInvalid, read_campaign
from app.domain.coupon_templates import Template, TemplateInvalid
from app.domain.program import Program, ProgramInvalid
from tests.domain.programs import document as program_document

AMOUNT = 10**12
POINTS = 10**9  # that a campaign gives at once
COUNT = 10**9
DAYS = 3_660
MONTHS = 1_200

Document = Mapping[str, Any]


def changed(document: Document, pointer: str, value: Any) -> Any:
    """The document with another value at a place."""
    made: Any = deepcopy(dict(document))
    place = made
    *path, last = [int(name) if name.isdigit() else name for name in pointer.split("/")[1:]]
    for name in path:
        place = place[name]
    place[last] = value
    return made


def told(read: Callable[[Any], object], document: Any) -> dict[str, str]:
    """The mistakes, by their place."""
    try:
        read(document)
    except (CampaignInvalid, TemplateInvalid, ProgramInvalid) as refused:
        return {mistake.pointer: mistake.detail for mistake in refused.mistakes}
    return {}


def campaign(document: Any) -> object:
    return read_campaign("member-day", document)


def template(document: Any) -> object:
    return Template.from_document("t", 1, document)


def program(document: Any) -> object:
    return Program.from_document(1, document)


# --- figures ---------------------------------------------------------------------------------------------

PLAIN: Document = {"name": "n", "trigger": "order", "effects": [{"kind": "free_shipping"}], "budget": {}}


def effect(**said: Any) -> Document:
    return {**PLAIN, "effects": [said], "budget": {"points": 1}}


OF_CAMPAIGNS: list[tuple[Document, str, int, int]] = [
    ({**PLAIN, "budget": None}, "/priority", -1_000, 1_000),
    ({**PLAIN, "budget": None}, "/holdout_percent", 0, 99),
    (PLAIN, "/budget/points", 1, AMOUNT),
    (PLAIN, "/budget/per_member", 1, AMOUNT),
    (PLAIN, "/budget/per_day", 1, AMOUNT),
    (effect(kind="add_points"), "/effects/0/points", 1, POINTS),
    (effect(kind="add_growth"), "/effects/0/growth", 1, POINTS),
    (effect(kind="add_chances"), "/effects/0/chances", 1, 1_000),
    (effect(kind="issue_coupon", template="t"), "/effects/0/count", 1, 20),
    (effect(kind="discount"), "/effects/0/percent_off", 1, 100),
    (effect(kind="discount", percent_off=1), "/effects/0/max_discount", 1, AMOUNT),
    (effect(kind="gift", sku="cup"), "/effects/0/quantity", 1, 20),
    (effect(kind="add_points", points=1) | {"trigger": "dormancy"}, "/dormant_days", 1, DAYS),
    (effect(kind="add_points", points=1) | {"trigger": "balance"}, "/balance", 1, AMOUNT),
]

FREE: Document = {"name": "n", "kind": "free_shipping", "valid": {}, "eligible": {}}
AMOUNT_OFF: Document = {"name": "n", "kind": "amount_off"}
LINE: Document = {"name": "n", "kind": "line_price", "automatic": True}

OF_TEMPLATES: list[tuple[Document, str, int, int]] = [
    (FREE, "/threshold", 0, AMOUNT),
    (FREE, "/stock", 0, COUNT),
    (FREE, "/budget", 0, AMOUNT),
    (FREE, "/per_member", 1, COUNT),
    (FREE, "/per_day", 1, COUNT),
    (FREE, "/points_price", 1, AMOUNT),
    (FREE, "/valid/days", 1, DAYS),
    (FREE, "/eligible/min_quantity", 1, COUNT),
    (AMOUNT_OFF, "/amount_off", 1, AMOUNT),
    ({**AMOUNT_OFF, "steps": [{"amount_off": 1}]}, "/steps/0/threshold", 1, AMOUNT),
    ({**AMOUNT_OFF, "steps": [{"threshold": AMOUNT}]}, "/steps/0/amount_off", 1, AMOUNT),
    ({"name": "n", "kind": "percent_off"}, "/percent_off", 1, 100),
    ({"name": "n", "kind": "percent_off", "percent_off": 5}, "/max_discount", 1, AMOUNT),
    ({"name": "n", "kind": "gift", "gift": {"sku": "cup"}}, "/gift/quantity", 1, COUNT),
    (LINE, "/price", 0, AMOUNT),
    (LINE, "/amount_off", 1, AMOUNT),
    (LINE, "/percent_off", 1, 100),
    ({**LINE, "bundle": {"price": 1}}, "/bundle/quantity", 1, COUNT),
    ({**LINE, "bundle": {"quantity": 1}}, "/bundle/price", 0, AMOUNT),
]

BENEFITS = [
    {"code": "c", "label": "c", "coupon": {"template": "t", "on": "entry"}},
    {"code": "d", "label": "d"},
]
BRONZE, SILVER, *_ = program_document()["tiers"]["ladder"]
PROGRAM = program_document(
    reserve={"default_seconds": 1},
    paying={"tiers": {"silver": {}}},
    sign_in={"ladder": [{"day": 1, "points": 1}]},
    tiers={"ladder": [BRONZE, {**SILVER, "benefits": BENEFITS}]},
)
ROLLING = changed(PROGRAM, "/tiers/qualification/window", {"kind": "rolling_months"})
CUMULATIVE = {**PROGRAM, "cash": {"policy": "cumulative", "every_fen": 1, "reward_fen": 1}}


def lasting(**validity: Any) -> Document:
    return {**PROGRAM, "validity": validity}


OF_PROGRAMS: list[tuple[Document, str, int, int]] = [
    (PROGRAM, "/earning/unit_fen", 1, AMOUNT),
    (PROGRAM, "/cash/steps/0/at_fen", 1, AMOUNT),
    (PROGRAM, "/cash/steps/0/reward_fen", 1, AMOUNT),
    (CUMULATIVE, "/cash/every_fen", 1, AMOUNT),
    (CUMULATIVE, "/cash/reward_fen", 1, AMOUNT),
    (PROGRAM, "/sign_in/points", 0, AMOUNT),
    (PROGRAM, "/sign_in/growth", 0, AMOUNT),
    (PROGRAM, "/sign_in/ladder/0/day", 1, DAYS),
    (PROGRAM, "/sign_in/ladder/0/points", 1, AMOUNT),
    (lasting(policy="anniversary"), "/validity/years", 1, 100),
    (lasting(policy="calendar_year_end"), "/validity/years", 0, 100),
    (lasting(policy="months"), "/validity/months", 1, MONTHS),
    (lasting(policy="inactivity"), "/validity/months", 1, MONTHS),
    (PROGRAM, "/paying/points", 1, AMOUNT),
    (PROGRAM, "/paying/worth_fen", 1, AMOUNT),
    (PROGRAM, "/paying/min_points", 1, AMOUNT),
    (PROGRAM, "/paying/step_points", 1, AMOUNT),
    (PROGRAM, "/paying/max_share_percent", 0, 100),
    (PROGRAM, "/paying/tiers/silver/worth_fen", 1, AMOUNT),
    (PROGRAM, "/paying/tiers/silver/max_share_percent", 0, 100),
    (PROGRAM, "/reserve/max_seconds", 1, 7 * 86_400),
    (changed(PROGRAM, "/reserve/max_seconds", 60), "/reserve/default_seconds", 1, 60),
    (PROGRAM, "/settlement/days", 0, DAYS),
    (PROGRAM, "/refunds/grace_days", 0, DAYS),
    (PROGRAM, "/adjustments/approval_over_points", 0, AMOUNT),
    (PROGRAM, "/tiers/ladder/1/thresholds/spend", 1, AMOUNT),
    (PROGRAM, "/tiers/ladder/1/benefits/1/discount_percent", 0, 100),
    (PROGRAM, "/tiers/ladder/1/benefits/0/coupon/count", 1, 20),
    (ROLLING, "/tiers/qualification/window/months", 1, MONTHS),
    (PROGRAM, "/tiers/validity_months", 1, MONTHS),
    (PROGRAM, "/tiers/grace_days", 0, DAYS),
    (PROGRAM, "/tiers/warn_days", 0, DAYS),
]

REVIEW = {"kind": "review", "label": "r", "points": 1, "levels": [{"level": "film", "points": 1}]}
MISSION = {
    "mission": "m",
    "name": "n",
    "counts": "orders",
    "at_least": 1,
    "period": {"days_after_joining": 1},
}
ENGAGING: Document = {**PROGRAM, "activities": [REVIEW], "missions": [{**MISSION, "reward": {}}]}

OF_ENGAGEMENT: list[tuple[Document, str, int, int]] = [
    (ENGAGING, "/missions/0/reward/points", 1, AMOUNT),
    (ENGAGING, "/missions/0/reward/growth", 1, AMOUNT),
    (ENGAGING, "/missions/0/reward/chances", 1, 1_000),
    (changed(ENGAGING, "/missions/0/reward/points", 1), "/missions/0/at_least", 1, AMOUNT),
    (changed(ENGAGING, "/missions/0/reward/points", 1), "/missions/0/period/days_after_joining", 1, DAYS),
    *(
        (changed(ENGAGING, "/missions/0/reward/points", 1), f"/activities/0/{name}", least, most)
        for name, least, most in (
            ("points", 0, AMOUNT),
            ("growth", 0, AMOUNT),
            ("per_day", 1, 10_000),
            ("levels/0/points", 0, AMOUNT),
            ("levels/0/growth", 0, AMOUNT),
        )
    ),
]

FIGURES = [
    *((campaign, *row) for row in OF_CAMPAIGNS),
    *((template, *row) for row in OF_TEMPLATES),
    *((program, *row) for row in (*OF_PROGRAMS, *OF_ENGAGEMENT)),
]


@pytest.mark.parametrize(
    ("read", "document", "pointer", "least", "most"),
    FIGURES,
    ids=[f"{row[0].__name__}{row[2]}" for row in FIGURES],
)
def test_the_bounds_of_a_figure(
    read: Callable[[Any], object], document: Document, pointer: str, least: int, most: int
) -> None:
    for figure in (least, most):
        assert told(read, changed(document, pointer, figure)) == {}
    for figure in (least - 1, most + 1):
        assert told(read, changed(document, pointer, figure)) == {
            pointer: f"must be an integer from {least} to {most}"
        }


# --- texts and arrays ------------------------------------------------------------------------------------

TEXTS: list[tuple[Callable[[Any], object], Document, str, int]] = [
    *((campaign, {**PLAIN, "budget": None, "window": {}}, at, longest) for at, longest in (
        ("/name", 100), ("/audience", 2_000), ("/condition", 2_000), ("/window/rrule", 200),
    )),
    (campaign, effect(kind="gift", quantity=1), "/effects/0/sku", 100),
    *((template, FREE, at, longest) for at, longest in (
        ("/name", 100), ("/group", 64), ("/public_code", 64), ("/eligible/member", 2_000),
    )),
    (template, {"name": "n", "kind": "gift", "gift": {"quantity": 1}}, "/gift/sku", 100),
    *((program, PROGRAM, at, 64) for at in (
        "/earning/unit_name", "/tiers/ladder/1/name", "/tiers/ladder/1/name_en", "/tiers/ladder/1/code",
        "/tiers/ladder/1/benefits/1/code", "/tiers/ladder/1/benefits/1/label",
    )),
    *((program, changed(ENGAGING, "/missions/0/reward/points", 1), at, 64) for at in (
        "/activities/0/kind", "/activities/0/label", "/activities/0/label_en", "/activities/0/levels/0/level",
        "/activities/0/levels/0/label", "/activities/0/levels/0/label_en", "/missions/0/mission",
        "/missions/0/name", "/missions/0/name_en", "/missions/0/badge", "/missions/0/reward/coupon",
    )),
]  # fmt: skip


@pytest.mark.parametrize(
    ("read", "document", "pointer", "longest"), TEXTS, ids=[f"{row[0].__name__}{row[2]}" for row in TEXTS]
)
def test_the_length_of_a_text(
    read: Callable[[Any], object], document: Document, pointer: str, longest: int
) -> None:
    no_text = {pointer: f"must be 1 to {longest} printable characters"}
    for text, mistakes in (("x", {}), ("x" * longest, {}), ("", no_text), ("x" * (longest + 1), no_text)):
        found = told(read, changed(document, pointer, text))
        found.pop("/paying/tiers/silver", None)  # which is silver's no longer if its code is another
        assert found == mistakes


HOLIDAY: Document = {**effect(kind="add_points", points=1), "trigger": "holiday"}
LINES: Document = effect(kind="multiply_points", factor="2", lines={})
ARRAYS: list[tuple[Callable[[Any], object], Document, str, int, int]] = [
    (campaign, effect(kind="free_shipping"), "/tiers", 100, 64),
    (campaign, HOLIDAY, "/holidays", 50, 50),
    *((campaign, LINES, f"/effects/0/lines/{name}", 1_000, 100) for name in ("skus", "categories", "brands")),
    *(
        (template, FREE, f"/eligible/{name}", 1_000, 100)
        for name in ("skus", "categories", "brands", "channels", "tiers")
    ),
]


@pytest.mark.parametrize(
    ("read", "document", "pointer", "most", "longest"),
    ARRAYS,
    ids=[f"{row[0].__name__}{row[2]}" for row in ARRAYS],
)
def test_the_length_of_an_array_of_texts(
    read: Callable[[Any], object], document: Document, pointer: str, most: int, longest: int
) -> None:
    for array in (["x"], [str(number) for number in range(most)], ["x" * longest]):
        assert told(read, changed(document, pointer, array)) == {}
    no_texts = {pointer: f"must be 1 to {most} texts of 1 to {longest} printable characters, each once"}
    for array in ([], [str(number) for number in range(most + 1)], ["x" * (longest + 1)], ["x", "x"]):
        assert told(read, changed(document, pointer, array)) == no_texts


def test_how_many_effects_and_steps() -> None:
    effects = {"kind": "free_shipping"}
    steps = [{"threshold": 10 * number, "amount_off": number} for number in range(1, 22)]
    for count, wrong in ((1, False), (10, False), (0, True), (11, True)):
        found = told(campaign, {"name": "n", "trigger": "order", "effects": [effects] * count})
        assert found == ({"/effects": "must have 1 to 10 effects"} if wrong else {})
    for count, wrong in ((1, False), (20, False), (0, True), (21, True)):
        found = told(template, {**AMOUNT_OFF, "steps": steps[:count]})
        assert found == ({"/steps": "must have 1 to 20 steps"} if wrong else {})
