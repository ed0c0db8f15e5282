"""Worker processes: forked from one that has imported everything, so that many start as fast as one.

uvicorn's own supervisor starts each worker as a new interpreter, which imports everything once more.
"""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator
from multiprocessing.connection import wait
from multiprocessing.context import ForkProcess
from typing import Final

import structlog

FAILED_TO_START: Final = 3
PARENT_POLL_SECONDS: Final = 0.5
REPEAT_SECONDS: Final = 0.5
TEND_SECONDS: Final = 1.0
START_AGAIN_SECONDS: Final = 0.5


def supervise(
    work: Callable[[int], bool],
    *,
    count: int,
    tend: Callable[[], None],
    on_stop: Callable[[], None] = lambda: None,
) -> bool:
    """Run `work` in `count` processes (in this one if that is 1) until a signal ends it, and `tend` every
    TEND_SECONDS meanwhile. `on_stop` is called before the processes are told to stop.

    `work` is given its number, from 0, which who takes a dead one's place is given anew. It returns when it is told to
    stop by SIGTERM or SIGINT, and says whether it ever served: a worker that served and died is replaced; one that
    can't start ends them all, and False is returned. Who takes a dead one's place may find that the database is away:
    it is started again until it can, and the others serve on.
    """
    if count == 1:
        with _tended(tend):
            return work(0)
    workers = [_start(work, number) for number in range(count)]
    replaced: set[int] = set()
    try:
        while True:
            wait([worker.sentinel for worker in workers], TEND_SECONDS)
            # Here and not on a thread: a worker forked meanwhile would inherit its locks.
            tend()
            for index, worker in enumerate(workers):
                if worker.exitcode is None:
                    continue
                if worker.exitcode == FAILED_TO_START:
                    if index not in replaced:
                        return False
                    time.sleep(START_AGAIN_SECONDS)
                structlog.get_logger(__name__).error("worker died", pid=worker.pid, exitcode=worker.exitcode)
                replaced.add(index)
                workers[index] = _start(work, index)
    finally:
        # Whoever asked to stop may ask again; the workers have their own limit.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        on_stop()
        # More than once: one that is just being made may lose the first.
        while any(worker.is_alive() for worker in workers):
            for worker in workers:
                worker.terminate()
            wait([worker.sentinel for worker in workers if worker.is_alive()], REPEAT_SECONDS)


@contextlib.contextmanager
def _tended(tend: Callable[[], None]) -> Generator[None]:
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(TEND_SECONDS):
            tend()

    threading.Thread(target=run, daemon=True).start()
    try:
        yield
    finally:
        ended.set()


def _start(work: Callable[[int], bool], number: int) -> ForkProcess:
    worker = multiprocessing.get_context("fork").Process(target=_work, args=(work, number, os.getpid()))
    worker.start()
    return worker


def _work(work: Callable[[int], bool], number: int, parent: int) -> None:
    # A closed terminal is told to every process; the parent passes the end on.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    threading.Thread(target=_stop_with, args=(parent,), daemon=True).start()
    with contextlib.suppress(KeyboardInterrupt):
        if not work(number):
            sys.exit(FAILED_TO_START)


def _stop_with(parent: int) -> None:
    """End this worker when its parent is gone, however that ended, so that the port is free for the next
    start.
    """
    while os.getppid() == parent:
        time.sleep(PARENT_POLL_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
