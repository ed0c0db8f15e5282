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
from app.domain.commands import Command
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

_LOCK_COUNTERS = """
SELECT found.* FROM unnest($1::smallint[], $2::text[]) AS wanted (bucket, template)
  JOIN coupon_counter AS found USING (bucket, template)
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


class Plan(NamedTuple):
    """The commands, each with its member if there is one; whose the checkouts named are; what is locked."""

    commands: list[Command]
    holders: dict[str, str]
    codes: list[Code]
    counters: list[Counter]


async def make_plan(
    connection: Connection,
    commands: Sequence[Command],
    *,
    rack: TemplateRack,
    directory: Directory,
    counters: Collection[str],
) -> Plan:
    """Find and lock what the commands need before their members: also these templates' `counters`.

    Refreshes the rack if a template changed.
    """
    holders: dict[str, str] = {}
    checkouts: set[str] = set()
    named: set[str] = set()
    asks = False
    for command in commands:
        made = command.checkout_made
        found = isinstance(command, CheckoutCommand) and not command.member_id and command.checkout_id
        if made is not None:
            checkouts.add(made)
        elif found:
            holder = directory.holder(found)
            if holder is None:
                checkouts.add(found)
            else:
                holders[found] = holder
        named.update(command.codes_named)
        asks = asks or command.template_issued is not None
    codes: dict[str, Code] = {}
    if checkouts or named or asks:
        row = await connection.fetchrow(_FIND, *_keys(checkouts), *_keys(named))
        assert row is not None
        if (row["revision"] or 0) > rack.newest:
            await rack.refresh(connection)
        holders |= {found["checkout_id"]: found["member_id"] for found in row["checkouts"] or ()}
        codes = {found["code"]: Code._make(found) for found in row["codes"] or ()}
    nobodys = [code.code for code in codes.values() if code.kind == "unique" and code.member_id is None]
    if nobodys:
        for locked in await connection.fetch(_LOCK_CODES, *_keys(nobodys)):
            codes[locked["code"]] = Code._make(locked)
    resolved = [_with_member(command, holders, codes) for command in commands]
    templates = _counted(resolved, codes, rack.templates) | set(counters)
    locked_counters: list[Counter] = []
    if templates:
        rows = await connection.fetch(_LOCK_COUNTERS, *_keys(templates))
        locked_counters = [Counter._make(row) for row in rows]
    return Plan(resolved, holders, list(codes.values()), locked_counters)


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
