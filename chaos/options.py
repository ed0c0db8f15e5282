"""What to break, how often, and with which seed."""

import argparse
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chaos.faults import KINDS

CLIENTS: Final = 64
SMOKE_SEED: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """One run. `seconds` None: all cycles, however long they take; `each`: commands a client and cycle."""

    seed: int
    cycles: int
    clients: int
    each: int
    kinds: tuple[str, ...]
    seconds: float | None
    freeze_seconds: float
    record: Path | None  # where what was asked and held is kept
    again: Path | None  # such a record, to be compared once more


def parse(arguments: Sequence[str] | None = None) -> Options:
    """Read the command line; exits with 2 and a sentence if it is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m chaos",
        description="Break the service under load and compare what it did; see chaos/README.md.",
    )
    parser.add_argument(
        "--seed",
        type=int,
        help="repeats a run's commands and faults (default: drawn, and the same for a smoke run)",
    )
    parser.add_argument(
        "--cycles", type=int, default=20, help="rounds of commands, each with faults (%(default)s)"
    )
    parser.add_argument("--clients", type=int, default=CLIENTS, help="that ask at once (%(default)s)")
    parser.add_argument(
        "--each", type=int, default=20, help="commands of each client in a cycle (%(default)s)"
    )
    parser.add_argument("--seconds", type=float, help="begin no cycle after so long")
    parser.add_argument(
        "--freeze", type=float, default=10.0, help="seconds a worker is stopped (%(default)s)"
    )
    parser.add_argument("--faults", nargs="*", default=KINDS, metavar="KIND", help=f"of {', '.join(KINDS)}")
    parser.add_argument("--record", type=Path, help="keep all that was asked, answered and held in this file")
    parser.add_argument("--again", type=Path, help="compare a record once more; nothing else is done")
    parser.add_argument("--smoke", action="store_true", help="a run of some 90 seconds")
    given = parser.parse_args(arguments)
    unknown = [kind for kind in given.faults if kind not in KINDS]
    if unknown:
        parser.error(f"no such fault: {', '.join(unknown)}; there are {', '.join(KINDS)}")
    return Options(
        seed=_seed(given.seed, is_smoke=given.smoke),
        cycles=given.cycles,
        clients=given.clients,
        each=8 if given.smoke else given.each,
        kinds=tuple(given.faults),
        seconds=65.0 if given.smoke else given.seconds,
        freeze_seconds=3.0 if given.smoke else given.freeze,
        record=given.record,
        again=given.again,
    )


def _seed(given: int | None, *, is_smoke: bool) -> int:
    if given is not None:
        return given
    return SMOKE_SEED if is_smoke else secrets.randbelow(10**6)
