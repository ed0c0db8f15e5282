"""The program document's JSON Schema (draft 2020-12): its shape, which the reader in `domain/` holds it to.

What no schema can say (thresholds that rise, names that are there once, tiers that are known) the reader tells.
"""

from __future__ import annotations

import json
from typing import Any, cast, get_args

from app.domain.default_program import DEFAULT_PROGRAM_DOCUMENT
from app.domain.document import MOST_THINGS
from app.domain.identifiers import ID_PATTERN
from app.domain.limits import AMOUNT, DAYS, MONTHS
from app.domain.mission_terms import Counts
from app.domain.terms import METRICS, AfterLadder, Combine, Occasion

Schema = dict[str, Any]

SCHEMA_ID = "urn:loyalty:program-document"


def _object(description: str, required: Schema, optional: Schema | None = None) -> Schema:
    return {
        "type": "object",
        "description": description,
        "properties": required | (optional or {}),
        "required": list(required),
        "additionalProperties": False,
    }


def _integer(description: str, *, least: int = 0, most: int = AMOUNT) -> Schema:
    return {"type": "integer", "description": description, "minimum": least, "maximum": most}


def _text(description: str, *, longest: int = 64) -> Schema:
    return {"type": "string", "description": description, "minLength": 1, "maxLength": longest}


def _name(description: str) -> Schema:
    return {"type": "string", "description": description, "pattern": ID_PATTERN}


def _rate(description: str, *, or_zero: bool = False) -> Schema:
    not_zero = "" if or_zero else r"(?!0+(\.0+)?$)"
    return {
        "type": "string",
        "description": f"{description} A decimal number in quotes.",
        "pattern": rf"^{not_zero}[0-9]{{1,6}}(\.[0-9]{{1,6}})?$",
    }


def _array(description: str, items: Schema, *, least: int = 0) -> Schema:
    schema: Schema = {"type": "array", "description": description, "items": items, "maxItems": MOST_THINGS}
    return schema | ({"minItems": least} if least else {})


def _map(description: str, values: Schema) -> Schema:
    names = {"minLength": 1, "maxLength": 64}
    return {
        "type": "object",
        "description": description,
        "propertyNames": names,
        "additionalProperties": values,
    }


def _flag(description: str) -> Schema:
    return {"type": "boolean", "description": description}


def _one_of(description: str, *choices: Schema) -> Schema:
    return {"description": description, "oneOf": list(choices)}


def _policy(word: str, **terms: Schema) -> Schema:
    return _object("", {"policy": {"const": word, "type": "string"}, **terms})


def _earning() -> Schema:
    rates = _rate("Replaces the rate.", or_zero=True)
    return _object(
        "Points for purchases.",
        {
            "rate": _rate("Points for each unit spent."),
            "unit_fen": _integer("The unit, in the minor unit of the currency: 100 is 1 yuan.", least=1),
            "unit_name": _text("What people call the unit."),
            "categories": _map("Rates of categories of goods.", rates),
            "brands": _map("Rates of brands; they go before those of categories.", rates),
        },
    )


def _cash() -> Schema:
    reward = _integer("What is returned, in the minor unit.", least=1)
    step = _object("", {"at_fen": _integer("From an order of so much.", least=1), "reward_fen": reward})
    return _one_of(
        "Cash back.",
        _policy("none"),
        _policy("single_order", steps=_array("Rising; the highest step reached counts.", step, least=1)),
        _policy(
            "cumulative",
            every_fen=_integer("Each time lifetime spend passes so much.", least=1),
            reward_fen=reward,
        ),
    )


def _sign_in() -> Schema:
    step = _object(
        "",
        {"day": _integer("Of the streak.", least=1, most=DAYS), "points": _integer("The extra.", least=1)},
    )
    return _object(
        "Signing in, once a day.",
        {
            "points": _integer("A day."),
            "growth": _integer("A day."),
            "ladder": _array("Extras by day of the streak, rising.", step),
            "after_ladder": {"enum": list(get_args(AfterLadder)), "description": "Past its last step."},
        },
    )


