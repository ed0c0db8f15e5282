"""`loyalty replay`: orders of the past, through the engine."""

import time
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from app.cli.csv_file import CsvFile, Line
from app.cli.feed import BadLine, Task, feed
from app.cli.ledger import on_database, running_engine
from app.config import Settings
from app.database import Database
from app.domain.command import Command
from app.domain.commands import Accrue, Enrol
from app.ledger.outcome import Outcome
from app.schemas.imports import ORDER_COLUMNS, order, reason


def replay_file(path: Path) -> bool:
    """Replay the orders of a file and print a summary; whether every line was taken. Raises FileUnusable."""
    replaying = _Replay()
    began = time.monotonic()
    with CsvFile(path, required=ORDER_COLUMNS) as file:

        async def work(settings: Settings, database: Database) -> None:
            async with running_engine(settings, database) as engine:
                await feed(file, engine, name="replay", prepare=replaying.prepare, finish=replaying.finish)

        on_database(work)
    seconds = time.monotonic() - began
    print(f"members  {len(replaying.members):>15,}  {replaying.joined:,} of them new")
    print(f"orders   {replaying.orders:>15,}  {replaying.present:,} of them there already")
    print(f"amount   {replaying.amount:>15,}  in the minor unit")
    print(f"points   {replaying.points:>15,}")
    print(f"In {seconds:.1f} s, {replaying.orders / seconds:,.0f} orders a second.")
    if file.rejected:
        print(f"{file.rejected:,} lines were not taken: mend and replay {file.rejected_path}.")
    return not file.rejected


class _Replay:
    """What a run makes of each line, and its figures."""

    def __init__(self) -> None:
        self.members: set[str] = set()
        self.joined = self.orders = self.present = self.amount = self.points = 0

    def prepare(self, line: Line) -> Task:
        try:
            accrual = order({column: line.cells[column] for column in ORDER_COLUMNS if column in line.cells})
        except ValidationError as error:
            raise BadLine(reason(error)) from None
        commands: list[Command] = [accrual]
        if accrual.member_id not in self.members:
            self.members.add(accrual.member_id)
            # Enrolling twice changes nothing, so nobody need know who is there already.
            commands.insert(0, Enrol(member_id=accrual.member_id, joined_at=accrual.occurred_at))
        return Task(line, commands, {})

    def finish(self, task: Task, outcomes: Sequence[Outcome]) -> None:
        accrual, accrued = task.commands[-1], outcomes[-1]
        assert isinstance(accrual, Accrue)
        self.joined += len(outcomes) == 2 and outcomes[0].created
        self.orders += 1
        self.present += accrued.replayed
        self.amount += accrual.amount
        self.points += accrued.body["points"]
