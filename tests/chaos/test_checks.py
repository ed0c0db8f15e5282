"""What chaos compares finds what is wrong: one history that is right, and one change to it at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from chaos.clock import Clock
from chaos.ledger import Entry, Ledger
from chaos.record import Op, Send
from chaos.run import Result, compare

START = 1_770_000_000.0
EARNED = 157
"""What 100 yuan bring: 100 points, half as much again, and 7."""


class History:
    """A member joins, buys for 100 yuan, spends 50 points, is refused 1,000 and looks."""

    def __init__(self) -> None:
        self.enrol = op("enrol", "", {}, 200, {}, at=0)
        order = {"order": "o1", "amount": 10_000, "settle": True}
        told = {"points": EARNED, "status": "settled", "balance": balance(EARNED)}
        self.accrue = op("accrue", "order/o1", order, 201, told, at=1)
        spent = {"reference": "r1", "points": 50, "hold_seconds": None}
        self.left = EARNED - 50
        told = {"points": 50, "lots": [{"lot": 1, "points": 50}], "balance": balance(self.left)}
        self.redeem = op("redeem", "redeem/r1", spent, 201, told, at=2)
        wanted = {"reference": "r2", "points": 1_000, "hold_seconds": None}
        self.refused = op("redeem", "redeem/r2", wanted, 409, {"code": "insufficient_points"}, at=3)
        self.look = op("look", "", {}, 200, status(self.left), at=4)
        self.entries = [
            entry(1, "accrue", self.accrue, EARNED, at=1),
            entry(2, "redeem", self.redeem, self.left, at=2),
        ]
        self.account: dict[str, Any] = {
            **dict.fromkeys(("pending", "reserved", "debt", "cash", "expired", "streak", "coupons"), 0),
            "available": self.left,
            "growth": 103,
            "earned": EARNED,
            "redeemed": 50,
            "spend": 10_000,
            "tier": "bronze",
        }
        self.lots = [(EARNED, self.left, 0, 50, 0, 0, 0, False)]
        self.gifts: dict[tuple[str, int], int] = {}
        self.issued: dict[str, int] = {}
        self.given: dict[str, list[str]] = {}

    def differences(self) -> list[str]:
        """What is found, each in words."""
        held = Ledger(
            now=moment(10),
            overdue=0,
            entries={"m": self.entries},
            accounts={"m": self.account},
            lots={"m": self.lots},
            coupons={},
            templates=self.given,
            checkouts={},
            redemptions={"m": {"r1": "redeemed"}},
            issued=self.issued,
            gifts=self.gifts,
            pot_granted=sum(self.gifts.values()),
        )
        result = Result(ops=[self.enrol, self.accrue, self.redeem, self.refused, self.look])
        compare(Clock(), held, result)
        return [difference.what for difference in result.differences]


def op(kind: str, key: str, facts: dict[str, Any], status: int, body: dict[str, Any], *, at: float) -> Op:
    """One that was sent at this second and answered half a second later."""
    name = f"{kind}-{at}"
    send = Send(START + at, START + at + 0.5, status, body, request_id=f"{name}:1")
    return Op(name, name, kind, "m", key, "POST", "/", None, facts, sends=[send])


def entry(sequence: int, kind: str, by: Op, points: int, *, at: float) -> Entry:
    after = (points, 0, 0, 0, 103, 0)
    return Entry("m", sequence, kind, by.key, "key:x", f"{by.request_id}:1", moment(at + 0.2), after)


def moment(at: float) -> datetime:
    return datetime.fromtimestamp(START + at, UTC)


def balance(available: int) -> dict[str, int]:
    return {"available": available, "pending": 0, "reserved": 0, "debt": 0}


def status(available: int) -> dict[str, Any]:
    return {
        "points": balance(available),
        "growth": 103,
        "cash": 0,
        "spend": {"lifetime": 10_000},
        "tier": {"code": "bronze"},
    }


def test_a_right_history_is_found_right() -> None:
    assert History().differences() == []


def lose(history: History) -> None:
    history.entries.pop()


def do_twice(history: History) -> None:
    history.entries.append(history.entries[-1]._replace(sequence=3))


def do_unasked(history: History) -> None:
    history.entries[-1] = history.entries[-1]._replace(request_id="x")


def count_wrongly(history: History) -> None:
    history.entries[-1] = history.entries[-1]._replace(after=(history.left + 1, 0, 0, 0, 103, 0))


def answer_wrongly(history: History) -> None:
    history.redeem.sends[0].body["balance"]["available"] += 1


def answer_otherwise_again(history: History) -> None:
    history.redeem.sends.append(Send(START + 2.1, START + 2.6, 200, {"points": 51}, True))


def make_it_twice(history: History) -> None:
    history.redeem.sends.append(replace(history.redeem.sends[0], request_id="redeem-2:2"))


def refuse_what_was_done(history: History) -> None:
    history.redeem.sends[0] = Send(START + 2, START + 2.5, 409, {"code": "insufficient_points"})


def refuse_without_reason(history: History) -> None:
    history.refused.facts["points"] = history.left


def refuse_for_another_reason(history: History) -> None:
    history.refused.sends[0].body = {"code": "reservation_closed"}


def show_what_never_was(history: History) -> None:
    history.look.sends[0].body = status(history.left + 1)


def show_what_is_over(history: History) -> None:
    history.look.sends[0].body = status(EARNED)


def come_too_early(history: History) -> None:
    history.accrue.sends[0] = replace(history.accrue.sends[0], began=START + 2.6, ended=START + 2.7)


def turn_a_batch_round(history: History) -> None:
    for command in (history.redeem, history.accrue):
        command.request_id = "b1"
        command.sends[0].request_id = "b1:1"
        command.sends[0].began, command.sends[0].ended = START + 1, START + 3
    history.entries = [entry._replace(request_id="b1:1") for entry in history.entries]
    history.accrue, history.redeem = history.redeem, history.accrue


def break_down(history: History) -> None:
    history.redeem.sends.insert(0, Send(START + 2, START + 2.1, 500, {"code": "internal_error"}))


def never_tell(history: History) -> None:
    history.refused.sends = [Send(START + 3, START + 3.5)]


def hold_other_figures(history: History) -> None:
    history.account["spend"] += 1


def hold_other_lots(history: History) -> None:
    history.lots[0] = (EARNED, history.left - 1, 0, 51, 0, 0, 0, False)


def give_too_many(history: History) -> None:
    history.given["scarce"] = [str(number) for number in range(151)]
    history.issued["scarce"] = 151


def miscount(history: History) -> None:
    history.issued["scarce"] = 1


def overdraw(history: History) -> None:
    history.gifts["m", 3] = 1_501


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lose, "acknowledged, and lost"),
        (do_twice, "done twice"),
        (do_unasked, "an entry nobody asked for"),
        (count_wrongly, "balances after"),
        (answer_wrongly, "answer of"),
        (answer_otherwise_again, "answers differ"),
        (make_it_twice, "a repeat told as the first"),
        (refuse_what_was_done, "refused, and took effect"),
        (refuse_without_reason, "refused: "),
        (refuse_for_another_reason, "refused: "),
        (show_what_never_was, "seen: "),
        (show_what_is_over, "seen: "),
        (come_too_early, "out of order"),
        (turn_a_batch_round, "a batch out of order"),
        (break_down, "answered 500"),
        (never_tell, "never resolved"),
        (hold_other_figures, "spend"),
        (hold_other_lots, "lot 1"),
        (give_too_many, "coupons of a stock"),
        (miscount, "coupons of a stock"),
        (overdraw, "a budget"),
    ],
)
def test_one_change_is_found(change: Callable[[History], None], told: str) -> None:
    history = History()
    change(history)
    assert any(found.startswith(told) for found in history.differences())


def test_what_may_have_been_on_either_side_of_an_entry_is_no_difference() -> None:
    history = History()
    history.look.sends[0] = Send(START + 1.9, START + 4, 200, status(EARNED))
    history.refused.sends[0] = Send(START, START + 3, 409, {"code": "insufficient_points"})
    history.refused.facts["points"] = EARNED  # there were none at first
    assert history.differences() == []
