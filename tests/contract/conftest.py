"""The service of tests/routers, for the tests that read its document, on a database of their own: what they make up,
such as templates that apply to every cart, would be in the way of other tests.
"""

from collections.abc import Callable

import pytest

from tests.routers.conftest import admin, as_caller, issuer, nobody, service

__all__ = ["admin", "as_caller", "issuer", "nobody", "service"]


@pytest.fixture(scope="session")
def database_url(new_database: Callable[[], str]) -> str:
    return new_database()
