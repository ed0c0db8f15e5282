"""One run: members join, then round after round of commands with faults between, then all is compared."""

import asyncio
import pickle
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from app.database import Database
from app.queries.verify import verify
from chaos import history, ledger
from chaos.clients import Client, ask_again
from chaos.clock import Clock
from chaos.drawing import MEMBERS, codes_of, member
from chaos.drawn_coupons import SCARCE
from chaos.faults import Fault, Faults
from chaos.history import Difference
from chaos.options import Options
from chaos.place import Place, open_place
from chaos.plan import Plan, ops_of
from chaos.record import Batch, Op
from chaos.replay import Replay
from tests.ledger.fair_model import CAMPAIGNS

STOCK: Final = 150
POT_POINTS: Final = 1_500
GIFT_POINTS: Final = 15
QUIET_SECONDS: Final = 120.0
# What the service logs of its own faults; shown with the differences.
_FAULTS: Final = ("batch_broke", "command_broke", "request_failed")
MOST_READINGS: Final = 100
PAUSE_SECONDS: Final = 0.5
"""Tries to read the ledger before the next thing falls due."""


@dataclass
class Result:
    """What a run came to."""

    seconds: float = 0.0
    cycles: int = 0
    ops: list[Op] = field(default_factory=list[Op])
    faults: dict[str, int] = field(default_factory=dict[str, int])
    not_done: dict[str, str] = field(default_factory=dict[str, str])
    cuts: int = 0
    asked_again: int = 0
    compared: int = 0
    entries: int = 0
    differences: list[Difference] = field(default_factory=list[Difference])


