"""Requests made up from the document, good and bad ones, with every check that schemathesis has."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.python.asgi import shutdown_lifespans

from app.config import Settings
from app.main import create_app
from tests.contract.operations import document
from tests.routers.conftest import BOOTSTRAP_KEY, PII_KEYS

CONFIG = SchemathesisConfig.from_path(Path(__file__).parents[2] / "schemathesis.toml")


class _Service:
    """The application, which is made only once there is a database for it."""

    app: Any = None

    async def __call__(self, *request: Any) -> None:
        await self.app(*request)


served = _Service()
api = schemathesis.openapi.from_dict(document(), config=CONFIG)
api.config.phases.update(phases=["examples", "coverage", "fuzzing"])
# The same each time; the command in schemathesis.toml looks further.
api.config.generation.update(max_examples=8, deterministic=True)
api.app = served


@pytest.fixture(scope="module")
def service(new_database: Callable[[], str]) -> Generator[None]:
    """The running application, on a database that no other test lives by: programs are published, too."""
    served.app = create_app(
        Settings(database_url=new_database(), bootstrap_key=BOOTSTRAP_KEY, pii_keys=PII_KEYS)
    )
    yield
    shutdown_lifespans()


@api.parametrize()
def test_requests_made_up_from_the_document(case: schemathesis.Case, service: None) -> None:
    case.call_and_validate(headers={"Authorization": f"Bearer {BOOTSTRAP_KEY}"})