def _validity() -> Schema:
    months = _integer("So many.", least=1, most=MONTHS)
    return _one_of(
        "How long points last.",
        _policy("anniversary", years=_integer("Years, through the anniversary.", least=1, most=100)),
        _policy("calendar_year_end", years=_integer("Years later; 0: that year.", most=100)),
        _policy("months", months=months),
        _policy("inactivity", months=months),
        _policy("yearly_tenth"),
        _policy("never"),
    )


def _paying() -> Schema:
    worth = _integer("What they are worth, in the minor unit.", least=1)
    share = _integer("The most of an order that points pay, in percent.", most=100)
    own = _object(
        "A tier's own; what it leaves out is as for all.",
        {},
        {"worth_fen": worth, "max_share_percent": share},
    )
    return _object(
        "Paying with points at checkout.",
        {
            "points": _integer("So many points ...", least=1),
            "worth_fen": worth,
            "min_points": _integer("The fewest at once.", least=1),
            "step_points": _integer("In multiples of.", least=1),
            "max_share_percent": share,
            "tiers": _map("By code of the tier.", own),
        },
    )


def _tiers() -> Schema:
    metric: Schema = {"enum": list(METRICS)}
    threshold = _integer("At least so much; rising from tier to tier.", least=1)
    coupon = _object(
        "Coupons that the tier gives.",
        {"template": _name("Of a coupon template."), "on": {"enum": list(get_args(Occasion))}},
        {"count": _integer("How many at once.", least=1, most=20)},
    )
    benefit = _object(
        "Something the tier grants. Members that are not named here are for other systems.",
        {"code": _text("What it is, once a tier."), "label": _text("In words.")},
        {
            "discount_percent": _integer("Off every order.", most=100),
            "free_shipping": _flag("Whether shipping is free."),
            "coupon": coupon,
        },
    ) | {"additionalProperties": True}
    tier = _object(
        "One step of the ladder.",
        {
            "code": _name("Its name for programs, once."),
            "name": _text("Its name for people, once."),
            "thresholds": _object(
                "For each metric; none of the lowest.", {}, dict.fromkeys(METRICS, threshold)
            ),
            "rate": _rate("Multiplies what purchases earn."),
            "requires_review": _flag("Whether a person approves it."),
            "benefits": _array("What it grants.", benefit),
        },
        {"name_en": _text("Its English name.")},
    )
    window = _one_of(
        "Over which time.",
        _object("", {"kind": {"enum": ["lifetime", "calendar_year"]}}),
        _object(
            "",
            {
                "kind": {"const": "rolling_months", "type": "string"},
                "months": _integer("", least=1, most=MONTHS),
            },
        ),
    )
    return _object(
        "The ladder of tiers.",
        {
            "ladder": _array("From the lowest up.", tier, least=1),
            "qualification": _object(
                "What counts for a tier.",
                {
                    "metrics": {"type": "array", "items": metric, "minItems": 1, "uniqueItems": True},
                    "combine": {"enum": list(get_args(Combine)), "description": "One of them, or all."},
                    "window": window,
                },
            ),
            "validity_months": {
                "description": "How long a tier holds; null: for good.",
                "oneOf": [_integer("", least=1, most=MONTHS), {"type": "null"}],
            },
            "grace_days": _integer("After a tier's period.", most=DAYS),
            "warn_days": _integer("Before its end; 0: nobody is warned.", most=DAYS),
        },
    )


def _activities() -> Schema:
    worth = {"points": _integer("What one is worth.")}
    labels = {"label_en": _text("In English."), "growth": _integer("Growth value of one.")}
    level = _object(
        "A quality of its own.",
        {"level": _name("Its name."), **worth},
        {"label": _text("In words."), **labels},
    )
    return _array(
        "What members are given points for besides buying.",
        _object(
            "A kind of activity.",
            {"kind": _name("Its name, once."), "label": _text("In words."), **worth},
            {
                **labels,
                "per_day": _integer("How many count on one day.", least=1, most=10_000),
                "once": _flag("Whether it counts once for each member."),
                "levels": _array("Qualities.", level),
            },
        ),
    )