async def run(options: Options) -> Result:
    """Do it all. Raises SystemExit if the service does not come up at all."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    result, clock = Result(), Clock()
    began = time.monotonic()
    async with open_place() as place:
        await _set_up(place)
        faults = Faults(options.seed, place, clock, options.kinds, freeze_seconds=options.freeze_seconds)
        clients = [Client(place.client_proxy.port, place.key) for _ in range(options.clients)]
        await _ask_all(clients, faults, options, result)
        result.faults, result.not_done = faults.done, faults.not_done
        result.cuts = place.client_proxy.cuts + place.database_proxy.cuts
        await _come_to_rest(place, clients, result)
        _tell(f"At rest after {time.monotonic() - began:.0f} s; comparing ...")
        held = await _look_at_all(place, faults, result)
        broke = [line for event in _FAULTS for line in place.log_lines(event)[:2]]
        for client in clients:
            client.close()
    if options.record is not None:
        options.record.write_bytes(pickle.dumps((result.ops, held, clock)))
    compare(clock, held, result)
    for line in broke if result.differences else ():
        _tell(line[:3000])
    result.seconds = time.monotonic() - began
    return result


async def _ask_all(clients: Sequence[Client], faults: Faults, options: Options, result: Result) -> None:
    """The members join, and the cycles follow, each with its faults; no more once something is not resolved."""
    plan, began = Plan(options.seed, clients=len(clients)), time.monotonic()
    joining: list[list[Op | Batch]] = [[] for _ in clients]
    for number, op in enumerate(plan.enrolments()):
        joining[number % len(clients)].append(op)
    await _round(clients, joining, faults, [])
    result.ops.extend(ops_of(joining))
    while result.cycles < options.cycles:
        started = time.monotonic()
        if options.seconds is not None and started - began > options.seconds:
            break
        asked, drawn = plan.round(options.each), faults.draw()
        await _round(clients, asked, faults, drawn)
        result.ops.extend(op for op in ops_of(asked) if op.sends)
        result.cycles += 1
        kinds = ", ".join(fault.kind for fault in drawn)
        _tell(f"{result.cycles}/{options.cycles} {kinds}: {time.monotonic() - started:.1f} s")
        if any(op.sends[-1].is_unknown and not op.accepted for op in result.ops):
            break


async def _round(
    clients: Sequence[Client], asked: Sequence[Sequence[Op | Batch]], faults: Faults, drawn: Sequence[Fault]
) -> None:
    """Every client asks its own; each fault comes when its share of all is done."""
    total, done, gave_up = sum(len(each) for each in asked), 0, False
    progress = asyncio.Condition()

    async def ask(client: Client, requests: Sequence[Op | Batch]) -> None:
        nonlocal done, gave_up
        for request in requests:
            if not gave_up:
                gave_up = not await client.ask(request)
            done += 1
            async with progress:
                progress.notify_all()

    async def break_it(fault: Fault) -> None:
        async with progress:
            await progress.wait_for(lambda: done >= fault.after * total)
        await faults.strike(fault)

    async with asyncio.TaskGroup() as tasks:
        for client, requests in zip(clients, asked, strict=True):
            tasks.create_task(ask(client, requests))
        for fault in drawn:
            tasks.create_task(break_it(fault))


async def _set_up(place: Place) -> None:
    """Templates, codes and campaigns, as an administrator makes them."""
    seven_off = {
        "template": "off",
        "name": "7 off",
        "kind": "amount_off",
        "amount_off": 700,
        "threshold": 2_000,
    }
    codes = [code for number in range(MEMBERS) for code in codes_of(member(number))]
    scarce = {"template": SCARCE, "name": SCARCE, "kind": "amount_off", "amount_off": 1, "stock": STOCK}
    made = [
        ("POST", "/v1/coupon-templates", {**seven_off, "valid": {"days": 1}, "budget": 10**9}),
        ("POST", "/v1/coupon-templates/off/issue", {"codes": codes}),
        ("POST", "/v1/coupon-templates", scarce),
    ]
    pot = {
        "trigger": "activity",
        "effects": [{"kind": "add_points", "points": GIFT_POINTS}],
        "budget": {"points": POT_POINTS},
    }
    for name, terms in {**CAMPAIGNS, ledger.POT: pot}.items():
        document = {"name": name, "trigger": "order", "window": {}, **terms}
        made += [("PUT", f"/v1/campaigns/{name}", document), ("POST", f"/v1/campaigns/{name}/start", {})]
    for method, path, body in made:
        answer = await place.ask(method, path, body)
        if answer.status not in (200, 201):
            raise SystemExit(f"{method} {path} was answered {answer.status}: {answer.body}")


async def _come_to_rest(place: Place, clients: Sequence[Client], result: Result) -> None:
    """Cut no more, let nothing be under way, and ask again what nobody knows.

    A service that is stopped as an operator would finishes what it took on: no waiting tells as surely that no older
    sending will be carried out after a newer one was refused.
    """
    for proxy in (place.client_proxy, place.database_proxy):
        proxy.disarm()
    if place.has_ended:
        result.differences.append(Difference("", "the service ended", "it serves", place.log_end()))
    for client in clients:
        client.close()
    await place.stop_service()
    await _until_nobody_writes(place)
    await place.start_service()
    unknown = [op for op in result.ops if op.is_open]
    result.asked_again = len(unknown)
    await asyncio.gather(
        *(ask_again(client, unknown[number :: len(clients)]) for number, client in enumerate(clients))
    )


async def _until_nobody_writes(place: Place) -> None:
    """PostgreSQL may still be at what a killed process had asked for."""
    deadline = time.monotonic() + QUIET_SECONDS
    connection = await place.connect()
    try:
        while time.monotonic() < deadline and await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'loyalty'"
        ):
            await asyncio.sleep(0.1)
    finally:
        await connection.close()


async def _look_at_all(place: Place, faults: Faults, result: Result) -> ledger.Ledger:
    """Let the service verify itself, and read all it holds, with everything written down that is due by then."""
    database = Database(place.owner_url)
    try:
        report = await verify(database.connect)
    finally:
        await database.dispose()
    result.differences.extend(
        Difference(each.member_id, f"verify: {each.what}", str(each.expected), str(each.found))
        for each in report.differences
    )
    await faults.catch_up()
    connection = await place.connect()
    try:
        overdue, failed = 0, None
        for _ in range(MOST_READINGS):
            failed, held = await faults.write_down_what_is_due(), await ledger.read(connection)
            if not held.overdue:
                return held
            overdue = held.overdue
            await asyncio.sleep(PAUSE_SECONDS)
        raise SystemExit(
            f"However often the clock is set, {overdue} that fell due are not written down: "
            f"{failed or 'no reason told'}."
        )
    finally:
        await connection.close()


def compare(clock: Clock, held: ledger.Ledger, result: Result) -> None:
    """Hold the history against itself and against the model."""
    matched = history.match(result.ops, held)
    replay = Replay(result.ops, matched, held, clock)
    replay.run()
    result.differences += [
        *matched.differences,
        *history.check_order(matched, held),
        *history.check_batches(result.ops, matched),
        *history.check_scarce(result.ops, held, stock=STOCK),
        *history.check_pot(held, budget=POT_POINTS, gift=GIFT_POINTS),
        *replay.differences,
    ]
    result.compared = replay.compared
    result.entries = sum(len(entries) for entries in held.entries.values())


def compare_again(path: Path) -> Result:
    """Compare a record of `run` once more."""
    with path.open("rb") as file:
        ops, held, clock = pickle.load(file)
    result = Result(ops=ops)
    compare(clock, held, result)
    return result


def _tell(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)
