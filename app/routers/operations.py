"""Whether the service lives, whether it can work, and its figures."""

from __future__ import annotations

from typing import Literal

from fastapi import Request, Response
from pydantic import BaseModel

from app.database import Database
from app.domain.errors import ErrorKind, LoyaltyError
from app.routers import door
from app.routers.document import problems
from app.routers.door import public
from app.routers.errors import DatabaseUnavailable
from app.telemetry import METRICS_MEDIA_TYPE, metrics_page

router = door.router("operations")


class NotMigrated(LoyaltyError):
    code = "not_migrated"
    kind = ErrorKind.OVERLOADED
    title = "The database is not migrated"

    def __init__(self) -> None:
        super().__init__("The database's tables are older than this program. Run `loyalty migrate`.")


class Health(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """The database is reached and migrated."""

    status: Literal["ready"] = "ready"


@router.get("/healthz", operation_id="get_health")
@public
async def get_health() -> Health:
    """Tell whether the process is alive. Asks nothing else, so that a slow database restarts no service."""
    return Health()


@router.get("/readyz", operation_id="get_readiness", responses=problems(NotMigrated, DatabaseUnavailable))
@public
async def get_readiness(request: Request) -> Readiness:
    """Tell whether requests can be served: the database is reached and migrated."""
    database: Database = request.app.state.database
    if not await database.migrated():
        raise NotMigrated
    return Readiness()


@router.get(
    "/metrics",
    operation_id="get_metrics",
    response_class=Response,
    responses={200: {"description": "Prometheus' text format.", "content": {"text/plain": {}}}},
)
@public
async def get_metrics() -> Response:
    """Read the figures of all processes of this machine, for Prometheus."""
    return Response(metrics_page(), headers={"Content-Type": METRICS_MEDIA_TYPE})
