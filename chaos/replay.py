"""The history replayed in the model, in the order of the ledger, and everything compared on the way.

The ledger's sequence of each member is taken as the order in which things happened; a transfer binds two members
together. A refusal or a look happened at one of the moments between its sending and its answer: at one of them the
model must say the same.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate
from math import inf
from typing import Any, Final, NamedTuple

from chaos.clock import Clock
from chaos.history import CHANGES_OR_NOT, Difference, Matched, commands_of
from chaos.ledger import FIGURES, Entry, Ledger
from chaos.model import SO_ALREADY, ChaosMember, Told, carry_out
from chaos.record import Op, Send
from tests.ledger.model import Refused, day

CHECKED_APART: Final = frozenset({"coupon_exhausted"})
"""Refusals that depend on other members."""


class _Seen(NamedTuple):
    """A refusal or a look: what it told must be so after `first` to `last` of the member's entries."""

    op: Op
    send: Send
    first: int
    last: int


@dataclass
class _Line:
    """One member's entries, and how many of them are replayed."""

    entries: list[Entry]
    place: int = 0
    seen: list[_Seen] = field(default_factory=list[_Seen])  # in the order of `first`
    open: list[_Seen] = field(default_factory=list[_Seen])
    is_broken: bool = False

    @property
    def head(self) -> Entry | None:
        return self.entries[self.place] if self.place < len(self.entries) else None


