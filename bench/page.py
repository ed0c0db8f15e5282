"""Charts of all that is kept in bench/results: `python -m bench.page` writes bench/charts, a page with its pictures.

What was reached is drawn as a share of the target, so that 1 is the target and more is better, whatever is measured.
"""

import html
import json
import statistics
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import matplotlib as mpl

mpl.use("Agg")

from matplotlib.axes import Axes
from matplotlib.dates import ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from bench.report import HERE, RESULTS

CHARTS: Final = HERE / "charts"
PANELS_A_ROW: Final = 5
_INK, _QUIET, _MET, _MISSED = "#333333", "#8a94a6", "#1668c5", "#c4511b"
_MARKERS: Final = "osD^v"
_STYLE: Final = {"font.size": 9, "text.color": _INK, "axes.labelcolor": _INK, "axes.titlesize": 9}
# Before campaigns were live in every row, the row of that name measured the same the other way round.
_FORMERLY: Final = {("campaigns", "accruals"): ("accruals", "no_campaigns")}


class Point(NamedTuple):
    """What a run reached of a target: shares of it, a round each."""

    began: datetime
    shares: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.shares)


Series = dict[str, list[Point]]


def main() -> None:
    """Write the page anew."""
    kept = [json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))]
    runs = [run for run in kept if "targets" in run]
    grown = [run for run in kept if "growth" in run]
    CHARTS.mkdir(exist_ok=True)
    series = series_of(runs)
    pictures: dict[str, Path] = {}
    with mpl.rc_context(_STYLE):
        if series:
            pictures["Where the targets stand: the newest figure of each"] = _keep(_newest(series), "newest")
            pictures["The same over all runs"] = _keep(_history(series), "runs")
        if grown:
            pictures["Growth: each run beside its 100,000 members"] = _keep(_growth(grown), "growth")
    (CHARTS / "index.html").write_text(_page(pictures, [*runs, *grown]))
    print(f"Drawn in {CHARTS / 'index.html'}")


def series_of(runs: Sequence[Mapping[str, Any]]) -> Series:
    """What each run reached of each target, by the target as text, in the order of the runs."""
    series: Series = {}
    for run in runs:
        began = datetime.fromisoformat(run["began"])
        for told in run["targets"]:
            figure, beside = _FORMERLY.get((told["figure"], told["beside"]), (told["figure"], told["beside"]))
            limit, at_most = told["limit"], told["at_most"]
            name = f"{figure} {'≤' if at_most else '≥'} {limit:g}" + (f" × {beside}" if beside else "")
            shares = [
                limit / reached if at_most else reached / limit for reached in told["reached"] if reached
            ]
            if shares:
                series.setdefault(name, []).append(Point(began, shares))
    return series


# --- pictures --------------------------------------------------------------------------------------------


def _newest(series: Series) -> Figure:
    names = list(series)[::-1]
    figure = Figure(figsize=(9, 1 + 0.3 * len(names)), layout="constrained")
    axes = figure.subplots()
    for place, name in enumerate(names):
        point = series[name][-1]
        axes.barh(place, point.median, height=0.62, color=_colour(point), alpha=0.85)
        axes.plot([min(point.shares), max(point.shares)], [place, place], color=_INK, linewidth=1)
        axes.annotate(
            f"{point.median:.2f}", (max(point.shares), place), (4, 0), textcoords="offset points", va="center"
        )
    axes.axvline(1, color=_INK, linewidth=1)
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("reached ÷ target (line: spread of the rounds)")
    axes.set_ylim(-0.6, len(names) - 0.4)
    _plain(axes, grid="x")
    return figure


