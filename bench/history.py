"""The members the benchmark works on: grown by the service's own rules, then copied many times."""

from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from app.domain.account import Account, Entry, Lot, bucket_of
from app.domain.calendar import local_date
from app.domain.commands import Accrue, Enrol
from app.domain.decisions import decide
from app.domain.default_program import DEFAULT_PROGRAM_DOCUMENT
from app.domain.posting import Caller, Context, Member
from app.domain.program import Program
from app.ledger.connection import Connection

# Long enough ago that lots differ in age, not so long that one expires while it is measured.
HISTORY_DAYS: Final = 300
ORDER_FEN: Final = 10_000
CHUNK_ROWS: Final = 2_000


class Population(NamedTuple):
    """`count` members, `prefix-1` to `prefix-count`, who each placed `orders` orders of 100 yuan."""

    prefix: str
    count: int
    orders: int


class History(NamedTuple):
    """One member as they stand, and how they came there."""

    account: Account
    lots: list[Lot]
    entries: list[Entry]


def default_program() -> Program:
    """Version 1, as the migrations seed it."""
    return Program.from_document(1, DEFAULT_PROGRAM_DOCUMENT)


def context_at(now: datetime, program: Program) -> Context:
    """A decision's circumstances at `now`."""
    caller = Caller("key:000000000000", "0123456789abcdef")
    return Context(now, local_date(now, program.timezone), program, {1: program}, caller)


def history(member_id: str, *, orders: int, now: datetime) -> History:
    """A member who joined HISTORY_DAYS before `now` and placed `orders` orders since, evenly spread."""
    program = default_program()
    joined_at = now - timedelta(days=HISTORY_DAYS)
    member = Member(decide({}, Enrol(member_id=member_id), context_at(joined_at, program)).account)
    entries: list[Entry] = []
    for number in range(orders):
        then = joined_at + timedelta(days=HISTORY_DAYS * number / max(orders, 1), hours=1)
        command = Accrue(member_id=member_id, order_id=f"history-{number}", amount=ORDER_FEN)
        change = decide({member_id: member}, command, context_at(then, program))
        member.apply(change)
        assert change.entry is not None
        entries.append(change.entry)
    return History(member.account, list(member.lots.values()), entries)


async def fill(connection: Connection, populations: Sequence[Population]) -> None:
    """Write the populations by COPY, then let the planner and the visibility map know them."""
    now = datetime.now(UTC).replace(microsecond=0)
    for population in populations:
        made = history("template", orders=population.orders, now=now)
        await _copy(connection, "account", [made.account], population)
        await _copy(connection, "lot", made.lots, population)
        await _copy(connection, "entry", made.entries, population)
    await connection.execute("VACUUM (ANALYZE) account, lot, entry")
    await connection.execute("CHECKPOINT")


async def _copy(
    connection: Connection, table: str, rows: Sequence[tuple[Any, ...]], population: Population
) -> None:
    """The template's rows once for each member; every table begins with the columns bucket and member."""
    tails = ["\t".join(map(_cell, row[2:])) for row in rows]

    async def chunks() -> AsyncGenerator[bytes]:
        lines: list[str] = []
        for number in range(1, population.count + 1):
            member_id = f"{population.prefix}-{number}"
            bucket = bucket_of(member_id)
            lines += [f"{bucket}\t{member_id}\t{tail}\n" for tail in tails]
            if len(lines) >= CHUNK_ROWS:
                yield "".join(lines).encode()
                lines.clear()
        yield "".join(lines).encode()

    if tails:
        await connection.copy_to_table(table, source=chunks(), format="text")


def _cell(value: object) -> str:
    """A value in PostgreSQL's text format of COPY."""
    match value:
        case None:
            return r"\N"
        case bool():
            return "t" if value else "f"
        case bytes():
            return rf"\\x{value.hex()}"
        case datetime():
            return value.isoformat()
        case str():
            return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")
        case _:
            return str(value)
