"""Workers are looked after: those that die are replaced, also while there is no database to start on."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.pace import HANG_SECONDS

SUPERVISED = """
import os, sys, time
from pathlib import Path
from app.cli.workers import supervise

def number():
    for found in range(100):
        try:
            (Path(sys.argv[1]) / str(found)).touch(exist_ok=False)
            return found
        except FileExistsError:
            pass

def work(_number):
    start = number()
    if start == 1:  # served, and dies
        os._exit(9)
    if start in (2, 3):  # takes its place, and can't start
        return False
    time.sleep(600)
    return True

supervise(work, count=2, tend=lambda: None)
"""


def test_one_that_takes_anothers_place_is_started_until_it_can(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", SUPERVISED, str(tmp_path)])
    try:
        deadline = time.monotonic() + HANG_SECONDS
        while not (tmp_path / "4").exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert process.poll() is None
        assert {path.name for path in tmp_path.iterdir()} == {"0", "1", "2", "3", "4"}
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(HANG_SECONDS)
