"""What the workbench makes of tests that find a fault, of those that find none, and of those that find anything."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.mutants.faults import Fault
from tests.mutants.workbench import Finding, run_tests, try_fault
from tests.pace import HANG_SECONDS

RULE = "def double(number: int) -> int:\n    return number * 2\n"
PATCH = """Breaks: x
Matters: x
Tests: tests

--- a/rule.py
+++ b/rule.py
@@ -2 +2 @@
-    return number * 2
+    return number + 2
"""
FINDS = "from rule import double\n\ndef test_it():\n    assert double(3) == 6\n"
MISSES = "from rule import double\n\ndef test_it():\n    assert double(2) == 4\n"
ALWAYS_FAILS = "def test_nothing():\n    assert False\n"
NEVER_ENDS = (
    "import time\nfrom rule import double\n\ndef test_it():\n    time.sleep(0 if double(3) == 6 else 600)\n"
)
IS_NO_PROGRAM = "def\n"


def make_tree(folder: Path, **tests: str) -> Path:
    """A tree with one rule and these tests of it."""
    tree = folder / "whole"
    (tree / "tests/mutants").mkdir(parents=True)
    (tree / "rule.py").write_text(RULE)
    for name in ("__init__.py", "mutants/__init__.py", "mutants/witness.py"):
        shutil.copy(Path(__file__).parents[1] / name, tree / "tests" / name)
    for name, text in tests.items():
        (tree / "tests" / f"test_{name}.py").write_text(text)
    return tree


def tried(folder: Path, tree: Path) -> Finding:
    path = folder / "fault.patch"
    path.write_text(PATCH)
    fault = Fault("fault", path, "x", "x", ("tests/test_first.py",))
    return try_fault(fault, whole=tree, folder=folder, is_narrow=False)


@pytest.mark.parametrize(
    ("first", "second", "sort", "found_by"),
    [
        (MISSES, FINDS, "test", "tests/test_second.py::test_it"),
        (ALWAYS_FAILS, MISSES, "survived", ""),
        (ALWAYS_FAILS + FINDS, MISSES, "test", "tests/test_first.py::test_it"),
    ],
)
def test_what_becomes_of_a_fault(tmp_path: Path, first: str, second: str, sort: str, found_by: str) -> None:
    finding = tried(tmp_path, make_tree(tmp_path, first=first, second=second))
    assert (finding.sort, finding.found_by) == (sort, found_by)
    assert finding.is_found == (sort == "test")
    assert (tmp_path / "whole/rule.py").read_text() == RULE


def test_tests_that_cannot_be_read_find_nothing(tmp_path: Path) -> None:
    finding = tried(tmp_path, make_tree(tmp_path, first=IS_NO_PROGRAM))
    assert (finding.sort, finding.is_found) == ("broken", False)


def test_a_fault_that_does_not_apply_is_not_tried(tmp_path: Path) -> None:
    tree = make_tree(tmp_path, first=FINDS)
    (tree / "rule.py").write_text("def double(number: int) -> int:\n    return number << 1\n")
    finding = tried(tmp_path, tree)
    assert (finding.sort, finding.is_found) == ("broken", False)
    assert "does not apply" in finding.found_by


def test_what_comes_to_no_end_has_failed(tmp_path: Path) -> None:
    tree = make_tree(tmp_path, first=NEVER_ENDS)
    (tree / "rule.py").write_text(RULE.replace("*", "+"))
    ran = run_tests(tree, ["tests"], limit_seconds=3)
    assert ran.sort == "standstill"


def test_races_and_properties_are_told_apart(tmp_path: Path) -> None:
    tree = make_tree(
        tmp_path,
        property="from hypothesis import given, strategies as st\n\n"
        "@given(st.integers())\ndef test_it(number):\n    assert number < 0\n",
    )
    (tree / "tests/concurrency").mkdir()
    (tree / "tests/concurrency/test_race.py").write_text(ALWAYS_FAILS)
    assert run_tests(tree, ["tests/concurrency"], limit_seconds=HANG_SECONDS).sort == "race"
    assert run_tests(tree, ["tests/test_property.py"], limit_seconds=HANG_SECONDS).sort == "property"
