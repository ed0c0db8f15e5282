"""Giving out coupons of a template: to many members, or as codes; and withdrawing codes."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import Any

from fastapi import Request, Response

from app.actions.batches import answer_kept, keep_answer
from app.actions.issuing import (
    IssueNotFound,
    Wanted,
    issue_codes,
    issue_of,
    issue_to_members,
    let_go,
    withdraw_codes,
)
from app.domain.coupon_errors import (
    CodeTaken,
    CouponExhausted,
    TemplateAutomatic,
    TemplateNotFound,
    TemplateNotOpen,
)
from app.domain.errors import IdempotencyKeyMissing, IdempotencyKeyReused, LoyaltyError
from app.ledger.engine import LedgerUnavailable, QueueFull
from app.queries.issuing import read_issue
from app.routers import door
from app.routers.commands import claim_of
from app.routers.dependencies import clock_of, required_idempotency_key_of
from app.routers.document import REPLAYED_HEADER, problems
from app.routers.door import caller_of, require
from app.routers.repeats import once
from app.schemas.coupon_templates import TemplateCode
from app.schemas.issuing import (
    Issue,
    IssueId,
    IssueRequest,
    VoidCodesRequest,
    VoidedCodes,
    issue_answer,
)

router = door.router("coupons")

LIST_BODY_LIMIT_BYTES = 16 * 1024 * 1024
"""A million members of 13 characters each."""


@router.post(
    "/v1/coupon-templates/{template}/issue",
    status_code=201,
    operation_id="issue_coupons",
    response_model=Issue,
    responses=problems(
        TemplateNotFound,
        TemplateAutomatic,
        TemplateNotOpen,
        CouponExhausted,
        CodeTaken,
        IdempotencyKeyMissing,
        IdempotencyKeyReused,
        QueueFull,
        LedgerUnavailable,
    ),
)
@require("coupons:write", limit_bytes=LIST_BODY_LIMIT_BYTES)
async def issue(
    template: TemplateCode, body: IssueRequest, request: Request, response: Response
) -> dict[str, Any]:
    """Give out coupons of a template to members, or make codes.

    Up to 1,000 members get theirs at once. More are a job, `running` until each has a coupon or a refusal; its
    progress is read with the issue's id. A refusal of one, such as a limit reached, fails no other. Codes are made
    at once, all or none, and take their stock now; export them as CSV. The body may be 16 MiB long.
    """
    required_idempotency_key_of(request)
    wanted = body.to_wanted(template)
    claim = claim_of(request, content=lambda: _hash(wanted))
    assert claim is not None, "every POST with a key makes one"
    database = request.app.state.database
    if (kept := await answer_kept(database, claim)) is not None:
        response.headers[REPLAYED_HEADER] = "true"
        return json.loads(kept)
    told = {"issue": issue_of(claim), "actor": caller_of(request).actor, "clock": clock_of(request)}
    try:
        if wanted.members:
            row = await issue_to_members(database, request.app.state.ledger, wanted, **told)
        else:
            row = await issue_codes(database, wanted, **told)
    except LoyaltyError:
        await let_go(database, claim)
        raise
    answer = issue_answer(row)
    first = await keep_answer(database, claim, json.dumps(answer))
    if first.is_replay:
        response.headers[REPLAYED_HEADER] = "true"
    return json.loads(first.body)


@router.get(
    "/v1/coupon-templates/{template}/issues/{issue}",
    operation_id="get_coupon_issue",
    response_model=Issue,
    responses=problems(IssueNotFound),
)
@require("coupons:read")
async def get(template: TemplateCode, issue: IssueId, request: Request) -> dict[str, Any]:
    """Read how far an issue of coupons has come."""
    async with request.app.state.database.engine.connect() as connection:
        row = await read_issue(connection, issue)
    if row is None or row.template != template:
        raise IssueNotFound
    return issue_answer(row)


@router.post(
    "/v1/coupon-templates/{template}/codes/void",
    operation_id="void_coupon_codes",
    response_model=VoidedCodes,
    responses=problems(TemplateNotFound, IdempotencyKeyReused),
)
@require("coupons:write", limit_bytes=LIST_BODY_LIMIT_BYTES)
async def void_codes(
    template: TemplateCode, body: VoidCodesRequest, request: Request, response: Response
) -> dict[str, Any]:
    """Withdraw codes that nobody brought yet, such as a leaflet's that got about.

    Their stock stays used. Sent again it changes nothing and answers the same.
    """

    async def withdrawn() -> dict[str, Any]:
        codes = list(dict.fromkeys(body.codes))
        voided = await withdraw_codes(
            request.app.state.database, template=template, codes=codes, reason=body.reason
        )
        return {"template": template, "voided": voided, "kept": len(codes) - voided}

    return await once(request, response, body, withdrawn)


def _hash(wanted: Wanted) -> bytes:
    return blake2b(json.dumps(wanted).encode(), digest_size=16).digest()
