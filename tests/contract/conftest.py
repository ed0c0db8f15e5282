"""The service of tests/routers, for the tests that read its document, on a database of their own: what they make up,
such as templates that apply to every cart, would be in the way of other tests.

And two processes of it as a sandbox, which has every operation there is, with a shop in which all can be carried out.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Callable
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from app.actions.backtest_runs import carry_out
from app.config import Settings
from app.main import create_app
from tests.contract.shop import Shop
from tests.routers.conftest import BOOTSTRAP_KEY, PII_KEYS, admin, as_caller, issuer, nobody, service
from tests.tokens import Issuer

__all__ = ["admin", "as_caller", "issuer", "nobody", "service"]

Caller = Callable[..., httpx.AsyncClient]


@pytest.fixture(scope="session")
def database_url(new_database: Callable[[], str]) -> str:
    return new_database()


@pytest.fixture(scope="module")
def sandbox_url(new_database: Callable[[], str]) -> str:
    """A database of the file's own."""
    return new_database()


@pytest.fixture(scope="module")
async def sandboxes(sandbox_url: str, issuer: Issuer) -> AsyncGenerator[tuple[FastAPI, FastAPI]]:
    """Two processes of one service, as far as the database can tell; no job runs but those that are called."""
    settings = Settings(
        database_url=sandbox_url,
        bootstrap_key=BOOTSTRAP_KEY,
        pii_keys=PII_KEYS,
        jwt_public_key=issuer.public_pem,
        sandbox=True,
    )
    one, other = create_app(settings), create_app(settings)
    async with one.router.lifespan_context(one), other.router.lifespan_context(other):
        yield one, other


@pytest.fixture
async def caller(sandboxes: tuple[FastAPI, FastAPI]) -> AsyncGenerator[Caller]:
    """Make a client of one of the two (`process`) that presents an `Authorization` header, or none."""
    async with contextlib.AsyncExitStack() as opened:

        def make(authorization: str | bytes | None, *, process: int = 0) -> httpx.AsyncClient:
            headers: Any = {} if authorization is None else {"Authorization": authorization}
            client = httpx.AsyncClient(
                transport=httpx.ASGITransport(sandboxes[process]),
                base_url="http://sandbox",
                headers=headers,
            )
            opened.push_async_callback(client.aclose)
            return client

        yield make


@pytest.fixture
def shop(sandboxes: tuple[FastAPI, FastAPI], caller: Caller) -> Shop:
    """The sandbox's shop."""
    state = sandboxes[0].state

    async def carried_out(backtest: str) -> None:
        assert await carry_out(state.database, UUID(backtest), pii=state.pii)

    return Shop(caller(f"Bearer {BOOTSTRAP_KEY}"), carry_out=carried_out)
