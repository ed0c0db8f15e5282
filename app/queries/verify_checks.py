"""What `verify` compares with what: how it is put.

Each file beside this one has the statements for one sort of rows, for the buckets $1 up to $2 each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

SETTINGS = """
SET LOCAL work_mem = '64MB';
SET LOCAL max_parallel_workers_per_gather = 0;
SET LOCAL jit = off;
"""

SIZE = "SELECT count(*) FROM entry"

COUNTS = """
SELECT (SELECT count(*) FROM account WHERE bucket BETWEEN $1 AND $2) AS members,
       (SELECT count(*) FROM entry WHERE bucket BETWEEN $1 AND $2) AS entries,
       (SELECT count(*) FROM lot WHERE bucket BETWEEN $1 AND $2) AS lots,
       (SELECT count(*) FROM redemption WHERE bucket BETWEEN $1 AND $2) AS redemptions,
       (SELECT count(*) FROM coupon WHERE bucket BETWEEN $1 AND $2) AS coupons,
       (SELECT count(*) FROM checkout WHERE bucket BETWEEN $1 AND $2) AS checkouts
"""


class Check(NamedTuple):
    """What is compared, as SQL: what it must be, and what is stored."""

    what: str
    expected: str
    found: str


class Comparison(NamedTuple):
    """A statement of the rows in which any check fails: member, place, and a pair of texts for each check."""

    statement: str
    names: tuple[str, ...]


class Pairing(NamedTuple):
    """Rows that another row must go with, in a bucket that only we can tell.

    `rows`: (member, the key whose bucket it is, a second key, what the other row must tell, as text). `partners`
    looks them up: for arrays of buckets, keys and second keys one text each, in their order. `what` is
    what the second key is called where they differ.
    """

    rows: str
    partners: str
    what: str


def comparison(ctes: str, *, member: str, place: str, rows: str, checks: Sequence[Check]) -> Comparison:
    """The comparison of `rows`, by these checks."""
    pairs = ", ".join(f"({check.expected})::text, ({check.found})::text" for check in checks)
    expected = ", ".join(check.expected for check in checks)
    found = ", ".join(check.found for check in checks)
    statement = (
        f"{ctes} SELECT {member}, {place}, {pairs} FROM {rows} "
        f"WHERE ROW({expected}) IS DISTINCT FROM ROW({found})"
    )
    return Comparison(statement, tuple(check.what for check in checks))


def is_there(row: str) -> Check:
    """That the row is there, where something else tells of it."""
    return Check("row", "'present'", f"CASE WHEN {row}.bucket IS NULL THEN 'missing' ELSE 'present' END")


def where_there(row: str, checks: Sequence[tuple[str, str, str]]) -> list[Check]:
    """These checks (what, expected, found) where the row is there."""
    return [
        Check(what, f"CASE WHEN {row}.bucket IS NOT NULL THEN {expected} END", found)
        for what, expected, found in checks
    ]
