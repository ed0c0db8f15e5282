"""How far a member is with the program's missions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import Request
from sqlalchemy import text as sql

from app.domain.calendar import local_date
from app.domain.errors import MemberNotFound
from app.domain.missions import periods_of
from app.ledger.engine import Engine, LedgerUnavailable, QueueFull
from app.queries.missions import read_missions
from app.routers import door
from app.routers.commands import bring_up_to_date
from app.routers.dependencies import clock_of
from app.routers.document import problems
from app.routers.door import require
from app.schemas.common import MemberId
from app.schemas.missions import MemberMissions, missions_of

router = door.router("points")


@router.get(
    "/v1/members/{member_id}/missions",
    operation_id="get_missions",
    response_model=MemberMissions,
    responses=problems(MemberNotFound, QueueFull, LedgerUnavailable),
)
@require("points:read", member=True)
async def get_missions(member_id: MemberId, request: Request) -> dict[str, Any]:
    """Read how far a member is with the missions of the program in force, and the badges earned.

    Each mission in the period that today lies in. What completes one is rewarded in the same moment. Refunds and what
    is taken back count no more: what falls below its goal by that is completed no more, and what it gave is taken back.
    """
    await bring_up_to_date(member_id, request)
    engine: Engine = request.app.state.ledger
    async with request.app.state.database.engine.connect() as connection:
        now: datetime = (await connection.execute(sql(f"SELECT {clock_of(request)}"))).scalar_one()
        program = engine.rulebook.at(now)
        periods = periods_of(program, local_date(now, program.timezone))
        row = await read_missions(connection, member_id=member_id, periods=periods)
    if row is None:
        raise MemberNotFound
    return missions_of(row, now=now, program=program)
