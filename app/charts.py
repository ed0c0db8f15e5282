"""Charts as SVG. The drawing library takes half a second to load, so only who draws imports it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import date
from typing import Any

_INK, _BASELINE, _DRAFT = "#333333", "#8a94a6", "#1668c5"
_SIZE_INCHES = (9.0, 6.0)


def draw_backtest(result: Mapping[str, Any]) -> str:
    """The points of both runs over time, and below how the difference grows. `result`: as the comparison tells it."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib.figure import Figure

    data = result["series"]["data"]
    days = [date.fromisoformat(told["date"]) for told in data]
    running: list[int] = []
    total = 0
    for told in data:
        total += told["draft"] - told["baseline"]
        running.append(total)
    # The same result gives the same picture, byte for byte.
    style = {"svg.hashsalt": "backtest", "font.size": 9, "text.color": _INK}
    with mpl.rc_context(style):  # pyright: ignore[reportUnknownMemberType, reportArgumentType]
        figure = Figure(figsize=_SIZE_INCHES, layout="constrained")
        points, difference = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        points.plot(days, [told["baseline"] for told in data], color=_BASELINE, marker=".", label="in force")
        points.plot(days, [told["draft"] for told in data], color=_DRAFT, marker=".", label="with the draft")
        points.set_title(f"Points granted by {result['series']['by']}")
        points.legend(frameon=False)
        difference.fill_between(days, running, color=_DRAFT, alpha=0.25, linewidth=0)
        difference.plot(days, running, color=_DRAFT)
        difference.set_title(f"Difference so far: {total:+,} points in the end")
        for axes in (points, difference):
            axes.spines[["top", "right"]].set_visible(False)
            axes.yaxis.set_major_formatter("{x:,.0f}")
            axes.grid(axis="y", alpha=0.3)
        drawn = io.StringIO()
        figure.savefig(drawn, format="svg", metadata={"Date": None})  # pyright: ignore[reportUnknownMemberType]
    return drawn.getvalue()