def _referral() -> Schema:
    inviter = _integer("To the inviter.")
    step = _object(
        "", {"from": _integer("From this invitation on.", least=2, most=10**6), "inviter_points": inviter}
    )
    share = _object(
        "Of what the friend spends.",
        {
            "percent": _rate("At most 100."),
            "days": _integer("Within so many of joining.", least=1, most=DAYS),
        },
    )
    return _object(
        "Inviting friends.",
        {
            "inviter_points": inviter,
            "invitee_points": _integer("To the friend."),
            "min_order_fen": _integer("The first order that counts, in the minor unit.", least=1),
            "per_month": _integer("Invitations rewarded a month.", least=1, most=10**6),
        },
        {"ladder": _array("By number of invitations, rising.", step) | {"maxItems": 100}, "share": share},
    )


def _missions() -> Schema:
    amounts = {name: _integer("", least=1) for name in ("points", "growth")}
    reward = _object(
        "At least one of these.",
        {},
        {
            **amounts,
            "chances": _integer("Of the lottery.", least=1, most=1_000),
            "coupon": _name("A coupon template."),
        },
    )
    period = _one_of(
        "Within which time.",
        {"enum": ["ever", "day", "week", "month"]},
        _object("", {"days_after_joining": _integer("", least=1, most=DAYS)}),
    )
    return _array(
        "So much of something earns a reward, a badge, or both.",
        _object(
            "A mission.",
            {
                "mission": _name("Its name for programs, once."),
                "name": _text("Its name for people."),
                "counts": {"enum": list(get_args(Counts)), "description": "What it counts."},
                "at_least": _integer("Pieces, or the minor unit of an amount.", least=1),
                "period": period,
            },
            {
                "name_en": _text("Its English name."),
                "kind": _name("Of the activities counted."),
                "reward": reward | {"minProperties": 1},
                "badge": _text("A mark of honour."),
            },
        ),
    )


def program_schema() -> Schema:
    """The schema, a new one each time."""
    days = _integer("", most=DAYS)
    whole = _object(
        "All rules of one version of the program. Amounts are in the minor unit of the currency, rates in quotes.",
        {
            "currency": {"type": "string", "description": "ISO 4217.", "pattern": "^[A-Z]{3}$"},
            "timezone": _text("Whose days count: an IANA name."),
            "earning": _earning(),
            "growth": _object("Growth value.", {"rate": _rate("For each unit spent.", or_zero=True)}),
            "cash": _cash(),
            "sign_in": _sign_in(),
            "validity": _validity(),
            "paying": _paying(),
            "reserve": _object(
                "Points held for a checkout.",
                {
                    "default_seconds": _integer("Unless said otherwise.", least=1, most=604_800),
                    "max_seconds": _integer("At most.", least=1, most=604_800),
                },
            ),
            "settlement": _object(
                "Pending points.", {"days": days | {"description": "Until they settle by themselves."}}
            ),
            "refunds": _object(
                "", {"grace_days": days | {"description": "To use returned points that had expired."}}
            ),
            "adjustments": _object(
                "", {"approval_over_points": _integer("Larger corrections need a second person.")}
            ),
            "tiers": _tiers(),
        },
        {"activities": _activities(), "referral": _referral(), "missions": _missions()},
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "Program",
        **_said(whole),
    }


def _said(part: Any) -> Any:  # noqa: ANN401 - JSON
    """The same without descriptions that say nothing."""
    if isinstance(part, dict):
        named = cast("Schema", part)
        return {name: _said(value) for name, value in named.items() if (name, value) != ("description", "")}
    return [_said(each) for each in cast("list[Any]", part)] if isinstance(part, list) else part


def in_document() -> Schema:
    """The schema as a part of the API's document, with an example."""
    schema = program_schema()
    del schema["$schema"], schema["$id"]
    return schema | {"examples": [json.loads(json.dumps(DEFAULT_PROGRAM_DOCUMENT))]}
