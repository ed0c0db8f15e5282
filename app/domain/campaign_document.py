"""A campaign from its JSON document, and back. Factors are decimal strings there: "2"."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Self, get_args

from app.domain.campaigns import (
    ALL_LINES,
    EARNING_TRIGGERS,
    NEVER,
    TRIGGERS,
    Campaign,
    CampaignBudget,
    CampaignWindow,
    Effect,
    EffectKind,
    Lines,
    State,
    Trigger,
)
from app.domain.document import Mistake, Section
from app.domain.errors import ErrorKind, LoyaltyError
from app.domain.identifiers import is_identifier
from app.domain.instants import rfc3339
from app.domain.ratio import Ratio

_AMOUNT = 10**12  # the API's largest amount
_POINTS = 10**9
_CHANCES = 1_000
_COUNT = 20  # coupons, or pieces of a gift, at once
_NAMES = 1_000
_EFFECTS = 10
_DAYS = 3_660
_EXPRESSION = 2_000
_FACTOR = 100
_YEARS = range(1900, 2201)
_AMOUNTS: Mapping[EffectKind, str] = {
    "add_points": "points",
    "add_growth": "growth",
    "add_chances": "chances",
}
_OCCASIONS: Mapping[str, tuple[Trigger, ...]] = {
    "dormant_days": ("dormancy",),
    "balance": ("balance",),
    "holidays": ("holiday",),
    "of_campaign": ("campaign_end",),
    "at": ("schedule", "holiday"),
}
_AT_THE_TILL: tuple[EffectKind, ...] = ("discount", "gift", "free_shipping")


class CampaignMistake(NamedTuple):
    """What is wrong, where, and the stable code of it; in a condition also at which line and column (from 1)."""

    pointer: str
    detail: str
    code: str
    line: int | None = None
    column: int | None = None


class CampaignInvalid(LoyaltyError):
    """The document is no campaign. Each mistake: a JSON pointer and what is wrong there."""

    code = "campaign_invalid"
    kind = ErrorKind.UNPROCESSABLE
    title = "The campaign is invalid"

    def __init__(self, mistakes: Sequence[Mistake | CampaignMistake]) -> None:
        told = "; ".join(f"{each.pointer or '/'} {each.detail.removesuffix('.')}" for each in mistakes)
        super().__init__(
            f"Correct the campaign and send it again: {told}.",
            extra={
                "errors": [
                    {name: value for name, value in each._asdict().items() if value is not None}
                    for each in mistakes
                ]
            },
        )
        self.mistakes = mistakes

    def under(self, pointer: str) -> "CampaignInvalid":
        """The same, of a document that stands at `pointer` of something larger."""
        return self.placed(lambda own: f"{pointer}{own}")

    def placed(self, place: Callable[[str], str]) -> "CampaignInvalid":
        """The same, with each pointer in the words of what was sent."""
        return CampaignInvalid([each._replace(pointer=place(each.pointer)) for each in self.mistakes])

    @classmethod
    def example(cls) -> Self:
        return cls(
            (
                Mistake(
                    "/effects/0/factor",
                    'must be a decimal number in quotes, above 1 and at most 100, such as "2"',
                ),
            )
        )


def read_campaign(
    campaign: str,
    document: Mapping[str, Any],
    *,
    version: int = 1,
    revision: int = 0,
    state: State = "draft",
    created_at: datetime = NEVER,
) -> Campaign:
    """The campaign a document describes: the wire's fields; null is absent. Raises CampaignInvalid, listing every
    mistake with its place. Expressions, recurrences, templates and tiers are only taken as they are written.
    """
    mistakes: list[Mistake] = []
    root = Section(document, pointer="", mistakes=mistakes)
    known = root.choice_or_none("trigger", TRIGGERS)
    trigger: Trigger = known or "order"  # with which every effect goes
    fields: dict[str, Any] = {
        "name": root.text("name", longest=100),
        "trigger": trigger,
        "effects": _read_effects(root, trigger),
        "priority": root.integer("priority", least=-1_000, most=1_000) if root.has("priority") else 0,
        "stacks": root.flag("stacks") if root.has("stacks") else True,
        "holdout_percent": root.integer_if_given("holdout_percent", least=0, most=99) or 0,
        **_read_occasion(root, known),
    }
    if root.has("window"):
        fields["window"] = _read_window(root.section("window"))
    if root.has("budget"):
        fields["budget"] = _read_budget(root.section("budget"))
    if root.has("tiers"):
        fields["tiers"] = root.texts("tiers", most=100, longest=64)
    for name in ("audience", "condition"):
        if root.has(name):
            fields[name] = root.text(name, longest=_EXPRESSION, over_lines=True)
    root.refuse_others()
    if mistakes:
        raise CampaignInvalid(tuple(mistakes))
    return Campaign(
        campaign=campaign,
        version=version,
        revision=revision,
        state=state,
        created_at=created_at,
        **fields,
    )


def _read_effects(root: Section, trigger: Trigger) -> tuple[Effect, ...]:
    places, effects = root.sections("effects"), list[Effect]()
    if not 1 <= len(places) <= _EFFECTS:
        root.wrong("effects", f"must have 1 to {_EFFECTS} effects")
    for place in places:
        kind: EffectKind | None = place.choice_or_none("kind", get_args(EffectKind))
        if kind is None:  # so that nothing is known of what else it must have
            continue
        effects.append(_read_effect(place, kind))
        place.refuse_others()
        if kind == "multiply_points" and trigger not in EARNING_TRIGGERS:
            place.wrong(
                "kind", f"does not go with {trigger}: nothing is earned there that could be multiplied"
            )
        if kind in _AT_THE_TILL and trigger != "order":
            place.wrong("kind", f"does not go with {trigger}: only orders pass the till")
    return tuple(effects)


def _read_effect(place: Section, kind: EffectKind) -> Effect:
    match kind:
        case "multiply_points":
            return Effect(kind=kind, factor=_read_factor(place), lines=_read_lines(place))
        case "add_points" | "add_growth" | "add_chances":
            most = _CHANCES if kind == "add_chances" else _POINTS
            return Effect(kind=kind, amount=place.integer(_AMOUNTS[kind], least=1, most=most))
        case "issue_coupon":
            return Effect(
                kind=kind,
                template=_read_identifier(place, "template"),
                count=place.integer_if_given("count", least=1, most=_COUNT) or 1,
            )
        case "discount":
            return Effect(
                kind=kind,
                percent_off=place.integer("percent_off", least=1, most=100),
                max_discount_fen=place.integer_if_given("max_discount", least=1, most=_AMOUNT),
                lines=_read_lines(place),
            )
        case "gift":
            return Effect(
                kind=kind,
                sku=place.text("sku", longest=100),
                count=place.integer("quantity", least=1, most=_COUNT),
            )
        case _:  # free_shipping says it all
            return Effect(kind=kind)


def _read_identifier(place: Section, name: str) -> str:
    value = place.text(name)
    if not is_identifier(value):
        place.wrong(name, "must be 1 to 64 of A-Za-z0-9._:-")
    return value


def _read_factor(place: Section) -> Ratio:
    factor = place.ratio("factor")
    if not factor.denominator < factor.numerator <= _FACTOR * factor.denominator:
        place.wrong(
            "factor", f'must be a decimal number in quotes, above 1 and at most {_FACTOR}, such as "2"'
        )
    return factor


def _read_lines(place: Section) -> Lines:
    if not place.has("lines"):
        return ALL_LINES
    section = place.section("lines")
    lines = Lines(
        *(
            section.texts(name, most=_NAMES, longest=100) if section.has(name) else frozenset[str]()
            for name in Lines._fields
        )
    )
    section.refuse_others()
    if not any(map(section.has, Lines._fields)):
        place.wrong("lines", "must name skus, categories or brands; leave it out for all lines")
    return lines


def _read_window(section: Section) -> CampaignWindow:
    window = CampaignWindow(
        from_at=section.instant("from") if section.has("from") else None,
        until=section.instant("until") if section.has("until") else None,
        rrule=section.text("rrule", longest=200) if section.has("rrule") else None,
    )
    section.refuse_others()
    for name, moment in (("from", window.from_at), ("until", window.until)):
        if moment is not None and moment.year not in _YEARS:
            section.wrong(name, f"must be between {_YEARS[0]} and {_YEARS[-1]}")
    if window.from_at and window.until and window.from_at >= window.until:
        section.wrong("until", "must be later than from")
    return window


def _read_budget(section: Section) -> CampaignBudget:
    budget = CampaignBudget(
        *(section.integer_if_given(name, least=1, most=_AMOUNT) for name in CampaignBudget._fields)
    )
    section.refuse_others()
    if budget == CampaignBudget():
        section.wrong("points", "must be given, or per_member or per_day; leave the budget out for no limit")
    return budget


def _read_occasion(root: Section, trigger: Trigger | None) -> dict[str, Any]:
    """What some triggers ask for besides, and no others; None: of which nothing is known."""
    found: dict[str, Any] = {}
    for name, triggers in _OCCASIONS.items():
        if root.has(name) and trigger is not None and trigger not in triggers:
            root.wrong(name, f"goes with {' and '.join(triggers)} alone")
    if trigger == "dormancy":
        found["dormant_days"] = root.integer_if_given("dormant_days", least=1, most=_DAYS) or 90
    if trigger == "balance":
        found["balance"] = root.integer("balance", least=1, most=_AMOUNT)
    if trigger == "holiday":
        found["holidays"] = tuple(sorted(root.texts("holidays", most=50, longest=50)))
    if trigger == "campaign_end":
        found["of_campaign"] = _read_identifier(root, "of_campaign")
    if trigger in ("schedule", "holiday") and root.has("at"):
        found["at_minute"] = _read_minute(root)
    return found


def _read_minute(root: Section) -> int:
    """The minute of the local day, of a time such as 09:30."""
    value = root.text("at", longest=5)
    hours, _, minutes = value.partition(":")
    are_digits = value.isascii() and hours.isdigit() and minutes.isdigit()
    if are_digits and len(value) == 5 and len(hours) == 2 and int(hours) < 24 and int(minutes) < 60:
        return int(hours) * 60 + int(minutes)
    root.wrong("at", "must be a time of the day such as 09:30")
    return 0


def write_campaign(campaign: Campaign) -> dict[str, Any]:
    """The document of a campaign, as it is read: only what it says."""
    window, budget, trigger = campaign.window, campaign.budget, campaign.trigger
    written: dict[str, Any] = {
        "name": campaign.name,
        "trigger": trigger,
        "window": _present(
            {"from": rfc3339(window.from_at), "until": rfc3339(window.until), "rrule": window.rrule}
        ),
        "tiers": sorted(campaign.tiers),
        "audience": campaign.audience,
        "condition": campaign.condition,
        "effects": [_write_effect(effect) for effect in campaign.effects],
        "budget": _present(budget._asdict()),
        "priority": campaign.priority or None,
        "stacks": None if campaign.stacks else False,
        "holdout_percent": campaign.holdout_percent or None,
        "dormant_days": campaign.dormant_days or None,
        "balance": campaign.balance or None,
        "holidays": list(campaign.holidays),
        "of_campaign": campaign.of_campaign,
        "at": f"{campaign.at_minute // 60:02}:{campaign.at_minute % 60:02}" if campaign.at_minute else None,
    }
    return {name: value for name, value in written.items() if value not in (None, [], {})}


def _write_effect(effect: Effect) -> dict[str, Any]:
    written: dict[str, Any] = {"kind": effect.kind}
    match effect.kind:
        case "multiply_points":
            written["factor"] = str(effect.factor)
        case "add_points" | "add_growth" | "add_chances":
            written[_AMOUNTS[effect.kind]] = effect.amount
        case "issue_coupon":
            written |= {"template": effect.template, "count": effect.count if effect.count > 1 else None}
        case "discount":
            written |= {"percent_off": effect.percent_off, "max_discount": effect.max_discount_fen}
        case "gift":
            written |= {"sku": effect.sku, "quantity": effect.count}
        case _:  # free_shipping
            pass
    if effect.lines != ALL_LINES:
        written["lines"] = {name: sorted(names) for name, names in effect.lines._asdict().items() if names}
    return _present(written)


def _present(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
