"""Campaigns written as documents and read again; and that whatever is sent is read or refused."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.domain.campaign_document import CampaignInvalid, read_campaign, write_campaign
from app.domain.campaigns import (
    ALL_LINES,
    AT_THE_TILL,
    EARNING_TRIGGERS,
    TRIGGERS,
    Campaign,
    CampaignBudget,
    CampaignWindow,
    Effect,
    EffectKind,
    Lines,
)
from app.domain.ratio import Ratio
from tests.domain.test_campaign_document import FULL, KINDS

printable = st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=20)
identifiers = st.from_regex(r"[A-Za-z0-9._:-]{1,64}", fullmatch=True)
names = st.frozensets(printable, min_size=1, max_size=4)
amounts = st.integers(1, 10**9)
limits = st.none() | st.integers(1, 10**12)
moments = st.integers(0, 300 * 365 * 86_400 * 10**6).map(
    lambda microseconds: datetime(1900, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
)
factors = st.integers(1_000_001, 100_000_000).map(lambda millionths: Ratio.parse(f"{millionths / 10**6:.6f}"))
lines = st.just(ALL_LINES) | st.builds(
    Lines, skus=names, categories=names | st.just(frozenset[str]()), brands=names | st.just(frozenset[str]())
)
EFFECTS: dict[EffectKind, st.SearchStrategy[Effect]] = {
    "multiply_points": st.builds(Effect, kind=st.just("multiply_points"), factor=factors, lines=lines),
    "add_points": st.builds(Effect, kind=st.just("add_points"), amount=amounts),
    "add_growth": st.builds(Effect, kind=st.just("add_growth"), amount=amounts),
    "add_chances": st.builds(Effect, kind=st.just("add_chances"), amount=st.integers(1, 1_000)),
    "issue_coupon": st.builds(
        Effect, kind=st.just("issue_coupon"), template=identifiers, count=st.integers(1, 20)
    ),
    "gift": st.builds(Effect, kind=st.just("gift"), sku=printable, count=st.integers(1, 20)),
    "discount": st.builds(
        Effect,
        kind=st.just("discount"),
        percent_off=st.integers(1, 100),
        max_discount_fen=limits,
        lines=lines,
    ),
    "free_shipping": st.just(Effect(kind="free_shipping")),
}


@st.composite
def windows(draw: st.DrawFn) -> CampaignWindow:
    from_at, until = draw(st.none() | moments), draw(st.none() | moments)
    if from_at is not None and until is not None and from_at >= until:
        from_at = None
    return CampaignWindow(from_at, until, draw(st.none() | printable))


@st.composite
def campaigns(draw: st.DrawFn) -> Campaign:
    trigger = draw(st.sampled_from(TRIGGERS))
    kinds = [
        kind
        for kind in KINDS
        if (kind != "multiply_points" or trigger in EARNING_TRIGGERS)
        and (kind not in AT_THE_TILL or trigger == "order")
    ]
    effects = st.sampled_from(kinds).flatmap(EFFECTS.__getitem__)
    occasion: dict[str, Any] = {}
    if trigger == "dormancy":
        occasion["dormant_days"] = draw(st.integers(1, 3_660))
    if trigger == "balance":
        occasion["balance"] = draw(st.integers(1, 10**12))
    if trigger == "holiday":
        occasion["holidays"] = tuple(sorted(draw(names)))
    if trigger == "campaign_end":
        occasion["of_campaign"] = draw(identifiers)
    if trigger in ("schedule", "holiday"):
        occasion["at_minute"] = draw(st.integers(0, 1_439))
    return Campaign(
        campaign=draw(identifiers),
        name=draw(printable),
        trigger=trigger,
        effects=tuple(draw(st.lists(effects, min_size=1, max_size=10))),
        window=draw(windows()),
        tiers=draw(names | st.just(frozenset[str]())),
        audience=draw(st.none() | printable),
        condition=draw(st.none() | printable),
        budget=draw(st.builds(CampaignBudget, limits, limits, limits)),
        priority=draw(st.integers(-1_000, 1_000)),
        stacks=draw(st.booleans()),
        holdout_percent=draw(st.integers(0, 99)),
        version=draw(st.integers(1, 100)),
        revision=draw(st.integers(0, 100)),
        state=draw(st.sampled_from(("draft", "live", "paused", "ended"))),
        **occasion,
    )


@given(campaign=campaigns())
def test_what_is_written_is_read_as_it_was(campaign: Campaign) -> None:
    written = json.loads(json.dumps(write_campaign(campaign)))
    again = read_campaign(
        campaign.campaign,
        written,
        version=campaign.version,
        revision=campaign.revision,
        state=campaign.state,
        created_at=campaign.created_at,
    )
    assert again == campaign
    assert write_campaign(again) == written, "and is written as it was"


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*FULL, "kind", "factor", "lines", "points", "x"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)


@given(name=st.sampled_from([*FULL, "at", "balance", "holidays"]), value=junk, inner=st.booleans())
def test_whatever_is_sent_is_read_or_refused(name: str, value: Any, inner: bool) -> None:
    document = FULL | ({name: value} if not inner else {"effects": [{"kind": name, name: value}, value]})
    with suppress(CampaignInvalid):
        read_campaign("member-day", document)
