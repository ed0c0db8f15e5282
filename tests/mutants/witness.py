"""A plugin of pytest that notes which test failed first, and of what sort it is."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

NOTE = "LOYALTY_TEST_WITNESS"
"""Names the file to be written: {"test": id, "sort": sort}."""

_SORTS = {"tests/concurrency/": "race", "tests/contract/": "contract"}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> object:
    report: pytest.TestReport = yield  # pyright: ignore[reportAssignmentType]
    note = Path(os.environ[NOTE])
    if report.failed and not note.exists():
        note.write_text(json.dumps({"test": item.nodeid, "sort": _sort(item)}))
    return report


def _sort(item: pytest.Item) -> str:
    for folder, sort in _SORTS.items():
        if item.nodeid.startswith(folder):
            return sort
    test = getattr(item, "obj", None)
    is_property = getattr(test, "is_hypothesis_test", False) or "stateful" in getattr(test, "__module__", "")
    return "property" if is_property else "test"
