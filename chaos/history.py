"""The history against itself: each command and its entry, its answers among each other, and the order of it all."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from chaos.drawn_coupons import SCARCE
from chaos.ledger import SYSTEM, Entry, Ledger
from chaos.record import Op, stem_of

UNRECORDED: Final = frozenset({"look", "enrol"})
"""Commands that leave no entry."""
CHANGES_OR_NOT: Final = frozenset({"freeze", "unfreeze"})
"""Commands that leave none if the member is so already."""
SHOWN_COMMANDS: Final = 25


class Difference(NamedTuple):
    """Something that is not as it must be. `commands` are those of the member that lead there, in order."""

    member: str
    what: str
    expected: str
    found: str
    commands: tuple[str, ...] = ()


class Matched(NamedTuple):
    """Which entry each command wrote, and the other way round; and what was wrong with that."""

    entry_of: dict[str, Entry]
    op_of: dict[tuple[str, int], Op]
    differences: list[Difference]


def match(ops: Sequence[Op], ledger: Ledger) -> Matched:
    """Find each command's entry. What was not asked for, done twice, lost, or refused and done differs."""
    asked: dict[str, list[Op]] = {}
    for op in ops:
        asked.setdefault(op.request_id, []).append(op)
    matched = Matched({}, {}, [])
    for entries in ledger.entries.values():
        for entry in entries:
            if entry.actor == SYSTEM or entry.kind == "receive":
                continue
            op = next((op for op in asked.get(stem_of(entry.request_id), ()) if _wrote(op, entry)), None)
            if op is None:
                matched.differences.append(
                    Difference(entry.member, "an entry nobody asked for", "none", _told(entry))
                )
            elif op.op_id in matched.entry_of:
                first = matched.entry_of[op.op_id]
                matched.differences.append(
                    Difference(entry.member, f"done twice: {op.tell()}", _told(first), _told(entry))
                )
            else:
                matched.entry_of[op.op_id] = entry
                matched.op_of[entry.member, entry.sequence] = op
    for op in ops:
        matched.differences.extend(_of_one(op, matched.entry_of.get(op.op_id), ledger))
    return matched


def _wrote(op: Op, entry: Entry) -> bool:
    if op.member != entry.member or op.kind in UNRECORDED:
        return False
    return entry.key.startswith(op.key) if op.key.endswith("/") else entry.key == op.key


def _told(entry: Entry) -> str:
    return f"#{entry.sequence} {entry.kind} {entry.key} of {entry.recorded_at:%F %T.%f}"


def _of_one(op: Op, entry: Entry | None, ledger: Ledger) -> Iterable[Difference]:
    """One command, its answers and its entry."""
    if not op.sends:
        return
    accepted, last = op.accepted, op.sends[-1]
    broken = [send for send in op.sends if send.status == 500]
    if broken:
        yield Difference(op.member, f"answered 500: {op.tell()}", "no fault", str(broken[0].body))
    if not accepted and last.is_unknown:
        yield Difference(op.member, f"never resolved: {op.tell()}", "an answer", f"{last.status} {last.body}")
    if op.kind in UNRECORDED:
        return
    bodies = {_plain(send.body) for send in accepted}
    if len(bodies) > 1:
        first, second, *_ = sorted(bodies)
        yield Difference(op.member, f"answers differ: {op.tell()}", first, second)
    made = [send for send in accepted if not send.is_replayed]
    if op.kind not in CHANGES_OR_NOT and any(
        entry is None or send.request_id != entry.request_id for send in made
    ):
        yield Difference(op.member, f"a repeat told as the first: {op.tell()}", "a replay", str(len(made)))
    if accepted and entry is None and not _is_repeat(op, ledger):
        yield Difference(op.member, f"acknowledged, and lost: {op.tell()}", "an entry", "none")
    if entry is not None and not accepted:
        what = "took effect, and is refused" if op.was_unknown else "refused, and took effect"
        yield Difference(op.member, f"{what}: {op.tell()}", "none", _told(entry))


def _plain(body: object) -> str:
    return repr(sorted(body.items())) if isinstance(body, dict) else repr(body)


def _is_repeat(op: Op, ledger: Ledger) -> bool:
    """Whether it is answered from an entry that it did not write: today's other sign-in, or a settlement by itself."""
    key = op.key
    if op.kind in CHANGES_OR_NOT:
        return True  # looked at with the refusals
    if op.kind == "sign_in":
        key += op.accepted[0].body["date"]
    elif op.kind != "settle":
        return False
    return any(entry.key == key for entry in ledger.entries.get(op.member, ()))


