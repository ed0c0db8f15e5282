"""A program's terms from their JSON document, and back. Rates are decimal strings there: "1.2"."""

from collections.abc import Mapping
from typing import Any, get_args
from zoneinfo import ZoneInfo

from app.domain.document import Mistake, Section
from app.domain.identifiers import is_identifier
from app.domain.terms import (
    METRICS,
    AfterLadder,
    Benefit,
    Cash,
    CashPolicy,
    CashStep,
    Combine,
    Earning,
    Growth,
    LadderStep,
    Metric,
    Occasion,
    Paying,
    PayingTerms,
    Qualification,
    Reserve,
    SignIn,
    Terms,
    Tier,
    TierCoupon,
    Tiers,
    Validity,
    ValidityPolicy,
    WindowKind,
)

_AMOUNT = 10**12  # the API's largest amount, in the minor unit
_DAYS = 3_660
_MONTHS = 1_200
_YEARS = 100
_COUPONS = 20  # of one benefit, at once


def read_terms(document: Mapping[str, Any]) -> tuple[Terms, tuple[Mistake, ...]]:
    """What the document says, and every mistake in it: the terms are of use only if there is none."""
    mistakes: list[Mistake] = []
    root = Section(document, pointer="", mistakes=mistakes)
    tiers = _read_tiers(root.section("tiers"))
    terms = Terms(
        currency=root.text("currency", longest=3),
        timezone=_read_timezone(root),
        earning=_read_earning(root.section("earning")),
        growth=_read_growth(root.section("growth")),
        cash=_read_cash(root.section("cash")),
        sign_in=_read_sign_in(root.section("sign_in")),
        validity=_read_validity(root.section("validity")),
        paying=_read_paying(root.section("paying"), tier_codes={tier.code for tier in tiers.ladder}),
        reserve=_read_reserve(root.section("reserve")),
        settlement_days=_read_integer(root.section("settlement"), "days", most=_DAYS),
        refund_grace_days=_read_integer(root.section("refunds"), "grace_days", most=_DAYS),
        approval_over_points=_read_integer(root.section("adjustments"), "approval_over_points", most=_AMOUNT),
        tiers=tiers,
    )
    root.refuse_others()
    return terms, tuple(mistakes)


def _read_integer(section: Section, name: str, *, most: int) -> int:
    value = section.integer(name, least=0, most=most)
    section.refuse_others()
    return value


def _read_timezone(root: Section) -> ZoneInfo:
    try:
        return ZoneInfo(root.text("timezone"))
    except (KeyError, ValueError, OSError):  # unknown, not a relative path, or a folder of zones
        root.wrong("timezone", "must be a time zone's IANA name, such as Asia/Shanghai")
        return ZoneInfo("UTC")


def _read_earning(section: Section) -> Earning:
    earning = Earning(
        rate=section.ratio("rate"),
        unit_fen=section.integer("unit_fen", least=1, most=_AMOUNT),
        unit_name=section.text("unit_name"),
        categories=section.ratios("categories"),
        brands=section.ratios("brands"),
    )
    section.refuse_others()
    return earning


def _read_growth(section: Section) -> Growth:
    growth = Growth(rate=section.ratio("rate", or_zero=True))
    section.refuse_others()
    return growth


def _read_cash(section: Section) -> Cash:
    policy: CashPolicy = section.choice("policy", get_args(CashPolicy))
    match policy:
        case "single_order":
            cash = Cash(policy=policy, steps=_read_cash_steps(section))
        case "cumulative":
            cash = Cash(
                policy=policy,
                every_fen=section.integer("every_fen", least=1, most=_AMOUNT),
                reward_fen=section.integer("reward_fen", least=1, most=_AMOUNT),
            )
        case _:  # none
            cash = Cash(policy=policy)
    section.refuse_others()
    return cash


def _read_cash_steps(section: Section) -> tuple[CashStep, ...]:
    steps: list[CashStep] = []
    for step in section.sections("steps"):
        at_fen = step.integer("at_fen", least=1, most=_AMOUNT)
        if steps and at_fen <= steps[-1].at_fen:
            step.wrong("at_fen", f"must be above the step before it ({steps[-1].at_fen})")
        steps.append(CashStep(at_fen, step.integer("reward_fen", least=1, most=_AMOUNT)))
        step.refuse_others()
    if not steps:
        section.wrong("steps", "must have a step")
    return tuple(steps)


