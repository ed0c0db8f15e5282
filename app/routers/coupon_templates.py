"""Coupon templates: made, changed, listed, and their codes."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Annotated, Any

from fastapi import Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from app.actions.coupon_templates import (
    BudgetBelowDiscounted,
    StockBelowIssued,
    TemplateEnded,
    TemplateExists,
    change_template,
    create_template,
)
from app.domain.coupon_errors import CodeTaken, TemplateNotFound
from app.domain.coupon_templates import Kind, State, TemplateInvalid
from app.domain.errors import IdempotencyKeyReused
from app.expressions import ExpressionInvalid
from app.queries.coupon_templates import (
    CodeRow,
    list_templates,
    read_figures,
    read_template,
    stream_codes,
)
from app.routers import door
from app.routers.commands import OK
from app.routers.dependencies import (
    CursorInvalid,
    PageQuery,
    StrictQuery,
    clock_of,
    decode_cursor,
    encode_cursor,
)
from app.routers.document import REPLAYED_HEADER, problems
from app.routers.door import require
from app.routers.repeats import once
from app.schemas.common import Listing
from app.schemas.coupon_templates import (
    CODES_CSV_COLUMNS,
    CouponTemplate,
    CouponTemplateFigures,
    TemplateChange,
    TemplateCode,
    TemplateRequest,
    codes_csv_header,
    codes_csv_lines,
    template_of,
    template_with_figures,
)

router = door.router("coupons")

_CSV = "text/csv"
_REPEATED: dict[int | str, dict[str, Any]] = {
    OK: {"model": CouponTemplate, "description": "Made before with the same content: as it is now."}
}
_CODES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A line for each code.",
        "content": {
            _CSV: {
                "schema": {"type": "string"},
                "example": ",".join(CODES_CSV_COLUMNS)
                + "\r\n7KQ2M9XTBH4WRC3V,available,,2026-03-05T02:00:00Z\r\n",
            }
        },
    }
}


class TemplatesQuery(PageQuery):
    """Which templates."""

    state: State | None = Field(None, description="Only those in this state.")
    kind: Kind | None = Field(None, description="Only those of this kind.")
    automatic: bool | None = Field(
        None, description="Only those that need a coupon, or only those that don't."
    )


class CodesQuery(StrictQuery):
    """Which of a template's codes."""

    issue: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] | None = Field(
        None, description="Only those made by this issue.", examples=["9f2c4e0b7d1a43c68e5f0a1b2c3d4e5f"]
    )


@router.post(
    "/v1/coupon-templates",
    status_code=201,
    operation_id="create_coupon_template",
    response_model=CouponTemplate,
    responses={
        **problems(TemplateInvalid, ExpressionInvalid, TemplateExists, CodeTaken, IdempotencyKeyReused),
        **_REPEATED,
    },
)
@require("coupons:write")
async def create(body: TemplateRequest, request: Request, response: Response) -> dict[str, Any]:
    """Make a coupon template.

    Its name is its key: sent again with the same content it is answered 200 and nothing is made; under the same
    `Idempotency-Key` the first answer is given again. A template that is
    `automatic` applies without a coupon.
    """

    async def make() -> dict[str, Any]:
        row, is_new = await create_template(
            request.app.state.database,
            template=body.template,
            document=body.to_document(),
            clock=clock_of(request),
        )
        if not is_new:
            response.status_code = OK
            response.headers[REPLAYED_HEADER] = "true"
        return template_of(row)

    return await once(request, response, body, make)


@router.get(
    "/v1/coupon-templates",
    operation_id="list_coupon_templates",
    response_model=Listing[CouponTemplate],
    responses=problems(CursorInvalid),
)
@require("coupons:read")
async def list_all(query: Annotated[TemplatesQuery, Query()], request: Request) -> dict[str, Any]:
    """List coupon templates by their names, ended ones too."""
    after: str | None = None
    if query.cursor is not None:
        (after,) = decode_cursor(query.cursor, str)
    rows = await list_templates(
        request.app.state.database,
        limit=query.limit + 1,
        after=after,
        state=query.state,
        kind=query.kind,
        automatic=query.automatic,
    )
    more = len(rows) > query.limit
    rows = rows[: query.limit]
    return {
        "data": [template_of(row) for row in rows],
        "next_cursor": encode_cursor(rows[-1].template) if more else None,
    }


@router.get(
    "/v1/coupon-templates/{template}",
    operation_id="get_coupon_template",
    response_model=CouponTemplateFigures,
    responses=problems(TemplateNotFound),
)
@require("coupons:read")
async def get(template: TemplateCode, request: Request) -> dict[str, Any]:
    """Read a coupon template, with what was given out of it and what became of that."""
    async with request.app.state.database.engine.connect() as connection:
        row = await read_template(connection, template)
        if row is None:
            raise TemplateNotFound
        return template_with_figures(row, await read_figures(connection, template))


@router.patch(
    "/v1/coupon-templates/{template}",
    operation_id="update_coupon_template",
    response_model=CouponTemplate,
    responses=problems(
        TemplateNotFound,
        TemplateInvalid,
        ExpressionInvalid,
        TemplateEnded,
        StockBelowIssued,
        BudgetBelowDiscounted,
    ),
)
@require("coupons:write")
async def update(template: TemplateCode, body: TemplateChange, request: Request) -> dict[str, Any]:
    """Change a coupon template.

    Only the fields given change: each is replaced as a whole, and null clears it. Its name, its kind, `automatic` and
    `public_code` stay. Coupons given out before are worth what the template says from then on, except in checkouts
    that are held.
    """
    row = await change_template(
        request.app.state.database, template=template, changes=body.to_changes(), clock=clock_of(request)
    )
    return template_of(row)


@router.get(
    "/v1/coupon-templates/{template}/codes",
    operation_id="export_coupon_codes",
    response_class=StreamingResponse,
    responses={**problems(TemplateNotFound), **_CODES},
)
@require("coupons:read")
async def export_codes(
    template: TemplateCode, query: Annotated[CodesQuery, Query()], request: Request
) -> Response:
    """Export a coupon template's codes as CSV: those made, those imported and the public one.

    `status` is `available` for a code that nobody brought yet, `public` for one that everybody may bring, else that of
    the coupon it became.
    """
    database = request.app.state.database
    async with database.engine.connect() as connection:
        if await read_template(connection, template) is None:
            raise TemplateNotFound
    rows = stream_codes(database, template=template, issue=query.issue)
    # The first are read before anything is answered, so that a database that is away is still told.
    first = await anext(rows, _NOTHING)
    headers = {"Content-Disposition": 'attachment; filename="codes.csv"'}
    return StreamingResponse(_csv(first, rows), media_type=_CSV, headers=headers)


_NOTHING: list[CodeRow] = []


async def _csv(first: list[CodeRow], rows: AsyncGenerator[list[CodeRow]]) -> AsyncGenerator[str]:
    yield codes_csv_header() + codes_csv_lines(first)
    async for some in rows:
        yield codes_csv_lines(some)
