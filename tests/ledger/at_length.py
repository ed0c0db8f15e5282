"""The steps drawn at random, millions of them, by many trios of members whose commands share the engine's batches."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from typing import NamedTuple

from app.queries.verify import verify
from tests.ledger.fair_model import FairMember
from tests.ledger.steps import CODES, MEMBERS, Steps, World

TRIOS = 300
STEPS_A_ROUND = 5
"""Of each trio, one after another in one list: a member is asked for more than once in a batch."""
ROUNDS = 40
"""Until new members take their place."""
ROUNDS_BETWEEN_LOOKS = 8
WAITS_HOURS = (0, 0, 0, 1, 12, 24, 24, 7 * 24, 16 * 24, 100 * 24, 366 * 24)
WAITS_SECONDS = (0, 0, 1, 30, 60)
"""On top of the hours: holds of a minute end too, and some holds at the very moment of a later round."""
DAYS_AGO = (0, 0, 30, 364, 400)


class Apart(Exception):
    """The engine and the model say different things, told with what repeats it."""


class _Draw(NamedTuple):
    weight: int
    take: Callable[[], None]


class _Trio(Steps):
    """Three members whose steps are drawn, and wait to be taken with all others' of the round."""

    kind = FairMember
    moment: datetime  # of the round

    def __init__(self, name: str, drawn: random.Random) -> None:
        self.join(name)
        self.random = drawn
        draws = self._draws()
        self._weights = [draw.weight for draw in draws]
        self._steps = [draw.take for draw in draws]

    def now(self) -> datetime:
        return self.moment

    def take_some(self, moment: datetime) -> None:
        """The steps of a round, by the model; the engine's part of them is then `waiting`."""
        self.moment = moment
        self.waiting = []
        for take in self.random.choices(self._steps, self._weights, k=STEPS_A_ROUND):
            take()

    def mature_all(self, moment: datetime) -> None:
        """Each of the three, as `take_some`."""
        self.moment = moment
        self.waiting = []
        for who in range(MEMBERS):
            self.mature(who)

    def _who(self) -> int:
        return self.random.randrange(MEMBERS)

    def _which(self) -> int:
        return self.random.randrange(5)

    def _points(self) -> int:
        return self.random.randint(1, self.random.choice((40, 3_000)))

    def _amount(self) -> int:
        return self.random.randint(0, self.random.choice((20_000, 700_000)))

    def _draws(self) -> list[_Draw]:
        one, who, which, points = self.random.choice, self._who, self._which, self._points
        return [
            _Draw(6, lambda: self.accrue(who(), which(), self._amount(), one((True, False)), one(DAYS_AGO))),
            _Draw(2, lambda: self.settle(who(), which())),
            _Draw(3, lambda: self.reverse(who(), which(), one((None, self._amount() or None)))),
            _Draw(
                4, lambda: self.redeem(who(), which(), points(), one((None, None, 1_800, 86_400, 604_800)))
            ),
            _Draw(2, lambda: self.commit(who(), which(), one((None, points())))),
            _Draw(1, lambda: self.cancel(who(), which())),
            _Draw(2, lambda: self.refund(who(), which(), one((None, points())))),
            _Draw(2, lambda: self.sign_in(who())),
            _Draw(1, lambda: self.adjust(who(), one((1, -1)) * points())),
            _Draw(2, lambda: self.transfer(who(), who(), points())),
            _Draw(2, lambda: self.claim(who(), self.random.randrange(CODES))),
            _Draw(4, self._hold),
            _Draw(3, lambda: self.complete(who(), one(("held", "held", "lapsed", "")), one((True, False)))),
            _Draw(1, lambda: self.release(who(), one(("held", "")))),
            _Draw(2, lambda: self.refund_checkout(who(), one((None, self.random.randint(1, 90_000))))),
            _Draw(1, lambda: self.mature(who())),
        ]

    def _hold(self) -> None:
        one = self.random.choice
        self.hold(
            self._who(),
            self.random.randint(0, one((5_000, 400_000))),
            points=one((0, 0, 100, 300, 2_000, 50)),
            cash=one((0, 0, 1, 700)),
            coupon=one((None, self.random.randrange(CODES))),
            seconds=one((60, 1_800, 86_400, 604_800)),
        )


def walk_alone(url: str, seed: str, operations: int, told: Connection) -> None:
    """The work of one process: tells how many steps it took each time, and in the end what was apart."""
    with asyncio.Runner() as runner:
        world = World(url, runner)
        try:
            walk(world, seed=seed, operations=operations, tell=told.send)
            report = world.run(verify(world.database.connect))
            told.send([f"seed {seed}, verify: {each}" for each in report.differences[:5]])
        except Apart as error:
            told.send([f"seed {seed}: {error}"])
        finally:
            world.close()


def walk(world: World, *, seed: str, operations: int, tell: Callable[[int], None], trios: int = TRIOS) -> int:
    """Take at least so many steps; `tell` is called with the number of those just taken. How many there were.

    Raises Apart. The same seed draws the same steps at the same moments, whatever they lead to and however long they
    take.
    """
    world.put_campaigns()
    taken = generation = 0
    while taken < operations:
        them = [
            _Trio(f"{generation}-{number}", random.Random(f"{seed}-{generation}-{number}"))  # noqa: S311 - to be repeated
            for number in range(trios)
        ]
        names = [name for trio in them for name in trio.names]
        world.enrol(names)
        for number, wait in enumerate(_waits(f"{seed}-{generation}"), start=1):
            count = _round(world, them)
            if number % ROUNDS_BETWEEN_LOOKS == 0:
                count += _look(world, them)
            tell(count)
            taken += count
            world.wait(wait)
        generation += 1
    return taken


def _waits(seed: str) -> list[timedelta]:
    """After each round."""
    drawn = random.Random(seed)  # noqa: S311 - to be repeated
    hours = [drawn.choice(WAITS_HOURS) for _ in range(ROUNDS)]
    seconds = [drawn.choice(WAITS_SECONDS) for _ in range(ROUNDS)]
    return [timedelta(hours=some, seconds=more) for some, more in zip(hours, seconds, strict=True)]


def _round(world: World, trios: list[_Trio]) -> int:
    """Some steps of each; how many."""
    moment = world.now()
    for trio in trios:
        trio.take_some(moment)
    return _take_together(world, trios)


def _look(world: World, trios: list[_Trio]) -> int:
    """Compare all that is held, once both have written down what fell due; how many steps that took."""
    moment = world.now()
    for trio in trios:
        trio.mature_all(moment)
    count = _take_together(world, trios)
    held = world.held([name for trio in trios for name in trio.names])
    for trio in trios:
        try:
            trio.compare_held(held)
        except AssertionError as error:
            raise Apart(f"{error}") from error
    return count


def _take_together(world: World, trios: list[_Trio]) -> int:
    """Have the engine take the steps that wait, in one list; how many."""
    steps = [(trio, *step) for trio in trios for step in trio.waiting or []]
    answers = world.ask_all([command for _, command, _ in steps])
    for answered, (trio, command, expected) in zip(answers, steps, strict=True):
        try:
            trio.compare(answered, expected)
        except AssertionError as error:
            raise Apart(f"{command} was to be {expected}, and is {answered}") from error
    return len(steps)
