"""Where a member stands on the ladder, and how that changes. Source: RULES.md, Tiers.

- *Reached*: the standing meets a tier's thresholds; meeting them exactly is enough. Thresholds rise with the
  tier, so whoever reaches one has reached all below it.
- *Deserved*: the highest reached tier that may be given: it needs no review, or a person approved it.
  Approval of a tier covers the reviewed ones below it. While a review is awaited the member has the highest
  tier below that may be given.
- *Set by hand*: until its end such a tier is pinned; nothing earned, refunded or due moves it up or down, for
  a person decided. Afterwards `evaluate` from the lowest tier says what is deserved.

`reviewed` is the highest tier whose review was opened, be it open, approved or rejected: a review opens once.
It is forgotten (`closes_review`) when the standing falls below that tier, and may open again after that.

Under a window the standing is what counts within it (`window_start`); over a lifetime it is everything.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple

from app.domain.calendar import add_months, end_of_day, local_date, midnight
from app.domain.program import Program
from app.domain.terms import Metric, Tier

_DAY = timedelta(days=1)
_JUST_BEFORE = timedelta(microseconds=1)


class Standing(NamedTuple):
    """What a member has gathered, over the qualification's window. Money in the minor unit."""

    spend_fen: int
    orders: int
    points_earned: int
    growth: int


class Evaluation(NamedTuple):
    """What a member's tier becomes.

    `approved`: what remains of the approval. `open_review`: the tier whose review is to be opened now.
    `closes_review`: the review that `reviewed` names is void: closed if it was open, forgotten in any case.
    """

    tier: Tier
    approved: str | None
    open_review: str | None
    closes_review: bool


class PeriodEnd(NamedTuple):
    """What a tier's period ends in. `valid_until` is the new end; in grace the one that has passed."""

    outcome: Literal["kept", "grace", "lowered"]
    tier: Tier
    valid_until: datetime | None
    approved: str | None
    closes_review: bool


class Progress(NamedTuple):
    """The way to the next tier. `missing` has what is still to go for each qualifying metric (0: reached), of
    which one or all are needed (`Qualification.combine`). `amount_to_go_fen` is the spend's, if it counts."""

    next: Tier
    missing: dict[Metric, int]
    amount_to_go_fen: int | None


def qualified(standing: Standing, program: Program) -> Tier:
    """The highest tier reached, reviews aside."""
    return next(tier for tier in reversed(program.tiers.ladder) if _is_reached(tier, standing, program))


def reaches_next(current: str, standing: Standing, program: Program) -> bool:
    """Whether the tier above this one is reached, reviews aside: else `evaluate` changes nothing, as for most orders.

    Raises TierNotFound.
    """
    upcoming = next_tier(current, program)
    return upcoming is not None and _is_reached(upcoming, standing, program)


def next_tier(code: str, program: Program) -> Tier | None:
    """The tier above, None at the top. Raises TierNotFound."""
    above = program.tier(code).rank + 1
    return program.tiers.ladder[above] if above < len(program.tiers.ladder) else None


def previous_tier(code: str, program: Program) -> Tier | None:
    """The tier below, None at the bottom. Raises TierNotFound."""
    rank = program.tier(code).rank
    return program.tiers.ladder[rank - 1] if rank else None


def progress(standing: Standing, *, current: str, program: Program) -> Progress | None:
    """How far the next tier is, None at the top. Nothing missing means that its review is awaited."""
    upcoming = next_tier(current, program)
    if upcoming is None:
        return None
    missing: dict[Metric, int] = {
        metric: max(0, threshold - _value(standing, metric))
        for metric, threshold in upcoming.thresholds.items()
    }
    return Progress(upcoming, missing, missing.get("spend"))


def window_start(now: datetime, program: Program) -> datetime | None:
    """The instant from which orders count, None for a lifetime.

    A rolling window of N months ends with today and is whole days: on 5 March twelve months begin on 6 March.
    """
    qualification, timezone = program.tiers.qualification, program.timezone
    if qualification.window == "lifetime":
        return None
    today = local_date(now, timezone)
    if qualification.window == "rolling_months":
        return end_of_day(add_months(today, -qualification.window_months), timezone)
    return midnight(date(today.year, 1, 1), timezone)  # calendar_year


def tier_valid_until(*, tier: str, won_at: datetime, program: Program) -> datetime | None:
    """When a tier won then is looked at again: the midnight ending its last day. None: it holds for good.

    The lowest tier always holds. Raises TierNotFound.
    """
    months = program.tiers.validity_months
    if months is None or program.tier(tier).rank == 0:
        return None
    return end_of_day(add_months(local_date(won_at, program.timezone), months), program.timezone)


def grace_until(valid_until: datetime, program: Program) -> datetime:
    """When the grace after a period ends: that many whole days later."""
    timezone = program.timezone
    return midnight(local_date(valid_until, timezone) + _DAY * program.tiers.grace_days, timezone)


def warn_at(valid_until: datetime, program: Program) -> datetime | None:
    """When a member who would go down is told, None if the program warns nobody."""
    if not program.tiers.warn_days:
        return None
    timezone = program.timezone
    return midnight(local_date(valid_until, timezone) - _DAY * program.tiers.warn_days, timezone)