def _history(series: Series) -> Figure:
    rows = -(-len(series) // PANELS_A_ROW)
    figure = Figure(figsize=(15, 2.3 * rows), layout="constrained")
    panels = figure.subplots(rows, PANELS_A_ROW, squeeze=False, sharex=True).flatten()
    for axes, (name, points) in zip(panels, series.items(), strict=False):
        axes.axhline(1, color=_INK, linewidth=0.8)
        dates = [point.began for point in points]
        axes.plot(dates, [point.median for point in points], color=_QUIET, linewidth=1)
        for point in points:
            axes.plot([point.began] * 2, [min(point.shares), max(point.shares)], color=_QUIET, linewidth=1)
            axes.plot(point.began, point.median, marker="o", markersize=4, color=_colour(point))
        axes.set_title(name, loc="left")
        axes.set_ylim(0, max(1.25, 1.1 * max(max(point.shares) for point in points)))
        axes.xaxis.set_major_formatter(ConciseDateFormatter(axes.xaxis.get_major_locator()))
        _plain(axes, grid="y")
    for axes in panels[len(series) :]:
        axes.set_visible(False)
    return figure


def _growth(runs: Sequence[Mapping[str, Any]]) -> Figure:
    """What is left of the rate of each figure as members come, a line a run; the newest the strongest."""
    from bench.growth import FIGURES, TARGET, compared, ratios

    figure = Figure(figsize=(12, 4.5), layout="constrained")
    sizes = sorted(
        {int(members) for run in runs for by_size in run["growth"].values() for members in by_size}
    )
    panels = figure.subplots(1, len(FIGURES), sharey=True)
    for axes, (name, (title, _)) in zip(panels, FIGURES.items(), strict=True):
        for place, run in enumerate(runs, start=1):
            rates = {
                int(members): [taken["value"] for taken in rounds]
                for members, rounds in run["growth"][name].items()
            }
            base = rates[compared(list(rates))]
            axes.plot(
                list(rates),
                [statistics.median(ratios(values, base)) for values in rates.values()],
                color=_MET,
                alpha=0.2 + 0.8 * place / len(runs),
                marker=_MARKERS[(place - 1) % len(_MARKERS)],
                label=f"{run['began'][:10]} {run['began'][11:16]}",
            )
        axes.axhline(TARGET, color=_INK, linewidth=0.8, linestyle="--")
        axes.set_xscale("log")
        axes.set_xticks(sizes, [f"{members:,}" for members in sizes], rotation=30, ha="right")
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_title(title, loc="left")
        axes.set_xlabel("members")
        _plain(axes, grid="y")
    panels[0].set_ylim(bottom=0)
    panels[0].set_ylabel("rate × that of 100,000")
    panels[0].legend(loc="lower left", title="run begun at", fontsize="small")
    return figure


def _colour(point: Point) -> str:
    return _MET if point.median >= 1 else _MISSED


def _plain(axes: Axes, *, grid: str) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis=grid, alpha=0.3)
    axes.set_axisbelow(True)


def _keep(figure: Figure, name: str) -> Path:
    path = CHARTS / f"{name}.png"
    # Without the time of drawing, so that the same results are the same picture.
    figure.savefig(path, dpi=110, metadata={"Software": None})
    return path


# --- the page --------------------------------------------------------------------------------------------


def _page(pictures: Mapping[str, Path], runs: Sequence[Mapping[str, Any]]) -> str:
    drawn = "".join(
        f'<h2>{html.escape(title)}</h2><img src="{path.name}" alt="{html.escape(title)}">'
        for title, path in pictures.items()
    )
    listed = "".join(_row(run) for run in sorted(runs, key=lambda run: run["began"], reverse=True))
    head = "".join(f"<th>{name}</th>" for name in ("began", "rows", "machine", "versions", "what else ran"))
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>The benchmark</title><style>'
        f"body{{font:15px/1.5 system-ui,sans-serif;color:{_INK};max-width:1400px;margin:2em auto;padding:0 1em}}"
        "img{max-width:100%}table{border-collapse:collapse;font-size:13px}"
        "td,th{text-align:left;vertical-align:top;padding:.3em .8em .3em 0;border-bottom:1px solid #ddd}"
        "</style><h1>The benchmark</h1><p>Everything as a share of its target: 1 is reached, blue; orange is missed. "
        "Lines and bands show the spread of the rounds. How it is measured: README.md beside this folder.</p>"
        f"{drawn}<h2>Runs</h2><table><tr>{head}</tr>{listed}</table></html>\n"
    )


def _row(run: Mapping[str, Any]) -> str:
    where, options = run["machine"], run["options"]
    members = options["members"]
    rows = f"growth to {max(members):,} members" if "growth" in run else ", ".join(options["rows"])
    versions = {
        "PostgreSQL": run["postgresql"]["server_version"],
        "Python": where["python"],
        **where["packages"],
    }
    busy = ", ".join(run["elsewhere"]["busiest"]) or "nothing"
    cells = (
        run["began"],
        rows,
        f"{where['cores']} cores ({where['processor']}), {where['memory_gib']} GiB, {where['system']}",
        ", ".join(f"{name} {version}" for name, version in versions.items()),
        f"load {run['elsewhere']['load_average'][0]:.1f}, {busy}. {options['note']}",
    )
    return "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>"


if __name__ == "__main__":
    main()