class Replay:
    """Replays everything once. `differences` afterwards; `compared` counts answers, entries and figures."""

    def __init__(self, ops: list[Op], matched: Matched, ledger: Ledger, clock: Clock) -> None:
        self._matched = matched
        self._ledger = ledger
        self._clock = clock
        self._joined = _joined(ops)
        self.members = {name: ChaosMember() for name in ledger.accounts}
        self._lines = {name: _Line(ledger.entries.get(name, [])) for name in ledger.accounts}
        self.differences: list[Difference] = []
        self.compared = 0
        self._givers = {
            (op.facts["to"], f"receive/{member}/{op.body['reference']}"): op
            for (member, _), op in matched.op_of.items()
            if op.kind == "transfer"
        }
        self._bounds = {name: self._bound(name) for name in self._lines}
        self._place_seen(ops)

    def run(self) -> None:
        """Take entry after entry, of whichever member can go on."""
        for name in self._lines:
            self._look(name)
        waiting = set(self._lines)
        while waiting:
            went_on = [name for name in sorted(waiting) if self._go_on(name)]
            waiting = {name for name in waiting if self._lines[name].head is not None}
            if not went_on and waiting:
                self._differ(min(waiting), "transfers that wait for each other", "an order", "a circle")
                return
        for name in self._lines:
            if not self._lines[name].is_broken:
                self._compare_end(name)

    def _go_on(self, name: str) -> bool:
        """Replay the member's entries up to a transfer whose other side has not come so far."""
        line, began = self._lines[name], self._lines[name].place
        while (entry := line.head) is not None:
            op = self._matched.op_of.get((name, entry.sequence))
            if entry.kind == "receive":
                if not self._lines[entry.key.split("/")[1]].is_broken and not line.is_broken:
                    break  # the giver takes both
            elif op is not None and op.kind == "transfer" and not self._other_is_there(op, entry):
                break
            elif op is not None and not line.is_broken:
                self._take(name, entry, op)
            line.place += 1
            self._look(name)
        return line.place > began

    def _other_is_there(self, op: Op, entry: Entry) -> bool:
        """Whether the receiver's line stands at this transfer, so that it can be taken now; it is then stepped over."""
        other = self._lines[op.facts["to"]]
        head = other.head
        giver = self._lines[op.member]
        if head is None or head.key != f"receive/{entry.member}/{entry.key.split('/')[1]}":
            return False
        if other.is_broken or giver.is_broken:
            other.is_broken = giver.is_broken = True  # neither is what it should be any more
            other.place += 1
        return True

    def _take(self, name: str, entry: Entry, op: Op) -> None:
        try:
            facts = {**op.facts, "gift": self._ledger.gifts.get((name, entry.sequence), 0)}
            told = carry_out(self.members, name, op.kind, facts, entry.recorded_at)
        except Refused as refusal:
            self._break(name, f"done: {op.tell()}", f"refused: {refusal}", "an entry", entry, op)
            return
        except Exception as error:  # noqa: BLE001 - the model can't follow, which is told as a difference
            self._break(name, f"the model broke: {op.tell()}", repr(error), "an entry", entry, op)
            return
        if op.kind == "transfer":
            other = self._lines[op.facts["to"]]
            other.place += 1
            self._look(op.facts["to"])
        member = self.members[name]
        expected = (*member.balances(), member.growth, member.cash)
        self.compared += 1
        if expected != entry.after:
            self._break(name, f"balances after {op.tell()}", str(expected), str(entry.after), entry, op)
        elif op.accepted and (wrong := _wrong(told, op.accepted[0].body)):
            self._break(
                name, f"answer of {op.tell()}: {wrong}", str(told), str(op.accepted[0].body), entry, op
            )

    # --- refusals and looks ---------------------------------------------------------------------------------

    def _place_seen(self, ops: list[Op]) -> None:
        """Between which entries each refusal and look must have been."""
        for op in ops:
            if op.member not in self._lines:
                continue
            for send in op.sends:
                is_look = op.kind == "look" and send.is_accepted
                is_idle = op.kind in CHANGES_OR_NOT and op.op_id not in self._matched.entry_of
                if not is_look and not is_idle and not (send.is_refused and op.kind != "enrol"):
                    continue
                if is_idle and (not send.is_accepted or send.is_replayed):
                    continue
                if send.code in CHECKED_APART:
                    continue
                seen = _Seen(op, send, *self._span(op.member, op, send))
                self._lines[op.member].seen.append(seen)
        for line in self._lines.values():
            line.seen.sort(key=lambda seen: seen.first, reverse=True)

    def _span(self, member: str, op: Op, send: Send) -> tuple[int, int]:
        known, begun = self._bounds[member]
        first = bisect_left(known, send.began)
        last = bisect_right(begun, send.ended)
        own = self._matched.entry_of.get(op.op_id)
        if own is not None and member == op.member:
            last = min(last, own.sequence - 1)
        return first, max(first, last)

    def _bound(self, member: str) -> tuple[list[float], list[float]]:
        """For each place among the member's entries: the earliest that one from there on was known, and the latest
        that one up to there was first sent. Both rise.
        """
        known: list[float] = []
        begun: list[float] = []
        for entry in self._lines[member].entries:
            op = self._givers.get((member, entry.key)) or self._matched.op_of.get((member, entry.sequence))
            known_at = None if op is None else op.acknowledged_at
            known.append(inf if known_at is None else known_at)
            begun.append(max(0.0 if op is None else op.began, begun[-1] if begun else 0.0))
        return list(accumulate(reversed(known), min))[::-1], begun

    def _look(self, name: str) -> None:
        """Try what is open on the member as it stands; what had its last chance differs."""
        line = self._lines[name]
        if line.is_broken:
            return
        while line.seen and line.seen[-1].first <= line.place:
            line.open.append(line.seen.pop())
        still: list[_Seen] = []
        for seen in line.open:
            if self._explains(name, seen):
                self.compared += 1
            elif seen.last > line.place:
                still.append(seen)
            else:
                what = "seen" if seen.op.kind == "look" else "refused"
                expected = ", ".join(sorted(set(self._outcomes(name, seen))))
                entry = line.entries[line.place - 1] if line.place else None
                self._differ(name, f"{what}: {seen.op.tell()}", expected, _answer(seen), entry, seen.op)
        line.open = still

    def _explains(self, name: str, seen: _Seen) -> bool:
        answer = _answer(seen)
        if answer == "member_frozen" and seen.op.kind == "transfer" and self._was_receiver_frozen(seen):
            return True
        return any(outcome == answer for outcome in self._outcomes(name, seen))

    def _was_receiver_frozen(self, seen: _Seen) -> bool:
        """Whether who was to receive was, at one of the moments that may have been."""
        receiver = seen.op.facts["to"]
        first, last = self._span(receiver, seen.op, seen.send)
        changes = [
            entry.kind for entry in self._lines[receiver].entries[:first] if entry.kind in CHANGES_OR_NOT
        ]
        then = [entry.kind for entry in self._lines[receiver].entries[first:last]]
        return changes[-1:] == ["freeze"] or "freeze" in then

    def _outcomes(self, name: str, seen: _Seen) -> Iterator[str]:
        """What the model answers on the member as it stands, at each moment that may have been."""
        if seen.send.began < self._joined.get(name, 0.0) or (
            seen.op.kind == "transfer" and seen.send.began < self._joined.get(seen.op.facts["to"], 0.0)
        ):
            yield "member_not_found"
        line = self._lines[name]
        moments = self._clock.moments(seen.send.began, seen.send.ended)
        if line.place:
            moments = [max(line.entries[line.place - 1].recorded_at, moment) for moment in moments]
        if line.head is not None:
            moments.append(line.head.recorded_at)
        moments += self.members[name].due_between(min(moments), max(moments))
        tried: set[tuple[int, str]] = set()
        for now in moments:
            alike = self.members[name].due_by(now), day(now)
            if alike not in tried:
                tried.add(alike)
                yield self._tried(name, seen.op, now)

    def _tried(self, name: str, op: Op, now: datetime) -> str:
        """What the model answers, which then stands as before."""
        parties = {name, op.facts["to"]} if op.kind == "transfer" else {name}
        put_back = [self.members[party].keep() for party in parties]
        try:
            return _outcome(self.members, op, now)
        finally:
            for each in put_back:
                each()

    # --- the end --------------------------------------------------------------------------------------------

    def _compare_end(self, name: str) -> None:
        member, account = self.members[name], self._ledger.accounts[name]
        member.pass_to(self._ledger.now)
        figures = (
            *member.balances(),
            member.growth,
            member.cash,
            member.earned,
            sum(lot.redeemed for lot in member.lots),
            sum(lot.expired for lot in member.lots),
            member.spend,
            member.tier,
            member.streak,
            member.usable() + member.scarce,
        )
        for figure, expected in zip(FIGURES, figures, strict=True):
            self._compare(name, figure, expected, account[figure])
        lots = [
            (lot.granted, lot.remaining, lot.reserved, lot.redeemed, lot.expired, lot.clawed_back, lot.moved,
             lot.settle_at is not None)
            for lot in member.lots
        ]  # fmt: skip
        for number, (expected, found) in enumerate(
            zip(lots, self._ledger.lots.get(name, []), strict=False), start=1
        ):
            self._compare(name, f"lot {number}", expected, found)
        self._compare(name, "lots", len(lots), len(self._ledger.lots.get(name, [])))
        coupons = {code: status for code, (status, _) in member.coupons.items()}
        found = self._ledger.coupons.get(name, {})
        self._compare(name, "coupons", coupons, {code: found[code] for code in found if code in coupons})
        self._compare(name, "coupons in all", len(coupons) + member.scarce, len(found))
        statuses = {key: checkout.status for key, checkout in member.checkouts.items()}
        told = self._ledger.checkouts.get(name, {})
        told = {key: "completed" if told[key] == "partially_refunded" else told[key] for key in told}
        self._compare(name, "checkouts", statuses, told)
        taken = {key: taken.status for key, taken in member.taken.items()}
        self._compare(name, "redemptions", taken, self._ledger.redemptions.get(name, {}))

    def _compare(self, name: str, what: str, expected: object, found: object) -> None:
        self.compared += 1
        if expected == found:
            return
        if isinstance(expected, dict) and isinstance(found, dict):
            keys = [key for key in {**expected, **found} if expected.get(key) != found.get(key)]
            expected, found = {key: expected.get(key) for key in keys}, {key: found.get(key) for key in keys}
        self._differ(name, what, str(expected), str(found))

    def _break(self, name: str, what: str, expected: str, found: str, entry: Entry, op: Op) -> None:
        """Tell a difference after which the member can't be followed any further."""
        self._differ(name, what, expected, found, entry, op)
        self._lines[name].is_broken = True
        if op.kind == "transfer":
            other = self._lines[op.facts["to"]]
            other.is_broken = True
            if other.head is not None and other.head.key.startswith(f"receive/{name}/"):
                other.place += 1

    def _differ(
        self,
        name: str,
        what: str,
        expected: str,
        found: str,
        entry: Entry | None = None,
        op: Op | None = None,
    ) -> None:
        entries = self._ledger.entries.get(name, [])
        upto = entry.sequence if entry is not None else (entries[-1].sequence if entries else 0)
        commands = commands_of(name, upto, self._matched, self._ledger, like=op)
        self.differences.append(Difference(name, what, expected, found, commands))


