"""Copies of the tree, in which a fault is planted and the tests are run; the checkout itself is never touched."""

from __future__ import annotations

import compileall
import contextlib
import json
import os
import py_compile
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Final, NamedTuple

from tests.mutants.faults import ROOT, Fault, plant
from tests.mutants.witness import NOTE

NARROW_SECONDS: Final = 240
WHOLE_SECONDS: Final = 1_800
_CLEANING_UP_SECONDS: Final = 30
_TESTS_FAILED: Final = 1
_NOTHING_LEFT_TO_RUN: Final = 5  # all that failed without the fault too were left out


class Finding(NamedTuple):
    """What became of a fault. `sort`: test, property, race, contract, standstill; survived; broken (see `found_by`)."""

    fault: Fault
    sort: str
    found_by: str
    seconds: float

    @property
    def is_found(self) -> bool:
        return self.sort not in ("survived", "broken")


class _Ran(NamedTuple):
    sort: str  # as of a Finding; "passed"
    told: str


def copy_checkout(tree: Path, *, revision: str | None) -> None:
    """Make `tree` a copy of the checkout as it stands, or of one of its revisions."""
    if revision is not None:
        archive = _git("archive", "--format=tar", revision)
        with tarfile.open(fileobj=BytesIO(archive)) as packed:
            packed.extractall(tree, filter="data")
    else:
        for name in _git("ls-files", "-z", "--cached", "--others", "--exclude-standard").decode().split("\0"):
            if name and (ROOT / name).is_file():
                (tree / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, tree / name)
    # Known by the hash of their source: a file changed within the second it was copied in is compiled anew.
    compileall.compile_dir(
        tree / "app", quiet=1, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH
    )


def _git(*words: str) -> bytes:
    git = shutil.which("git")
    assert git is not None, "the files of the checkout are those that git knows"
    return subprocess.run([git, *words], cwd=ROOT, capture_output=True, check=True).stdout


def try_fault(fault: Fault, *, whole: Path, folder: Path, is_narrow: bool) -> Finding:
    """Plant the fault in a copy of the tree `whole` and run its own tests, then all of them unless `is_narrow`.

    A test that fails without the fault too has found nothing: the others are asked again without it.
    """
    began = time.monotonic()
    tree, sound = folder / fault.name, folder / f"{fault.name}-without"
    for copy in (tree, sound):
        shutil.copytree(whole, copy)
    try:
        complaint = plant(fault, tree)
        if complaint:
            return Finding(fault, "broken", f"it does not apply: {complaint.strip()}", 0)
        ran = _run_believed(tree, sound, fault.tests, limit_seconds=NARROW_SECONDS)
        if ran.sort == "passed" and not is_narrow:
            ran = _run_believed(tree, sound, ["tests"], limit_seconds=WHOLE_SECONDS)
    finally:
        for copy in (tree, sound):
            shutil.rmtree(copy, ignore_errors=True)
    sort = "survived" if ran.sort == "passed" else ran.sort
    return Finding(fault, sort, ran.told, time.monotonic() - began)


def _run_believed(tree: Path, sound: Path, tests: Sequence[str], *, limit_seconds: float) -> _Ran:
    """As `run_tests`, without tests that fail in the sound tree as well."""
    left_out: list[str] = []
    while True:
        ran = run_tests(tree, [*tests, *left_out], limit_seconds=limit_seconds)
        if ran.sort in ("passed", "standstill", "broken"):
            return ran
        if run_tests(sound, [ran.told], limit_seconds=limit_seconds).sort == "passed":
            return ran
        left_out += ["--deselect", ran.told]


def run_tests(tree: Path, tests: Sequence[str], *, limit_seconds: float) -> _Ran:
    """Run these tests in the tree until one fails. One that never comes to an end has failed too."""
    note = tree.with_suffix(".json")
    note.unlink(missing_ok=True)
    environment = {**os.environ, "PYTHONPATH": str(tree), NOTE: str(note)}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-x",
        "-q",
        "--no-header",
        "--tb=line",
        "-p",
        "no:cacheprovider",
    ]
    # No deadlines and the same examples each time: a busy machine must not find anything.
    command.append("--hypothesis-profile=ci")
    # Its own tests would find every patch that is applied no longer to apply.
    command += ["-p", "tests.mutants.witness", "--ignore=tests/mutants", *tests]
    with subprocess.Popen(
        command,
        cwd=tree,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as running:
        try:
            output, _ = running.communicate(timeout=limit_seconds)
        except subprocess.TimeoutExpired:
            _end(running)
            return _Ran("standstill", f"no end within {limit_seconds:.0f} s")
    try:
        if running.returncode in (0, _NOTHING_LEFT_TO_RUN):
            return _Ran("passed", "")
        if running.returncode == _TESTS_FAILED and note.exists():
            noted = json.loads(note.read_text())
            return _Ran(noted["sort"], noted["test"])
    finally:
        note.unlink(missing_ok=True)
    return _Ran("broken", f"pytest could not run: {output[-2_000:]}")


def _end(running: subprocess.Popen[str]) -> None:
    """End what was started, so that it can take its database server down; by force if it does not."""
    for sign in (signal.SIGINT, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.communicate(timeout=_CLEANING_UP_SECONDS)
            return
