"""What conditions of campaigns are told, by the names they use (API.md: CEL sees). Money in the minor unit."""

from collections.abc import Mapping
from typing import Any

from app.domain.account import Account
from app.domain.campaigns import Facts
from app.domain.orders import Order
from app.domain.posting import Context, Member


def standing_facts(member: Member, account: Account, context: Context) -> Facts:
    """`member`, `now` and `local`: what every condition may ask. `account` is as a decision under way has it."""
    traits = member.traits
    local = context.now.astimezone(context.program.timezone)
    return {
        "member.tier": account.tier,
        "member.region": traits.get("region") or "",
        "member.gender": traits.get("gender") or "",
        "member.spend": account.spend,
        "member.orders": account.orders,
        "member.joined_at": account.joined_at,
        "member.birthday_month": traits.get("birthday_month") or 0,
        "member.attributes": traits.get("attributes") or {},
        "now": context.now,
        "local.date": local.date().isoformat(),
        "local.year": local.year,
        "local.month": local.month,
        "local.day": local.day,
        "local.weekday": local.isoweekday(),
        "local.hour": local.hour,
    }


def order_facts(order: Order, account: Account) -> Facts:
    """`order`: what is bought. Lines without a category or a brand have "" there."""
    lines = order.lines
    items: list[Mapping[str, Any]] = [
        {
            "line_id": line.line_id,
            "sku": line.sku,
            "category": line.category or "",
            "brand": line.brand or "",
            "quantity": line.quantity,
            "amount": line.amount_fen,
        }
        for line in lines
    ]
    return {
        "order.amount": order.amount,
        "order.channel": order.channel or "",
        "order.items": items,
        "order.skus": [line.sku for line in lines],
        "order.categories": [line.category for line in lines if line.category is not None],
        "order.brands": [line.brand for line in lines if line.brand is not None],
        "order.first": account.orders == 0,
    }
