"""`loyalty worker` as it is started and stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_works_until_told_to_stop(database_url: str, number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "app.cli", "worker"],
        env=os.environ | {"LOYALTY_DATABASE_URL": database_url},
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "Working.\n"
        process.send_signal(number)
        assert process.wait(30) == 0
        assert process.stderr.read() == ""
