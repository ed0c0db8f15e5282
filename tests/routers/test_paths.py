"""Paths lead where the framework's own routes lead, and nowhere else."""

from __future__ import annotations

import pytest
from starlette.routing import Match

from app.config import Settings
from app.main import create_app
from app.routers.door import Route
from app.routers.paths import Paths

PATHS: Paths[str] = Paths()
for _method, _path in (
    ("GET", "/v1/members"),
    ("POST", "/v1/members/{member_id}/accruals"),
    ("POST", "/v1/members/{member_id}/accruals/{order_id}/settle"),
    ("GET", "/v1/members/{member_id}"),
    ("GET", "/healthz"),
):
    PATHS.add(_method, _path, _path)


ASKED: list[tuple[str, str, tuple[str, dict[str, str]] | None]] = [
    ("GET", "/v1/members", ("/v1/members", {})),
    ("GET", "/v1/members/u-1", ("/v1/members/{member_id}", {"member_id": "u-1"})),
    ("GET", "/v1/members/accruals", ("/v1/members/{member_id}", {"member_id": "accruals"})),
    ("GET", "/v1/members/ü \n", ("/v1/members/{member_id}", {"member_id": "ü \n"})),
    (
        "POST",
        "/v1/members/u-1/accruals/o-1/settle",
        ("/v1/members/{member_id}/accruals/{order_id}/settle", {"member_id": "u-1", "order_id": "o-1"}),
    ),
    ("GET", "/healthz", ("/healthz", {})),
    ("DELETE", "/v1/members/u-1", None),
    ("POST", "/v1/members/u-1", None),
    ("GET", "/v1/members/", None),
    ("GET", "/v1/members//", None),
    ("GET", "/v1/members/u-1/", None),
    ("GET", "/v1/members/u-1/accruals", None),
    ("POST", "/v1/members//accruals", None),
    ("POST", "/v1/members/u-1/accruals/o-1", None),
    ("GET", "/v1", None),
    ("GET", "v1/members", None),
    ("GET", "/", None),
    ("GET", "", None),
    ("GET", "*", None),
]


@pytest.mark.parametrize(("method", "path", "found"), ASKED)
def test_a_path_leads_to_one_thing_or_nowhere(
    method: str, path: str, found: tuple[str, dict[str, str]] | None
) -> None:
    assert PATHS.find(method, path) == found


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("/v1/tiers/{tier}", "/v1/tiers/evaluate"),
        ("/v1/tiers/evaluate", "/v1/tiers/{tier}/members"),
        ("/v1/tiers/{tier}", "/v1/tiers/{code}"),
        ("/v1/tiers", "/v1/{rest:path}"),
        ("/v1/tiers", "/v2/tier-{tier}"),
    ],
)
def test_no_two_paths_may_be_mistaken_for_each_other(first: str, second: str) -> None:
    paths: Paths[str] = Paths()
    paths.add("GET", first, first)
    with pytest.raises(AssertionError):
        paths.add("GET", second, second)
    paths.add("POST", "/v2/tiers", second)


def test_all_routes_are_found_as_the_framework_finds_them() -> None:
    app = create_app(Settings(database_url="postgresql://nowhere/nothing", sandbox=True))
    paths: Paths[Route] = Paths()
    routes = [route for route in app.routes if isinstance(route, Route)]
    for route in routes:
        for method in route.methods or ():
            paths.add(method, route.path, route)
    for route in routes:
        asked = route.path.replace("{", "").replace("}", "")
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            scope = {"type": "http", "method": method, "path": asked}
            matched = ((each, *each.matches(scope)) for each in routes)
            expected = next(
                ((each, told["path_params"]) for each, match, told in matched if match is Match.FULL), None
            )
            assert paths.find(method, asked) == expected, f"{method} {asked}"
    assert len(routes) > 90