def _read_sign_in(section: Section) -> SignIn:
    ladder: list[LadderStep] = []
    for step in section.sections("ladder"):
        day = step.integer("day", least=1, most=_DAYS)
        if ladder and day <= ladder[-1].day:
            step.wrong("day", f"must be above the step before it ({ladder[-1].day})")
        ladder.append(LadderStep(day, step.integer("points", least=1, most=_AMOUNT)))
        step.refuse_others()
    sign_in = SignIn(
        points=section.integer("points", least=0, most=_AMOUNT),
        growth=section.integer("growth", least=0, most=_AMOUNT),
        ladder=tuple(ladder),
        after_ladder=section.choice("after_ladder", get_args(AfterLadder)),
    )
    section.refuse_others()
    return sign_in


def _read_validity(section: Section) -> Validity:
    policy: ValidityPolicy = section.choice("policy", get_args(ValidityPolicy))
    match policy:
        case "anniversary":
            validity = Validity(policy, years=section.integer("years", least=1, most=_YEARS))
        case "calendar_year_end":
            validity = Validity(policy, years=section.integer("years", least=0, most=_YEARS))
        case "months" | "inactivity":
            validity = Validity(policy, months=section.integer("months", least=1, most=_MONTHS))
        case _:  # yearly_tenth, never
            validity = Validity(policy)
    section.refuse_others()
    return validity


def _read_paying(section: Section, *, tier_codes: set[str]) -> Paying:
    tiers: dict[str, PayingTerms] = {}
    of_tiers = section.section("tiers")
    for code in of_tiers.names:
        own = of_tiers.section(code)
        if code not in tier_codes:
            of_tiers.wrong(code, "is no tier of the ladder")
        tiers[code] = PayingTerms(
            worth_fen=own.integer_or_absent("worth_fen", least=1, most=_AMOUNT),
            max_share_percent=own.integer_or_absent("max_share_percent", least=0, most=100),
        )
        own.refuse_others()
    paying = Paying(
        points=section.integer("points", least=1, most=_AMOUNT),
        worth_fen=section.integer("worth_fen", least=1, most=_AMOUNT),
        min_points=section.integer("min_points", least=1, most=_AMOUNT),
        step_points=section.integer("step_points", least=1, most=_AMOUNT),
        max_share_percent=section.integer("max_share_percent", least=0, most=100),
        tiers=tiers,
    )
    section.refuse_others()
    return paying


def _read_reserve(section: Section) -> Reserve:
    max_seconds = section.integer("max_seconds", least=1, most=604_800)
    reserve = Reserve(section.integer("default_seconds", least=1, most=max_seconds), max_seconds)
    section.refuse_others()
    return reserve


def _read_tiers(section: Section) -> Tiers:
    qualification = _read_qualification(section.section("qualification"))
    ladder: list[Tier] = []
    for place in section.sections("ladder"):
        tier = _read_tier(place, rank=len(ladder), metrics=qualification.metrics)
        _check_above(tier, ladder, place=place, metrics=qualification.metrics)
        ladder.append(tier)
    if not ladder:
        section.wrong("ladder", "must have a tier")
    tiers = Tiers(
        ladder=tuple(ladder),
        qualification=qualification,
        validity_months=section.integer_or_null("validity_months", least=1, most=_MONTHS),
        grace_days=section.integer("grace_days", least=0, most=_DAYS),
        warn_days=section.integer("warn_days", least=0, most=_DAYS),
    )
    section.refuse_others()
    return tiers


def _read_qualification(section: Section) -> Qualification:
    window = section.section("window")
    kind: WindowKind = window.choice("kind", get_args(WindowKind))
    months = window.integer("months", least=1, most=_MONTHS) if kind == "rolling_months" else 0
    window.refuse_others()
    combine: Combine = section.choice("combine", get_args(Combine))
    metrics = section.choices("metrics", METRICS)
    section.refuse_others()
    return Qualification(metrics=metrics, combine=combine, window=kind, window_months=months)


def _read_tier(section: Section, *, rank: int, metrics: tuple[Metric, ...]) -> Tier:
    thresholds = section.integers("thresholds", known=metrics if rank else (), least=1, most=_AMOUNT)
    tier = Tier(
        rank=rank,
        code=section.text("code"),
        name=section.text("name"),
        thresholds={metric: thresholds[metric] for metric in metrics if metric in thresholds},
        rate=section.ratio("rate"),
        requires_review=section.flag("requires_review"),
        benefits=tuple(_read_benefit(benefit) for benefit in section.sections("benefits")),
    )
    section.refuse_others()
    return tier


def _read_benefit(section: Section) -> Benefit:
    """What the rules act on is held to its form; all else a benefit says is for other systems."""
    return Benefit(
        code=section.text("code"),
        label=section.text("label"),
        discount_percent=section.integer_or_absent("discount_percent", least=0, most=100),
        free_shipping=section.flag("free_shipping") if "free_shipping" in section.names else None,
        coupon=_read_coupon(section.section("coupon")) if "coupon" in section.names else None,
        terms=section.rest(),
    )


