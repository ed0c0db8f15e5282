"""Persons of members who join together are saved together; what is told of them after that in the same batch counts."""

from __future__ import annotations

import json
from typing import Any

from app.domain.commands import Enrol, Erase
from tests.ledger.till import Till

_PHONE, _OTHER, _MONTH = bytes([1]) * 32, bytes([2]) * 32, bytes([3]) * 32


def _enrol(member: str, **told: Any) -> Enrol:
    return Enrol(member_id=member, person=told)


async def _lookups(till: Till, member: str) -> list[Any]:
    return await till.rows("SELECT kind, digest FROM person_lookup WHERE member_id = $1", member)


async def test_each_keeps_what_was_told_of_them(till: Till, member: str) -> None:
    await till.ask_all(
        [
            _enrol(f"{member}-1", phone=b"sealed", phone_digest=_PHONE, attributes='{"size": 42}'),
            _enrol(
                f"{member}-2", birthday=b"day", birthday_digest=_MONTH, birthday_mark=b"mark", gender="female"
            ),
            _enrol(f"{member}-3", email=b"mail", email_digest=_OTHER, consents='{"mail": {"granted": true}}'),
        ]
    )
    rows = await till.rows(
        "SELECT member_id, phone, email, birthday, gender, attributes, consents, revision FROM person "
        "WHERE member_id LIKE $1 ORDER BY member_id",
        f"{member}-%",
    )
    assert [(*row[1:5], json.loads(row[5]), json.loads(row[6]), row[7]) for row in rows] == [
        (b"sealed", None, None, None, {"size": 42}, {}, 1),
        (None, None, b"day", "female", {}, {}, 1),
        (None, b"mail", None, None, {}, {"mail": {"granted": True}}, 1),
    ]
    assert await _lookups(till, f"{member}-1") == [("phone", _PHONE)]
    assert await _lookups(till, f"{member}-2") == []
    assert await _lookups(till, f"{member}-3") == [("email", _OTHER)]
    assert await till.rows("SELECT digest FROM person_birthday WHERE member_id = $1", f"{member}-2") == [
        (_MONTH,)
    ]


async def test_what_is_told_later_in_the_batch_takes_the_place(till: Till, member: str) -> None:
    await till.ask_all(
        [
            _enrol(member, phone=b"first", phone_digest=_PHONE, region="CN-31"),
            _enrol(member, phone=b"second", phone_digest=_OTHER),
        ]
    )
    assert await till.rows("SELECT phone, region, revision FROM person WHERE member_id = $1", member) == [
        (b"second", "CN-31", 2)
    ]
    assert await _lookups(till, member) == [("phone", _OTHER)]


async def test_who_is_forgotten_in_the_batch_they_joined_in_leaves_nothing(till: Till, member: str) -> None:
    told = {
        "phone": b"p",
        "phone_digest": _PHONE,
        "birthday": b"d",
        "birthday_digest": _MONTH,
        "birthday_mark": b"m",
    }
    await till.ask_all([_enrol(member, **told), Erase(member_id=member)])
    assert await till.rows("SELECT 1 FROM person WHERE member_id = $1", member) == []
    assert await till.rows("SELECT 1 FROM person_birthday WHERE member_id = $1", member) == []
    assert await _lookups(till, member) == []


async def test_a_family_shares_a_phone(till: Till, member: str) -> None:
    told = {"phone": b"p", "phone_digest": _PHONE}
    await till.ask_all([_enrol(f"{member}-{number}", **told) for number in range(3)])
    rows = await till.rows(
        "SELECT member_id FROM person_lookup WHERE digest = $1 AND member_id LIKE $2 ORDER BY 1",
        _PHONE,
        f"{member}-%",
    )
    assert rows == [(f"{member}-{number}",) for number in range(3)]
