"""What evaluating a checked condition may cost at most, told from its form before it is ever evaluated.

The library stops a condition after so many rounds of its loops, but not after so much work in each: comparing two long
lists ten thousand times would hold a process up for minutes. So every part is weighed here against the largest facts
that there are. The form is read from the library's serialized `cel.expr.CheckedExpr`, a protocol buffer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

MOST_UNITS = 100_000
"""One unit is a step of a loop or a comparison of two short texts, at most 0.2 µs: so 20 ms."""

_SIZE_OF_UNIT = 200  # characters looked at in the time of one step
_CONTAINED = (
    10_000  # pairs of characters that searching a text for another compares in the time of looking at one
)

Message = Mapping[int, list[int | bytes]]
"""The fields of a protocol buffer, by number."""
_CONSTANT, _SELECT, _CALL, _LIST, _MAP, _LOOP = 3, 5, 6, 7, 8, 9  # the kinds of parts, by their field
_DIVIDING = ("_/_", "_%_")


class Extent(NamedTuple):
    """How large a value may be: `size` in characters, an overhead for each value included; how many `elements`, the
    largest of which is `of`; `fields`, if only these can be asked of it.
    """

    size: int = _SIZE_OF_UNIT
    elements: int = 0
    of: Extent | None = None
    fields: frozenset[str] | None = None


SCALAR = Extent()


def text(longest: int) -> Extent:
    """Of a text of so many characters."""
    return Extent(_SIZE_OF_UNIT + longest)


def listed(count: int, of: Extent) -> Extent:
    """Of a list, or of a map with texts as its keys."""
    return Extent(_SIZE_OF_UNIT + count * of.size, count, of)


class Costly(Exception):
    """The part at `offset` (characters from the start) may take too long."""

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.offset = offset


class FieldUnknown(Exception):
    """The part at `offset` asks for a field that there never is; `fields` are those that there are."""

    def __init__(self, offset: int, fields: frozenset[str]) -> None:
        super().__init__(offset)
        self.offset = offset
        self.fields = fields


class MessageMade(Exception):
    """The part at `offset` makes a protocol buffer, which no fact is and whose extent is not told from its form."""

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.offset = offset


class ZeroDivided(Exception):
    """The part at `offset` is a zero written out that something is divided by: it could never be evaluated."""

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.offset = offset


class Form:
    """The form of a checked expression: which names it asks for, and what it may cost."""

    def __init__(self, serialized: bytes) -> None:
        checked = message_of(bytes_of(message_of(serialized), 2))  # wrapped as google.protobuf.Any
        self.root = message_of(bytes_of(checked, 4))
        referred = ((number_of(each, 1), message_of(bytes_of(each, 2))) for each in messages_of(checked, 2))
        self._names = {
            part: bytes_of(to, 1).decode() for part, to in referred if 3 not in to
        }  # 3: a function's form
        info = message_of(bytes_of(checked, 5))
        self._offsets = {number_of(each, 1): number_of(each, 2) for each in messages_of(info, 4)}

    @property
    def names(self) -> frozenset[str]:
        """The facts it asks for, such as `member.tier`; names of its own loops among them."""
        return frozenset(self._names.values())

    def name_of(self, node: Message) -> str | None:
        """The fact, or the name of a loop, that a part asks for; None if it is no name."""
        return None if _MAP in node else self._names.get(number_of(node, 2))  # a message is named too

    def weigh(self, known: Mapping[str, Extent]) -> int:
        """The units it costs at most, where each fact is at most as large as `known` tells. Raises Costly for more
        than MOST_UNITS, FieldUnknown, MessageMade, ZeroDivided.
        """
        units, _ = self._weigh(self.root, known)
        if units > MOST_UNITS:
            raise Costly(0)
        return units

    def _weigh(self, node: Message, known: Mapping[str, Extent]) -> tuple[int, Extent]:
        """The units a part costs, and how large its value may be."""
        name = self.name_of(node)
        if name is not None:
            return 1, known.get(name, SCALAR)
        ways = {
            _CONSTANT: self._weigh_constant,
            _SELECT: self._weigh_select,
            _CALL: self._weigh_call,
            _LIST: self._weigh_list,
            _MAP: self._weigh_map,
            _LOOP: self._weigh_loop,
        }
        return next(ways[kind] for kind in ways if kind in node)(node, known)

    def _weigh_constant(self, node: Message, _known: Mapping[str, Extent]) -> tuple[int, Extent]:
        constant = message_of(bytes_of(node, _CONSTANT))
        return 1, text(len(bytes_of(constant, 6) or bytes_of(constant, 7)))

    def _weigh_list(self, node: Message, known: Mapping[str, Extent]) -> tuple[int, Extent]:
        return self._weigh_all(list(messages_of(message_of(bytes_of(node, _LIST)), 1)), known)

    def _weigh_map(self, node: Message, known: Mapping[str, Extent]) -> tuple[int, Extent]:
        made = message_of(bytes_of(node, _MAP))
        if 1 in made:  # the name of a message
            raise MessageMade(self._offset(node))
        entries = list(messages_of(made, 2))
        parts = [message_of(bytes_of(entry, part)) for entry in entries for part in (3, 4)]
        units, extent = self._weigh_all(parts, known)  # a loop goes over the keys, a name asks for a value
        return units, extent._replace(elements=len(entries))

    def _weigh_select(self, node: Message, known: Mapping[str, Extent]) -> tuple[int, Extent]:
        select = message_of(bytes_of(node, _SELECT))
        units, operand = self._weigh(message_of(bytes_of(select, 1)), known)
        if operand.fields is not None and bytes_of(select, 2).decode() not in operand.fields:
            raise FieldUnknown(self._offset(node), operand.fields)
        return units + 1, SCALAR if number_of(select, 3) else operand.of or SCALAR

    def _weigh_all(self, parts: list[Message], known: Mapping[str, Extent]) -> tuple[int, Extent]:
        """Of a list written out, or of the keys and values of a map."""
        weighed = [self._weigh(part, known) for part in parts]
        units = 1 + len(parts) + sum(units for units, _ in weighed)
        size = _SIZE_OF_UNIT + sum(extent.size for _, extent in weighed)
        return units, Extent(size, len(parts), _either([extent for _, extent in weighed]))

    def _weigh_call(self, node: Message, known: Mapping[str, Extent]) -> tuple[int, Extent]:
        call = message_of(bytes_of(node, _CALL))
        parts = (*messages_of(call, 1), *messages_of(call, 3))
        function = bytes_of(call, 2).decode()
        if function in _DIVIDING and _is_zero(parts[-1]):
            raise ZeroDivided(self._offset(parts[-1]))
        weighed = [self._weigh(part, known) for part in parts]
        looked_at, extent = _applied(function, [extent for _, extent in weighed])
        return 1 + sum(units for units, _ in weighed) + looked_at // _SIZE_OF_UNIT, extent

    def _weigh_loop(self, node: Message, known: Mapping[str, Extent]) -> tuple[int, Extent]:
        loop = message_of(bytes_of(node, _LOOP))
        units, over = self._weigh(message_of(bytes_of(loop, 2)), known)
        each = over.of if over.of is not None else SCALAR
        inside = {**known, bytes_of(loop, 1).decode(): each, bytes_of(loop, 3).decode(): SCALAR}
        a_round = sum(self._weigh(message_of(bytes_of(loop, part)), inside)[0] for part in (5, 6))
        units += over.elements * a_round + 2
        if units > MOST_UNITS:
            raise Costly(self._offset(node))
        return units, SCALAR

    def _offset(self, node: Message) -> int:
        return self._offsets.get(number_of(node, 2), 0)


def _is_zero(node: Message) -> bool:
    """Whether it is a whole number 0, signed or not, that is written out. One with a point divides to infinity."""
    constant = message_of(bytes_of(node, _CONSTANT))
    return any(number in constant and not number_of(constant, number) for number in (3, 4))


def _applied(function: str, to: list[Extent]) -> tuple[int, Extent]:
    """How many characters a function looks at, and how large what it returns may be."""
    sizes = [extent.size for extent in to]
    looked_at, returned = sum(sizes), SCALAR
    match function:
        case "_&&_" | "_||_" | "!_" | "@not_strictly_false":
            looked_at = 0
        case "_?_:_":
            looked_at, returned = 0, _either(to[1:]) or SCALAR
        case "_[_]":
            looked_at, returned = 0, to[0].of or SCALAR
        case "_==_" | "_!=_":  # what differs in length is told apart at once
            looked_at = min(sizes)
        case "_+_":
            returned = _together(to)
        case "contains":
            looked_at += sizes[0] * sizes[1] // _CONTAINED
        case "string":
            returned = Extent(sizes[0] + 40)  # of a number's digits, or a moment's
        case _:
            pass
    return looked_at, returned


def _together(extents: list[Extent]) -> Extent:
    """How large one and another added up may be."""
    elements = sum(extent.elements for extent in extents)
    return Extent(sum(extent.size for extent in extents), elements, _either([each.of for each in extents]))


def _either(extents: Iterable[Extent | None]) -> Extent | None:
    """As large as any of them; None for none. What some of them don't have may be asked of it."""
    some = [extent for extent in extents if extent is not None]
    if not some:
        return None
    fields = {extent.fields for extent in some}
    return Extent(
        max(extent.size for extent in some),
        max(extent.elements for extent in some),
        _either([extent.of for extent in some]),
        fields.pop() if len(fields) == 1 else None,
    )


# --- protocol buffers ------------------------------------------------------------------------------------


def message_of(encoded: bytes) -> Message:
    """The fields of a message by number; those of fixed width are none that is read here."""
    fields: dict[int, list[int | bytes]] = {}
    place = 0
    while place < len(encoded):
        tag, place = _varint(encoded, place)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            value, place = _varint(encoded, place)
        elif wire == 2:
            length, place = _varint(encoded, place)
            value, place = encoded[place : place + length], place + length
        else:
            value, place = b"", place + (8 if wire == 1 else 4)
        fields.setdefault(number, []).append(value)
    return fields


def _varint(encoded: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = encoded[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place


def messages_of(message: Message, number: int) -> Iterator[Message]:
    for value in message.get(number, ()):
        assert isinstance(value, bytes)
        yield message_of(value)


def bytes_of(message: Message, number: int) -> bytes:
    value = message.get(number, (b"",))[-1]
    assert isinstance(value, bytes)
    return value


def number_of(message: Message, number: int) -> int:
    value = message.get(number, (0,))[-1]
    assert isinstance(value, int)
    return value
