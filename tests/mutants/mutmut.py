"""`python -m tests.mutants.mutmut lots spending`: mutmut over modules of the rules, in a copy of the tree.

Every operator, number, name and branch of these modules is made a little wrong, one at a time, and the tests of the
rules must notice. Exit code 1 if they miss one that `equivalents.toml` does not explain.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from tests.mutants.faults import ROOT
from tests.mutants.workbench import copy_checkout

EQUIVALENTS: Final = Path(__file__).with_name("equivalents.toml")
SCREEN: Final = Console()
_SETTING: Final = 'only_mutate = ["app/domain/*"]'
_LEAVING_OUT_PROPERTIES: Final = ("-m", "not hypothesis")

# The lines of code that go and those that come, without their indentation.
_Change = tuple[str, str]


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
        tried, missed = _try(tree, options)
    unexplained = _unexplained(missed)
    SCREEN.print(_table(tried, missed, unexplained))
    for name in unexplained:
        gone, come = missed[name]
        SCREEN.print(f"\n{name}\n- {gone}\n+ {come}", markup=False, highlight=False, soft_wrap=True)
    sys.exit(bool(unexplained))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants.mutmut", description=__doc__)
    parser.add_argument("modules", nargs="+", help="of app/domain, such as lots")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time (2)")
    parser.add_argument("--revision", help="of the checkout; as it stands, if none is named")
    parser.add_argument("--only", nargs="+", default=(), help="parts of the names of those to try")
    parser.add_argument("--properties", action="store_true", help="try them by the properties, too")
    return parser.parse_args()


def _aim(tree: Path, modules: Iterable[str]) -> None:
    """Have mutmut change these modules alone: the others need not be taken apart."""
    project = tree / "pyproject.toml"
    text = project.read_text()
    assert _SETTING in text, "the setting of [tool.mutmut] that is narrowed here"
    paths = ", ".join(f'"app/domain/{module}.py"' for module in modules)
    project.write_text(text.replace(_SETTING, f"only_mutate = [{paths}]"))


def _try(tree: Path, options: argparse.Namespace) -> tuple[list[str], dict[str, _Change]]:
    """The names of all that were tried, and those that were missed."""
    told = tree / "told.json"
    more = () if options.properties else _LEAVING_OUT_PROPERTIES
    words = ("--jobs", str(options.jobs), "--only", *options.only, "--", told, *more)
    # Found by its path alone: of the packages `app` and `tests` the copies are to be imported that mutmut makes.
    ended = subprocess.run([sys.executable, "-P", "tests/mutants/trying.py", *words], cwd=tree, check=False)
    if ended.returncode:
        sys.exit("The mutants could not be tried; why is told above.")
    found = json.loads(told.read_text())
    return found["tried"], {name: (gone, come) for name, (gone, come) in found["missed"].items()}


def _module(mutant: str) -> str:
    return mutant.split(".")[2]  # app.domain.lots.x_release__mutmut_1


def _unexplained(missed: dict[str, _Change]) -> list[str]:
    """Those of the mutants that a test could notice. What is explained is so in one function, if it names one."""
    told = tomllib.loads(EQUIVALENTS.read_text())["mutant"]
    explained = {
        (each["module"], each.get("function"), each["gone"], come) for each in told for come in each["come"]
    }
    return [
        name
        for name, change in missed.items()
        if explained.isdisjoint((_module(name), function, *change) for function in (None, _function(name)))
    ]


def _function(mutant: str) -> str:
    """app.domain.lots.x_release__mutmut_1 is one of `release`; in a class the name follows a letter of its own."""
    return mutant.rpartition("__mutmut_")[0].rpartition(".")[2].rpartition("ǁ")[2].removeprefix("x_")


def _table(tried: Sequence[str], missed: Collection[str], unexplained: Collection[str]) -> Table:
    table = Table("module", "mutants", "found", "explained", "missed")
    for module in sorted(set(map(_module, tried))):
        counted = Counter(
            "found" if name not in missed else "missed" if name in unexplained else "explained"
            for name in tried
            if _module(name) == module
        )
        table.add_row(
            module, str(counted.total()), *(str(counted[what]) for what in ("found", "explained", "missed"))
        )
    return table


if __name__ == "__main__":
    main()