def _read_coupon(section: Section) -> TierCoupon:
    template = section.text("template")
    if not is_identifier(template):
        section.wrong("template", "must be 1 to 64 of A-Za-z0-9._:-")
    on: Occasion = section.choice("on", get_args(Occasion))
    count = section.integer_or_absent("count", least=1, most=_COUPONS)
    section.refuse_others()
    return TierCoupon(template, on, 1 if count is None else count)


def _check_above(tier: Tier, below: list[Tier], *, place: Section, metrics: tuple[Metric, ...]) -> None:
    """The lowest tier is everybody's; each other has its own code and asks more than the one before it."""
    if not below:
        if tier.requires_review:
            place.wrong("requires_review", "must be false: everybody has the lowest tier")
        return
    if any(tier.code == other.code for other in below):
        place.wrong("code", "is another tier's code")
    thresholds = place.section("thresholds")
    for metric in metrics:
        least = below[-1].thresholds.get(metric, 0)
        if metric not in tier.thresholds:
            thresholds.wrong(metric, "is missing")
        elif tier.thresholds[metric] <= least:
            thresholds.wrong(metric, f"must be above the tier before it ({least})")


def write_terms(terms: Terms) -> dict[str, Any]:
    """The document of these terms, as `read_terms` reads it."""
    earning, sign_in = terms.earning, terms.sign_in
    return {
        "currency": terms.currency,
        "timezone": terms.timezone.key,
        "earning": {
            "rate": str(earning.rate),
            "unit_fen": earning.unit_fen,
            "unit_name": earning.unit_name,
            "categories": {name: str(rate) for name, rate in earning.categories.items()},
            "brands": {name: str(rate) for name, rate in earning.brands.items()},
        },
        "growth": {"rate": str(terms.growth.rate)},
        "cash": _write_cash(terms.cash),
        "sign_in": {
            "points": sign_in.points,
            "growth": sign_in.growth,
            "ladder": [step._asdict() for step in sign_in.ladder],
            "after_ladder": sign_in.after_ladder,
        },
        "validity": _write_validity(terms.validity),
        "paying": {
            "points": terms.paying.points,
            "worth_fen": terms.paying.worth_fen,
            "min_points": terms.paying.min_points,
            "step_points": terms.paying.step_points,
            "max_share_percent": terms.paying.max_share_percent,
            "tiers": {code: _present(own._asdict()) for code, own in terms.paying.tiers.items()},
        },
        "reserve": {
            "default_seconds": terms.reserve.default_seconds,
            "max_seconds": terms.reserve.max_seconds,
        },
        "settlement": {"days": terms.settlement_days},
        "refunds": {"grace_days": terms.refund_grace_days},
        "adjustments": {"approval_over_points": terms.approval_over_points},
        "tiers": _write_tiers(terms.tiers),
    }


def _present(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _write_cash(cash: Cash) -> dict[str, Any]:
    match cash.policy:
        case "single_order":
            return {"policy": cash.policy, "steps": [step._asdict() for step in cash.steps]}
        case "cumulative":
            return {"policy": cash.policy, "every_fen": cash.every_fen, "reward_fen": cash.reward_fen}
        case _:  # none
            return {"policy": cash.policy}


def _write_validity(validity: Validity) -> dict[str, Any]:
    match validity.policy:
        case "anniversary" | "calendar_year_end":
            return {"policy": validity.policy, "years": validity.years}
        case "months" | "inactivity":
            return {"policy": validity.policy, "months": validity.months}
        case _:  # yearly_tenth, never
            return {"policy": validity.policy}


def _write_tiers(tiers: Tiers) -> dict[str, Any]:
    qualification = tiers.qualification
    window: dict[str, Any] = {"kind": qualification.window}
    if qualification.window == "rolling_months":
        window["months"] = qualification.window_months
    return {
        "ladder": [
            {
                "code": tier.code,
                "name": tier.name,
                "thresholds": dict(tier.thresholds),
                "rate": str(tier.rate),
                "requires_review": tier.requires_review,
                "benefits": [
                    {"code": each.code, "label": each.label, **each.all_terms()} for each in tier.benefits
                ],
            }
            for tier in tiers.ladder
        ],
        "qualification": {
            "metrics": list(qualification.metrics),
            "combine": qualification.combine,
            "window": window,
        },
        "validity_months": tiers.validity_months,
        "grace_days": tiers.grace_days,
        "warn_days": tiers.warn_days,
    }
