"""A shop's checkout with the loyalty service: quote, hold, take the money, complete; later, part of it comes back.

Kill it wherever you like and run the same command again: it goes on where it was, and nothing happens twice. That
takes three habits, which are all there is to it:

1. Write down what you are going to ask before you ask it, and what was answered before you go on. `STEPS` tells what
   is done in which status of an order; each step asks one thing of one other party.
2. Name everything by ids of your own that don't change when you try again: the checkout by your order, the refund by
   your return. The service answers a repeat with its first answer (200, `Idempotent-Replayed: true`).
3. Where no answer comes (timeout, cut connection, 5xx), ask the same again. Where you are refused (4xx), nothing was
   done, and `code` tells what to do about it.
"""

import argparse
import json
import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx

Order = dict[str, Any]

PAUSES_SECONDS: Final = (0.2, 1, 3, 10)  # before the second try, the third, ...
# The cart is priced otherwise than when it was quoted: a coupon ended, points were spent elsewhere, a rule changed.
PRICED_OTHERWISE: Final = {"quote_changed", "coupon_not_applicable", "points_over_limit", "cash_over_limit"}


class RefusedError(Exception):
    """The service refused: nothing was done. `code` is stable; the message is for people."""

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(f"{problem['code']}: {problem['detail']}")
        self.code: str = problem["code"]


class UnknownOutcomeError(Exception):
    """No answer came, so nobody knows whether it was done: run the same command again later."""


class Loyalty:
    """The service. `httpx.Client` keeps connections open; make one of it for each process."""

    def __init__(self, address: str, key: str) -> None:
        self._http = httpx.Client(
            base_url=f"{address}/v1/", headers={"Authorization": f"Bearer {key}"}, timeout=10
        )

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """The answer. Raises RefusedError, or UnknownOutcomeError when it was asked often enough."""
        for pause in (*PAUSES_SECONDS, 0):
            try:
                answer = self._http.request(method, path, json=body)
            except httpx.TransportError:
                time.sleep(pause)
                continue
            if answer.status_code >= 500:
                # 503 is a busy service, which did nothing and says when to come back.
                time.sleep(float(answer.headers.get("Retry-After", pause)))
                continue
            if answer.is_success:
                return answer.json()
            raise RefusedError(answer.json())
        raise UnknownOutcomeError(f"{method} {path}")


class Shop:
    """The shop's own books: its orders, and what stands in for its payment provider."""

    def __init__(self, path: Path, loyalty: Loyalty) -> None:
        self.loyalty = loyalty
        self._books = sqlite3.connect(path, isolation_level=None)  # each statement is kept at once
        self._books.execute("CREATE TABLE IF NOT EXISTS shop_order (id TEXT PRIMARY KEY, document TEXT)")
        self._books.execute("CREATE TABLE IF NOT EXISTS payment (id TEXT PRIMARY KEY, amount INTEGER)")

    def buy(self, order_id: str, member_id: str, cart: dict[str, Any]) -> Order:
        """Place an order and take it as far as it goes; with an order_id that is known, go on with that."""
        order: Order = {"id": order_id, "member_id": member_id, "cart": cart, "attempt": 1, "returns": {}}
        self._books.execute(
            "INSERT OR IGNORE INTO shop_order VALUES (?, ?)",
            (order_id, json.dumps({**order, "status": "new"})),
        )
        return self._go_on(self.order(order_id))

    def take_back(self, order_id: str, return_id: str, items: list[dict[str, Any]]) -> Order:
        """Items come back: refund their share of the points, the cash and the money; the return once only."""
        order = self.order(order_id)
        if order["status"] == "completed" and return_id not in order["returns"]:
            order["returns"][return_id] = {"items": items}
            self.save(order, status="returning", returning=return_id)
        return self._go_on(order)

    def order(self, order_id: str) -> Order:
        """The order as it was last written down."""
        (document,) = self._books.execute(
            "SELECT document FROM shop_order WHERE id = ?", (order_id,)
        ).fetchone()
        return json.loads(document)

    def save(self, order: Order, **changes: object) -> None:
        """Write down what became of the order."""
        order.update(changes)
        self._books.execute(
            "UPDATE shop_order SET document = ? WHERE id = ?", (json.dumps(order), order["id"])
        )

    def transfer(self, payment_id: str, amount: int) -> None:
        """Move money at the payment provider, to us or (below 0) back. As with any good one, an id counts once."""
        self._books.execute("INSERT OR IGNORE INTO payment VALUES (?, ?)", (payment_id, amount))

    def _go_on(self, order: Order) -> Order:
        while order["status"] in STEPS:
            STEPS[order["status"]](self, order)
        return order


