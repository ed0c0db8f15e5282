"""The service as its callers meet it: the whole application on a real database, without a socket."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncGenerator, Callable
from functools import partial

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from app.config import Settings
from app.main import create_app
from tests.routers.asking import new_id
from tests.tokens import Issuer

BOOTSTRAP_KEY = "bootstrap-key-of-the-tests-0123456789"
PII_KEYS = f"k1:{'A' * 43}="


@pytest.fixture(scope="session")
def issuer() -> Issuer:
    """Whoever signs members' tokens the service accepts."""
    return Issuer()


@pytest.fixture
async def service(database_url: str, issuer: Issuer) -> AsyncGenerator[FastAPI]:
    """The running application."""
    settings = Settings(
        database_url=database_url,
        bootstrap_key=BOOTSTRAP_KEY,
        pii_keys=PII_KEYS,
        jwt_public_key=issuer.public_pem,
    )
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        yield app


async def _check_shape(service: FastAPI, response: httpx.Response) -> None:
    """Hold every answer to its route's model, byte for byte: those of commands are written without it."""
    if not response.is_success:
        return
    path, method = response.request.url.path, response.request.method
    route = next(
        (
            route
            for route in service.routes
            if isinstance(route, APIRoute)
            and method in (route.methods or ())
            and route.path_regex.match(path)
        ),
        None,
    )
    leaves_out = ("quote_cart", "run_batch")  # what there is none of: a quote, and refusals in a list
    if route is None or route.response_field is None or route.operation_id in leaves_out:
        return
    told = await response.aread()
    checked, mistakes = route.response_field.validate(json.loads(told), {}, loc=("response",))
    assert not mistakes, mistakes
    assert told == route.response_field.serialize_json(
        checked,
        by_alias=route.response_model_by_alias,
        exclude_unset=route.response_model_exclude_unset,
        exclude_none=route.response_model_exclude_none,
    )


Client = httpx.AsyncClient


def sandbox(database_url: str) -> FastAPI:
    """The application with its sandbox."""
    return create_app(
        Settings(database_url=database_url, bootstrap_key=BOOTSTRAP_KEY, pii_keys=PII_KEYS, sandbox=True)
    )


@contextlib.asynccontextmanager
async def running(app: FastAPI) -> AsyncGenerator[Client]:
    """The application, and a client that may do anything."""
    async with (
        app.router.lifespan_context(app),
        Client(
            transport=httpx.ASGITransport(app),
            base_url="http://sandbox",
            headers={"Authorization": f"Bearer {BOOTSTRAP_KEY}"},
        ) as client,
    ):
        yield client


@pytest.fixture
async def sandboxed(fresh_database_url: str) -> AsyncGenerator[Client]:
    """A client of a sandbox of the test's own, whose clock it may set."""
    async with running(sandbox(fresh_database_url)) as client:
        yield client


@pytest.fixture
async def as_caller(service: FastAPI) -> AsyncGenerator[Callable[[str | None], Client]]:
    """Make a client that presents a credential, or none."""
    async with contextlib.AsyncExitStack() as opened:

        def make(credential: str | None) -> Client:
            headers = {"Authorization": f"Bearer {credential}"} if credential is not None else {}
            client = httpx.AsyncClient(
                transport=httpx.ASGITransport(service),
                base_url="http://service",
                headers=headers,
                event_hooks={"response": [partial(_check_shape, service)]},
            )
            opened.push_async_callback(client.aclose)
            return client

        yield make


@pytest.fixture
def admin(as_caller: Callable[[str | None], Client]) -> Client:
    """A client that may do anything."""
    return as_caller(BOOTSTRAP_KEY)


@pytest.fixture
def nobody(as_caller: Callable[[str | None], Client]) -> Client:
    """A client without a credential."""
    return as_caller(None)


@pytest.fixture
async def member_id(admin: Client) -> str:
    """A member who just joined."""
    member_id = new_id()
    response = await admin.put(f"/v1/members/{member_id}", json={})
    assert response.status_code == 201, response.text
    return member_id


@pytest.fixture
def member(member_id: str) -> str:
    """The path of a member who just joined."""
    return f"/v1/members/{member_id}"


@pytest.fixture
async def rich(admin: Client, member: str) -> str:
    """The path of a member with 1,000 points from the order `o-rich` of 1,000 yuan."""
    response = await admin.post(f"{member}/accruals", json={"order_id": "o-rich", "amount": 100_000})
    assert response.status_code == 201, response.text
    return member
