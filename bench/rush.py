"""A coupon rush: far more members claim than there are coupons, over HTTP and beside it by pgbench.

pgbench sends the least a claim needs as one prepared statement: count up while there is stock; if there was some,
put in the coupon, where its code leads, and the entry, and update the account. The rows are as wide as the
service's own: the script is made from rows its rules decided on.
"""

import asyncio
import http.client
import json
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import asyncpg

from app.domain.account import Account, Code, Coupon, Entry, bucket_of
from app.domain.coupon_commands import ClaimCoupon
from app.domain.decisions import decide
from app.domain.posting import Member
from app.ledger.connection import Connection
from bench import pgbench
from bench.coupons import put_up_counter, rush_document, shelf_of
from bench.history import context_at, default_program, history
from bench.service import Service

_CODE = ":code::text"
_FROM_ACCOUNT: Final = {
    "bucket": "bucket",
    "member_id": "member_id",
    "sequence": "sequence",
    "code": _CODE,
    "issued_at": "last_at",
    "valid_from": "last_at",
    "created_at": "last_at",
}
_LEADS: Final = _FROM_ACCOUNT | {"bucket": pgbench.BUCKET.format(key=_CODE)}
_ENTRY: Final = _FROM_ACCOUNT | {
    "key": "'claim_coupon/' || sequence",
    "points_after": "available",
    "pending_after": "pending",
    "reserved_after": "reserved",
    "debt_after": "debt",
    "growth_after": "growth",
    "cash_after": "cash",
    "occurred_at": "last_at",
    "recorded_at": "last_at",
}


def make_template(service: Service, *, stock: int) -> str:
    """Make a template of so many coupons; its name. Raises SystemExit if that is refused."""
    template = _new_name()
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)
    connection.request(
        "POST",
        "/v1/coupon-templates",
        json.dumps({"template": template, **rush_document(stock)}),
        {"Authorization": f"Bearer {service.key}", "Content-Type": "application/json"},
    )
    answer = connection.getresponse()
    told = answer.read().decode()
    connection.close()
    if answer.status != 201:
        raise SystemExit(f"A coupon template was answered {answer.status}: {told}")
    return template


def run(url: str, script: Path, *, claims: int, stock: int, clients: int) -> float:
    """Claims a second of pgbench. Raises SystemExit if it gave out other than the stock."""
    template = _new_name()
    asyncio.run(_put_up(url, template))
    _write_script(script, template=template, stock=stock, clients=clients)
    # Where the clients can't share the claims evenly, a few more are made.
    each = -(-claims // clients)
    per_second = pgbench.execute(url, script, clients, "--transactions", str(each), "--define", "turn=0")
    if rows := miscounted(url, template, stock=stock):
        raise SystemExit(f"pgbench gave out other than {stock} coupons: {rows} rows are too many or missing.")
    return per_second


def miscounted(url: str, template: str, *, stock: int) -> int:
    """How many rows there are too many or too few, once all of the stock was claimed."""
    return asyncio.run(_miscounted(url, template, stock))


async def _miscounted(url: str, template: str, stock: int) -> int:
    connection: Connection = await asyncpg.connect(url)
    row = await connection.fetchrow(
        "SELECT (SELECT issued FROM coupon_counter WHERE bucket = $1 AND template = $2), "
        "(SELECT count(*) FROM coupon WHERE template = $2), "
        "(SELECT count(*) FROM coupon_code WHERE template = $2), "
        "(SELECT count(*) FROM coupon JOIN entry USING (bucket, member_id, sequence) "
        "WHERE template = $2 AND kind = 'claim_coupon')",
        bucket_of(template),
        template,
    )
    await connection.close()
    assert row is not None
    return sum(abs(count - stock) for count in row)


async def _put_up(url: str, template: str) -> None:
    connection: Connection = await asyncpg.connect(url)
    await put_up_counter(connection, template, issued=0)
    await connection.close()


def _write_script(path: Path, *, template: str, stock: int, clients: int) -> None:
    """The script for `clients` clients, each claim by another of the members `u-1`, `u-2`, ..."""
    coupon, code, entry = _claimed(template, stock)
    member = pgbench.MEMBER.format(prefix="u")
    path.write_text(
        "\\set turn :turn + 1\n"
        f"\\set number (:turn - 1) * {clients} + :client_id + 1\n"
        f"\\set code random({10**15}, {10**16 - 1})\n"
        "WITH counter AS (UPDATE coupon_counter SET issued = issued + 1 "
        f"WHERE bucket = {bucket_of(template)} AND template = '{template}' AND issued < {stock} "
        "RETURNING template), "
        "member AS (UPDATE account SET sequence = sequence + 1, coupons = coupons + 1, "
        "last_at = clock_timestamp() FROM counter "
        f"WHERE bucket = {pgbench.BUCKET.format(key=member)} AND member_id = {member} "
        f"RETURNING {', '.join(Account._fields)}), "
        f"held AS ({pgbench.insert('coupon', Coupon._fields, coupon, _FROM_ACCOUNT)}), "
        f"leads AS ({pgbench.insert('coupon_code', Code._fields, code, _LEADS)}) "
        f"{pgbench.insert('entry', Entry._fields, entry, _ENTRY)};\n"
    )


def _claimed(template: str, stock: int) -> tuple[Coupon, Code, Entry]:
    """What a claim leaves behind."""
    now, program = datetime.now(UTC), default_program()
    member = Member(history("template", orders=1, now=now).account)
    shelf = shelf_of({template: rush_document(stock)}, new_code=lambda: "2" * 16)
    command = ClaimCoupon(member_id="template", template=template)
    change = decide({"template": member}, command, context_at(now, program, shelf))
    assert change.entry is not None
    return change.coupons[0], change.codes[0], change.entry


def _new_name() -> str:
    return f"rush-{secrets.token_hex(4)}"
