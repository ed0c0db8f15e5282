"""`loyalty serve` as a person starts it: a process, a port, and what it prints."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from functools import partial
from pathlib import Path

import httpx
import psutil
import pytest

from tests.pace import HANG_SECONDS

COMMAND = [sys.executable, "-m", "app.cli"]
PII_KEYS = "k1:" + "A" * 43 + "="

# Each over a connection of its own.
get = partial(httpx.get, timeout=HANG_SECONDS)
put = partial(httpx.put, timeout=HANG_SECONDS)


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """One command run to its end."""
    return subprocess.run(
        [*COMMAND, *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_SECONDS,
    )


@contextlib.contextmanager
def serving(**environment: str) -> Generator[tuple[subprocess.Popen[str], str, list[str]]]:
    """A service on any free port that answers: its process, its address, and the lines it printed."""
    with subprocess.Popen(
        [*COMMAND, "serve"],
        env=os.environ | {"LOYALTY_PORT": "0", "LOYALTY_LOG_LEVEL": "warning"} | environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            address = re.search(r"http://[^, ]+", line)
            assert address is not None, line
            assert get(f"{address.group()}/readyz").status_code == 200
            os.set_blocking(process.stdout.fileno(), False)
            yield process, address.group(), [line, *process.stdout.readlines()]
        finally:
            process.terminate()
            process.wait(HANG_SECONDS)


def postmasters(data_dir: Path) -> list[int]:
    """The PostgreSQL servers that run in `data_dir`."""
    found: list[int] = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.name() == "postgres" and process.cwd() == str(data_dir / "postgres"):
                found.append(process.pid)
    return found


def alive(process: psutil.Process) -> bool:
    """Whether it runs; an ended one that nobody has waited for doesn't."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("workers", ["1", "2"])
def test_first_start_later_start_and_end(data_dir: Path, workers: str) -> None:
    settings = {"LOYALTY_DATA_DIR": str(data_dir), "LOYALTY_WORKERS": workers}
    with serving(**settings) as (process, address, lines):
        assert f"{address}/docs" in lines[0]
        assert get(f"{address}/docs").status_code == 200
        offer = {"Connection": "Upgrade", "Upgrade": "websocket"}
        assert get(f"{address}/readyz", headers=offer).status_code == 200
        key = re.search(r"loy_\w+", "".join(lines))
        assert key is not None
        assert get(f"{address}/v1/keys", headers={"Authorization": f"Bearer {key.group()}"}).is_success
        assert postmasters(data_dir)
        process.terminate()
        assert process.wait(HANG_SECONDS) == 0
    assert not postmasters(data_dir)
    with serving(**settings) as (process, _address, lines):
        assert "loy_" not in "".join(lines)
        process.send_signal(signal.SIGINT)
        assert process.wait(HANG_SECONDS) == 0
    assert not postmasters(data_dir)


def test_a_killed_service_frees_its_port_and_starts_again(data_dir: Path) -> None:
    settings = {"LOYALTY_DATA_DIR": str(data_dir), "LOYALTY_WORKERS": "2"}
    with serving(**settings) as (process, address, _lines):
        children = psutil.Process(process.pid).children()
        workers = [child for child in children if child.name() != "postgres"]
        process.kill()
        process.wait(HANG_SECONDS)
    deadline = time.monotonic() + HANG_SECONDS
    while any(alive(worker) for worker in workers):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    port = address.rpartition(":")[2]
    with serving(**settings | {"LOYALTY_PORT": port}) as (_process, again, _lines):
        assert again == address
    assert not postmasters(data_dir)


def test_a_worker_that_dies_is_replaced(database_url: str) -> None:
    settings = {"LOYALTY_DATABASE_URL": database_url, "LOYALTY_WORKERS": "2", "LOYALTY_PII_KEYS": PII_KEYS}
    with serving(**settings) as (process, address, _lines):
        workers = [child.pid for child in psutil.Process(process.pid).children()]
        os.kill(workers[0], signal.SIGKILL)
        deadline = time.monotonic() + HANG_SECONDS
        while (
            workers[0] in (now := [child.pid for child in psutil.Process(process.pid).children()])
            or len(now) < 2
        ):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert get(f"{address}/readyz").status_code == 200


