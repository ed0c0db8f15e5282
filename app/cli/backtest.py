"""`loyalty backtest`: one backtest in a process of its own, as the worker starts it."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

if TYPE_CHECKING:
    from app.config import Settings
    from app.database import Database


def backtest(
    backtest_id: Annotated[UUID, typer.Argument(help="The id of a backtest that waits.", show_default=False)],
) -> None:
    """Carry out one backtest that waits (the worker does this by itself)."""
    from app.actions.backtest_runs import carry_out
    from app.cli.ledger import on_database
    from app.security.pii import load_ring

    async def work(settings: "Settings", database: "Database") -> None:
        # One that is gone, or that somebody else has taken up, is no mistake.
        await carry_out(database, backtest_id, pii=load_ring(settings))

    on_database(work)
