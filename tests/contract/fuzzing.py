"""What schemathesis has to know of the service beyond its document; named by `schemathesis.toml`."""

from __future__ import annotations

import functools
from typing import Any

import schemathesis
from schemathesis import Case, CheckContext, Response

BEYOND_SCHEMAS = {
    "instant",  # of the right format, and no time that exists between 1900 and 2200
    "day",
    "birthday",  # ahead of today
}
"""Mistakes in a value of the right shape."""


@schemathesis.check
def refused_for_what_no_schema_says(_context: CheckContext, response: Response, case: Case) -> None:
    """A request that fits the document is refused by a rule, never for its shape."""
    if not _is(case, "positive") or response.status_code != 422:
        return
    problem = response.json()
    if problem["code"] != "validation_failed":
        return
    shapes = [
        mistake
        for mistake in problem["errors"]
        if mistake["code"] not in BEYOND_SCHEMAS and not _is_whole_float(case, mistake)
    ]
    assert not shapes, f"the document allows what is refused: {shapes}"


@schemathesis.check
def a_batch_tells_what_is_wrong(_context: CheckContext, response: Response, case: Case) -> None:
    """A batch with an operation that doesn't fit the document fails that operation, or is refused whole."""
    if case.operation.label != "POST /v1/batches" or not _is(case, "negative") or response.status_code != 200:
        return
    assert any(result["status"] >= 400 for result in response.json()["results"]), "taken as it was"


def _is(case: Case, mode: str) -> bool:
    return case.meta is not None and case.meta.generation.mode.value == mode


def _is_whole_float(case: Case, mistake: dict[str, Any]) -> bool:
    """Whether `1.0` was sent for an integer: JSON Schema takes it for one, and this API doesn't."""
    if mistake["code"] not in {"int_type", "attribute"} or mistake["in"] != "body":
        return False
    steps = mistake["pointer"].removeprefix("/").split("/")
    value: Any = functools.reduce(
        lambda place, step: place[int(step)] if isinstance(place, list) else place[step], steps, case.body
    )
    return isinstance(value, float) and value.is_integer()
