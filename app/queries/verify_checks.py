"""What `verify` compares with what: how it is put.

Each file beside this one has the statements for one sort of rows, for the buckets $1 up to $2 each. They run as parts
of one statement (`together`), in which `entry` is not the table but what of it they may need: most entries are plain
accruals that tell nothing to most of them, so the table is read and looked through for that once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

SETTINGS = """
SET LOCAL work_mem = '64MB';
SET LOCAL max_parallel_workers_per_gather = 0;
SET LOCAL jit = off;
"""

# Whole tables are read, in the order they lie in: by an index each row would be fetched from another page. Nor are they
# joined row by row, however few the planner takes them for, nor sorted where they can be hashed.
OF_ALL = """
SET LOCAL random_page_cost = 20;
SET LOCAL enable_bitmapscan = off;
SET LOCAL enable_mergejoin = off;
SET LOCAL enable_nestloop = off;
SET LOCAL enable_sort = off;
"""
OF_SOME = """
SET LOCAL random_page_cost = 1.1;
SET LOCAL enable_bitmapscan = on;
SET LOCAL enable_mergejoin = on;
SET LOCAL enable_nestloop = on;
SET LOCAL enable_sort = on;
"""
"""How a statement of all rows is planned, and one that looks some of them up."""

SIZE = "SELECT pg_relation_size('entry')"

COUNTS = """
SELECT (SELECT count(*) FROM account) AS members, (SELECT count(*) FROM entry) AS entries,
       (SELECT count(*) FROM lot) AS lots, (SELECT count(*) FROM redemption) AS redemptions,
       (SELECT count(*) FROM coupon) AS coupons, (SELECT count(*) FROM checkout) AS checkouts
"""

OF_BUCKETS = "bucket BETWEEN $1 AND $2"
OF_MEMBERS = "(bucket, member_id) IN (SELECT * FROM unnest($1::smallint[], $2::text[]))"
"""Conditions that choose rows: of the buckets $1 up to $2, or of the members $2 in the buckets $1."""

PLAIN_KINDS = ("accrue", "settle")
MARKS = ('"campaign', '"chances"', '"coupons":[', '"missions":[', '"tier_change"')
"""Entries of these kinds are looked at for their lots and balances alone, unless their detail has one of the marks."""

POINT_KINDS = (
    *PLAIN_KINDS, "sign_in", "redeem", "reserve", "commit", "cancel", "lapse", "refund", "expire", "adjust",
    "transfer", "receive", "import",
)  # fmt: skip
"""Entries of these moved points and did nothing else, unless their detail has one of the marks."""

_COLUMNS = (
    "bucket, member_id, sequence, kind, key, lot, order_id, points, reserved, cash, occurred_at, recorded_at, "
    "program_version, actor, detail"
)
_TELLING = " OR ".join(f"strpos(detail::text, '{mark}') > 0" for mark in MARKS)

_ENTRY = f"""
SELECT {_COLUMNS} FROM entry WHERE {OF_BUCKETS} AND (kind NOT IN {PLAIN_KINDS} OR {_TELLING})
"""


_OTHER = f"SELECT * FROM entry WHERE kind NOT IN {POINT_KINDS} OR {_TELLING}"
_OF_OTHERS = "WITH entry AS NOT MATERIALIZED (SELECT * FROM other) SELECT * FROM ({}) AS own"


class Check(NamedTuple):
    """What is compared, as SQL: what it must be, and what is stored."""

    what: str
    expected: str
    found: str


class Comparison(NamedTuple):
    """A statement of the rows in which any check fails: member, place, what is expected and what was found, two arrays
    of one text for each check.
    """

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
    expected = ", ".join(check.expected for check in checks)
    found = ", ".join(check.found for check in checks)
    expected_texts = ", ".join(f"({check.expected})::text" for check in checks)
    found_texts = ", ".join(f"({check.found})::text" for check in checks)
    statement = (
        f"{ctes} SELECT {member}, {place}, ARRAY[{expected_texts}], ARRAY[{found_texts}] FROM {rows} "
        f"WHERE ROW({expected}) IS DISTINCT FROM ROW({found})"
    )
    return Comparison(statement, tuple(check.what for check in checks))


def together(statements: Mapping[str, str], *, of_points: Collection[str], shared: Mapping[str, str]) -> str:
    """One statement of the rows of all, each led by the name of its own.

    Those named in `of_points` look at all entries but plain accruals; to the others those that only moved points are
    nothing. `shared` are CTEs that some of them read besides, made of those `other` entries.
    """
    parts = [
        f"SELECT '{name}', * FROM ({statement if name in of_points else _OF_OTHERS.format(statement)}) AS rows"
        for name, statement in statements.items()
    ]
    ctes = {"entry": _ENTRY, "other": _OTHER, **shared}
    read = ", ".join(f"{name} AS MATERIALIZED ({statement})" for name, statement in ctes.items())
    return f"WITH {read} {' UNION ALL '.join(parts)}"


def hash_of(*integers: str) -> str:
    """SQL of 64 bits that stand for these expressions, in this order."""
    *others, seed = integers
    for integer in others:
        seed = f"hashint8extended({integer}, {seed})"
    return seed


def is_there(row: str) -> Check:
    """That the row is there, where something else tells of it."""
    return Check("row", "'present'", f"CASE WHEN {row}.bucket IS NULL THEN 'missing' ELSE 'present' END")


def where_there(row: str, checks: Sequence[tuple[str, str, str]]) -> list[Check]:
    """These checks (what, expected, found) where the row is there."""
    return [
        Check(what, f"CASE WHEN {row}.bucket IS NOT NULL THEN {expected} END", found)
        for what, expected, found in checks
    ]
