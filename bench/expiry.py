"""The points of many members expire at once: the service's job beside one plain UPDATE of the same lots, and what
other traffic comes to meanwhile.

The job is run as the service runs it, by `python -m bench.expiry URL`: says how many members it brought up to date,
and in how many seconds.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Final, NamedTuple, TypeVar

import asyncpg

from app.actions.maturity import mature_all
from app.database import Database
from app.ledger.connection import Connection
from bench.database import Databases, fill_at, scratch
from bench.history import Population
from bench.options import WARM_UP_SECONDS, Options
from bench.service import Service, service

Taken = TypeVar("Taken")

LOTS_EACH: Final = 5
# More than the job does in a second, so that it is not done before the traffic was measured.
MEMBERS_A_SECOND: Final = 8_000
BEGIN_SECONDS: Final = 180

_UPDATE: Final = """
UPDATE lot SET expired = expired + remaining, remaining = 0
 WHERE NOT pending AND remaining > 0 AND expires_at <= now()
"""


class Expired(NamedTuple):
    """Lots a second, and how many that should have expired did not."""

    per_second: float
    left: int


def by_job(databases: Databases, *, lots: int) -> Expired:
    """All of them by the job, with an entry and the account of each member."""
    with scratch(databases) as url:
        members = _fill(url, lots)
        command = [sys.executable, "-m", __name__, url]
        ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        if ran.returncode != 0:
            raise SystemExit("The job that expires points failed; its complaint is above.")
        matured, seconds = ran.stdout.split()[-2:]
        left = asyncio.run(_left(url)) + abs(int(matured) - members)
        return Expired(members * LOTS_EACH / float(seconds), left)


def by_update(databases: Databases, *, lots: int) -> Expired:
    """All of them by one statement, the lots alone."""
    with scratch(databases) as url:
        members = _fill(url, lots)
        began = time.perf_counter()
        asyncio.run(_execute(url, _UPDATE))
        per_second = members * LOTS_EACH / (time.perf_counter() - began)
        return Expired(per_second, asyncio.run(_left(url)))


def beside_traffic(
    databases: Databases, options: Options, send: Callable[[Service], Taken]
) -> tuple[Taken, Taken, bool]:
    """What `send` makes of a service of its own, with nothing to expire and then while its job is at it; and whether
    the job was at it until the end.
    """
    with scratch(databases) as url:
        own = databases._replace(service=url)
        asyncio.run(fill_at(url, [Population("u", options.members, 1)]))
        with service(own, options, module="app.cli") as served:
            quiet = send(served)
        members_a_second = 1_000 if options.is_smoke else MEMBERS_A_SECOND
        _fill(url, (options.seconds + WARM_UP_SECONDS) * members_a_second * LOTS_EACH)
        # A service that comes up does at once what is due.
        asyncio.run(
            _execute(url, "UPDATE pgqueuer_schedules SET next_run = now() WHERE entrypoint = 'maturity'")
        )
        with service(own, options, module="app.cli") as served:
            asyncio.run(_await_job(url))
            busy = send(served)
            is_at_it = asyncio.run(_left(url)) > 0
        return quiet, busy, is_at_it


def _fill(url: str, lots: int) -> int:
    population = _expiring(lots)
    asyncio.run(fill_at(url, [population]))
    return population.count


def _expiring(lots: int) -> Population:
    return Population("x", -(-lots // LOTS_EACH), LOTS_EACH, expired=True)


async def _execute(url: str, statement: str) -> None:
    connection: Connection = await asyncpg.connect(url)
    await connection.execute(statement)
    await connection.close()


async def _left(url: str) -> int:
    """Lots with points that should have expired."""
    connection: Connection = await asyncpg.connect(url)
    left = await connection.fetchval(
        "SELECT count(*) FROM lot WHERE NOT pending AND remaining > 0 AND expires_at <= now()"
    )
    await connection.close()
    return left


async def _await_job(url: str) -> None:
    connection: Connection = await asyncpg.connect(url)
    deadline = time.monotonic() + BEGIN_SECONDS
    while not await connection.fetchval("SELECT EXISTS (SELECT FROM entry WHERE kind = 'expire')"):
        if time.monotonic() > deadline:
            raise SystemExit(f"The job that expires points did not begin within {BEGIN_SECONDS} seconds.")
        await asyncio.sleep(0.1)
    await connection.close()


async def _mature(url: str) -> None:
    database = Database(url)
    began = time.perf_counter()
    matured = await mature_all(database, is_sandbox=False)
    print(matured, time.perf_counter() - began)
    await database.dispose()


if __name__ == "__main__":
    asyncio.run(_mature(sys.argv[1]))
