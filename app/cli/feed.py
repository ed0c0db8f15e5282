"""Feeding a file's lines to the ledger: chunk after chunk, two under way, each line told apart."""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from app.actions.keys import COMMAND_LINE
from app.cli.csv_file import CsvFile, Line
from app.domain.command import Command
from app.domain.errors import LoyaltyError
from app.domain.posting import Caller
from app.ledger.engine import Engine, LedgerUnavailable
from app.ledger.outcome import Outcome
from app.ledger.request import Request, Result

CHUNK = 500
"""Commands at a time."""

UNDER_WAY = 2
"""Chunks at a time: while the engine saves one, the next is read."""


class Task(NamedTuple):
    """What a line asks for: its commands, and the cells it left empty as they were filled for it."""

    line: Line
    commands: Sequence[Command]
    fills: dict[str, str]


class BadLine(Exception):
    """A line that asks for nothing that can be done; the message says why."""

    def __init__(self, reason: str, *, fills: dict[str, str] | None = None) -> None:
        super().__init__(reason)
        self.fills = fills or {}


Prepare = Callable[[Line], Task]
Finish = Callable[[Task, Sequence[Outcome]], None]


async def feed(file: CsvFile, engine: Engine, *, name: str, prepare: Prepare, finish: Finish) -> None:
    """Carry out what `prepare` makes of each line, in order; `finish` gets the lines of which nothing was
    refused, and `file` keeps the others. `prepare` raises BadLine.

    An engine takes what comes first first, so lines are decided in the order of the file. Raises
    LedgerUnavailable.
    """
    caller = Caller(COMMAND_LINE, f"{name}-{secrets.token_hex(4)}")
    under_way: deque[tuple[list[Task], asyncio.Task[list[Result]]]] = deque()
    tasks: list[Task] = []
    size = 0

    def send() -> None:
        requests = [Request(command, caller) for task in tasks for command in task.commands]
        under_way.append((tasks.copy(), asyncio.create_task(engine.submit_all(requests))))

    try:
        for line in file:
            try:
                task = _prepared(line, prepare)
            except BadLine as bad:
                file.reject(line, str(bad), fills=bad.fills)
                file.advance(1)
                continue
            if size + len(task.commands) > CHUNK:
                send()
                tasks.clear()
                size = 0
                # Also lets the engine start on it.
                await asyncio.sleep(0)
                if len(under_way) == UNDER_WAY:
                    await _take(file, *under_way.popleft(), finish)
            tasks.append(task)
            size += len(task.commands)
        send()
        while under_way:
            await _take(file, *under_way.popleft(), finish)
    finally:
        for _, sent in under_way:
            sent.cancel()


def _prepared(line: Line, prepare: Prepare) -> Task:
    if line.fault is not None:
        raise BadLine(line.fault)
    return prepare(line)


async def _take(
    file: CsvFile, tasks: Sequence[Task], sent: "asyncio.Task[list[Result]]", finish: Finish
) -> None:
    """Tell the results of one chunk to whom they concern. Raises LedgerUnavailable."""
    results = await sent
    position = 0
    for task in tasks:
        own = results[position : position + len(task.commands)]
        position += len(task.commands)
        outcomes = [result for result in own if isinstance(result, Outcome)]
        if len(outcomes) == len(own):
            finish(task, outcomes)
            continue
        refusal = next(result for result in own if not isinstance(result, Outcome))
        if isinstance(refusal, LedgerUnavailable):
            raise refusal
        file.reject(task.line, _told(refusal), fills=task.fills)
    file.advance(len(tasks))


def _told(refusal: Exception) -> str:
    if isinstance(refusal, LoyaltyError):
        return f"{refusal.code}: {refusal.detail}"
    return "it could not be carried out; the log says why"
