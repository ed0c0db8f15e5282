"""How many requests a process takes on at once, so that those it takes are answered soon and the rest at once.

What waits longer than its caller does is work for nobody. By Little's law as many requests wait as are answered in the
time that each waits: so a process takes on what it answers in WAIT_SECONDS, as it was measured while it had more than
it could do, and refuses what comes beyond.
"""

from __future__ import annotations

import structlog

from app.telemetry import count_refused

# How long a request that is taken on may have to wait: long enough that batches hold a hundred. The more are taken on,
# the more are answered in one turn of the event loop, and the longer the turn that each refusal waits for: with 256
# half of a busy process's time went into turns of 15 ms and more, a tenth into 29 and more, with 100 into 5 and 12.
WAIT_SECONDS = 0.1
# Before anything was measured: what two cores that share the machine with PostgreSQL answer in about that time. With
# 512 refusals took 437 ms instead of 166 at the 99th percentile.
START = 256
# However slow the answers are: a database that is away for a moment must not turn away the few who come, nor a disk
# that is slow for a second those who keep a hundred connections.
LEAST = 128
PERIOD_SECONDS = 0.25
# Where nothing is refused any more, the way back to where it began takes some two seconds.
EASING = 8
# Refusals are many and alike: metrics and logs are told of them all at once.
TELL_SECONDS = 1.0

log = structlog.get_logger(__name__)


class Admission:
    """One process's, for all its connections."""

    def __init__(self, *, limit: int = START) -> None:
        self.limit: float = limit
        self._start = limit
        self.uploading = 0
        """Requests whose body is still to come: they keep nobody waiting, however slow their callers are."""
        self.ending = 0
        """Tasks of requests that are answered: the loop tells of their end a turn later, when the next may be there."""
        self.untold = 0
        """Refusals that metrics and logs were not told of yet."""
        self._began = 0.0
        self._answered = 0
        self._is_pressed = False
        self._was_pressed = False

    def is_full(self, *, open_requests: int, answered: int, now: float) -> bool:
        """Whether one more is to be refused.

        `open_requests` are those taken on and not answered, `answered` all answers since the process began, `now` is
        in seconds of any clock that only goes forward.
        """
        if now >= self._began + PERIOD_SECONDS:
            self._look_back(answered, now)
        if open_requests - self.uploading < self.limit:
            return False
        self._is_pressed = True
        return True

    def _look_back(self, answered: int, now: float) -> None:
        """Set the limit by the period that ends."""
        seconds = now - self._began
        # Pressed before and since, so that there was work all the time: else the figure would tell how much came.
        if self._is_pressed and self._was_pressed and seconds < 2 * PERIOD_SECONDS:
            fitting = (answered - self._answered) / seconds * WAIT_SECONDS
            self.limit = max(LEAST, (self.limit + fitting) / 2)
        elif not self._is_pressed and self.limit < self._start:
            self.limit += (self._start - self.limit) / EASING
        self._was_pressed = self._is_pressed
        self._is_pressed = False
        self._began, self._answered = now, answered

    def ended(self, _task: object) -> None:
        """One of the tasks that were ending is over."""
        self.ending -= 1

    def tell(self) -> None:
        """Tell metrics and logs of the refusals since the last time."""
        count_refused(self.untold)
        log.warning("overloaded", refused=self.untold, limit=round(self.limit))
        self.untold = 0