def quote(shop: Shop, order: Order) -> None:
    """Price the cart. This is where the customer sees the price, and why a coupon does not fit (`rejected`)."""
    quoted = shop.loyalty.ask("POST", "quotes", {"member_id": order["member_id"], **order["cart"]})
    wish = {
        "coupons": [coupon["code"] for coupon in quoted["coupons"]],
        "points": quoted["points"]["used"],
        "cash": quoted["cash"]["used"],
    }
    shown = {
        "payable": quoted["payable"],
        "points": quoted["points"]["used"],
        "cash": quoted["cash"]["used"],
        "earns": quoted["earns"]["points"],
    }
    shop.save(order, status="quoted", wish=wish, quoted=shown)


def hold(shop: Shop, order: Order) -> None:
    """Hold what the customer agreed to: exactly what was quoted, or nothing."""
    request = {
        "checkout_id": checkout_id(order),
        "member_id": order["member_id"],
        **order["cart"],
        **order["wish"],
        "quoted": order["quoted"],
    }
    try:
        held = shop.loyalty.ask("POST", "checkouts", request)
    except RefusedError as refusal:
        if refusal.code not in PRICED_OTHERWISE:
            raise
        shop.save(order, status="new")  # a real shop shows the new price before it goes on
    else:
        shop.save(order, status="held", payable=held["payable"])


def check(shop: Shop, order: Order) -> None:
    """Take no money for a hold that has ended. From `paying` on the order will be completed, whatever happens."""
    checkout = shop.loyalty.ask("GET", f"checkouts/{checkout_id(order)}")
    if checkout["status"] == "held":
        shop.save(order, status="paying")
    else:
        shop.save(order, status="new", attempt=order["attempt"] + 1)


def pay(shop: Shop, order: Order) -> None:
    """Take the money. (Should it be declined: POST .../cancel, or let the hold end by itself.)"""
    shop.transfer(f"order/{order['id']}", order["payable"])
    shop.save(order, status="paid", completion={"paid": order["payable"]})


def complete(shop: Shop, order: Order) -> None:
    """Spend what is held and earn. Where the hold has lapsed meanwhile, what is still free of it is taken again."""
    try:
        completed = shop.loyalty.ask("POST", f"checkouts/{checkout_id(order)}/complete", order["completion"])
    except RefusedError as refusal:
        if refusal.code != "hold_lapsed":
            raise
        # The money is taken, so the customer gets what it earns; what is missing is the shop's loss.
        shop.save(order, completion={**order["completion"], "earn_only": True})
    else:
        shop.save(
            order, status="completed", earned=completed["accrual"]["points"], missing=completed["missing"]
        )


def refund(shop: Shop, order: Order) -> None:
    """Ask how much money the returned items are worth; their share of points and cash comes back with it."""
    returned = order["returns"][order["returning"]]
    request = {"reference": order["returning"], "items": returned["items"]}
    try:
        answer = shop.loyalty.ask("POST", f"checkouts/{checkout_id(order)}/refund", request)
    except RefusedError:  # more than was bought, say: there is no such return
        del order["returns"][order["returning"]]
        shop.save(order, status="completed")
        raise
    returned["refunded"] = answer["refunded"]
    shop.save(order, status="repaying")


def repay(shop: Shop, order: Order) -> None:
    """Give the money back."""
    amount = order["returns"][order["returning"]]["refunded"]["amount"]
    shop.transfer(f"return/{order['id']}/{order['returning']}", -amount)
    shop.save(order, status="completed")


STEPS: Final[dict[str, Callable[[Shop, Order], None]]] = {
    "new": quote,
    "quoted": hold,
    "held": check,
    "paying": pay,
    "paid": complete,
    "returning": refund,
    "repaying": repay,
}
"""What to do with an order in which status; one that is `completed` rests."""


def checkout_id(order: Order) -> str:
    """The checkout's id is the order's. Only if a hold lapsed unpaid is there another."""
    return order["id"] if order["attempt"] == 1 else f"{order['id']}.{order['attempt']}"


def main() -> None:
    """Buy or take back from the command line; LOYALTY_ADDRESS and LOYALTY_KEY say where the service is."""
    parser = argparse.ArgumentParser(description="A shop's checkout; see examples/README.md.")
    parser.add_argument(
        "--books", type=Path, default=Path("shop.db"), help="the shop's own file (%(default)s)"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    buying = commands.add_parser("buy", help="buy a cart (a JSON file), or go on with an order")
    buying.add_argument("order_id")
    buying.add_argument("member_id")
    buying.add_argument("cart", type=Path)
    returning = commands.add_parser("return", help="take back pieces of a line, or go on with a return")
    for name in ("order_id", "return_id", "line_id"):
        returning.add_argument(name)
    returning.add_argument("quantity", type=int)
    given = parser.parse_args()
    address = os.environ.get("LOYALTY_ADDRESS", "http://127.0.0.1:8000")
    shop = Shop(given.books, Loyalty(address, os.environ["LOYALTY_KEY"]))
    if given.command == "buy":
        order = shop.buy(given.order_id, given.member_id, json.loads(given.cart.read_text()))
    else:
        items = [{"line_id": given.line_id, "quantity": given.quantity}]
        order = shop.take_back(given.order_id, given.return_id, items)
    print(json.dumps(order, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
