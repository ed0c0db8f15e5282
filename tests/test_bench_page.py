"""The page of the benchmark draws every run that is kept, and says of each what it reached of its targets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench import page

WHERE: dict[str, Any] = {
    "machine": {
        "cores": 2, "processor": "<one>", "memory_gib": 4.0, "system": "Linux", "python": "3.11", "packages": {}
    },
    "postgresql": {"server_version": "18"},
    "elsewhere": {"busiest": [], "load_average": [0.5, 0.5, 0.5]},
}  # fmt: skip


def run(day: int, *targets: dict[str, Any]) -> dict[str, Any]:
    options = {"rows": ["accruals"], "members": 100, "note": ""}
    return {"began": f"2026-01-{day:02}T10:00:00+00:00", "options": options, "targets": targets, **WHERE}


def target(
    figure: str, beside: str | None, limit: float, *reached: float, at_most: bool = False
) -> dict[str, Any]:
    return {"figure": figure, "beside": beside, "limit": limit, "at_most": at_most, "reached": reached}


def test_what_was_reached_is_a_share_of_the_target() -> None:
    series = page.series_of(
        [
            run(1, target("accruals", "p1", 0.5, 0.25, 0.5), target("lone", "plain", 1.1, 2.2, at_most=True)),
            run(2, target("campaigns", "accruals", 0.5, 0.5), target("bytes", None, 700, 1400, at_most=True)),
            run(3, target("accruals", "no_campaigns", 0.5, 1.0)),
        ]
    )
    assert {name: [point.shares for point in points] for name, points in series.items()} == {
        "accruals ≥ 0.5 × p1": [[0.5, 1.0]],
        "lone ≤ 1.1 × plain": [[0.5]],
        "accruals ≥ 0.5 × no_campaigns": [[1.0], [2.0]],
        "bytes ≤ 700": [[0.5]],
    }


def test_the_page_shows_every_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results, charts = tmp_path / "results", tmp_path / "charts"
    monkeypatch.setattr(page, "RESULTS", results)
    monkeypatch.setattr(page, "CHARTS", charts)
    results.mkdir()
    taken = [{"value": 10.0}, {"value": 12.0}]
    grown = {figure: {"200": taken, "400": taken} for figure in ("accrue", "redeem", "status")}
    (results / "a.json").write_text(json.dumps(run(1, target("accruals", "p1", 0.5, 0.25))))
    (results / "growth-b.json").write_text(
        json.dumps(
            {
                "began": "2026-01-02T10:00:00+00:00",
                "options": {"members": [200, 400], "note": "quiet"},
                "growth": grown,
                **WHERE,
            }
        )
    )
    page.main()
    shown = (charts / "index.html").read_text()
    assert "&lt;one&gt;" in shown
    assert "growth to 400 members" in shown
    for name in ("newest", "runs", "growth"):
        assert f"{name}.png" in shown
        assert (charts / f"{name}.png").read_bytes().startswith(b"\x89PNG")
