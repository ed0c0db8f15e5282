"""The tiers of a program from its JSON document, and back."""

from typing import Any, get_args

from app.domain.activity_document import read_name
from app.domain.document import Section
from app.domain.limits import AMOUNT, DAYS, MONTHS
from app.domain.terms import (
    METRICS,
    Benefit,
    Combine,
    Metric,
    Occasion,
    Qualification,
    Tier,
    TierCoupon,
    Tiers,
    WindowKind,
)

_COUPONS = 20  # of one benefit, at once


def read_tiers(section: Section) -> Tiers:
    """What the section says of the ladder."""
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
        validity_months=section.integer_or_null("validity_months", least=1, most=MONTHS),
        grace_days=section.integer("grace_days", least=0, most=DAYS),
        warn_days=section.integer("warn_days", least=0, most=DAYS),
    )
    section.refuse_others()
    return tiers


def _read_qualification(section: Section) -> Qualification:
    window = section.section("window")
    kind: WindowKind = window.choice("kind", get_args(WindowKind))
    months = window.integer("months", least=1, most=MONTHS) if kind == "rolling_months" else 0
    window.refuse_others()
    combine: Combine = section.choice("combine", get_args(Combine))
    metrics = section.choices("metrics", METRICS)
    section.refuse_others()
    return Qualification(metrics=metrics, combine=combine, window=kind, window_months=months)


def _read_tier(section: Section, *, rank: int, metrics: tuple[Metric, ...]) -> Tier:
    thresholds = section.integers("thresholds", known=metrics if rank else (), least=1, most=AMOUNT)
    tier = Tier(
        rank=rank,
        code=read_name(section, "code"),
        name=section.text("name"),
        name_en=section.text("name_en") if "name_en" in section.names else None,
        thresholds={metric: thresholds[metric] for metric in metrics if metric in thresholds},
        rate=section.ratio("rate"),
        requires_review=section.flag("requires_review"),
        benefits=_read_benefits(section),
    )
    section.refuse_others()
    return tier


def _read_benefits(section: Section) -> tuple[Benefit, ...]:
    benefits: list[Benefit] = []
    for place in section.sections("benefits"):
        benefit = _read_benefit(place)
        if any(benefit.code == other.code for other in benefits):
            place.wrong("code", "is another benefit of this tier")
        benefits.append(benefit)
    return tuple(benefits)


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
    template = read_name(section, "template")
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
    if any(tier.name == other.name for other in below):
        place.wrong("name", "is another tier's name")
    thresholds = place.section("thresholds")
    for metric in metrics:
        least = below[-1].thresholds.get(metric, 0)
        if metric not in tier.thresholds:
            thresholds.wrong(metric, "is missing")
        elif tier.thresholds[metric] <= least:
            thresholds.wrong(metric, f"must be above the tier before it ({least})")


def write_tiers(tiers: Tiers) -> dict[str, Any]:
    """The section as `read_tiers` reads it."""
    qualification = tiers.qualification
    window: dict[str, Any] = {"kind": qualification.window}
    if qualification.window == "rolling_months":
        window["months"] = qualification.window_months
    return {
        "ladder": [
            {
                "code": tier.code,
                "name": tier.name,
                **({} if tier.name_en is None else {"name_en": tier.name_en}),
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