def check_order(matched: Matched, ledger: Ledger) -> Iterable[Difference]:
    """What was acknowledged before something else was sent comes before it in the ledger."""
    for member, entries in ledger.entries.items():
        earliest: tuple[float, Op] | None = None
        for entry in reversed(entries):
            op = matched.op_of.get((member, entry.sequence))
            if op is None:
                continue
            if earliest is not None and earliest[0] < op.began:
                yield Difference(
                    member,
                    "out of order",
                    f"{earliest[1].tell()} before it",
                    f"#{entry.sequence} {op.tell()}",
                )
            known_at = op.acknowledged_at
            if known_at is not None and (earliest is None or known_at < earliest[0]):
                earliest = known_at, op


def check_batches(ops: Sequence[Op], matched: Matched) -> Iterable[Difference]:
    """What a batch asked of one member was done in its order. Only of batches sent once: a repeat may do what was
    refused at first.
    """
    last: dict[tuple[str, str], tuple[int, Op]] = {}
    for op in ops:
        entry = matched.entry_of.get(op.op_id)
        if entry is None or op.request_id == op.op_id or len(op.sends) > 1:
            continue
        sequence, before = last.get((op.request_id, op.member), (0, op))
        if entry.sequence < sequence:
            yield Difference(
                op.member, f"a batch out of order: {op.tell()}", f"after {before.tell()}", _told(entry)
            )
        last[op.request_id, op.member] = entry.sequence, op


def check_scarce(ops: Sequence[Op], ledger: Ledger, *, stock: int) -> Iterable[Difference]:
    """As many coupons were given out as there were, or as were asked for; each code once."""
    claims = [op for op in ops if op.kind == "claim_scarce"]
    codes = [op.accepted[0].body["code"] for op in claims if op.accepted]
    given = ledger.templates.get(SCARCE, [])
    if len(given) > stock or ledger.issued.get(SCARCE, 0) != len(given):
        yield Difference(
            "", "coupons of a stock", f"at most {stock}", f"{len(given)}, counted {ledger.issued.get(SCARCE)}"
        )
    if len(set(codes)) < len(codes):
        yield Difference("", "a coupon given to two", "each once", str(len(codes) - len(set(codes))))
    if sorted(codes) != sorted(given):
        yield Difference("", "coupons of a stock", f"{len(codes)} acknowledged", f"{len(given)} given out")
    refused = [op for op in claims if any(send.code == "coupon_exhausted" for send in op.sends)]
    if refused and len(given) < stock:
        yield Difference(
            refused[0].member, f"refused too early: {refused[0].tell()}", f"{stock}", f"{len(given)}"
        )


def check_pot(ledger: Ledger, *, budget: int, gift: int) -> Iterable[Difference]:
    """What a campaign gave of a shared budget: no more than there was, all of it before anybody got none, each as much
    as it says.
    """
    activities = [
        (entry.member, entry.sequence)
        for entries in ledger.entries.values()
        for entry in entries
        if entry.kind == "activity"
    ]
    given = sum(ledger.gifts.values())
    if given > budget or given != ledger.pot_granted:
        yield Difference("", "a budget", f"at most {budget}", f"{given}, counted {ledger.pot_granted}")
    short = [place for place in activities if ledger.gifts.get(place, 0) < gift]
    if short and given + gift <= budget:
        yield Difference(
            short[0][0], f"#{short[0][1]} got too little of a budget", f"{gift}", f"{given} given"
        )
    if any(each > gift for each in ledger.gifts.values()):
        yield Difference("", "gifts of a budget", f"at most {gift}", str(max(ledger.gifts.values())))


def commands_of(
    member: str, upto: int, matched: Matched, ledger: Ledger, *, like: Op | None
) -> tuple[str, ...]:
    """The entries that lead to the one numbered `upto`: those that name the same thing, and the last ones."""
    things = set(_things(like)) if like is not None else set[str]()
    lines: list[tuple[bool, str]] = []
    for entry in ledger.entries.get(member, ()):
        if entry.sequence > upto:
            break
        op = matched.op_of.get((member, entry.sequence))
        told = f"{_told(entry)} -> {dict(zip(_SHORT, entry.after, strict=True))}"
        if op is not None:
            told += f" | {op.tell()}"
        lines.append((op is not None and not things.isdisjoint(_things(op)), told))
    last = max(len(lines) - SHOWN_COMMANDS // 2, 0)
    kept = [line for place, (is_like, line) in enumerate(lines) if is_like or place >= last]
    return tuple(kept[-SHOWN_COMMANDS:])


_SHORT: Final = ("available", "pending", "reserved", "debt", "growth", "cash")


def _things(op: Op) -> Iterable[str]:
    return (
        str(value) for name, value in op.facts.items() if name in ("order", "reference", "checkout", "code")
    )
