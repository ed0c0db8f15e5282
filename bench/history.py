"""The members the benchmark works on: grown by the service's own rules, then copied many times."""

from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from app.domain.account import Account, Code, Coupon, Entry, Lot, bucket_of
from app.domain.calendar import local_date
from app.domain.commands import Accrue, Enrol
from app.domain.coupon_commands import IssueCoupon
from app.domain.decisions import decide
from app.domain.default_program import DEFAULT_PROGRAM_DOCUMENT
from app.domain.posting import Caller, Context, Member
from app.domain.program import Program
from app.domain.shelf import EMPTY_SHELF, Shelf
from app.ledger.connection import Connection
from bench.coupons import TEMPLATES, put_up, shelf_of

# Long enough ago that lots differ in age, not so long that one expires while it is measured.
HISTORY_DAYS: Final = 300
# So long ago that what was earned then has expired by the default program.
EXPIRED_DAYS: Final = 400
ORDER_FEN: Final = 10_000
CHUNK_ROWS: Final = 2_000
# Stands in the rows for the member whose they will be.
MEMBER: Final = "~member~"


class Population(NamedTuple):
    """`count` members, `prefix-1` to `prefix-count`, who each placed `orders` orders of 100 yuan and hold a coupon
    of each of `TEMPLATES` for so many `checkouts`. If `expired`, all orders are of one day, and their points expire
    as soon as somebody looks.
    """

    prefix: str
    count: int
    orders: int
    checkouts: int = 0
    expired: bool = False


class History(NamedTuple):
    """One member as they stand, and how they came there."""

    account: Account
    lots: list[Lot]
    entries: list[Entry]
    coupons: list[Coupon]
    codes: list[Code]


def default_program() -> Program:
    """Version 1, as the migrations seed it."""
    return Program.from_document(1, DEFAULT_PROGRAM_DOCUMENT)


def context_at(now: datetime, program: Program, shelf: Shelf = EMPTY_SHELF) -> Context:
    """A decision's circumstances at `now`."""
    caller = Caller("key:000000000000", "0123456789abcdef")
    return Context(now, local_date(now, program.timezone), program, {1: program}, caller, shelf)


def history(
    member_id: str, *, orders: int, checkouts: int = 0, now: datetime, expired: bool = False
) -> History:
    """A member who joined HISTORY_DAYS before `now`, placed `orders` orders since, evenly spread, and just got the
    coupons for `checkouts`: `<member>.<template>-1` and so on. If `expired`, one who joined EXPIRED_DAYS ago and
    placed them all on that day.
    """
    program = default_program()
    joined_at, days = now - timedelta(days=HISTORY_DAYS), HISTORY_DAYS
    if expired:
        joined_at, days = _noon(now - timedelta(days=EXPIRED_DAYS), program), 0
    member = Member(decide({}, Enrol(member_id=member_id), context_at(joined_at, program)).account)
    entries: list[Entry] = []
    for number in range(orders):
        then = joined_at + timedelta(days=days * number / max(orders, 1), hours=1)
        command = Accrue(member_id=member_id, order_id=f"history-{number}", amount=ORDER_FEN)
        change = decide({member_id: member}, command, context_at(then, program))
        member.apply(change)
        assert change.entry is not None
        entries.append(change.entry)
    wanted = [(template, f"{template}-{number + 1}") for number in range(checkouts) for template in TEMPLATES]
    shelf = shelf_of(new_code=iter([f"{member_id}.{name}" for _, name in wanted]).__next__)
    codes: list[Code] = []
    for template, name in wanted:
        command = IssueCoupon(member_id=member_id, template=template, reference=name)
        change = decide({member_id: member}, command, context_at(now, program, shelf))
        member.apply(change)
        shelf.put(change.counters, change.codes)
        codes += change.codes
        assert change.entry is not None
        entries.append(change.entry)
    return History(member.account, list(member.lots.values()), entries, list(member.coupons.values()), codes)


def _noon(then: datetime, program: Program) -> datetime:
    """The middle of that day where the program is at home."""
    return then.astimezone(program.timezone).replace(hour=12, minute=0, second=0).astimezone(UTC)


async def fill(connection: Connection, populations: Sequence[Population]) -> None:
    """Write the populations by COPY, then let the planner and the visibility map know them."""
    now = datetime.now(UTC).replace(microsecond=0)
    if issued := sum(each.count * each.checkouts for each in populations):
        await put_up(connection, issued=issued, now=now)
    for population in populations:
        made = history(
            MEMBER,
            orders=population.orders,
            checkouts=population.checkouts,
            now=now,
            expired=population.expired,
        )
        for table, rows in (
            ("account", [made.account]),
            ("lot", made.lots),
            ("entry", made.entries),
            ("coupon", made.coupons),
            ("coupon_code", made.codes),
        ):
            await copy(connection, table, rows, population)
    await connection.execute("VACUUM (ANALYZE) account, lot, entry, coupon, coupon_code")
    await connection.execute("CHECKPOINT")


async def copy(
    connection: Connection,
    table: str,
    rows: Sequence[tuple[Any, ...]],
    population: Population,
    *,
    is_frozen: bool = False,
) -> None:
    """The rows of MEMBER once for each member; every table begins with a bucket and the key it is made of. If
    `is_frozen`, nothing need ever look at them again to keep them (the table was made or emptied in this transaction).
    """
    parts = [(str(row[1]), "\t".join(map(_cell, row[2:]))) for row in rows]

    async def chunks() -> AsyncGenerator[bytes]:
        lines: list[str] = []
        for number in range(1, population.count + 1):
            member_id = f"{population.prefix}-{number}"
            for text, tail in parts:
                key = text.replace(MEMBER, member_id)
                lines.append(f"{bucket_of(key)}\t{key}\t{tail.replace(MEMBER, member_id)}\n")
            if len(lines) >= CHUNK_ROWS:
                yield "".join(lines).encode()
                lines.clear()
        yield "".join(lines).encode()

    if parts:
        await connection.copy_to_table(table, source=chunks(), format="text", freeze=is_frozen)


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
