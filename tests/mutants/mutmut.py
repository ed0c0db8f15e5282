"""`python -m tests.mutants.mutmut lots spending`: mutmut over modules of the rules, in a copy of the tree.

Every operator, number, name and branch of these modules is made a little wrong, one at a time, and the tests of the
rules must notice. Exit code 1 if they miss one that `equivalents.toml` does not explain.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from rich.console import Console
from rich.table import Table

from tests.mutants.faults import ROOT
from tests.mutants.workbench import copy_checkout

EQUIVALENTS: Final = Path(__file__).with_name("equivalents.toml")
SCREEN: Final = Console()
_RESULT: Final = re.compile(r"^\s*(app\.domain\.(\w+)\.\S+): ([\w ]+)$", re.MULTILINE)
_SETTING: Final = 'only_mutate = ["app/domain/*"]'


class Mutant(NamedTuple):
    """One that was tried: `status` as mutmut tells it."""

    name: str
    module: str
    status: str


class Change(NamedTuple):
    """What a mutant does to the code: the lines that go, those that come, without their indentation."""

    gone: str
    come: str


def main() -> None:
    options = _parse()
    unknown = [name for name in options.modules if not (ROOT / "app/domain" / f"{name}.py").exists()]
    if unknown:
        sys.exit(f"No such module of app/domain: {', '.join(unknown)}.")
    with tempfile.TemporaryDirectory(prefix="loyalty-mutmut-") as name:
        tree = Path(name)
        tree.chmod(0o755)
        copy_checkout(tree, revision=options.revision)
        _aim(tree, options.modules)
        if _mutmut(tree, "run", "--max-children", str(options.jobs)).returncode:
            sys.exit("mutmut could not run; what it says is above.")
        mutants = _results(_mutmut(tree, "results", "--all", "true", is_quiet=True).stdout)
        missed = {
            mutant: _shown(tree, mutant) for mutant in mutants if mutant.status in ("survived", "no tests")
        }
    explained = _explained()
    SCREEN.print(_table(mutants, missed, explained))
    unexplained = [mutant for mutant, change in missed.items() if (mutant.module, *change) not in explained]
    for mutant in unexplained:
        change = missed[mutant]
        SCREEN.print(f"\n{mutant.name}\n- {change.gone}\n+ {change.come}", markup=False, highlight=False)
    sys.exit(bool(unexplained))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants.mutmut", description=__doc__)
    parser.add_argument("modules", nargs="+", help="of app/domain, such as lots")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time (2)")
    parser.add_argument("--revision", help="of the checkout; as it stands, if none is named")
    return parser.parse_args()


def _aim(tree: Path, modules: Iterable[str]) -> None:
    """Have mutmut change these modules alone: the others need not be taken apart."""
    project = tree / "pyproject.toml"
    text = project.read_text()
    assert _SETTING in text, "the setting of [tool.mutmut] that is narrowed here"
    paths = ", ".join(f'"app/domain/{module}.py"' for module in modules)
    project.write_text(text.replace(_SETTING, f"only_mutate = [{paths}]"))


def _mutmut(tree: Path, *words: str, is_quiet: bool = False) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mutmut", *words],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree)},
        stdout=subprocess.PIPE if is_quiet else None,
        text=True,
        check=False,
    )


def _results(told: str) -> list[Mutant]:
    return [Mutant(name, module, status) for name, module, status in _RESULT.findall(told)]


def _shown(tree: Path, mutant: Mutant) -> Change:
    lines = _mutmut(tree, "show", mutant.name, is_quiet=True).stdout.splitlines()
    return Change(*(_joined(lines, sign) for sign in "-+"))


def _joined(lines: Iterable[str], sign: str) -> str:
    found = (line[1:].strip() for line in lines if line.startswith(sign) and not line.startswith(sign * 3))
    return " ".join(found)


def _explained() -> set[tuple[str, str, str]]:
    """Mutants that no test can notice, by module and what goes and comes."""
    told = tomllib.loads(EQUIVALENTS.read_text())
    return {(each["module"], each["gone"], come) for each in told["mutant"] for come in each["come"]}


def _table(
    mutants: Sequence[Mutant], missed: dict[Mutant, Change], explained: set[tuple[str, str, str]]
) -> Table:
    table = Table("module", "mutants", "found", "explained", "missed")
    for module in sorted({mutant.module for mutant in mutants}):
        counted = Counter(
            "found"
            if mutant not in missed
            else "explained"
            if (module, *missed[mutant]) in explained
            else "missed"
            for mutant in mutants
            if mutant.module == module
        )
        table.add_row(
            module, str(counted.total()), *(str(counted[what]) for what in ("found", "explained", "missed"))
        )
    return table


if __name__ == "__main__":
    main()
