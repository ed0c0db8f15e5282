"""`loyalty verify`: the ledger against itself."""

import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from app.database import Database
    from app.queries.verify import Report


def verify(
    jobs: Annotated[
        int, typer.Option(min=1, max=64, help="Connections to compare on, each a process of the server.")
    ] = 2,
) -> None:
    """Replay every member's entries and compare them with the lots, the coupons, the checkouts and the account.

    Runs on a live service too. Each difference is a line on stdout (member, none where it is a template's; what,
    expected, found), and then the exit code is 1.
    """
    from app.cli.ledger import on_database

    began = time.monotonic()
    report = on_database(lambda _settings, database: _verify(database, jobs))
    for difference in report.differences:
        print("\t".join("" if part is None else str(part) for part in difference))
    if unnamed := report.difference_count - len(report.differences):
        print(f"... and {unnamed:,} more.")
    verdict = "all agree" if report.agrees else f"{report.difference_count:,} differences"
    print(
        f"{report.members:,} members, {report.entries:,} entries, {report.lots:,} lots, "
        f"{report.redemptions:,} redemptions, {report.coupons:,} coupons, {report.checkouts:,} checkouts: "
        f"{verdict}. In {time.monotonic() - began:.1f} s.",
        file=sys.stderr if report.differences else sys.stdout,
    )
    if not report.agrees:
        raise typer.Exit(1)


async def _verify(database: "Database", jobs: int) -> "Report":
    from rich.console import Console
    from rich.progress import Progress

    from app.queries.verify import verify as compare

    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("Comparing")
        return await compare(
            database.connect,
            connections=jobs,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
