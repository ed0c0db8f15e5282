"""Assembles the service: routers, lifespan, error handlers."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import AsyncGenerator
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import fastapi_offline
from fastapi import FastAPI

from app.config import Settings, SettingsError, load_settings
from app.database import Database
from app.ledger.engine import Engine
from app.ledger.load import REAL_CLOCK, SANDBOX_CLOCK
from app.queries.keys import read_key
from app.queries.members import MemberReader
from app.queries.quotes import QuoteReader
from app.routers import (
    accruals,
    activities,
    adjustments,
    backtests,
    batches,
    benefits,
    campaign_reports,
    campaign_templates,
    campaigns,
    checkouts,
    coupon_templates,
    coupons,
    entries,
    errors,
    issuing,
    keys,
    ledger,
    members,
    missions,
    operations,
    pages,
    program,
    quotes,
    redemptions,
    referrals,
    sandbox,
    sign_ins,
    simulations,
    tiers,
    transfers,
)
from app.routers.document import document
from app.routers.straight import ShortWay
from app.security.authenticator import Authenticator
from app.security.keys import KeyVerifier
from app.security.pii import load_ring
from app.security.tokens import member_tokens
from app.telemetry import RequestContext

if TYPE_CHECKING:
    from starlette.datastructures import State

VERSION = "0.1.0"

# The busy ones first: what is not plainly right tries them one after another.
_ROUTERS = (
    accruals,
    checkouts,
    quotes,
    coupons,
    redemptions,
    members,
    batches,
    sign_ins,
    activities,
    missions,
    transfers,
    adjustments,
    entries,
    tiers,
    benefits,
    referrals,
    coupon_templates,
    campaigns,
    campaign_templates,
    issuing,
    ledger,
    program,
    simulations,
    backtests,
    campaign_reports,
    keys,
    operations,
)


def create_app(settings: Settings | None = None, *, runs_jobs: bool = False) -> FastAPI:
    """The service as an ASGI application, on the database of `settings.database_url` (default: the
    environment's), which `runs_jobs` beside its requests or leaves them to others.

    Nothing is opened before its lifespan starts. Raises `SettingsError`.
    """
    settings = settings or load_settings()
    app = fastapi_offline.FastAPIOffline(
        title="Loyalty service",
        version=VERSION,
        lifespan=partial(_lifespan, settings, runs_jobs=runs_jobs),
        # A path with a slash too many is not this path; a redirect would lose the body of some clients.
        redirect_slashes=False,
        # Asking on every request whether somebody set tracing up costs as much as checking who calls.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    # Read by every request some times: the framework's own looks each name up by hand.
    app.state = cast("State", SimpleNamespace())
    errors.install(app)
    pages.keep_to_themselves(app)
    # Set in directly and before the documentation's: an included router costs every request some more.
    modules = (*_ROUTERS, sandbox) if settings.sandbox else _ROUTERS
    app.router.routes[:0] = [route for module in modules for route in module.router.routes]
    app.openapi = partial(_document_once, app)
    # In front of all that the framework would put there itself.
    short_way = ShortWay(app.router.routes, framework=app.build_middleware_stack())
    app.middleware_stack = RequestContext(short_way)
    return app


@contextlib.asynccontextmanager
async def _lifespan(settings: Settings, app: FastAPI, *, runs_jobs: bool) -> AsyncGenerator[None]:
    if settings.database_url is None:
        raise SettingsError("LOYALTY_DATABASE_URL is not set: `loyalty serve` starts a database and sets it.")
    app.state.pii = load_ring(settings)
    database = Database(settings.database_url)
    bootstrap_key = settings.bootstrap_key.get_secret_value() if settings.bootstrap_key is not None else None
    app.state.database = database
    app.state.authenticator = Authenticator(
        keys=KeyVerifier(lookup=partial(read_key, database), bootstrap_key=bootstrap_key),
        tokens=member_tokens(settings),
    )
    engine = Engine(database.connect, is_sandbox=settings.sandbox, pii=app.state.pii)
    clock = SANDBOX_CLOCK if settings.sandbox else REAL_CLOCK
    reader = MemberReader(database.connect, rules=engine.rulebook, templates=engine.rack, clock=clock)
    quote_reader = QuoteReader(
        database.connect,
        rules=engine.rulebook,
        templates=engine.rack,
        campaigns=engine.campaigns,
        pii=app.state.pii,
        clock=clock,
    )
    app.state.is_sandbox = settings.sandbox
    app.state.ledger = engine
    app.state.reader = reader
    app.state.quotes = quote_reader
    async with contextlib.AsyncExitStack() as running:
        running.push_async_callback(database.dispose)
        await engine.start()
        running.push_async_callback(engine.stop)
        reader.start()
        running.push_async_callback(reader.stop)
        quote_reader.start()
        running.push_async_callback(quote_reader.stop)
        if runs_jobs:
            # Imported by those alone who run them: the scheduler takes a tenth of a second.
            from app.jobs.worker import working

            await running.enter_async_context(
                working(database, pii=app.state.pii, is_sandbox=settings.sandbox)
            )
        _spare_the_collector()
        yield


def _spare_the_collector() -> None:
    """Leave what was made to stay out of garbage collection: going through it took a sixth of a request."""
    gc.collect()
    gc.freeze()
    # Requests leave next to no cycles behind, so there is no hurry.
    gc.set_threshold(20_000, 20, 20)


def _document_once(app: FastAPI) -> dict[str, object]:
    if app.openapi_schema is None:
        app.openapi_schema = document(app)
    return app.openapi_schema
