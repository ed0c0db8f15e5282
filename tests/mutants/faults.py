"""The faults: one patch a file under `faults/`, with a head that says what it breaks and why that matters."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = Path(__file__).parent / "faults"

_HEAD: Final = re.compile(r"Breaks: (?P<breaks>.+)\nMatters: (?P<matters>.+)\nTests: (?P<tests>.+)\n\n--- a/")


class FaultUnreadable(Exception):
    """A patch without the head that faults have."""


class Fault(NamedTuple):
    """One patch. `tests`: the paths whose tests are asked first, the narrowest there are."""

    name: str
    path: Path
    breaks: str
    matters: str
    tests: tuple[str, ...]

    @property
    def files(self) -> list[str]:
        """The files it changes, by their paths from the root."""
        return re.findall(r"^\+\+\+ b/(\S+)$", self.path.read_text(), re.MULTILINE)


def read_faults() -> list[Fault]:
    """All of them, by name. Raises FaultUnreadable."""
    return [_read(path) for path in sorted(FOLDER.glob("*.patch"))]


def _read(path: Path) -> Fault:
    head = _HEAD.match(path.read_text())
    if head is None:
        raise FaultUnreadable(f"{path.name} must begin with Breaks:, Matters:, Tests: and an empty line.")
    return Fault(path.stem, path, head["breaks"], head["matters"], tuple(head["tests"].split()))


def plant(fault: Fault, tree: Path) -> str:
    """Apply the fault to the tree; what was said against it, if it does not apply any more.

    Lines may have moved, but what stands around the change must be as it was: so nothing is broken by chance.
    """
    git = shutil.which("git")
    assert git is not None, "git applies the patches"
    # Told not to look for a repository above: a tree without one of its own is changed as well.
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(tree.parent)}
    done = subprocess.run(
        [git, "apply", "-"],
        input=fault.path.read_bytes(),
        cwd=tree,
        env=environment,
        capture_output=True,
        check=False,
    )
    return done.stderr.decode()
