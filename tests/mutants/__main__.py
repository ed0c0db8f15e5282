"""`python -m tests.mutants`: plant each fault in a copy of the tree and print which test found it.

Exit code 1 if a fault survives, or can't be tried any more.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from rich.console import Console
from rich.table import Column, Table

from tests.mutants.faults import Fault, read_faults
from tests.mutants.workbench import Finding, copy_checkout, try_fault

SCREEN = Console()


def main() -> None:
    options = _parse()
    faults = [fault for fault in read_faults() if not options.names or fault.name in options.names]
    unknown = set(options.names) - {fault.name for fault in faults}
    if unknown:
        sys.exit(f"No such fault: {', '.join(sorted(unknown))}.")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="loyalty-mutants-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        whole = folder / "whole"
        copy_checkout(whole, revision=options.revision)
        findings = _try_all(faults, whole, folder, options)
    table, found = _table(findings), sum(finding.is_found for finding in findings)
    SCREEN.print(table)
    SCREEN.print(f"{found} of {len(findings)} found, in {time.monotonic() - began:.0f} s")
    if options.json is not None:
        options.json.write_text(json.dumps([_told(finding) for finding in findings], indent=1) + "\n")
    for finding in findings:
        if not finding.is_found:
            SCREEN.print(f"{finding.fault.name}: {finding.found_by or finding.fault.breaks}", markup=False)
    sys.exit(found < len(findings))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", help="faults to plant; all if none is named")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time (2)")
    parser.add_argument(
        "--narrow", action="store_true", help="only the tests that the faults name, then stop"
    )
    parser.add_argument("--revision", help="of the checkout; as it stands, if none is named")
    parser.add_argument("--json", type=Path, help="a file to keep the findings in")
    return parser.parse_args()


def _try_all(
    faults: Sequence[Fault], whole: Path, folder: Path, options: argparse.Namespace
) -> list[Finding]:
    """Try the faults, `jobs` at a time; told as they come, answered in their order."""
    found: dict[str, Finding] = {}
    with ThreadPoolExecutor(options.jobs) as pool:
        tries = [
            pool.submit(try_fault, fault, whole=whole, folder=folder, is_narrow=options.narrow)
            for fault in faults
        ]
        for done in as_completed(tries):
            finding = done.result()
            found[finding.fault.name] = finding
            SCREEN.print(
                f"{len(found)}/{len(faults)} {finding.fault.name}: {finding.sort}, {finding.seconds:.0f} s",
                markup=False,
            )
    return [found[fault.name] for fault in faults]


def _table(findings: Sequence[Finding]) -> Table:
    table = Table("fault", "sort", Column("found by", overflow="fold"), "s")
    for finding in findings:
        found_by = finding.found_by if finding.is_found else ""
        style = None if finding.is_found else "red"
        table.add_row(finding.fault.name, finding.sort, found_by, f"{finding.seconds:.0f}", style=style)
    return table


def _told(finding: Finding) -> dict[str, object]:
    return {
        "fault": finding.fault.name,
        "sort": finding.sort,
        "found_by": finding.found_by,
        "seconds": round(finding.seconds, 1),
    }


main()