def test_nobody_who_comes_anew_waits_for_a_stopped_worker(database_url: str) -> None:
    settings = {"LOYALTY_DATABASE_URL": database_url, "LOYALTY_WORKERS": "2", "LOYALTY_PII_KEYS": PII_KEYS}
    with serving(**settings) as (process, address, _lines):
        stopped = psutil.Process(process.pid).children()[0]
        stopped.suspend()
        try:
            for _ in range(20):
                assert get(f"{address}/healthz").status_code == 200
        finally:
            stopped.resume()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_its_own_database_is_started_again(data_dir: Path, workers: str) -> None:
    with serving(LOYALTY_DATA_DIR=str(data_dir), LOYALTY_WORKERS=workers) as (process, address, lines):
        key = lines[1].rpartition(" ")[2].strip()
        (killed,) = [pid for pid in postmasters(data_dir) if psutil.Process(pid).ppid() == process.pid]
        os.kill(killed, signal.SIGKILL)
        deadline = time.monotonic() + HANG_SECONDS
        headers = {"Authorization": f"Bearer {key}"}
        while put(f"{address}/v1/members/u-1", json={}, headers=headers).status_code >= 500:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert get(f"{address}/v1/members/u-1", headers=headers).status_code == 200
        assert killed not in postmasters(data_dir)
    assert not postmasters(data_dir)


def test_keys_that_do_not_fit_the_personal_data_are_told(fresh_database_url: str) -> None:
    key = "bootstrap-bootstrap-bootstrap-boot"
    settings = {
        "LOYALTY_DATABASE_URL": fresh_database_url,
        "LOYALTY_WORKERS": "1",
        "LOYALTY_BOOTSTRAP_KEY": key,
    }
    with serving(**settings, LOYALTY_PII_KEYS=PII_KEYS) as (_, address, _):
        answer = put(
            f"{address}/v1/members/u-1", json={"name": "王"}, headers={"Authorization": f"Bearer {key}"}
        )
        assert answer.status_code == 201
    refused = run("serve", LOYALTY_PORT="0", **settings, LOYALTY_PII_KEYS=PII_KEYS.replace("k1:", "k2:"))
    assert refused.returncode == 2
    assert "LOYALTY_PII_KEYS" in refused.stderr


def test_a_taken_port_is_one_sentence(data_dir: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended = run("serve", LOYALTY_PORT=str(taken.getsockname()[1]), LOYALTY_DATA_DIR=str(data_dir))
    assert ended.returncode == 1
    assert "LOYALTY_PORT" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert not any(data_dir.iterdir())


@pytest.mark.parametrize(
    ("environment", "code", "told"),
    [
        ({"LOYALTY_PORT": "abc"}, 2, "LOYALTY_PORT: "),
        ({"LOYALTY_DATABASE_URL": "postgresql://u:hunter2@127.0.0.1:1/d"}, 1, "LOYALTY_DATABASE_URL"),
        ({"LOYALTY_DATABASE_URL": "postgresql://u:hunter2@/d?host=/nowhere"}, 1, "LOYALTY_DATABASE_URL"),
    ],
)
def test_what_can_not_start_says_why_in_one_sentence(
    environment: dict[str, str], code: int, told: str
) -> None:
    for command in ("serve", "migrate"):
        ended = run(command, **{"LOYALTY_PORT": "0"} | environment)
        assert ended.returncode == code
        assert told in ended.stderr
        assert len(ended.stderr.splitlines()) == 1
        assert "hunter2" not in ended.stderr


def test_migrate(data_dir: Path) -> None:
    ended = run("migrate", LOYALTY_DATA_DIR=str(data_dir))
    assert ended.returncode == 0, ended.stderr
    assert "revision" in ended.stdout
    assert not postmasters(data_dir)


def test_the_openapi_document_is_checked(tmp_path: Path) -> None:
    def openapi(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, "openapi", *arguments],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "LOYALTY_SANDBOX": "1"},
            capture_output=True,
            text=True,
            check=False,
        )

    assert openapi("--check").returncode == 1
    assert openapi().returncode == 0
    assert openapi("--check").returncode == 0
    document = tmp_path / "openapi" / "openapi.json"
    assert "sandbox" not in document.read_text()
    document.write_text("{}")
    assert openapi("--check").returncode == 1
