"""Old idempotency keys are forgotten, those still promised are kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.jobs import forgetting
from tests.jobs.conftest import Sandbox


async def test_only_old_keys_are_forgotten(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgetting, "BATCH", 3)
    now = datetime.now(UTC)
    for number, hours in enumerate((23, 24, 26, 30, 30, 48, 500)):
        await sandbox.rows(
            "INSERT INTO idempotency_key (bucket, key, content, created_at) VALUES ($1, $2, $2, $3)",
            number,
            bytes([number]) * 16,
            now - timedelta(hours=hours),
        )
    await forgetting.run(sandbox.database, is_stopping=lambda: False)
    assert await sandbox.rows("SELECT bucket FROM idempotency_key ORDER BY bucket") == [(0,), (1,)]
