"""Standard campaigns (RULES.md: standard ones ship as templates): each is made of a few parameters by one call.

Parameters are the fields of the document they fill in, by the same names, but for `factor`, `points`, `coupon` and the
names of goods, of which the effects are made. What they hold is read with the document.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from app.domain.campaign_document import CampaignInvalid
from app.domain.campaigns import Trigger
from app.domain.document import Mistake, Section
from app.domain.errors import ErrorKind, LoyaltyError
from app.domain.instants import rfc3339

_WEEK = timedelta(days=7)

COMMON = ("name", "tiers", "audience", "budget", "priority", "stacks", "holdout_percent", "from", "until")
"""What may be said of any of them, beyond its own parameters."""
_GOODS = ("skus", "categories", "brands")
_GIFT = ("coupon", "points")


class CampaignTemplateNotFound(LoyaltyError):
    code = "campaign_template_not_found"
    kind = ErrorKind.NOT_FOUND
    title = "Unknown template of campaigns"

    def __init__(self) -> None:
        super().__init__("There is no such template. GET /v1/campaign-templates lists them.")


class Standard(NamedTuple):
    """A standard campaign: its own parameters with what they are if not given, and which of them must be.

    Of `one_of` at least one must be given. `fixed` are fields of the document that are always so.
    """

    template: str
    name: str
    description: str
    trigger: Trigger
    parameters: Mapping[str, Any]
    required: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    fixed: Mapping[str, Any] = {}


STANDARDS: Mapping[str, Standard] = {
    standard.template: standard
    for standard in (
        Standard(
            "birthday-month",
            "生日月双倍积分",
            "Double points on orders in the month of the member's birthday.",
            "order",
            {"factor": "2"},
            fixed={"condition": "member.birthday_month == local.month"},
        ),
        Standard(
            "birthday-gift",
            "生日礼",
            "A coupon or points, once a year, in the month of the member's birthday.",
            "birthday",
            dict.fromkeys(_GIFT),
            one_of=_GIFT,
        ),
        Standard(
            "member-day",
            "会员日双倍积分",
            "Double points on orders on the first Saturday of each month.",
            "order",
            {"factor": "2", "rrule": "FREQ=MONTHLY;BYDAY=1SA"},
        ),
        Standard(
            "category-multiplier",
            "品类多倍积分",
            "More points for goods of some categories, brands or SKUs.",
            "order",
            {"factor": "2", **dict.fromkeys(_GOODS)},
            one_of=_GOODS,
        ),
        Standard(
            "new-member-gift",
            "新人礼",
            "A coupon or points for joining.",
            "enrolment",
            dict.fromkeys(_GIFT),
            one_of=_GIFT,
        ),
        Standard(
            "win-back",
            "老友回归礼",
            "A coupon or points for members who neither bought nor signed in for 90 days.",
            "dormancy",
            {"dormant_days": 90, **dict.fromkeys(_GIFT)},
            one_of=_GIFT,
        ),
        Standard(
            "holiday-greeting",
            "节日问候",
            "A coupon or points for everybody on the day that a public holiday begins.",
            "holiday",
            {"holidays": ["春节", "中秋节", "国庆节"], "at": "09:00", **dict.fromkeys(_GIFT)},
            one_of=_GIFT,
        ),
        Standard(
            "flash-multiplier",
            "限时多倍积分",
            "Triple points on orders, or on some goods, for a short time.",
            "order",
            {"factor": "3", **dict.fromkeys(_GOODS)},
            required=("from", "until"),
        ),
        Standard(
            "new-product-week",
            "新品周",
            "Double points on new products, for a week from the day they come out.",
            "order",
            {"factor": "2", **dict.fromkeys(_GOODS)},
            required=("from",),
            one_of=_GOODS,
        ),
    )
}
"""The standard campaigns by their names."""


def document_of(template: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The document of a standard campaign with these parameters; those that are null are not given.

    Raises CampaignTemplateNotFound, or CampaignInvalid with the places among the parameters. What the document says
    wrong is found when it is read; `among_parameters` tells where that stands.
    """
    standard = STANDARDS.get(template)
    if standard is None:
        raise CampaignTemplateNotFound
    mistakes: list[Mistake] = []
    root = Section(
        {name: value for name, value in given.items() if value is not None}, pointer="", mistakes=mistakes
    )
    for name in (*COMMON, *standard.parameters):
        if not root.has(name) and name in standard.required:
            root.wrong(name, "is missing")
    if standard.one_of and not any(map(root.has, standard.one_of)):
        root.wrong(standard.one_of[0], f"is missing: give one of {', '.join(standard.one_of)}")
    for name in root.names:
        if name not in (*COMMON, *standard.parameters):
            root.wrong(name, f"does not go with {standard.template}")
    if mistakes:
        raise CampaignInvalid(mistakes)
    return _write(standard, {**standard.parameters, **given})


def among_parameters(pointer: str) -> str:
    """The place among the parameters of a place in the document made of them."""
    section, _, rest = pointer.removeprefix("/").partition("/")
    if section == "effects":
        name = next((part for part in rest.split("/") if not part.isdigit() and part != "lines"), "")
        return f"/{'coupon' if name == 'template' else name}"
    return f"/{rest}" if section == "window" and rest else pointer


def _write(standard: Standard, values: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: value for name, value in values.items() if value is not None}
    effects: list[dict[str, Any]] = []
    if "factor" in given:
        effects.append({"kind": "multiply_points", "factor": given["factor"]})
        if lines := {name: given[name] for name in _GOODS if name in given}:
            effects[0]["lines"] = lines
    if "points" in given:
        effects.append({"kind": "add_points", "points": given["points"]})
    if "coupon" in given:
        effects.append({"kind": "issue_coupon", "template": given["coupon"]})
    window = {name: given[name] for name in ("from", "until", "rrule") if name in given}
    if standard.template == "new-product-week" and "until" not in window:
        window |= _a_week(window)
    own = (name for name in (*COMMON, *standard.parameters) if name in given)
    made_of = {*window, *_GOODS, *_GIFT, "factor"}
    return {
        "name": standard.name,
        "trigger": standard.trigger,
        **standard.fixed,
        "effects": effects,
        "window": window,
        **{name: given[name] for name in own if name not in made_of},
    }


def _a_week(window: Mapping[str, Any]) -> dict[str, Any]:
    """Until when a week lasts; nothing if its beginning can't be read, which is told with the document."""
    section = Section(window, pointer="", mistakes=[])
    begins = section.instant("from")
    return {} if section.mistakes else {"until": rfc3339(begins + _WEEK)}
