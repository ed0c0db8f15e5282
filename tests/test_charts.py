"""Pictures of results: the same bytes for the same figures, and whole for the least of them."""

from __future__ import annotations

import subprocess
import sys
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from app.charts import draw_backtest


def result(*points: tuple[str, int, int]) -> dict[str, Any]:
    data = [{"date": date, "baseline": baseline, "draft": draft} for date, baseline, draft in points]
    return {"series": {"by": "month", "data": data}}


@pytest.mark.parametrize(
    "told",
    [
        result(),
        result(("2026-01-01", 5, 7)),
        result(("2026-01-01", 10**12, 0), ("2026-02-01", 0, 10**12), ("2026-12-01", 1, 1)),
    ],
)
def test_any_result_can_be_drawn(told: dict[str, Any]) -> None:
    drawn = draw_backtest(told)
    assert ET.fromstring(drawn).tag.endswith("svg")  # noqa: S314 - of our own making
    assert draw_backtest(told) == drawn


def test_nobody_else_loads_the_library() -> None:
    """Half a second and some 40 MB in each process that serves."""
    code = "import sys, app.main, app.jobs.worker; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
