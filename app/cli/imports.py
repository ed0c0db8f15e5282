"""`loyalty import`: members from elsewhere, with their balances."""

import time
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from app.cli.csv_file import CsvFile, Line
from app.cli.feed import BadLine, Task, feed
from app.cli.ledger import on_database, running_engine
from app.config import Settings
from app.database import Database
from app.ledger.outcome import Outcome
from app.schemas.imports import MEMBER_COLUMNS, References, opening, reason
from app.security.pii import PiiRing, load_ring


def import_file(path: Path) -> bool:
    """Import the members of a file and print a summary; whether every line was taken. Raises FileUnusable."""
    importing = _Import()
    began = time.monotonic()
    with CsvFile(path, required=("member_id",), known=MEMBER_COLUMNS, filled=("reference",)) as file:

        async def work(settings: Settings, database: Database) -> None:
            importing.pii = load_ring(settings)
            async with running_engine(settings, database) as engine:
                await feed(file, engine, name="import", prepare=importing.prepare, finish=importing.finish)

        on_database(work)
    seconds = time.monotonic() - began
    print(f"{importing.imported:,} lines imported, {importing.points:,} points, in {seconds:.1f} s.")
    if importing.present:
        print(f"{importing.present:,} lines were there already.")
    if file.rejected:
        print(f"{file.rejected:,} lines were not taken: mend and import {file.rejected_path}.")
    return not file.rejected


class _Import:
    """What a run makes of each line, and its figures."""

    pii: PiiRing

    def __init__(self) -> None:
        self.imported = self.present = self.points = 0
        self._references = References()

    def prepare(self, line: Line) -> Task:
        reference = self._references.of(line.cells)
        fills = {"reference": reference}
        try:
            command = opening(line.cells, reference=reference, pii=self.pii)
        except ValidationError as error:
            raise BadLine(reason(error), fills=fills) from None
        return Task(line, [command], fills)

    def finish(self, task: Task, outcomes: Sequence[Outcome]) -> None:
        if outcomes[0].replayed:
            self.present += 1
            return
        self.imported += 1
        self.points += int(task.line.cells.get("points", "0"))
