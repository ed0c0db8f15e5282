"""Step zero of a batch: what its commands name is found, and what is shared is locked before any member.

Checkouts and coupon codes lead to members, codes and templates to counters. The first look is taken without locks;
what may be changed is locked then, codes before counters, each in the order of their keys, and read again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from app.domain.account import Code, Counter, bucket_of
from app.domain.checkout_commands import CheckoutCommand
from app.domain.command import Command
from app.domain.commands import Enrol
from app.domain.coupon_commands import CouponCommand
from app.domain.coupon_templates import Template
from app.ledger.connection import Connection
from app.ledger.rack import TemplateRack

_FIND = """
SELECT (SELECT max(revision) FROM coupon_template) AS revision,
       (SELECT array_agg(found) FROM unnest($1::smallint[], $2::text[]) AS wanted (bucket, checkout_id)
          JOIN checkout_key AS found USING (bucket, checkout_id)) AS checkouts,
       (SELECT array_agg(found) FROM unnest($3::smallint[], $4::text[]) AS wanted (bucket, code)
          JOIN coupon_code AS found USING (bucket, code)) AS codes
"""

_LOCK_CODES = """
SELECT found.* FROM unnest($1::smallint[], $2::text[]) AS wanted (bucket, code)
  JOIN coupon_code AS found USING (bucket, code)
 ORDER BY found.bucket, found.code FOR NO KEY UPDATE OF found
"""

# Whoever gives a template a budget locks the table of templates, then its counter: so the table comes first here too.
_LOCK_COUNTERS = """
SELECT found.* FROM unnest($1::smallint[], $2::text[]) AS wanted (bucket, template)
  JOIN coupon_counter AS found USING (bucket, template)
 WHERE EXISTS (SELECT FROM coupon_template)
 ORDER BY found.bucket, found.template FOR NO KEY UPDATE OF found
"""

_HOLDERS_KEPT = 50_000


class Directory:
    """Whose the checkouts are that this process met: once known it is so for good."""

    def __init__(self) -> None:
        self._holders: dict[str, str] = {}

    def holder(self, checkout_id: str) -> str | None:
        return self._holders.get(checkout_id)

    def keep(self, holders: Mapping[str, str]) -> None:
        """Remember these; the oldest are forgotten when there are too many."""
        self._holders |= holders
        while len(self._holders) > _HOLDERS_KEPT:
            del self._holders[next(iter(self._holders))]


class Found(NamedTuple):
    """The commands, each with its member if there is one; whose the checkouts named are; where the codes lead."""

    commands: list[Command]
    holders: dict[str, str]
    codes: dict[str, Code]


async def find(
    connection: Connection, commands: Sequence[Command], *, rack: TemplateRack, directory: Directory
) -> Found:
    """Find what the commands name, without locks. Refreshes the rack if a template changed."""
    holders: dict[str, str] = {}
    checkouts: set[str] = set()
    named: set[str] = set()
    asks = False
    for command in commands:
        made = command.checkout_made
        if made is not None:
            checkouts.add(made)
        elif not command.member_id and isinstance(command, CheckoutCommand):
            holder = directory.holder(command.checkout_id)
            if holder is None:
                checkouts.add(command.checkout_id)
            else:
                holders[command.checkout_id] = holder
        named.update(command.codes_named)
        asks = asks or command.template_issued is not None
    codes: dict[str, Code] = {}
    if checkouts or named or asks:
        row = await connection.fetchrow(_FIND, *_keys(checkouts), *_keys(named))
        assert row is not None
        await rack.keep_up(connection, row["revision"] or 0)
        holders |= {found["checkout_id"]: found["member_id"] for found in row["checkouts"] or ()}
        codes = {found["code"]: Code._make(found) for found in row["codes"] or ()}
    return Found([_with_member(command, holders, codes) for command in commands], holders, codes)


async def lock(
    connection: Connection, found: Found, *, rack: TemplateRack, counters: Collection[str]
) -> tuple[list[Code], list[Counter]]:
    """Lock the codes that may become somebody's and the counters that may change, also these templates' `counters`.

    Returns all codes found, and the counters.
    """
    codes = found.codes
    nobodys = [code.code for code in codes.values() if code.kind == "unique" and code.member_id is None]
    if nobodys:
        for locked in await connection.fetch(_LOCK_CODES, *_keys(nobodys)):
            codes[locked["code"]] = Code._make(locked)
    templates = _counted(found.commands, codes, rack.templates) | set(counters)
    if not templates:
        return list(codes.values()), []
    rows = await connection.fetch(_LOCK_COUNTERS, *_keys(templates))
    return list(codes.values()), [Counter._make(row) for row in rows]


def names_members_alone(command: Command) -> bool:
    """Whether it names nothing that is found or locked before its members."""
    return (
        command.checkout_made is None
        and command.template_issued is None
        and not command.codes_named
        and not isinstance(command, CheckoutCommand | CouponCommand | Enrol)
    )


def _with_member(command: Command, holders: Mapping[str, str], codes: Mapping[str, Code]) -> Command:
    """The command with the member that its checkout or its coupon leads to, if it names none."""
    if command.member_id:
        return command
    holder = None
    if isinstance(command, CheckoutCommand):
        holder = holders.get(command.checkout_id)
    elif isinstance(command, CouponCommand) and command.code in codes:
        holder = codes[command.code].member_id
    return command if holder is None else replace(command, member_id=holder)


def _counted(
    commands: Iterable[Command], codes: Mapping[str, Code], templates: Mapping[str, Template]
) -> set[str]:
    """The templates whose counters the commands change: those they give out coupons of, or spend a budget of."""
    found: set[str] = set()
    for command in commands:
        issued = command.template_issued
        if issued is not None and issued in templates:
            found.add(issued)
        for name in command.codes_named:
            code = codes.get(name)
            if code is not None and (
                code.kind == "public" or templates[code.template].budget_fen is not None
            ):
                found.add(code.template)
    return found


def _keys(names: Iterable[str]) -> list[list[Any]]:
    ordered = list(names)
    return [[bucket_of(name) for name in ordered], ordered]
