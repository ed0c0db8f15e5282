"""The embedded PostgreSQL: started once, shared, taken over after a kill, stopped by its last user."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import asyncpg
import psutil
import pytest

from app import embedded
from app.embedded import SERVER_SETTINGS, DatabaseUnavailable, EmbeddedServer
from tests.pace import HANG_SECONDS

QUICK = {"fsync": "off", "shared_buffers": "16MB"}

OWNER = """
import sys, time
from pathlib import Path
from app.embedded import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1]), settings={"fsync": "off", "shared_buffers": "16MB"})
server.start()
print("started", flush=True)
time.sleep(600)
"""


def ask(server: EmbeddedServer, sql: str) -> Any:
    """The first value `sql` gives."""

    async def run() -> Any:
        connection = await asyncpg.connect(server.url)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(run())


def postmaster(data_dir: Path) -> int | None:
    """The process id in `postmaster.pid`, None if there is no such file."""
    try:
        return int((data_dir / "postgres" / "postmaster.pid").read_text().splitlines()[0])
    except FileNotFoundError:
        return None


def is_alive(pid: int) -> bool:
    """Whether it runs: where nobody looks after orphans, one that ended keeps its number."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until(condition: Callable[[], object], *, seconds: float = HANG_SECONDS) -> None:
    """Poll until `condition` holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def quick(data_dir: Path, **options: Any) -> EmbeddedServer:
    """A server for a test."""
    return EmbeddedServer(data_dir, settings=QUICK, **options)


def test_starts_answers_stops_and_keeps_its_data(data_dir: Path) -> None:
    folder = data_dir / "made" / "for it"
    with quick(folder) as server:
        ask(server, "CREATE TABLE kept AS SELECT 7 AS points")
        assert ask(server, "SHOW listen_addresses") == ""
        pid = postmaster(folder)
    assert pid is not None
    assert not psutil.pid_exists(pid)
    with pytest.raises(DatabaseUnavailable, match="not running"):
        _ = server.url
    with quick(folder) as server:
        assert ask(server, "SELECT points FROM kept") == 7


def test_is_durable_by_default() -> None:
    assert SERVER_SETTINGS["fsync"] == SERVER_SETTINGS["synchronous_commit"] == "on"


@pytest.mark.parametrize(
    ("gibibytes", "limit", "buffers"),
    [
        (8, None, "2048MB"),
        (8, "max", "2048MB"),
        (64, None, "4096MB"),
        (64, str(2**30), "256MB"),
        (0.25, None, "128MB"),
    ],
)
def test_it_takes_a_quarter_of_the_memory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, gibibytes: float, limit: str | None, buffers: str
) -> None:
    if limit is not None:
        (tmp_path / "memory.max").write_text(f"{limit}\n")
    memory = SimpleNamespace(total=int(gibibytes * 2**30))
    monkeypatch.setattr(embedded, "_CGROUP_LIMIT", tmp_path / "memory.max")
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    assert embedded._shared_buffers() == buffers


def test_the_last_user_stops_it(data_dir: Path) -> None:
    first, second = quick(data_dir), quick(data_dir)
    first.start()
    second.start()
    first.stop()
    assert ask(second, "SELECT 1") == 1
    second.stop()
    second.stop()
    assert postmaster(data_dir) is None


def test_many_first_starts_at_once(data_dir: Path) -> None:
    servers = [quick(data_dir) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(EmbeddedServer.start, servers))
        assert {server.url for server in servers} == {servers[0].url}
        assert ask(servers[3], "SELECT 1") == 1
        list(pool.map(EmbeddedServer.stop, servers))
    assert postmaster(data_dir) is None


def test_takes_over_what_a_killed_owner_left(data_dir: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", OWNER, str(data_dir)], stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        owner.stdout.readline()
        owner.kill()
    left = postmaster(data_dir)
    with quick(data_dir) as server:
        assert postmaster(data_dir) == left
        assert ask(server, "SELECT 1") == 1
    assert left is not None
    wait_until(lambda: not is_alive(left))


def test_recovers_from_a_killed_server(data_dir: Path) -> None:
    # The server's own process is killed, so that its pid file stays and its data needs recovery.
    with quick(data_dir) as server:
        ask(server, "CREATE TABLE kept AS SELECT 7 AS points")
        killed = postmaster(data_dir)
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        psutil.Process(killed).wait(HANG_SECONDS)
    assert postmaster(data_dir) == killed
    with quick(data_dir) as server:
        assert ask(server, "SELECT points FROM kept") == 7


@pytest.mark.parametrize("name", ["short", "x" * 100])
def test_starts_again_in_use_under_the_same_address(data_dir: Path, name: str) -> None:
    with quick(data_dir / name) as server:
        assert not server.revive()
        ask(server, "CREATE TABLE kept AS SELECT 7 AS points")
        address, killed = server.url, postmaster(data_dir / name)
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: not is_alive(killed))
        assert server.revive()
        assert not server.revive()
        assert server.url == address
        assert ask(server, "SELECT points FROM kept") == 7
    assert not server.revive()
    assert postmaster(data_dir / name) is None


def test_a_pid_that_became_another_programs(data_dir: Path) -> None:
    with quick(data_dir):
        lines = (data_dir / "postgres" / "postmaster.pid").read_text().splitlines()
    pid_file = data_dir / "postgres" / "postmaster.pid"
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]))
    with quick(data_dir) as server:
        assert ask(server, "SELECT 1") == 1
    pid_file.write_text("")
    with quick(data_dir) as server:
        assert ask(server, "SELECT 1") == 1


@pytest.mark.parametrize("name", ["x" * 100, "a, b", "it's", "$HOME `id`", "会员"])
def test_any_path(data_dir: Path, name: str) -> None:
    with quick(data_dir / name) as server:
        assert ask(server, "SELECT 1") == 1
        socket = Path(ask(server, "SHOW unix_socket_directories"))
    if socket != data_dir / name / "postgres":
        assert not socket.exists()


def test_an_interrupted_first_start(data_dir: Path) -> None:
    (data_dir / "postgres.new" / "base").mkdir(parents=True)
    (data_dir / "postgres").mkdir()
    with quick(data_dir) as server:
        assert ask(server, "SELECT 1") == 1
    assert not (data_dir / "postgres.new").exists()


def test_what_it_will_not_touch(data_dir: Path) -> None:
    (data_dir / "postgres").mkdir()
    (data_dir / "postgres" / "letters.txt").write_text("mine")
    with pytest.raises(DatabaseUnavailable, match="no PostgreSQL data directory"):
        quick(data_dir).start()
    (data_dir / "postgres" / "PG_VERSION").write_text("12\n")
    with pytest.raises(DatabaseUnavailable, match="made by PostgreSQL 12"):
        quick(data_dir).start()
    file = data_dir / "file"
    file.touch()
    with pytest.raises(DatabaseUnavailable, match="can't be used"):
        quick(file).start()


def test_tells_the_log_when_it_does_not_start(data_dir: Path) -> None:
    with pytest.raises(DatabaseUnavailable, match="shared_buffers"):
        EmbeddedServer(data_dir, settings={"shared_buffers": "nonsense"}).start()


def test_says_that_it_takes_long(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "TELL_AFTER_SECONDS", 0)
    told: list[str] = []
    running = embedded._running

    def not_ready_before_it_is_told(data: Path) -> Any:
        found = running(data)
        return found if found is None or told else (*found[:2], "starting")

    monkeypatch.setattr(embedded, "_running", not_ready_before_it_is_told)
    with quick(data_dir, tell=told.append):
        assert len(told) == 1
    with pytest.raises(DatabaseUnavailable, match="not ready after"):
        quick(data_dir, start_seconds=0).start()
    assert postmaster(data_dir) is None
