"""`python -m bench`: measure, print the table, keep it."""

import contextlib
import itertools
import sys
from dataclasses import replace
from datetime import UTC, datetime

from bench import report
from bench.database import databases
from bench.load import require_wrk
from bench.machine import allow_files, busy_elsewhere, machine
from bench.openloop import processors_left, require_vegeta
from bench.options import Options, parse
from bench.service import service
from bench.stage import Sample, Stage
from bench.targets import AFTERMATH, FIGURES, OPEN_LOOP, ROWS, figures_of


def main() -> None:
    """Exit code 1 if an answer failed or what was answered isn't in the ledger, not for a missed target."""
    options = parse()
    require_wrk()
    allow_files()
    if OPEN_LOOP.intersection(options.rows):
        require_vegeta()
    began = datetime.now(UTC)
    elsewhere = busy_elsewhere()
    figures = figures_of(options.rows)
    with contextlib.ExitStack() as running:
        _tell(f"Filling {options.members:,} members, {options.holders:,} with 50 lots each ...")
        filled = running.enter_context(databases(options))
        served = running.enter_context(service(filled, options, module="app.cli"))
        confined = None
        if OPEN_LOOP.intersection(options.rows):
            workers = min(options.workers, processors_left() or options.workers)
            confined = running.enter_context(
                service(filled, replace(options, workers=workers), module="app.cli")
            )
        c0 = None
        if any(name.endswith("_c0") for name in figures):
            c0 = running.enter_context(service(filled, options, module="bench.c0"))
        stage = Stage(options=options, databases=filled, service=served, confined=confined, c0=c0)
        _tell("Warming up ...")
        stage.prepare(figures)
        samples = _rounds(stage, figures, options)
        lost = stage.lost()
        facts = {
            "machine": machine(filled.folder),
            "postgresql": filled.settings,
            "p1_clients": {
                name: [trial._asdict() for trial in trials] for name, trials in stage.clients.items()
            },
            "elsewhere": elsewhere,
        }
    found = report.verdicts(options.rows, samples)
    text = f"{report.conditions(began, options, facts)}\n\n{report.tables(found, samples)}"
    print(f"\n{text}")
    if not options.is_smoke:
        path = report.keep(began=began, options=options, samples=samples, found=found, facts=facts)
        print(f"\nKept in {path}")
        if options.rows == tuple(ROWS):
            report.rewrite_readme(text)
    failed = [
        f"{FIGURES[name].title}: {failures} answers failed"
        for name, taken in samples.items()
        if (failures := sum(sample.failures for sample in taken))
    ]
    for complaint in (*failed, *lost):
        print(complaint, file=sys.stderr)
    sys.exit(1 if failed or lost else 0)


def _rounds(stage: Stage, figures: list[str], options: Options) -> dict[str, list[Sample]]:
    """Every figure once a round, so that what is compared was measured in the same minutes. Those with an aftermath
    have rounds of their own.
    """
    samples: dict[str, list[Sample]] = {name: [] for name in figures}
    light = [name for name in figures if name not in AFTERMATH]
    heavy = [name for name in figures if name in AFTERMATH]
    for part, number in itertools.product((light, heavy), range(1, options.runs + 1)):
        for name in part:
            sample = stage.take(name)
            samples[name].append(sample)
            figure = FIGURES[name]
            failed = f", {sample.failures} failed" if sample.failures else ""
            _tell(f"{number}/{options.runs} {figure.title}: {sample.value:,.2f} {figure.unit}{failed}")
    return samples


def _tell(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


main()
