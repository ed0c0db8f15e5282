"""The machine, what ran on it, and whose processor time a measurement took."""

import importlib.metadata
import os
import platform
import resource
import time
from pathlib import Path
from typing import Any, NamedTuple

import psutil

PACKAGES = ("asyncpg", "fastapi", "pydantic", "starlette", "uvicorn", "uvloop", "httptools")


FILES = 4_096


def allow_files() -> None:
    """Let this process, and all that it starts, have FILES open at once, or as many as it may: each connection is one,
    and a shell allows 1,024 or fewer.
    """
    few, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if most == resource.RLIM_INFINITY else min(FILES, most)
    if few != resource.RLIM_INFINITY and few < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


class Usage(NamedTuple):
    """Processors kept busy on average: 1.0 is one of them, all the time."""

    service: float
    database: float
    load: float


class Meter:
    """Processor time of process trees, from its making until `read`."""

    def __init__(self, *, service: int | None, database: int | None) -> None:
        self._service, self._database = service, database
        self._began = time.monotonic()
        self._before = self._seconds()

    def read(self, *, load_seconds: float) -> Usage:
        """The use since; `load_seconds` is what the load generator, which has ended, took."""
        elapsed = time.monotonic() - self._began
        service, database = (
            after - before for after, before in zip(self._seconds(), self._before, strict=True)
        )
        return Usage(*(round(max(used, 0) / elapsed, 2) for used in (service, database, load_seconds)))

    def _seconds(self) -> tuple[float, float]:
        return _tree_seconds(self._service), _tree_seconds(self._database)


def _tree_seconds(pid: int | None) -> float:
    """Seconds of processor time of a process and all below it, ended ones too."""
    if pid is None:
        return 0.0
    root = psutil.Process(pid)
    times = root.cpu_times()
    total = times.user + times.system + times.children_user + times.children_system
    for child in root.children(recursive=True):
        try:
            times = child.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def busy_elsewhere(seconds: float = 2.0) -> dict[str, Any]:
    """What the machine did before the benchmark began: load, stolen time, the busiest other processes."""
    before = psutil.cpu_times()
    processes = [process for process in psutil.process_iter(["name"]) if process.pid != os.getpid()]
    for process in processes:
        _percent(process)
    time.sleep(seconds)
    after = psutil.cpu_times()
    busiest = sorted(
        ((_percent(process), process.info["name"]) for process in processes),
        key=lambda found: found[0],
        reverse=True,
    )
    cores = psutil.cpu_count() or 1
    return {
        "load_average": list(os.getloadavg()),
        "stolen_percent": round(100 * (_stolen(after) - _stolen(before)) / seconds / cores, 1),
        "busiest": [f"{name} {percent:.0f} %" for percent, name in busiest[:5] if percent >= 1],
    }


def _stolen(times: object) -> float:
    # What the host gave to others; told on Linux only.
    return getattr(times, "steal", 0.0)


def _percent(process: psutil.Process) -> float:
    try:
        return process.cpu_percent()
    except psutil.Error:
        return 0.0


def machine(folder: Path) -> dict[str, Any]:
    """Facts about this machine; `folder` tells which file system the database lies on."""
    model = ""
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    mounts = [part for part in psutil.disk_partitions(all=True) if folder.is_relative_to(part.mountpoint)]
    return {
        "cores": psutil.cpu_count(),
        "processor": model or platform.processor(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "file_system": max(mounts, key=lambda part: len(part.mountpoint)).fstype if mounts else "",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": {name: importlib.metadata.version(name) for name in PACKAGES},
    }
