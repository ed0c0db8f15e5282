"""How many requests a process takes on: what it answers in WAIT_SECONDS, measured while it is pressed."""

from __future__ import annotations

import pytest

from app.cli.admission import LEAST, PERIOD_SECONDS, START, WAIT_SECONDS, Admission


class Process:
    """A process under its admission: what comes, and what it answers, by a clock of its own."""

    def __init__(self, *, limit: int = START) -> None:
        self.admission = Admission(limit=limit)
        self.now = 1_000.0
        self.open = self.answered = self.refused = 0

    def run(self, *, seconds: float, come: float, answers: float) -> None:
        """Let so many a second come and, as long as any are open, so many be answered."""
        step = 0.001
        coming = leaving = 0.0
        for _ in range(round(seconds / step)):
            self.now += step
            leaving = min(leaving + answers * step, self.open + 1)
            while leaving >= 1 and self.open:
                leaving -= 1
                self.open -= 1
                self.answered += 1
            coming += come * step
            while coming >= 1:
                coming -= 1
                if self.admission.is_full(open_requests=self.open, answered=self.answered, now=self.now):
                    self.refused += 1
                else:
                    self.open += 1


@pytest.mark.parametrize("answers", [1_600, 2_800, 20_000])
def test_what_is_taken_on_waits_no_longer_than_it_may(answers: float) -> None:
    process = Process()
    process.run(seconds=4, come=3 * answers, answers=answers)
    assert process.open / answers == pytest.approx(WAIT_SECONDS, rel=0.1)
    assert process.answered == pytest.approx(4 * answers, rel=0.02), "nothing is refused that could be served"


def test_below_what_it_can_do_nothing_is_refused() -> None:
    process = Process()
    process.run(seconds=5, come=900, answers=1_000)
    assert process.refused == 0
    assert process.admission.limit == START


def test_a_burst_is_taken_on() -> None:
    process = Process()
    process.run(seconds=0.1, come=START * 10, answers=100)
    assert process.refused == 0


def test_while_nothing_is_answered_few_are_taken_on_and_it_recovers() -> None:
    process = Process()
    process.run(seconds=5, come=1_000, answers=0)
    assert process.admission.limit == LEAST
    process.run(seconds=5, come=3_000, answers=2_000)
    assert process.admission.limit == pytest.approx(2_000 * WAIT_SECONDS, rel=0.1)


def test_a_quiet_process_forgets_how_slow_it_was() -> None:
    process = Process()
    process.run(seconds=5, come=1_000, answers=0)
    process.run(seconds=10, come=100, answers=2_000)
    assert process.admission.limit == pytest.approx(START, rel=0.05)


def test_what_came_before_it_was_pressed_is_no_measure() -> None:
    """A process that was idle answered little: that says nothing about what it could."""
    process = Process()
    process.run(seconds=PERIOD_SECONDS * 10, come=4, answers=5_000)
    process.run(seconds=PERIOD_SECONDS, come=20_000, answers=5_000)
    assert process.refused
    assert process.admission.limit >= START


def test_bodies_that_are_still_to_come_keep_nobody_out() -> None:
    admission = Admission(limit=2)
    admission.uploading = 2
    assert not admission.is_full(open_requests=3, answered=0, now=1)
    admission.uploading = 1
    assert admission.is_full(open_requests=3, answered=0, now=1)
