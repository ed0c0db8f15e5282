"""What schemathesis has to know of the service beyond its document; named by `schemathesis.toml`.

Three of its checks hold a service to what this one's contract says otherwise. Each is left out where the contract
says so and nowhere else.
"""

from __future__ import annotations

import functools
import json
import os
import random
import secrets
from pathlib import Path
from typing import Any

import schemathesis
from schemathesis import Case, HookContext, Response
from schemathesis.core.failures import Failure
from schemathesis.generation.meta import TestPhase

BEYOND_SCHEMAS = {
    "instant",  # of the right format, and no time that exists between 1900 and 2200
    "day",
    "birthday",  # ahead of today
    "line_id_repeated",  # by two lines of a cart
    "cart_out_of_range",  # its lines together
    "until_before_from",
}
"""Mistakes in a value of the right shape."""

KNOWN_IDS = "LOYALTY_FUZZ_KNOWN_IDS"
"""Names a JSON file: by operation id, the ids of what is there for it. Ids made up lead nowhere, and nowhere far."""


@schemathesis.hook
def before_call(_context: HookContext, case: Case, _arguments: dict[str, Any]) -> None:
    """Give each good request an idempotency key of its own: most would be refused for another's else."""
    if not _is_good(case):
        return
    if "Idempotency-Key" in (case.headers or {}):
        case.headers["Idempotency-Key"] = secrets.token_hex(8)
    if case.meta is not None and case.meta.phase.name is TestPhase.FUZZING:
        _lead_somewhere(case)


def _lead_somewhere(case: Case) -> None:
    """Let three of four requests name what is there, where there is a list of it; the same ones each time."""
    ids = _known_ids().get(case.operation.definition.raw["operationId"], {})
    drawn = random.Random(repr((case.path_parameters, case.body)))  # noqa: S311 - no secret
    if drawn.random() < 0.25:
        return
    for name in ids.keys() & (case.path_parameters or {}).keys():
        case.path_parameters[name] = drawn.choice(ids[name])
    if isinstance(case.body, dict) and "member_id" in ids and "member_id" in case.body:
        case.body = {**case.body, "member_id": drawn.choice(ids["member_id"])}


@functools.cache
def _known_ids() -> dict[str, dict[str, list[str]]]:
    return json.loads(Path(os.environ[KNOWN_IDS]).read_text()) if KNOWN_IDS in os.environ else {}


@schemathesis.hook
def filter_failure(_context: HookContext, failure: Failure, case: Case, response: Response) -> bool:
    """Whether the failure is one."""
    match type(failure).__name__:
        case "RejectedPositiveData":
            return not _is_refused_by_a_rule(case, response)
        case "AcceptedNegativeData":
            return not (_is_told_by_the_batch(case, response) or _is_told_by_the_look(case, response))
        case "UseAfterFree":
            # Deleting a member forgets the person; the member's ledger stands and can be read.
            return "/v1/members/" not in case.path
        case _:
            return True


def _is_good(case: Case) -> bool:
    return case.meta is not None and case.meta.generation.mode.is_positive


def _is_refused_by_a_rule(case: Case, response: Response) -> bool:
    """Whether a request that fits the document was refused for what no schema can say: a moment ahead of now, a
    cursor of no page, a member that refers itself. API.md answers that with 422 too."""
    if response.status_code == 413:
        # Its schema bounds each part of a body, the service all of it.
        return len(response.request.body or b"") > response.json()["limit"]
    if response.status_code != 422:
        return False
    problem = response.json()
    return problem["code"] != "validation_failed" or all(
        mistake["code"] in BEYOND_SCHEMAS or _is_whole_float(case, mistake) for mistake in problem["errors"]
    )


def _is_told_by_the_batch(case: Case, response: Response) -> bool:
    """Whether a batch fails the operation that doesn't fit the document, and carries out the others."""
    if case.operation.label != "POST /v1/batches" or response.status_code != 200:
        return False
    return any(result["status"] >= 400 for result in response.json()["results"])


def _is_told_by_the_look(case: Case, response: Response) -> bool:
    """Whether a look at a campaign tells its mistakes, which is what was asked."""
    if case.operation.label != "POST /v1/campaigns/{campaign}/validate" or response.status_code != 200:
        return False
    return not response.json()["valid"]


def _is_whole_float(case: Case, mistake: dict[str, Any]) -> bool:
    """Whether `1.0` was sent for an integer: JSON Schema takes it for one, and this API doesn't."""
    if mistake["code"] not in {"int_type", "attribute", "wish"} or mistake["in"] != "body":
        return False
    steps = mistake["pointer"].removeprefix("/").split("/")
    value: Any = functools.reduce(
        lambda place, step: place[int(step)] if isinstance(place, list) else place[step], steps, case.body
    )
    return isinstance(value, float) and value.is_integer()
