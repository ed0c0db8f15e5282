"""A program's terms from their JSON document, and back. Rates are decimal strings there: "1.2"."""

import re
from collections.abc import Mapping
from typing import Any, get_args
from zoneinfo import ZoneInfo

from app.domain.activity_document import read_activities, write_activities
from app.domain.document import Mistake, Section
from app.domain.limits import AMOUNT, DAYS, MONTHS
from app.domain.mission_document import read_missions, write_missions
from app.domain.referral_terms import read_referral, write_referral
from app.domain.terms import (
    AfterLadder,
    Cash,
    CashPolicy,
    CashStep,
    Earning,
    Growth,
    LadderStep,
    Paying,
    PayingTerms,
    Reserve,
    SignIn,
    Terms,
    Validity,
    ValidityPolicy,
)
from app.domain.tier_document import read_tiers, write_tiers

_YEARS = 100
_is_currency = re.compile(r"[A-Z]{3}", re.ASCII).fullmatch


def read_terms(document: Mapping[str, Any]) -> tuple[Terms, tuple[Mistake, ...]]:
    """What the document says, and every mistake in it: the terms are of use only if there is none.

    Sections that came later may be left out: there is nothing of the kind then.
    """
    mistakes: list[Mistake] = []
    root = Section(document, pointer="", mistakes=mistakes)
    tiers = read_tiers(root.section("tiers"))
    activities = read_activities(root.sections_if_given("activities"))
    terms = Terms(
        currency=_read_currency(root),
        timezone=_read_timezone(root),
        earning=_read_earning(root.section("earning")),
        growth=_read_growth(root.section("growth")),
        cash=_read_cash(root.section("cash")),
        sign_in=_read_sign_in(root.section("sign_in")),
        validity=_read_validity(root.section("validity")),
        paying=_read_paying(root.section("paying"), tier_codes={tier.code for tier in tiers.ladder}),
        reserve=_read_reserve(root.section("reserve")),
        settlement_days=_read_integer(root.section("settlement"), "days", most=DAYS),
        refund_grace_days=_read_integer(root.section("refunds"), "grace_days", most=DAYS),
        approval_over_points=_read_integer(root.section("adjustments"), "approval_over_points", most=AMOUNT),
        tiers=tiers,
        activities=activities,
        missions=read_missions(root.sections_if_given("missions"), activities=activities),
        referral=read_referral(root.section("referral")) if "referral" in root.names else None,
    )
    root.refuse_others()
    return terms, tuple(mistakes)


def _read_integer(section: Section, name: str, *, most: int) -> int:
    value = section.integer(name, least=0, most=most)
    section.refuse_others()
    return value


def _read_currency(root: Section) -> str:
    currency = root.text("currency")
    if not _is_currency(currency):
        root.wrong("currency", "must be a currency's three capital letters, such as CNY")
    return currency


def _read_timezone(root: Section) -> ZoneInfo:
    try:
        return ZoneInfo(root.text("timezone"))
    except (KeyError, ValueError, OSError):  # unknown, not a relative path, or a folder of zones
        root.wrong("timezone", "must be a time zone's IANA name, such as Asia/Shanghai")
        return ZoneInfo("UTC")


def _read_earning(section: Section) -> Earning:
    earning = Earning(
        rate=section.ratio("rate"),
        unit_fen=section.integer("unit_fen", least=1, most=AMOUNT),
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
                every_fen=section.integer("every_fen", least=1, most=AMOUNT),
                reward_fen=section.integer("reward_fen", least=1, most=AMOUNT),
            )
        case _:  # none
            cash = Cash(policy=policy)
    section.refuse_others()
    return cash


def _read_cash_steps(section: Section) -> tuple[CashStep, ...]:
    steps: list[CashStep] = []
    for step in section.sections("steps"):
        at_fen = step.integer("at_fen", least=1, most=AMOUNT)
        if steps and at_fen <= steps[-1].at_fen:
            step.wrong("at_fen", f"must be above the step before it ({steps[-1].at_fen})")
        steps.append(CashStep(at_fen, step.integer("reward_fen", least=1, most=AMOUNT)))
        step.refuse_others()
    if not steps:
        section.wrong("steps", "must have a step")
    return tuple(steps)


def _read_sign_in(section: Section) -> SignIn:
    ladder: list[LadderStep] = []
    for step in section.sections("ladder"):
        day = step.integer("day", least=1, most=DAYS)
        if ladder and day <= ladder[-1].day:
            step.wrong("day", f"must be above the step before it ({ladder[-1].day})")
        ladder.append(LadderStep(day, step.integer("points", least=1, most=AMOUNT)))
        step.refuse_others()
    sign_in = SignIn(
        points=section.integer("points", least=0, most=AMOUNT),
        growth=section.integer("growth", least=0, most=AMOUNT),
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
            validity = Validity(policy, months=section.integer("months", least=1, most=MONTHS))
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
            worth_fen=own.integer_or_absent("worth_fen", least=1, most=AMOUNT),
            max_share_percent=own.integer_or_absent("max_share_percent", least=0, most=100),
        )
        own.refuse_others()
    paying = Paying(
        points=section.integer("points", least=1, most=AMOUNT),
        worth_fen=section.integer("worth_fen", least=1, most=AMOUNT),
        min_points=section.integer("min_points", least=1, most=AMOUNT),
        step_points=section.integer("step_points", least=1, most=AMOUNT),
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
        "tiers": write_tiers(terms.tiers),
        **_write_options(terms),
    }


def _write_options(terms: Terms) -> dict[str, Any]:
    """The sections that a program may leave out."""
    written: dict[str, Any] = {}
    if terms.activities:
        written["activities"] = write_activities(terms.activities)
    if terms.missions:
        written["missions"] = write_missions(terms.missions)
    if terms.referral is not None:
        written["referral"] = write_referral(terms.referral)
    return written


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
