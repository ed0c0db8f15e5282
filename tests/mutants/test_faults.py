"""The planted faults are what they should be: `make mutants` asks whether the tests notice them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.mutants.faults import FOLDER, ROOT, Fault, plant, read_faults

FAULTS = read_faults()
LEAST = 30


def test_there_are_enough_of_every_kind() -> None:
    assert len(FAULTS) >= LEAST
    assert len(FAULTS) == len(list(FOLDER.iterdir()))
    rooms = {"/".join(file.split("/")[:2]) for fault in FAULTS for file in fault.files}
    assert rooms >= {
        "app/domain",
        "app/ledger",
        "app/queries",
        "app/routers",
        "app/security",
        "migrations/versions",
    }


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_still_applies_and_is_a_program(fault: Fault, tmp_path: Path) -> None:
    """If it does not: plant it anew where the code it breaks has gone, or take it away with that code."""
    for file in fault.files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, tmp_path / file)

    assert plant(fault, tmp_path) == ""

    for file in fault.files:
        planted = (tmp_path / file).read_text()
        assert planted != (ROOT / file).read_text()
        compile(planted, file, "exec")


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_names_tests_that_are_there(fault: Fault) -> None:
    assert [test for test in fault.tests if not (ROOT / test.partition("::")[0]).exists()] == []


def test_a_fault_that_no_longer_fits_is_told(tmp_path: Path) -> None:
    fault = FAULTS[0]
    for file in fault.files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("# nothing of it is left\n")

    assert "patch does not apply" in plant(fault, tmp_path)
