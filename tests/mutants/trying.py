"""mutmut's mutants of the copy of the tree that this is started in: each is tried in a fork of one session of pytest.

mutmut itself has pytest collect the tests anew for each mutant, and begins with the quickest. Here they are collected
once, and those of the module's own file come first. Started by `mutmut.py`, which has made the copy.
"""

from __future__ import annotations

import argparse
import functools
import gc
import json
import os
import signal
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import mutmut.__main__ as mutmut
import pytest
from _pytest.runner import runtestprotocol
from mutmut.configuration import config
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.state import state
from mutmut.utils.file_utils import change_cwd
from mutmut.utils.format_utils import mangled_name_from_mutant_name
from rich.console import Console

SCREEN: Final = Console()
_NOT_FOUND: Final = 0
_FOUND: Final = 1
# A mutant that goes round for ever is found: what a test takes without it, so many times, and some seconds more. All of
# the processor's time, so that a busy machine finds nothing.
_PATIENCE: Final = 20
_PATIENCE_SECONDS: Final = 5


class _Test(NamedTuple):
    item: pytest.Item
    seconds: float

    def passes_in_time(self) -> bool:
        """Whether it passes; the process is ended if it takes too long."""
        signal.setitimer(signal.ITIMER_PROF, _PATIENCE_SECONDS + _PATIENCE * self.seconds)
        return _passes(self.item)


class _Trials:
    """The session: follows once which functions each test comes through, then tries each mutant by its tests."""

    def __init__(self, names: Sequence[str], jobs: int) -> None:
        self.missed: list[str] = []
        self._names = names
        self._jobs = jobs
        self._running: dict[int, str] = {}

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Instead of pytest's own loop over the tests."""
        tests = _followed(session.items)
        caches = [each for each in gc.get_objects() if isinstance(each, functools._lru_cache_wrapper)]
        gc.freeze()
        for name in self._names:
            own = f"test_{name.split('.')[2]}.py"
            of_it = sorted(
                tests.get(mangled_name_from_mutant_name(name), ()),
                key=lambda test: (test.item.path.name != own, test.seconds),
            )
            if len(self._running) == self._jobs:
                self._wait()
            self._running[_begin(name, of_it, caches)] = name
        while self._running:
            self._wait()
        return True

    def _wait(self) -> None:
        process, status = os.wait()
        name = self._running.pop(process)
        code = os.waitstatus_to_exitcode(status)
        if code == _NOT_FOUND:
            self.missed.append(name)
            SCREEN.print(f"missed: {name}", highlight=False, soft_wrap=True)
        elif code == -signal.SIGPROF:
            SCREEN.print(f"without end: {name}", highlight=False, soft_wrap=True)


def main() -> None:
    options = _parse()
    names = [name for name in _made() if not options.only or any(part in name for part in options.only)]
    trials = _Trials(names, options.jobs)
    with change_cwd("mutants"):
        settings = config()
        code = pytest.main(
            [
                "-qq",
                *settings.pytest_add_cli_args,
                *settings.pytest_add_cli_args_test_selection,
                *options.pytest,
            ],
            plugins=[trials],
        )
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        raise SystemExit(code)
    missed = {name: _shown(name) for name in sorted(trials.missed)}
    options.told.write_text(json.dumps({"tried": names, "missed": missed}))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("told", type=Path, help="the file that is told what was tried and what was missed")
    parser.add_argument("--jobs", type=int, required=True)
    parser.add_argument("--only", nargs="*", help="parts of the mutants' names")
    parser.add_argument("pytest", nargs="*", help="more words for pytest, after --")
    return parser.parse_args()


def _made() -> list[str]:
    """Have mutmut make its mutants in ./mutants: their names."""
    set_mutant_under_test("mutant_generation")
    Path("mutants").mkdir()
    with mutmut.CatchOutput():
        mutmut.copy_src_dir()
        mutmut.copy_also_copy_files()
        mutmut.setup_source_paths()
        mutmut.create_mutants(1)
    return [name for _, name, _ in mutmut.collect_source_file_mutation_data(mutant_names=())[0]]


def _followed(items: Iterable[pytest.Item]) -> dict[str, list[_Test]]:
    """Run every test without a mutant: those that come through each function, which must all pass."""
    set_mutant_under_test("stats")
    tests: dict[str, list[_Test]] = {}
    state()._stats.clear()
    for item in items:
        began = time.process_time()
        if not _passes(item):
            pytest.exit(f"Fails without any mutant: {item.nodeid}", returncode=pytest.ExitCode.TESTS_FAILED)
        test = _Test(item, time.process_time() - began)
        for function in state()._stats:
            tests.setdefault(function, []).append(test)
        state()._stats.clear()
    return tests


def _begin(name: str, tests: Sequence[_Test], caches: Iterable[functools._lru_cache_wrapper[object]]) -> int:
    """Fork a process that ends with _NOT_FOUND if all these tests pass under the mutant: its id."""
    process = os.fork()
    if process:
        return process
    try:
        for cache in caches:  # what was worked out without the mutant
            cache.cache_clear()
        set_mutant_under_test(name)
        os._exit(_NOT_FOUND if all(test.passes_in_time() for test in tests) else _FOUND)
    finally:
        os._exit(_FOUND)


def _passes(item: pytest.Item) -> bool:
    return not any(report.failed for report in runtestprotocol(item, log=False, nextitem=None))


def _shown(name: str) -> list[str]:
    """What the mutant does to the code: the lines that go, those that come, without their indentation."""
    path = "/".join(name.split(".")[:3]) + ".py"
    lines = get_diff_for_mutant(name, path=path).splitlines()
    return [_joined(lines, sign) for sign in "-+"]


def _joined(lines: Iterable[str], sign: str) -> str:
    found = (line[1:].strip() for line in lines if line.startswith(sign) and not line.startswith(sign * 3))
    return " ".join(found)


if __name__ == "__main__":
    main()