def _joined(ops: list[Op]) -> dict[str, float]:
    """When each member was known to have joined."""
    found: dict[str, float] = {}
    for op in ops:
        if op.kind == "enrol" and op.acknowledged_at is not None:
            found[op.member] = min(found.get(op.member, op.acknowledged_at), op.acknowledged_at)
    return found


def _outcome(members: dict[str, ChaosMember], op: Op, now: datetime) -> str:
    try:
        if op.kind != "look":
            carry_out(members, op.member, op.kind, op.facts, now)
            return "done"
    except Refused as refusal:
        return str(refusal)
    member = members[op.member]
    member.pass_to(now)
    return str((*member.balances(), member.growth, member.cash, member.spend, member.tier))


def _answer(seen: _Seen) -> str:
    """What was told, as `_outcome` tells it."""
    if not seen.send.is_accepted:
        return seen.send.code
    if seen.op.kind != "look":
        return SO_ALREADY
    body = seen.send.body
    points = body["points"]
    return str(
        (*(points[name] for name in ("available", "pending", "reserved", "debt")), body["growth"], body["cash"],
         body["spend"]["lifetime"], body["tier"]["code"])
    )  # fmt: skip


def _wrong(told: Told, body: dict[str, Any]) -> str:
    """The fields of an answer that are not what the model tells, or nothing."""
    found = dict(body)
    if "lots" in told:
        found["lots"] = [(part["lot"], part["points"]) for part in body["lots"]]
    return ", ".join(
        f"{name} {value} expected, {found.get(name)} found"
        for name, value in told.items()
        if found.get(name) != value
    )
