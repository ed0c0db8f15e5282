"""The rows of the table: which figure is held against which, and how much of it is asked for."""

from typing import Final, NamedTuple


class Figure(NamedTuple):
    """Something that is measured, again and again."""

    title: str
    unit: str


class Target(NamedTuple):
    """`figure` must be at least (or at most) `limit` × `beside`, or `limit` itself if beside nothing."""

    figure: str
    beside: str | None
    limit: float
    at_most: bool = False


FIGURES: Final[dict[str, Figure]] = {
    "accruals": Figure("accruals over HTTP", "/s"),
    "accruals_c0": Figure("C0 of accruals", "/s"),
    "p1": Figure("P1: pgbench, the same writes", "/s"),
    "no_campaigns": Figure("accruals over HTTP, no campaigns", "/s"),
    "hot": Figure("accruals over HTTP, all on one member", "/s"),
    "p1_hot": Figure("P1, all on one member", "/s"),
    "redemptions": Figure("redemptions over HTTP, 50 lots a member", "/s"),
    "pairs": Figure("reserve + commit over HTTP", "pairs/s"),
    "checkout": Figure("checkout over HTTP: hold + complete", "pairs/s"),
    "batches": Figure("operations in batches of 1,000 over HTTP", "/s"),
    "bulk": Figure("P-bulk: the same writes 1,000 at a time", "/s"),
    "rush": Figure("coupon rush: 20,000 claims for 1,000 over HTTP", "s"),
    "rush_pg": Figure("pgbench, the same claims", "s"),
    "status": Figure("member status over HTTP", "/s"),
    "status_c0": Figure("C0 of member status", "/s"),
    "status_known": Figure("member status, If-None-Match", "/s"),
    "status_known_c0": Figure("C0 of member status, If-None-Match", "/s"),
    "lone": Figure("a lone accrual over HTTP, p50", "ms"),
    "plain": Figure("one plain transaction of its statements, p50", "ms"),
    "saturation": Figure("accruals over HTTP, a processor left to the generator", "/s"),
    "open_idle": Figure("orders at 50/s in an open loop, p50", "ms"),
    "open": Figure("orders at 70 % of saturation in an open loop, p99", "ms"),
    "overload": Figure("accepted at 3 × saturation in an open loop", "/s"),
    "refusals": Figure("refusals at 3 × saturation, p99", "ms"),
    "expiry": Figure("expiry of points by the job", "lots/s"),
    "expiry_update": Figure("one plain UPDATE of the same lots", "lots/s"),
    "expiry_busy": Figure("accruals over HTTP while points expire", "/s"),
    "expiry_quiet": Figure("the same while none do", "/s"),
    "import": Figure("members with balances by `loyalty import`", "/s"),
    "import_copy": Figure("COPY of the rows it wrote", "/s"),
    "import_persons": Figure("members with persons by `loyalty import`", "/s"),
    "import_persons_copy": Figure("COPY of the rows it wrote, with persons", "/s"),
    "verify": Figure("`loyalty verify`", "entries/s"),
    "bytes": Figure("stored bytes per accrual, all indexes", "bytes"),
    "heap_only": Figure("account updates that are HOT", "%"),
}

ROWS: Final[dict[str, tuple[Target, ...]]] = {
    "accruals": (Target("accruals", "accruals_c0", 0.7), Target("accruals", "p1", 0.6)),
    "campaigns": (Target("accruals", "no_campaigns", 0.85),),
    "hot": (Target("hot", "accruals", 0.9), Target("hot", "p1_hot", 2.5)),
    "redemptions": (Target("redemptions", "accruals", 0.7),),
    "pairs": (Target("pairs", "accruals", 0.45),),
    "checkout": (Target("checkout", "accruals", 0.3),),
    "batches": (Target("batches", "p1", 3), Target("batches", "bulk", 0.7)),
    "rush": (Target("rush", "rush_pg", 1.5, at_most=True),),
    "status": (Target("status", "status_c0", 0.7), Target("status_known", "status_known_c0", 0.8)),
    "lone": (Target("lone", "plain", 1.1, at_most=True),),
    "open": (Target("open", "open_idle", 5, at_most=True),),
    "overload": (Target("overload", "saturation", 0.95), Target("refusals", None, 50, at_most=True)),
    "expiry": (Target("expiry", "expiry_update", 0.3), Target("expiry_busy", "expiry_quiet", 0.8)),
    "import": (
        Target("import", "import_copy", 0.3),
        Target("import_persons", "import_persons_copy", 0.3),
    ),
    "verify": (Target("verify", "accruals", 50),),
    "storage": (Target("bytes", None, 743, at_most=True), Target("heap_only", None, 95)),
}

_HEAVY: Final = ("expiry", "import", "verify", "storage")
AFTERMATH: Final = frozenset(
    name
    for row in _HEAVY
    for target in ROWS[row]
    for name in (target.figure, target.beside)
    if name is not None and name != "accruals"
)
"""Figures that leave PostgreSQL work (what was filled and changed is vacuumed): taken once all others are."""

OPEN_LOOP: Final = frozenset({"open", "overload"})
"""The rows that need a generator which waits for no answer."""


def figures_of(rows: tuple[str, ...]) -> list[str]:
    """The figures those rows need, each once, in the order they are taken in."""
    needed = {
        name
        for row in rows
        for target in ROWS[row]
        for name in (target.figure, target.beside)
        if name is not None
    }
    return [name for name in FIGURES if name in needed]
