"""What came out: medians, ratios against the targets, as a table, as JSON, and in bench/README.md."""

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from bench.options import Options
from bench.stage import Sample
from bench.targets import FIGURES, ROWS, Target

HERE: Final = Path(__file__).parent
README: Final = HERE / "README.md"
RESULTS: Final = HERE / "results"
BEGIN: Final = "<!-- results: begin (written by `make bench`) -->"
END: Final = "<!-- results: end -->"

Samples = Mapping[str, Sequence[Sample]]


class Verdict(NamedTuple):
    """A target and what was reached: the ratio of each round, or the figure itself where it stands alone."""

    target: Target
    reached: list[float]
    failures: int

    @property
    def median(self) -> float:
        return statistics.median(self.reached)

    @property
    def is_met(self) -> bool:
        limit = self.target.limit
        return not self.failures and (self.median <= limit if self.target.at_most else self.median >= limit)


def verdicts(rows: Sequence[str], samples: Samples) -> list[Verdict]:
    """Each target of the rows; ratios are taken round by round, between measurements of the same minute."""
    return [_verdict(target, samples) for row in rows for target in ROWS[row]]


def _verdict(target: Target, samples: Samples) -> Verdict:
    ours = samples[target.figure]
    if target.beside is None:
        return Verdict(target, [sample.value for sample in ours], _failures(ours))
    beside = samples[target.beside]
    ratios = [
        mine.value / its.value if its.value else math.inf for mine, its in zip(ours, beside, strict=True)
    ]
    return Verdict(target, ratios, _failures(ours) + _failures(beside))


def _failures(samples: Sequence[Sample]) -> int:
    return sum(sample.failures for sample in samples)


# --- as text ---------------------------------------------------------------------------------------------


def tables(found: Sequence[Verdict], samples: Samples) -> str:
    """Two Markdown tables: the targets, and every figure with its latency and whose processors it took."""
    targets = [["figure", "measured", "beside it", "ratio", "target", ""]]
    for verdict in found:
        target = verdict.target
        sign = "≤" if target.at_most else "≥"
        mark = "✓" if verdict.is_met else "✗"
        failed = f" {verdict.failures} failed" if verdict.failures else ""
        if target.beside is None:
            targets.append(
                [
                    FIGURES[target.figure].title,
                    _spread(target.figure, samples),
                    "",
                    "",
                    f"{sign} {target.limit:g} {FIGURES[target.figure].unit}",
                    mark + failed,
                ]
            )
            continue
        low, high = min(verdict.reached), max(verdict.reached)
        targets.append(
            [
                FIGURES[target.figure].title,
                _spread(target.figure, samples),
                f"{FIGURES[target.beside].title}: {_spread(target.beside, samples)}",
                f"{verdict.median:.2f} ({low:.2f} to {high:.2f})",
                f"{sign} {target.limit:g} ×",
                mark + failed,
            ]
        )
    figures = [["figure", "median (spread)", "p50 / p99", "service", "PostgreSQL", "generator"]]
    figures += [_figure_row(name, samples) for name in FIGURES if name in samples]
    return f"{table(targets)}\n\nProcessors kept busy meanwhile:\n\n{table(figures)}"


def _figure_row(name: str, samples: Samples) -> list[str]:
    taken = samples[name]
    usages = [sample.usage for sample in taken if sample.usage is not None]
    busy = [f"{statistics.median(column):.2f}" for column in zip(*usages, strict=True)] or ["", "", ""]
    return [FIGURES[name].title, _spread(name, samples), _latency(taken), *busy]


def _latency(taken: Sequence[Sample]) -> str:
    halves = [sample.p50_ms for sample in taken if sample.p50_ms is not None]
    tails = [sample.p99_ms for sample in taken if sample.p99_ms is not None]
    if not halves or not tails:
        return ""
    return f"{statistics.median(halves):.1f} / {statistics.median(tails):.1f} ms"


def _spread(name: str, samples: Samples) -> str:
    values = [sample.value for sample in samples[name]]
    unit = FIGURES[name].unit
    digits = 2 if max(values) < 100 else 0
    middle = f"{statistics.median(values):,.{digits}f} {unit}"
    if len(values) == 1:
        return middle
    return f"{middle} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"


def table(rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the first row is its head."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


# --- kept ------------------------------------------------------------------------------------------------


def keep(
    *,
    began: datetime,
    options: Options,
    samples: Samples,
    found: Sequence[Verdict],
    facts: Mapping[str, Any],
) -> Path:
    """Write bench/results/<date>.json; its path."""
    path = RESULTS / f"{began:%Y-%m-%dT%H%M}Z.json"
    path.parent.mkdir(exist_ok=True)
    shown = {name: value for name, value in _options(options).items() if name != "database_url"}
    document = {
        "began": began.isoformat(timespec="seconds"),
        "options": shown,
        **facts,
        "targets": [
            {**verdict.target._asdict(), "reached": verdict.reached, "is_met": verdict.is_met}
            for verdict in found
        ],
        "figures": {
            name: [{**sample._asdict(), "usage": sample.usage and sample.usage._asdict()} for sample in taken]
            for name, taken in samples.items()
        },
    }
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    return path


def _options(options: Options) -> dict[str, Any]:
    return {name: getattr(options, name) for name in options.__slots__}


def rewrite_readme(text: str) -> None:
    """Put the results between the markers of bench/README.md."""
    before, begin, rest = README.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    assert begin, f"{README} has lost {BEGIN}"
    assert end, f"{README} has lost {END}"
    README.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")


def conditions(began: datetime, options: Options, facts: Mapping[str, Any]) -> str:
    """One paragraph: when, on what, with what, and what else ran."""
    machine, database, elsewhere = facts["machine"], facts["postgresql"], facts["elsewhere"]
    busiest = ", ".join(elsewhere["busiest"]) or "nothing"
    note = f" {options.note.rstrip('.')}." if options.note else ""
    return (
        f"{began:%Y-%m-%d}: {machine['cores']} cores ({machine['processor']}), {machine['memory_gib']} GiB, "
        f"{machine['file_system']}; PostgreSQL {database['server_version']}, fsync {database['fsync']}, "
        f"synchronous_commit {database['synchronous_commit']}, shared_buffers {database['shared_buffers']}; "
        f"{options.workers} workers, {options.connections} connections, {options.members:,} members; "
        f"each figure {options.runs} × {options.seconds} s, in turn. "
        f"PostgreSQL, service and load generator share the cores. Before it began: load average "
        f"{elsewhere['load_average'][0]:.1f}, busy: {busiest}, stolen: {elsewhere['stolen_percent']} %.{note}"
    )
