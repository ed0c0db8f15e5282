"""Health, readiness, metrics, and the documentation without any other server."""

from __future__ import annotations

import re

import httpx
import pytest
from fastapi import FastAPI

from app.database import Database


async def test_it_is_alive_and_ready(nobody: httpx.AsyncClient) -> None:
    assert (await nobody.get("/healthz")).json() == {"status": "ok"}
    assert (await nobody.get("/readyz")).json() == {"status": "ready"}


async def test_without_its_database_it_is_alive_and_not_ready(
    service: FastAPI, admin: httpx.AsyncClient
) -> None:
    reached, service.state.database = service.state.database, Database("postgresql://nobody@127.0.0.1:1/x")
    try:
        assert (await admin.get("/healthz")).status_code == 200
        for path in ("/readyz", "/v1/keys"):
            answer = await admin.get(path)
            assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    finally:
        service.state.database = reached


async def test_metrics_count_routes_and_no_ids(admin: httpx.AsyncClient) -> None:
    await admin.post("/v1/keys/Kq3nV0sYb8Zd/revoke")
    page = (await admin.get("/metrics")).text
    assert 'route="/v1/keys/{key_id}/revoke",status="404"' in page
    assert "Kq3nV0sYb8Zd" not in page


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
async def test_the_documentation_needs_no_other_server(nobody: httpx.AsyncClient, path: str) -> None:
    page = (await nobody.get(path)).text
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert loaded
    for asset in loaded:
        assert asset.startswith("/")
        assert (await nobody.get(asset)).status_code == 200


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
async def test_a_browser_lets_the_documentation_reach_no_other_server(
    nobody: httpx.AsyncClient, path: str
) -> None:
    policy = (await nobody.get(path)).headers["content-security-policy"]
    assert policy.startswith("default-src 'self';")
    assert "http" not in policy
    assert "*" not in policy


async def test_the_document_is_served(nobody: httpx.AsyncClient) -> None:
    assert (await nobody.get("/openapi.json")).json()["openapi"].startswith("3.1")