def evaluate(
    *,
    current: str,
    approved: str | None,
    reviewed: str | None,
    standing: Standing,
    program: Program,
    is_manual: bool = False,
) -> Evaluation:
    """After something was gathered: up to the deserved tier, over several at once, never down.

    `open_review` names the highest reached tier that waits for a person, if its review was not opened yet,
    also while the tier is pinned by hand (`is_manual`). Raises TierNotFound.
    """
    tier = program.tier(current)
    if not reaches_next(current, standing, program):
        return Evaluation(tier, approved, None, False)  # nothing higher is reached either
    if not is_manual:
        tier = max(tier, _deserved(standing, approved, program), key=_rank)
    return Evaluation(tier, approved, _review_to_open(tier, approved, reviewed, standing, program), False)


def after_refund(
    *,
    current: str,
    approved: str | None,
    reviewed: str | None,
    standings: Sequence[Standing],
    program: Program,
    is_manual: bool = False,
) -> Evaluation:
    """After a refund: a tier is kept only if it would still have been won without what was refunded.

    `standings`, at least one, are without the refunded amounts, each at a moment that could have won the
    tier: over a lifetime just the present one; under a window also that of when the tier was won, since a
    tier holds for its period although the window has moved on. The best of them decides; the tier may fall
    several steps. Approval of a tier no longer reached goes, its review too. A tier set by hand stays.
    Raises TierNotFound.
    """
    best = max((qualified(standing, program) for standing in standings), key=_rank)
    approved_left = _approval_left(approved, best, program)
    closes_review = reviewed is not None and program.tier(reviewed).rank > best.rank
    tier = program.tier(current)
    if not is_manual:
        deserved = max((_deserved(standing, approved_left, program) for standing in standings), key=_rank)
        tier = min(tier, deserved, key=_rank)
    return Evaluation(tier, approved_left, None, closes_review)


def at_period_end(
    *,
    current: str,
    approved: str | None,
    reviewed: str | None,
    standing: Standing,
    valid_until: datetime,
    at: datetime,
    program: Program,
) -> PeriodEnd:
    """What becomes of a tier at `at`, which is its `valid_until` or, after "grace", its `grace_until`.

    Deserved by the standing of that moment, it is kept for another period from `at`; otherwise it is left
    alone until the grace is over, and then goes down *one* step, for a period of its own from `at`. Ask at
    both moments, in order, also when late. Raises TierNotFound.
    """
    tier = program.tier(current)
    is_kept = _deserved(standing, approved, program).rank >= tier.rank
    if not is_kept and at < grace_until(valid_until, program):
        return PeriodEnd("grace", tier, valid_until, approved, False)
    best = qualified(standing, program)
    new = tier if is_kept else program.tiers.ladder[tier.rank - 1]  # never below the lowest: all deserve that
    return PeriodEnd(
        "kept" if is_kept else "lowered",
        new,
        tier_valid_until(tier=new.code, won_at=at - _JUST_BEFORE, program=program),
        _approval_left(approved, best, program),
        reviewed is not None and program.tier(reviewed).rank > best.rank,
    )


def _rank(tier: Tier) -> int:
    return tier.rank


def _rank_of(code: str | None, program: Program) -> int:
    return -1 if code is None else program.tier(code).rank


def _value(standing: Standing, metric: Metric) -> int:
    match metric:
        case "spend":
            return standing.spend_fen
        case "orders":
            return standing.orders
        case "points_earned":
            return standing.points_earned
        case _:  # growth
            return standing.growth


def _is_reached(tier: Tier, standing: Standing, program: Program) -> bool:
    if tier.rank == 0:
        return True
    needs_all = program.tiers.qualification.combine == "all"
    for metric, threshold in tier.thresholds.items():
        if (_value(standing, metric) >= threshold) != needs_all:
            return not needs_all
    return needs_all


def _deserved(standing: Standing, approved: str | None, program: Program) -> Tier:
    approved_rank = _rank_of(approved, program)
    return next(
        tier
        for tier in reversed(program.tiers.ladder)
        if (not tier.requires_review or tier.rank <= approved_rank) and _is_reached(tier, standing, program)
    )


def _review_to_open(
    tier: Tier, approved: str | None, reviewed: str | None, standing: Standing, program: Program
) -> str | None:
    settled_rank = max(tier.rank, _rank_of(approved, program), _rank_of(reviewed, program))
    for candidate in reversed(program.tiers.ladder[settled_rank + 1 :]):
        if candidate.requires_review and _is_reached(candidate, standing, program):
            return candidate.code
    return None


def _approval_left(approved: str | None, best: Tier, program: Program) -> str | None:
    """The approval as far as it is still reached: of the highest reviewed tier up to the best, or none."""
    approved_rank = min(_rank_of(approved, program), best.rank)
    covered = program.tiers.ladder[: approved_rank + 1]
    return next((tier.code for tier in reversed(covered) if tier.requires_review), None)
