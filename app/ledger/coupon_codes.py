"""Codes made or imported in bulk, set by set: each takes its stock now, and is a coupon once somebody brings it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from datetime import datetime

from app.domain.account import bucket_of
from app.domain.coupon_errors import (
    CodeTaken,
    CouponExhausted,
    TemplateAutomatic,
    TemplateNotFound,
    TemplateNotOpen,
)
from app.domain.coupon_templates import Template
from app.ledger.connection import Connection
from app.security.codes import ALPHABET, LENGTH

# Bytes become letters by remainder; those past the last full round of the alphabet would favour its first letters.
_EVEN = 256 - 256 % len(ALPHABET)
_LETTERS = bytes(ord(ALPHABET[byte % len(ALPHABET)]) for byte in range(256))
_UNEVEN = bytes(range(_EVEN, 256))


def new_codes(count: int) -> list[str]:
    """So many unguessable codes, no two the same."""
    found: dict[str, None] = {}
    while len(found) < count:
        wanted = (count - len(found)) * LENGTH
        letters = secrets.token_bytes(wanted + wanted // 8 + LENGTH).translate(_LETTERS, _UNEVEN).decode()
        for start in range(0, min(len(letters) - LENGTH + 1, wanted), LENGTH):
            found[letters[start : start + LENGTH]] = None
    return list(found)


async def read_open_template(connection: Connection, template: str, *, now: datetime) -> Template:
    """The template, of which coupons may be given out. Raises TemplateNotFound, TemplateAutomatic, TemplateNotOpen."""
    row = await connection.fetchrow(
        "SELECT revision, document::text FROM coupon_template WHERE template = $1", template
    )
    if row is None:
        raise TemplateNotFound
    terms = Template.from_document(template, row["revision"], json.loads(row["document"]))
    if terms.automatic:
        raise TemplateAutomatic
    if terms.state != "active":
        raise TemplateNotOpen(state=terms.state)
    if terms.valid.until is not None and terms.valid.until <= now:
        raise TemplateNotOpen(state="over")
    return terms


async def save_codes(
    connection: Connection, *, template: str, codes: Sequence[str], issue: str, clock: str
) -> None:
    """Make these codes of the template, all or none. To be called in a transaction.

    Raises TemplateNotFound, TemplateAutomatic, TemplateNotOpen, CouponExhausted, or CodeTaken.
    """
    # Locked first: what is read of the template after it stands until the commit.
    counter = await connection.fetchrow(
        "SELECT issued FROM coupon_counter WHERE bucket = $1 AND template = $2 FOR NO KEY UPDATE",
        bucket_of(template),
        template,
    )
    now = await connection.fetchval(f"SELECT {clock}")
    terms = await read_open_template(connection, template, now=now)
    assert counter is not None, "it is made with its template"
    if terms.stock is not None and counter["issued"] + len(codes) > terms.stock:
        raise CouponExhausted(left=max(terms.stock - counter["issued"], 0))
    # In one order, so that two who import the same codes don't wait for each other.
    rows = sorted((bucket_of(code), code) for code in codes)
    made = await connection.fetchval(
        "WITH made AS (INSERT INTO coupon_code (bucket, code, template, kind, issue, created_at) "
        "SELECT bucket, code, $3, 'unique', $4, $5 FROM unnest($1::smallint[], $2::text[]) AS given (bucket, code) "
        "ON CONFLICT DO NOTHING RETURNING 1) SELECT count(*) FROM made",
        [bucket for bucket, _ in rows],
        [code for _, code in rows],
        template,
        issue,
        now,
    )
    if made < len(rows):
        raise CodeTaken(await _taken(connection, rows, issue=issue))
    await connection.execute(
        "UPDATE coupon_counter SET issued = issued + $3 WHERE bucket = $1 AND template = $2",
        bucket_of(template),
        template,
        len(codes),
    )


async def _taken(connection: Connection, rows: Sequence[tuple[int, str]], *, issue: str) -> list[str]:
    """Which of these are another's, in their order; those just made are told by their issue."""
    found = await connection.fetch(
        "SELECT code FROM unnest($1::smallint[], $2::text[]) AS given (bucket, code) "
        "JOIN coupon_code USING (bucket, code) WHERE issue IS DISTINCT FROM $3 ORDER BY code",
        [bucket for bucket, _ in rows],
        [code for _, code in rows],
        issue,
    )
    return [row["code"] for row in found]


async def void_codes(connection: Connection, *, template: str, codes: Sequence[str]) -> int:
    """Withdraw those of these codes that are nobody's yet; returns how many of the codes are void now.

    Their stock stays used. To be called in a transaction.
    """
    rows = sorted((bucket_of(code), code) for code in codes)
    keys = [bucket for bucket, _ in rows], [code for _, code in rows]
    # Locked in the order of their keys, as the ledger locks codes that somebody brings.
    await connection.execute(
        "SELECT FROM unnest($1::smallint[], $2::text[]) AS given (bucket, code) "
        "JOIN coupon_code AS found USING (bucket, code) WHERE found.template = $3 "
        "ORDER BY found.bucket, found.code FOR NO KEY UPDATE OF found",
        *keys,
        template,
    )
    await connection.execute(
        "UPDATE coupon_code AS found SET kind = 'void' "
        "FROM unnest($1::smallint[], $2::text[]) AS given (bucket, code) "
        "WHERE found.bucket = given.bucket AND found.code = given.code AND found.template = $3 "
        "AND found.kind = 'unique' AND found.member_id IS NULL",
        *keys,
        template,
    )
    return await connection.fetchval(
        "SELECT count(*) FROM unnest($1::smallint[], $2::text[]) AS given (bucket, code) "
        "JOIN coupon_code AS found USING (bucket, code) WHERE found.template = $3 AND found.kind = 'void'",
        *keys,
        template,
    )
