"""The service of tests/routers, for the tests that read its document."""

from tests.routers.conftest import admin, as_caller, issuer, nobody, service

__all__ = ["admin", "as_caller", "issuer", "nobody", "service"]
