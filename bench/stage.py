"""Takes figures: each once a round, one after another, while nothing else runs."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final, Literal, NamedTuple

import asyncpg

from app.ledger.connection import Connection
from bench import (
    bulk,
    campaigns,
    etags,
    expiry,
    imports,
    load,
    openloop,
    pgbench,
    plain,
    rush,
    storage,
    verifying,
)
from bench.database import Databases, populations
from bench.load import Load
from bench.machine import Meter, Usage
from bench.options import CLAIMS_A_COUPON, WARM_UP_SECONDS, Options
from bench.service import Service

STORAGE_ACCRUALS: Final = 100_000
VERIFIED_ENTRIES: Final = 1_000_000
RUSH_SECONDS: Final = 300  # at most
# More than an answer 304 comes to, less than a status.
NOT_MODIFIED_BYTES: Final = 450
# Orders in an open loop: so many a second when idle, and such shares of what saturates.
IDLE_A_SECOND: Final = 50
BUSY_SHARE: Final = 0.7
OVERLOAD_TIMES: Final = 3
# A generator that was later than this did not keep its pace, and its figures are not the service's alone.
LATE_MS: Final = 10


class Sample(NamedTuple):
    """One measurement of a figure. Latencies in milliseconds, where there are any."""

    value: float
    failures: int = 0
    p50_ms: float | None = None
    p99_ms: float | None = None
    usage: Usage | None = None


class _Sending(NamedTuple):
    load: Load
    to: Literal["service", "confined", "c0"] = "service"
    entries: tuple[str, ...] = ()  # the kinds that every operation writes one of


@dataclass(slots=True, kw_only=True)
class Stage:
    """Everything that runs, and how each figure is taken."""

    options: Options
    databases: Databases
    service: Service
    confined: Service | None
    """The same with a worker for each processor that a generator in an open loop leaves, where one is needed."""
    c0: Service | None
    clients: dict[str, list[pgbench.Trial]] = field(default_factory=dict[str, list[pgbench.Trial]])
    acknowledged: Counter[str] = field(default_factory=Counter[str])
    in_flight: Counter[str] = field(default_factory=Counter[str])
    _checkouts: int = 0  # begun so far
    _stored: storage.Storage | None = None
    _quiet: Sample | None = None  # accruals while nothing expires, taken before those while something does
    _saturated_at: float | None = None  # orders a second, with a processor left to the generator
    _refusals: Sample | None = None  # of the overload before
    _imports: imports.Imports = field(init=False)

    def __post_init__(self) -> None:
        self._imports = imports.Imports(self.databases, members=self.options.import_members)

    def prepare(self, figures: list[str]) -> None:
        """Learn what must be known before the first round, and warm all up."""
        for name, service in (("status_known", self.service), ("status_known_c0", self.c0)):
            if name in figures and service is not None:
                etags.learn(service, prefix="s", members=self.options.readers, path=self._etags(name))
        for name, prefix in (("p1", "u"), ("p1_hot", "hot")):
            if name in figures:
                pgbench.write_script(self._script(name), prefix=prefix)
        for name in ("p1", "p1_hot", "rush_pg"):
            if name in figures:
                self.clients[name] = pgbench.best_clients(
                    self.options.p1_clients,
                    lambda clients, name=name: self._per_second(name, clients, pgbench.TRIAL_SECONDS),
                )
        if not self.options.is_smoke:
            for name in figures:
                if name in self._sendings():
                    self._send(name, WARM_UP_SECONDS)

    def take(self, figure: str) -> Sample:
        """Measure a figure once."""
        take = self._ways().get(figure)
        if take is not None:
            return take()
        with campaigns.paused(self.service) if figure == "no_campaigns" else contextlib.nullcontext():
            return self._send(figure, self.options.seconds)

    def _ways(self) -> dict[str, Callable[[], Sample]]:
        """How the figures are taken that are not sent over HTTP to the service and C0."""
        options, databases = self.options, self.databases
        baseline = databases.baseline
        return {
            **{name: partial(self._by_pgbench, name) for name in ("p1", "p1_hot", "rush_pg")},
            "rush": self._rush,
            "bulk": lambda: Sample(bulk.run(baseline, seconds=options.seconds)),
            "plain": lambda: Sample(plain.run(baseline, members=options.members, seconds=options.seconds)),
            "saturation": self._saturation,
            "open_idle": lambda: self._open(IDLE_A_SECOND, value="p50"),
            "open": lambda: self._open(BUSY_SHARE * (self._saturated_at or self._saturation().value)),
            "overload": self._overload,
            "refusals": self._refused,
            "expiry": lambda: Sample(*expiry.by_job(databases, lots=options.lots)),
            "expiry_update": lambda: Sample(*expiry.by_update(databases, lots=options.lots)),
            "expiry_busy": self._beside_expiry,
            "expiry_quiet": self._before_expiry,
            "import": lambda: Sample(*self._imports.by_service(has_persons=False)),
            "import_copy": lambda: Sample(self._imports.by_copy()),
            "import_persons": lambda: Sample(*self._imports.by_service(has_persons=True)),
            "import_persons_copy": lambda: Sample(self._imports.by_copy()),
            "verify": self._verify,
            "bytes": lambda: Sample(self._storage().bytes_each),
            "heap_only": lambda: Sample(self._storage().heap_only_percent),
        }

    def lost(self) -> list[str]:
        """A sentence for each kind of entry of which the ledger holds fewer or more than was answered."""
        written = asyncio.run(_written(self.databases.service))
        written["accrue"] -= sum(each.count * each.orders for each in populations(self.options))
        return [
            f"{self.acknowledged[kind]} of kind {kind} were acknowledged, {written[kind]} are in the ledger"
            for kind in self.acknowledged
            if not 0 <= written[kind] - self.acknowledged[kind] <= self.in_flight[kind]
        ]

    # --- over HTTP ----------------------------------------------------------------------------------------

    def _sendings(self) -> dict[str, _Sending]:
        options = self.options
        many, batches = options.connections, options.batch_connections
        uniform = Load("accrual", "u", options.members, many)
        status = Load("status", "u", options.members, many)
        known = Load("status_known", "s", options.readers, many)
        return {
            "accruals": _Sending(uniform, entries=("accrue",)),
            "accruals_c0": _Sending(uniform, to="c0"),
            "no_campaigns": _Sending(uniform, entries=("accrue",)),
            "hot": _Sending(Load("accrual", "hot", 1, many), entries=("accrue",)),
            "redemptions": _Sending(Load("redeem", "h", options.holders, many), entries=("redeem",)),
            "pairs": _Sending(Load("reserve_commit", "h", options.holders, many), entries=("commit",)),
            "checkout": _Sending(
                Load("checkout", "c", options.shoppers, many, first=self._checkouts), entries=("complete",)
            ),
            "batches": _Sending(Load("batch", "u", options.members, batches), entries=("accrue",)),
            "status": _Sending(status),
            "status_c0": _Sending(status, to="c0"),
            "status_known": _Sending(known._replace(etags=self._etags("status_known"))),
            "status_known_c0": _Sending(known._replace(etags=self._etags("status_known_c0")), to="c0"),
            "lone": _Sending(uniform._replace(connections=1), entries=("accrue",)),
            "saturation": _Sending(uniform, to="confined", entries=("accrue",)),
        }

    def _send(self, figure: str, seconds: int) -> Sample:
        sending = self._sendings()[figure]
        service = {"service": self.service, "confined": self.confined, "c0": self.c0}[sending.to]
        assert service is not None
        meter = self._meter(service.pid)
        tries = self._send_to(service, sending.load, seconds)
        answered = tries[-1]
        usage = meter.read(load_seconds=answered.load_cpu_seconds)
        if figure == "checkout":
            self._checkouts += sum(each.started for each in tries)
        for kind in sending.entries:
            self.acknowledged[kind] += answered.operations
            # What was under way when the generator stopped may have been carried out unheard.
            unheard = sending.load.connections * (1_000 if figure == "batches" else 1)
            self.in_flight[kind] += len(tries) * unheard + answered.failures
        failures = answered.failures or int(not answered.operations)
        if figure.startswith("status_known") and answered.bytes_each > NOT_MODIFIED_BYTES:
            failures += answered.requests
        per_second = answered.operations / answered.seconds
        return Sample(
            answered.p50_ms if figure == "lone" else per_second,
            failures,
            answered.p50_ms,
            answered.p99_ms,
            usage,
        )

    def _send_to(self, service: Service, sending: Load, seconds: int) -> Sequence[load.Answered]:
        if self.options.is_smoke:
            return load.send_for_a_moment(sending, service, seconds=seconds)
        return [load.send(sending, service, seconds=seconds)]

    def _beside_expiry(self) -> Sample:
        self._quiet, busy, is_at_it = expiry.beside_traffic(self.databases, self.options, self._traffic)
        if not is_at_it:
            print("The job that expires points was done before the traffic was", flush=True)
        return busy._replace(failures=busy.failures + int(not is_at_it and not self.options.is_smoke))

    def _before_expiry(self) -> Sample:
        assert self._quiet is not None
        return self._quiet

    def _traffic(self, service: Service) -> Sample:
        """Accruals on a service other than the stage's own, after a warm-up."""
        uniform = Load("accrual", "u", self.options.members, self.options.connections)
        if not self.options.is_smoke:
            load.send(uniform, service, seconds=WARM_UP_SECONDS)
        meter = self._meter(service.pid)
        answered = self._send_to(service, uniform, self.options.seconds)[-1]
        usage = meter.read(load_seconds=answered.load_cpu_seconds)
        per_second = answered.operations / answered.seconds
        failures = answered.failures or int(not answered.operations)
        return Sample(per_second, failures, answered.p50_ms, answered.p99_ms, usage)

    def _rush(self) -> Sample:
        """Claims until all are answered; what was given out is counted in the answers and in the tables."""
        claims = self.options.claims
        stock = claims // CLAIMS_A_COUPON
        template = rush.make_template(self.service, stock=stock)
        meter = self._meter(self.service.pid)
        claiming = Load("claim", "u", claims, self.options.connections, template=template)
        answered = load.send(claiming, self.service, seconds=RUSH_SECONDS)
        usage = meter.read(load_seconds=answered.load_cpu_seconds)
        failures = (
            answered.failures
            + abs(answered.requests - claims)
            + abs(answered.operations - stock)
            + rush.miscounted(self.databases.service, template, stock=stock)
        )
        return Sample(answered.seconds, failures, answered.p50_ms, answered.p99_ms, usage)

    # --- in an open loop ----------------------------------------------------------------------------------

    def _saturation(self) -> Sample:
        assert self.confined is not None
        with openloop.apart(self.confined, self.databases.postmaster):
            sample = self._send("saturation", self.options.seconds)
        self._saturated_at = sample.value
        return sample

    def _open(self, per_second: float, *, value: str = "p99") -> Sample:
        """The latency while all is accepted; a refusal is a failure, but where times are not looked at."""
        sent, usage = self._flood(per_second)
        told = sent.p50_ms if value == "p50" else sent.p99_ms
        refused = 0 if self.options.is_smoke else sent.refused
        return Sample(told or 0.0, sent.failures + refused, sent.p50_ms, sent.p99_ms, usage)

    def _overload(self) -> Sample:
        """What is accepted; how the others are refused is kept for `_refused`."""
        sent, usage = self._flood(OVERLOAD_TIMES * (self._saturated_at or self._saturation().value))
        p50_ms, p99_ms = sent.refusal_p50_ms, sent.refusal_p99_ms
        missing = int(not sent.refused and not self.options.is_smoke)
        self._refusals = Sample(p99_ms or 0.0, missing, p50_ms, p99_ms)
        return Sample(sent.accepted_per_second, sent.failures, sent.p50_ms, sent.p99_ms, usage)

    def _refused(self) -> Sample:
        assert self._refusals is not None
        return self._refusals

    def _flood(self, per_second: float) -> tuple[openloop.Flood, Usage]:
        options, databases, service = self.options, self.databases, self.confined
        assert service is not None
        with openloop.apart(service, databases.postmaster):
            meter = self._meter(service.pid)
            sent = openloop.flood(
                service,
                databases.folder,
                members=options.members,
                per_second=per_second,
                seconds=options.seconds,
            )
            usage = meter.read(load_seconds=sent.load_cpu_seconds)
        # Refusals are not among those that may have been carried out: that they were not is counted afterwards.
        self.acknowledged["accrue"] += sent.accepted
        self.in_flight["accrue"] += sent.failures
        if sent.late_p99_ms > LATE_MS:
            print(
                f"The generator was late: 1 % of the orders by {sent.late_p99_ms:.0f} ms or more", flush=True
            )
        return sent, usage

    def _meter(self, service: int | None) -> Meter:
        return Meter(service=service, database=self.databases.postmaster)

    # --- by pgbench ---------------------------------------------------------------------------------------

    def _by_pgbench(self, figure: str) -> Sample:
        meter = self._meter(None)
        with load.children_time() as used:
            value = self._per_second(figure, self.clients[figure][0].clients, self.options.seconds)
        usage = meter.read(load_seconds=used())
        return Sample(self.options.claims / value if figure == "rush_pg" else value, usage=usage)

    def _per_second(self, figure: str, clients: int, seconds: int) -> float:
        """The rate of the baseline: over so many seconds, or of all claims of a rush."""
        options, url, script = self.options, self.databases.baseline, self._script(figure)
        if figure == "rush_pg":
            stock = options.claims // CLAIMS_A_COUPON
            return rush.run(url, script, claims=options.claims, stock=stock, clients=clients)
        members = options.members if figure == "p1" else 1
        return pgbench.run(url, script, members=members, clients=clients, seconds=seconds)

    # --- files and what is taken once ---------------------------------------------------------------------

    def _verify(self) -> Sample:
        entries = 20_000 if self.options.is_smoke else VERIFIED_ENTRIES
        return Sample(*verifying.run(self.databases, entries=entries))

    def _storage(self) -> storage.Storage:
        if self._stored is None:
            self._stored = storage.run(
                self.databases.fresh,
                members=self.options.members,
                accruals=2_560 if self.options.is_smoke else STORAGE_ACCRUALS,
                actor=f"key:{self.databases.key.key_id}",
            )
        return self._stored

    def _script(self, figure: str) -> Path:
        return self.databases.folder / f"{figure}.sql"

    def _etags(self, figure: str) -> Path:
        return self.databases.folder / f"{figure}.txt"


async def _written(url: str) -> Counter[str]:
    connection: Connection = await asyncpg.connect(url)
    rows = await connection.fetch("SELECT kind, count(*) AS count FROM entry GROUP BY kind")
    await connection.close()
    return Counter({row["kind"]: row["count"] for row in rows})
