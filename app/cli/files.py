"""`loyalty import` and `loyalty replay`: what they take and how they end."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

File = Annotated[Path, typer.Argument(help="CSV in UTF-8 with a header line.", show_default=False)]


def import_members(file: File) -> None:
    """Bring members along from elsewhere, with opening balances, from a CSV file.

    A line is one lot of a member; a member may have several. Only member_id must be there; an empty cell is
    an absent one. Times are RFC 3339 with their offset, spend is in the minor unit.

    Columns: member_id, reference (the line's own id, unique per member; without, one is made from its cells),
    joined_at, points, accrued_at (default: now), expires_at (default: as the program says, counted from
    accrued_at), spend, growth, name, phone, email, birthday (YYYY-MM-DD), gender, region.

    Run again, it goes on where it was: what is there already is left alone. Lines that can't be taken are
    told by number and kept in FILE.rejected.csv, to be mended and imported; then the exit code is 1.
    """
    from app.cli.imports import import_file

    _run(import_file, file)


def replay(file: File) -> None:
    """Let orders of the past earn their points, as if they were placed now with their dates of then.

    Columns: member_id, order_id, occurred_at (RFC 3339 with offset), amount (minor unit); others don't
    matter. Members who are not known are enrolled as of their first order in the file. Points expire, and
    spend counts, from occurred_at on; each order earns at the tier that those before it gave.

    Run again, it goes on where it was. Lines that can't be taken are told by number and kept in
    FILE.rejected.csv; then the exit code is 1.
    """
    from app.cli.replay import replay_file

    _run(replay_file, file)


def _run(work: Callable[[Path], bool], file: Path) -> None:
    from app.cli.csv_file import FileUnusable
    from app.domain.errors import LoyaltyError

    try:
        is_whole = work(file)
    except FileUnusable as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None
    except LoyaltyError as error:
        print(f"{error} What is done stands; the same command goes on from there.", file=sys.stderr)
        raise typer.Exit(1) from None
    if not is_whole:
        raise typer.Exit(1)
