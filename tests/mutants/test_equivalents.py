"""The mutants that are explained are of the code as it stands."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from tests.mutants.faults import ROOT
from tests.mutants.mutmut import EQUIVALENTS

EXPLAINED: list[dict[str, Any]] = tomllib.loads(EQUIVALENTS.read_text())["mutant"]


@pytest.mark.parametrize("mutant", EXPLAINED, ids=lambda mutant: f"{mutant['module']}: {mutant['gone']}")
def test_an_explained_mutant_is_of_code_that_is_there(mutant: dict[str, Any]) -> None:
    """What was mended or has gone needs no explaining any more."""
    text = (ROOT / "app/domain" / f"{mutant['module']}.py").read_text()
    assert " ".join(mutant["gone"].split()) in " ".join(text.split())
    assert "function" not in mutant or f"def {mutant['function']}(" in text
    assert mutant["why"].endswith(".")
    assert mutant["gone"] not in mutant["come"]
