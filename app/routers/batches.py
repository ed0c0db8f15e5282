"""Many operations in one request."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import Any, NamedTuple, TypeGuard

from fastapi import Request, Response
from pydantic import ValidationError
from pydantic_core import to_json

from app.actions.batches import answer_kept, keep_answer
from app.domain.account import bucket_of
from app.domain.commands import Accrue
from app.domain.errors import ErrorKind, IdempotencyKeyReused, LoyaltyError
from app.ledger.batch import Result
from app.ledger.engine import MAX_BATCH, Engine, LedgerUnavailable, QueueFull
from app.ledger.outcome import Outcome
from app.ledger.request import Request as Asked
from app.routers import door
from app.routers.commands import CREATED, OK, claim_of, ledger_caller
from app.routers.document import REPLAYED_HEADER, problems
from app.routers.door import caller_of, require
from app.routers.errors import STATUS, ValidationFailed, internal_problem, problem
from app.schemas.batches import OPERATIONS, BatchAnswer, BatchRequest, Operation

router = door.router("points")

_FAILED = 500


class _Sent(NamedTuple):
    """An operation that is to be carried out, and its place in the list."""

    place: int
    operation: type[Operation]
    request: Asked


@router.post(
    "/v1/batches",
    operation_id="run_batch",
    response_model=BatchAnswer,
    responses=problems(IdempotencyKeyReused, QueueFull, LedgerUnavailable),
)
@require(None, is_bulk=True)
async def run(body: BatchRequest, request: Request) -> Response:
    """Carry out up to 1,000 operations, each as its own call would.

    One member's operations are decided in list order, each seeing those before it. A batch is not atomic: one
    bad operation never fails its neighbours. Each needs the scope of its own call, and each is known by its
    own natural key, so a batch may be sent again. An `Idempotency-Key` keeps the whole answer.
    """
    claim = claim_of(request, content=lambda: _hash(body.operations))
    database = request.app.state.database
    if claim is not None and (kept := await answer_kept(database, claim)) is not None:
        return _response(kept, headers={REPLAYED_HEADER: "true"})
    results = await _results(body.operations, request)
    answer = to_json({"results": results})
    if claim is not None and all(result["status"] < _FAILED for result in results):
        kept = await keep_answer(database, claim, answer.decode())
        return _response(kept.body, headers={REPLAYED_HEADER: "true"} if kept.is_replay else None)
    return _response(answer)


def _response(body: str | bytes, *, headers: dict[str, str] | None = None) -> Response:
    # Written at once: the results were rendered by the rules, and checking a thousand again costs much.
    return Response(body, media_type="application/json", headers=headers)


def _hash(operations: list[Any]) -> bytes:
    return blake2b(json.dumps(operations, sort_keys=True).encode(), digest_size=16).digest()


async def _results(operations: list[Any], request: Request) -> list[dict[str, Any]]:
    """Each operation's result. Raises QueueFull or LedgerUnavailable if none could be carried out."""
    scopes, pii = caller_of(request), request.app.state.pii
    caller = ledger_caller(request)
    results: list[dict[str, Any]] = [{}] * len(operations)
    sent: list[_Sent] = []
    for place, body in enumerate(operations):
        try:
            operation = _operation(body)
            scopes.needs(operation.scope)
            command = operation.model_validate(body).command(pii)
        except ValidationError as error:
            results[place] = _refused(ValidationFailed.of(error))
        except LoyaltyError as error:
            results[place] = _refused(error)
        else:
            sent.append(_Sent(place, operation, Asked(command, caller)))
    sent = _spread(sent)
    engine: Engine = request.app.state.ledger
    outcomes = await engine.submit_all([each.request for each in sent])
    refusals = [outcome for outcome in outcomes if _is_overload(outcome)]
    if refusals and len(refusals) == len(outcomes):
        raise refusals[0]
    for each, outcome in zip(sent, outcomes, strict=True):
        results[each.place] = _result(each.operation, outcome)
    return results


def _spread(sent: list[_Sent]) -> list[_Sent]:
    """In the order of the members' buckets, each member's as they came, if the engine takes so many in parts.

    So each part locks members of other buckets than the parts before and after it, and of two processes with such
    lists the one that waited once for the other goes on beside it: with 100,000 members they waited 7 % of the time
    for locks instead of 21 %. Orders alone: with other operations among them, a member may spend what the order of
    somebody they invited has just brought, and the list tells which comes first.
    """
    if len(sent) <= MAX_BATCH or not all(isinstance(each.request.command, Accrue) for each in sent):
        return sent
    return sorted(sent, key=lambda each: bucket_of(each.request.command.member_id))


def _operation(sent: Any) -> type[Operation]:  # noqa: ANN401 - whatever was sent
    """The kind of operation this names. Raises ValidationFailed."""
    if not isinstance(sent, dict):
        raise _mistake("", "model_type", "Should be a JSON object.")
    name: Any = sent.get("op")  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    operation = OPERATIONS.get(name) if isinstance(name, str) else None
    if operation is None:
        raise _mistake("/op", "union_tag_invalid", f"Should be one of {', '.join(OPERATIONS)}.")
    return operation


def _mistake(pointer: str, code: str, detail: str) -> ValidationFailed:
    return ValidationFailed([{"in": "body", "pointer": pointer, "code": code, "detail": detail}])


def _is_overload(outcome: Result) -> TypeGuard[LoyaltyError]:
    return isinstance(outcome, LoyaltyError) and outcome.kind is ErrorKind.OVERLOADED


def _result(operation: type[Operation], outcome: Result) -> dict[str, Any]:
    if isinstance(outcome, Outcome):
        is_new = outcome.created and not operation.is_verb
        return {"status": CREATED if is_new else OK, "body": outcome.body, "replayed": outcome.replayed}
    if isinstance(outcome, LoyaltyError):
        return _refused(outcome)
    return {"status": _FAILED, "body": internal_problem(), "replayed": False}


def _refused(error: LoyaltyError) -> dict[str, Any]:
    return {"status": STATUS[error.kind], "body": problem(error), "replayed": False}
