"""From a request to the ledger and back: what all routes that carry a command have in common."""

from __future__ import annotations

import contextlib
from datetime import UTC, date, datetime
from hashlib import blake2b
from typing import Any

from fastapi import Request, Response
from pydantic_core import to_json

from app.domain.benefit_commands import GiveBirthdayCoupon
from app.domain.calendar import local_date
from app.domain.command import Command
from app.domain.commands import Mature
from app.domain.errors import IdempotencyKeyReused, LoyaltyError, MemberErased, MemberFrozen, MemberNotFound
from app.domain.posting import Caller
from app.ledger.batch import Request as Asked
from app.ledger.claims import Claim
from app.ledger.engine import Engine, LedgerUnavailable, QueueFull
from app.ledger.outcome import Outcome
from app.ledger.request import SYSTEM
from app.queries.members import MemberReader
from app.routers.dependencies import idempotency_key_of
from app.routers.document import REPLAYED_HEADER, problems, type_of_responses
from app.routers.door import caller_of
from app.telemetry import current_request_id

CREATED = 201
OK = 200


async def answer_to(command: Command, request: Request, *, is_verb: bool = False) -> Response:
    """What `command` is answered: the rules made it as the route's model has it, so it is written down as it is. (To
    validate it again and have the model write it took seven times as long, 45 µs of a checkout's answer.)

    201 if the command made something, but 200 for verbs on a named thing and for what was answered before; says
    `Idempotent-Replayed`. Raises the command's refusal.
    """
    outcome = await _outcome(command, request)
    status = CREATED if outcome.created and not is_verb else OK
    response = Response(to_json(outcome.body), status, media_type="application/json")
    if outcome.replayed:
        response.headers[REPLAYED_HEADER] = "true"
    return response


async def carry_out(
    command: Command, request: Request, response: Response, *, is_verb: bool = False
) -> dict[str, Any]:
    """As `answer_to`, for a route that makes its own answer of it: sets status and header on `response`."""
    outcome = await _outcome(command, request)
    if not outcome.created and not is_verb:
        response.status_code = OK
    if outcome.replayed:
        response.headers[REPLAYED_HEADER] = "true"
    return outcome.body


async def _outcome(command: Command, request: Request) -> Outcome:
    engine: Engine = request.app.state.ledger
    claim = claim_of(request, content=command.content)
    return await engine.submit(Asked(command, ledger_caller(request), claim))


async def bring_up_to_date(member_id: str, request: Request) -> None:
    """Have what fell due on the member written down, if anything did, so that rows can be read as they are.

    An unknown member is left to the read that follows.
    """
    reader: MemberReader = request.app.state.reader
    if await reader.is_due(member_id):
        engine: Engine = request.app.state.ledger
        await engine.submit(Asked(Mature(member_id=member_id), ledger_caller(request)))


async def celebrate(member_id: str, birthday: date | None, request: Request) -> None:
    """Give the coupon of a birthday that is told within its month. Whatever keeps it from being given now, a job
    gives it within the hour.
    """
    if birthday is None:
        return
    engine: Engine = request.app.state.ledger
    now = datetime.now(UTC)
    today = local_date(now, engine.rulebook.at(now).timezone)
    # The sandbox's clock may show any month; whether it is this one, the decision tells for certain.
    if birthday.month == today.month or request.app.state.is_sandbox:
        caller = Caller(SYSTEM, current_request_id() or "")
        with contextlib.suppress(LoyaltyError):
            await engine.submit(Asked(GiveBirthdayCoupon(member_id=member_id), caller))


def ledger_caller(request: Request) -> Caller:
    """Who asks, as the ledger records it."""
    return Caller(caller_of(request).actor, current_request_id() or "")


def claim_of(request: Request, *, content: Any) -> Claim | None:  # noqa: ANN401
    """The claim of the request's `Idempotency-Key`, None without one; `content()` hashes what is asked.

    A key belongs to one caller and one route; the method is part of the route.
    """
    key = idempotency_key_of(request)
    if key is None or request.method != "POST":
        return None
    scope = f"{caller_of(request).actor} {request.scope['route'].path} {key}"
    return Claim(blake2b(scope.encode(), digest_size=16).digest(), content())


def refusals(answer: type[Any], *errors: type[LoyaltyError], is_verb: bool = False) -> type_of_responses:
    """The `responses=` of a route that carries a command answered by `answer`: repeats and refusals."""
    responses = problems(MemberNotFound, *errors, IdempotencyKeyReused, QueueFull, LedgerUnavailable)
    if not is_verb:
        responses[OK] = {"model": answer, "description": "Given before: the first answer again, as it was."}
    return responses


FROZEN = (MemberFrozen, MemberErased)
"""What a member who may not earn or spend is told."""
