"""What conditions of campaigns are told, by the names they use (API.md: CEL sees). Money in the minor unit."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from app.domain.account import Account
from app.domain.orders import Order
from app.domain.posting import Context, Member

_NOTHING: Mapping[str, Any] = {}


class CampaignFacts(Mapping[str, object]):
    """`member`, `now` and `local`; with an order `order`; with `event` what it names. Each is found out only when it is
    asked for, since most conditions ask for one or two. `account` is as a decision under way has it.
    """

    __slots__ = ("_account", "_context", "_event", "_member", "_order")

    def __init__(
        self,
        member: Member,
        account: Account,
        context: Context,
        *,
        order: Order | None = None,
        event: Mapping[str, Any] = _NOTHING,
    ) -> None:
        self._member = member
        self._account = account
        self._context = context
        self._order = order
        self._event = event

    def __getitem__(self, name: str) -> object:
        if name in _OF_MEMBER:
            return _OF_MEMBER[name](self._account, self._member.traits)
        if name in _OF_DAY:
            return _OF_DAY[name](self._context)
        if name in _OF_ORDER and self._order is not None:
            return _OF_ORDER[name](self._order, self._account)
        return self._event[name]

    def __iter__(self) -> Iterator[str]:
        yield from (*_OF_MEMBER, *_OF_DAY, *(() if self._order is None else _OF_ORDER), *self._event)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _local(context: Context) -> datetime:
    return context.now.astimezone(context.program.timezone)


_OF_MEMBER: Mapping[str, Callable[[Account, Mapping[str, Any]], object]] = {
    "member.tier": lambda account, _: account.tier,
    "member.region": lambda _, traits: traits.get("region") or "",
    "member.gender": lambda _, traits: traits.get("gender") or "",
    "member.spend": lambda account, _: account.spend,
    "member.orders": lambda account, _: account.orders,
    "member.joined_at": lambda account, _: account.joined_at,
    "member.birthday_month": lambda _, traits: traits.get("birthday_month") or 0,
    "member.attributes": lambda _, traits: traits.get("attributes") or {},
}
_OF_DAY: Mapping[str, Callable[[Context], object]] = {
    "now": lambda context: context.now,
    "local.date": lambda context: context.today.isoformat(),
    "local.year": lambda context: context.today.year,
    "local.month": lambda context: context.today.month,
    "local.day": lambda context: context.today.day,
    "local.weekday": lambda context: context.today.isoweekday(),
    "local.hour": lambda context: _local(context).hour,
}
_OF_ORDER: Mapping[str, Callable[[Order, Account], object]] = {
    "order.amount": lambda order, _: order.amount,
    "order.channel": lambda order, _: order.channel or "",
    "order.items": lambda order, _: [
        {
            "line_id": line.line_id,
            "sku": line.sku,
            "category": line.category or "",
            "brand": line.brand or "",
            "quantity": line.quantity,
            "amount": line.amount_fen,
        }
        for line in order.lines
    ],
    "order.skus": lambda order, _: [line.sku for line in order.lines],
    "order.categories": lambda order, _: [line.category for line in order.lines if line.category is not None],
    "order.brands": lambda order, _: [line.brand for line in order.lines if line.brand is not None],
    "order.first": lambda _, account: account.orders == 0,
}
