"""The coupon templates that checkouts use, and those made for a rush."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from app.domain.account import Counter, bucket_of
from app.domain.coupon_templates import Template
from app.domain.shelf import Shelf
from app.ledger.connection import Connection

TEMPLATES: Final[Mapping[str, Mapping[str, Any]]] = {
    "amount": {"name": "30 off 300", "kind": "amount_off", "amount_off": 3_000, "threshold": 30_000},
    "percent": {"name": "10 % off", "kind": "percent_off", "percent_off": 10},
}


def rush_document(stock: int) -> Mapping[str, Any]:
    """A template with so many coupons, one a member."""
    return {"name": "rush", "kind": "amount_off", "amount_off": 1_000, "stock": stock, "per_member": 1}


def shelf_of(documents: Mapping[str, Mapping[str, Any]] = TEMPLATES, *, new_code: Callable[[], str]) -> Shelf:
    """What decisions are handed: these templates, of which nothing is issued yet."""
    return Shelf(
        {name: Template.from_document(name, 1, document) for name, document in documents.items()},
        counters={name: Counter(bucket_of(name), name, 0, 0) for name in documents},
        new_code=new_code,
    )


async def put_up(connection: Connection, *, issued: int, now: datetime) -> None:
    """Make `TEMPLATES` in the database, each with so many coupons issued."""
    for name, document in TEMPLATES.items():
        terms = Template.from_document(name, 1, document)
        await connection.execute(
            "INSERT INTO coupon_template (template, revision, document, created_at, updated_at) "
            "SELECT $1, coalesce(max(revision), 0) + 1, $2, $3, $3 FROM coupon_template",
            name,
            json.dumps(terms.to_document()),
            now,
        )
        await put_up_counter(connection, name, issued=issued)


async def put_up_counter(connection: Connection, template: str, *, issued: int) -> None:
    """Make a template's counter."""
    await connection.execute(
        "INSERT INTO coupon_counter (bucket, template, issued, discounted) VALUES ($1, $2, $3, 0)",
        bucket_of(template),
        template,
        issued,
    )
