"""Random programs, campaigns and streams of orders, for the property that refunds leave nothing."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from hypothesis import strategies as st

from app.domain.campaigns import Campaign, CampaignBudget, Effect, Lines, Trigger
from app.domain.coupon_templates import Template
from app.domain.earning import Line
from app.domain.ratio import Ratio
from tests.domain.fair import chances, coupon, growth, points
from tests.domain.shop import template

CATEGORIES = ("shoes", "books")
BRANDS = ("acme", "other")
METRICS = ("spend", "orders", "points_earned", "growth")

decimals = st.one_of(
    st.sampled_from(["1", "0.5", "2", "0.33", "1.2"]),
    st.decimals(min_value="0.01", max_value="5", places=2).map(str),
)
few = st.integers(1, 3)


def _named_rates(names: Iterable[str]) -> st.SearchStrategy[dict[str, str]]:
    return st.dictionaries(st.sampled_from(list(names)), decimals, max_size=2)


@st.composite
def _tiers(draw: st.DrawFn) -> dict[str, Any]:
    metrics = draw(st.lists(st.sampled_from(METRICS), min_size=1, max_size=2, unique=True))
    ladder: list[dict[str, Any]] = []
    reached = dict.fromkeys(metrics, 0)
    for rank in range(draw(st.integers(1, 4))):
        if rank:
            for metric in metrics:
                reached[metric] += draw(st.integers(1, 4 if metric == "orders" else 40_000))
        ladder.append(
            {
                "code": f"t{rank}",
                "name": f"T{rank}",
                "thresholds": dict(reached) if rank else {},
                "rate": draw(decimals),
                "requires_review": rank > 1 and draw(st.booleans()),
                "benefits": [],
            }
        )
    windows: list[dict[str, Any]] = [
        {"kind": "lifetime"},
        {"kind": "calendar_year"},
        {"kind": "rolling_months", "months": 3},
    ]
    return {
        "ladder": ladder,
        "qualification": {
            "metrics": metrics,
            "combine": draw(st.sampled_from(["any", "all"])),
            "window": draw(st.sampled_from(windows)),
        },
        "validity_months": draw(st.none() | few),
    }


@st.composite
def _mission(draw: st.DrawFn) -> dict[str, Any]:
    """A mission that counts orders, or what they cost."""
    counts = draw(st.sampled_from(["orders", "amount"]))
    rewards: dict[str, st.SearchStrategy[Any]] = {
        "points": st.integers(1, 300),
        "growth": st.integers(1, 300),
        "chances": few,
        "coupon": st.sampled_from(["plenty", "scarce"]),
    }
    return {
        "mission": f"m{draw(st.integers(0, 9))}",
        "name": "m",
        "counts": counts,
        "at_least": draw(few if counts == "orders" else st.integers(1, 40_000)),
        "period": draw(st.sampled_from(["ever", "day", "month", {"days_after_joining": 20}])),
        "reward": draw(st.fixed_dictionaries({}, optional=rewards).filter(bool)),
        "badge": "b",
    }


cash: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({"policy": "none"}),
    st.builds(
        lambda at, more: {
            "policy": "single_order",
            "steps": [{"at_fen": at, "reward_fen": 100}, {"at_fen": at + more, "reward_fen": 370}],
        },
        st.integers(1, 20_000),
        st.integers(1, 20_000),
    ),
    st.builds(
        lambda every, reward: {"policy": "cumulative", "every_fen": every, "reward_fen": reward},
        st.integers(100, 20_000),
        st.integers(1, 500),
    ),
)
programs: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "earning": st.fixed_dictionaries(
            {
                "rate": decimals,
                "unit_fen": st.sampled_from([1, 100, 1_000]),
                "categories": _named_rates(CATEGORIES),
                "brands": _named_rates(BRANDS),
            }
        ),
        "growth": st.fixed_dictionaries({"rate": decimals | st.just("0")}),
        "cash": cash,
        "sign_in": st.fixed_dictionaries({"points": st.integers(0, 20), "growth": st.integers(0, 5)}),
        "tiers": _tiers(),
        "missions": st.lists(_mission(), max_size=2, unique_by=lambda each: each["mission"]),
    }
)
"""Changes of the default document."""

factors = st.decimals(min_value="1.01", max_value="9", places=2).map(lambda each: Ratio.parse(str(each)))
lines = st.builds(
    Lines,
    st.frozensets(st.sampled_from(["s1", "s2"]), max_size=1),
    st.frozensets(st.sampled_from(CATEGORIES), max_size=1),
    st.frozensets(st.sampled_from(BRANDS), max_size=1),
)
gifts = st.one_of(
    st.integers(1, 300).map(points),
    st.integers(1, 300).map(growth),
    st.integers(1, 3).map(chances),
    st.builds(coupon, st.sampled_from(["plenty", "scarce"]), few),
)
multipliers = st.builds(
    lambda factor, lines: Effect(kind="multiply_points", factor=factor, lines=lines), factors, lines
)
limits = st.none() | st.integers(1, 400)
budgets = st.builds(CampaignBudget, limits, limits, limits)


@st.composite
def _campaign(draw: st.DrawFn) -> Campaign:
    triggers: list[Trigger] = [
        "order",
        "order",
        "order",
        "sign_in",
        "enrolment",
        "tier_change",
        "tier_change",
    ]
    trigger = draw(st.sampled_from(triggers))
    allowed = gifts | multipliers if trigger in ("order", "sign_in") else gifts
    return Campaign(
        campaign=f"c{draw(st.integers(0, 10**6))}",
        name="c",
        trigger=trigger,
        effects=tuple(draw(st.lists(allowed, min_size=1, max_size=3))),
        tiers=draw(st.frozensets(st.sampled_from(["t0", "t1"]), max_size=1)),
        condition=draw(st.sampled_from([None, None, "large", "breaks"])),
        budget=draw(budgets),
        priority=draw(st.integers(-1, 1)),
        stacks=draw(st.sampled_from([True, True, False])),
        holdout_percent=draw(st.sampled_from([0, 0, 50])),
        version=draw(few),
    )


campaigns = st.lists(_campaign(), max_size=4, unique_by=lambda each: each.campaign)

TEMPLATES: tuple[Template, ...] = (
    template("plenty", amount_off_fen=100),
    template("scarce", amount_off_fen=100, stock=3, per_member=2),
)


class Bought(NamedTuple):
    """An order: its lines (or one amount), settled now or later, or by itself."""

    items: tuple[Line, ...]
    amount_fen: int
    settle: bool


class Came(NamedTuple):
    """Something that happens: `kind` with the number of an order, and a share of what is left to come back."""

    kind: str
    number: int
    part: float


@st.composite
def _bought(draw: st.DrawFn) -> Bought:
    amounts = draw(st.lists(st.integers(0, 30_000), max_size=3))
    items = tuple(
        Line(
            str(number),
            f"s{number}",
            draw(st.sampled_from([None, *CATEGORIES])),
            draw(st.sampled_from([None, *BRANDS])),
            draw(few),
            amount,
        )
        for number, amount in enumerate(amounts)
    )
    amount_fen = sum(amounts) if items else draw(st.integers(0, 60_000))
    return Bought(items, amount_fen, draw(st.booleans()))


orders = st.lists(_bought(), min_size=1, max_size=5)
events = st.lists(
    st.builds(
        Came,
        st.sampled_from(
            [
                "refund",
                "refund",
                "item",
                "item",
                "settle",
                "sign_in",
                "redeem",
                "days",
                "weeks",
                "order",
                "order",
            ]
        ),
        st.integers(0, 4),
        st.floats(0, 1),
    ),
    max_size=16,
)
