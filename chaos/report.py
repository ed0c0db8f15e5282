"""The table of a run, and its differences with the commands that lead there."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from chaos.history import Difference
from chaos.options import Options
from chaos.record import Op
from chaos.run import Result

MOST_TOLD: Final = 20


def table(options: Options, result: Result) -> str:
    """What was done and what came of it."""
    sends = [send for op in result.ops for send in op.sends]
    unknown = [op for op in result.ops if op.was_unknown]
    resolved = [op for op in unknown if op.accepted or op.sends[-1].is_refused]
    repeats = (
        f"--seed {options.seed} --cycles {result.cycles} --clients {options.clients} --each {options.each}"
    )
    rows = [
        ("operations", f"{len(result.ops):,} of {len({op.kind for op in result.ops})} kinds"),
        ("of them three times at once", f"{sum(op.copies > 1 for op in result.ops):,}"),
        ("sent", f"{len(sends):,}"),
        ("acknowledged", f"{sum(bool(op.accepted) for op in result.ops):,}"),
        ("refused", f"{sum(not op.accepted for op in result.ops):,}"),
        ("unknown at first", f"{len(unknown):,}"),
        ("resolved", f"{len(resolved):,}, to 1: {sum(bool(op.accepted) for op in resolved):,}"),
        ("asked again at rest", f"{result.asked_again:,}"),
        ("entries of the ledger", f"{result.entries:,}"),
        ("compared with the model", f"{result.compared:,}"),
        ("faults", _counts(result.faults)),
        ("connections cut", f"{result.cuts:,}"),
        *([("faults not done", str(result.not_done))] if result.not_done else []),
        ("answers", _counts(Counter(_answer_kind(op) for op in result.ops))),
        ("differences", f"{len(result.differences):,}"),
    ]
    width = max(len(name) for name, _ in rows)
    lines = [f"{name:<{width}}  {value}" for name, value in rows]
    return "\n".join(
        [
            f"{result.cycles} cycles, {options.clients} clients, {result.seconds:.0f} s; repeat with {repeats}",
            *lines,
        ]
    )


def _answer_kind(op: Op) -> str:
    if op.accepted:
        return "done"
    return op.sends[-1].code or str(op.sends[-1].status)


def _counts(counted: "dict[str, int]") -> str:
    told = sorted(counted.items(), key=lambda each: -each[1])
    return f"{sum(counted.values()):,}: " + ", ".join(f"{name} {count:,}" for name, count in told)


def tell_differences(differences: Sequence[Difference]) -> str:
    """Each with what leads to it; beyond the first ones only how many."""
    lines: list[str] = []
    for number, each in enumerate(differences[:MOST_TOLD], start=1):
        lines += [
            "",
            f"difference {number}: {each.member} {each.what}",
            f"  expected {each.expected}",
            f"  found    {each.found}",
            *(f"    {command}" for command in each.commands),
        ]
    if len(differences) > MOST_TOLD:
        lines += ["", f"... and {len(differences) - MOST_TOLD:,} more"]
    return "\n".join(lines)
