"""The example's shop, killed at every point and run again: in the end all is as if nothing had happened."""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from tests.cli.test_serve import PII_KEYS, serving
from tests.examples.network import Fate, Network, network
from tests.pace import HANG_SECONDS

KEY = "example-example-example-example-example"
SHOP = Path(__file__).parent / "killed_shop.py"
ROOT = Path(__file__).parents[2]
SAVES = 8
REQUESTS = 5
TEMPLATES = {
    "thirty": {"kind": "amount_off", "amount_off": 3_000, "threshold": 30_000},
    "tenth": {"kind": "percent_off", "percent_off": 10},
}
_numbers = itertools.count(1)


@dataclass
class Service:
    """A service with a clock that can be moved: how far `ahead` it is of ours."""

    address: str
    client: httpx.Client
    ahead: timedelta = timedelta()

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        answer = self.client.request(method, f"/v1{path}", json=body, headers=headers)
        assert answer.is_success, answer.text
        return answer.json()

    def wait(self, time: timedelta) -> None:
        self.ahead += time
        self.ask("PUT", "/sandbox/clock", {"now": (datetime.now(UTC) + self.ahead).isoformat()})


class Sale(NamedTuple):
    """One member's order, and the books it is in."""

    service: Service
    member_id: str
    order_id: str
    books: Path

    def run(self, *, through: Network | None = None, fall: str = "never") -> int:
        """Run the shop until it ends or falls; its exit code. A loss in the `network` kills it if it is to fall
        `there`.
        """
        address = self.service.address if through is None else through.address
        command = [
            sys.executable, str(SHOP), str(self.books), address, KEY, self.order_id, self.member_id, fall
        ]  # fmt: skip
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            if through is not None and fall == "there":
                through.meanwhile = process.kill
            _, errors = process.communicate(timeout=HANG_SECONDS)
        assert process.returncode in (0, -signal.SIGKILL), errors
        return process.returncode

    def order(self) -> dict[str, Any]:
        """As the shop wrote it down."""
        with sqlite3.connect(self.books) as books:
            return json.loads(books.execute("SELECT document FROM shop_order").fetchone()[0])

    def payments(self) -> list[tuple[str, int]]:
        """The money moved."""
        with sqlite3.connect(self.books) as books:
            return books.execute("SELECT id, amount FROM payment ORDER BY id").fetchall()

    def checkout(self, checkout_id: str | None = None) -> dict[str, Any]:
        return self.service.ask("GET", f"/checkouts/{checkout_id or self.order_id}")

    def outcome(self) -> Any:
        """Everything about the sale, comparable with that of another member: without names and times."""
        checkout = self.checkout()
        member = self.service.ask("GET", f"/members/{self.member_id}")
        entries = self.service.ask("GET", f"/members/{self.member_id}/entries")["data"]
        lots = self.service.ask("GET", f"/members/{self.member_id}/lots")["data"]
        entries = [entry for entry in entries if entry["kind"] != "issue_coupon"]
        told = json.dumps([checkout, member, entries, lots, self.order(), self.payments()])
        names = {self.member_id: "MEMBER", self.order_id: "ORDER"}
        names |= {coupon["code"]: coupon["template"] for coupon in checkout["coupons"]}
        for name, common in names.items():
            told = told.replace(name, common)
        return _without_times(json.loads(told))


def _without_times(told: Any) -> Any:
    if isinstance(told, dict):
        return {
            name: _without_times(value)
            for name, value in told.items()
            if not name.endswith("_at") and name not in {"at", "since", "request_id"}
        }
    if isinstance(told, list):
        return [_without_times(value) for value in told]
    return told


@pytest.fixture(scope="module")
def service(new_database: Callable[[], str]) -> Generator[Service]:
    settings = {
        "LOYALTY_DATABASE_URL": new_database(),
        "LOYALTY_BOOTSTRAP_KEY": KEY,
        "LOYALTY_PII_KEYS": PII_KEYS,
        "LOYALTY_SANDBOX": "1",
        "LOYALTY_WORKERS": "1",
    }
    headers = {"Authorization": f"Bearer {KEY}"}
    with (
        serving(**settings) as (_, address, _),
        httpx.Client(base_url=address, headers=headers, timeout=HANG_SECONDS) as client,
    ):
        made = Service(address, client)
        for template, terms in TEMPLATES.items():
            made.ask("POST", "/coupon-templates", {"template": template, "name": template, **terms})
        yield made


@pytest.fixture
def sale(service: Service, tmp_path: Path) -> Sale:
    return new_sale(service, tmp_path)


def new_sale(service: Service, folder: Path) -> Sale:
    """A member with 1,000 points and a coupon of each template, about to buy."""
    number = next(_numbers)
    made = Sale(service, f"u-x{number}x", f"o-x{number}x", folder / "shop.db")
    service.ask("PUT", f"/members/{made.member_id}", {})
    service.ask("POST", f"/members/{made.member_id}/accruals", {"order_id": "opening", "amount": 100_000})
    for template in TEMPLATES:
        give(made, template)
    return made


def give(sale: Sale, template: str) -> None:
    headers = {"Idempotency-Key": f"{sale.member_id}.{template}"}
    body = {"members": [sale.member_id], "reason": "welcome"}
    sale.service.ask("POST", f"/coupon-templates/{template}/issue", body, **headers)


@pytest.fixture(scope="module")
def undisturbed(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What comes out when nothing goes wrong, with as many requests as are lost below one by one."""
    sale = new_sale(service, tmp_path_factory.mktemp("undisturbed"))
    with network(service.address) as through:
        assert sale.run(through=through) == 0
    assert through.requests == REQUESTS
    outcome = sale.outcome()
    checkout = sale.checkout()
    assert checkout["status"] == "partially_refunded"
    assert len(checkout["coupons"]) == len(TEMPLATES)
    assert checkout["points"]["used"] > 0
    paid, back = (amount for _, amount in sale.payments())
    assert (paid, -back) == (checkout["payable"], checkout["refunded"]["amount"])
    return outcome


@pytest.mark.parametrize(
    "fall", [f"{when} {save}" for save in range(1, SAVES + 1) for when in ("before", "after")]
)
def test_killed_between_steps(sale: Sale, undisturbed: Any, fall: str) -> None:
    assert sale.run(fall=fall) == -signal.SIGKILL
    assert sale.run() == 0
    assert sale.outcome() == undisturbed


@pytest.mark.parametrize("fate", ["lose request", "lose answer"])
@pytest.mark.parametrize("number", range(1, REQUESTS + 1))
def test_killed_while_a_request_is_under_way(sale: Sale, undisturbed: Any, number: int, fate: Fate) -> None:
    with network(sale.service.address) as through:
        through.fates[number] = fate
        assert sale.run(through=through, fall="there") == -signal.SIGKILL
    assert sale.run() == 0
    assert sale.outcome() == undisturbed


@pytest.mark.parametrize("fate", ["lose request", "lose answer", "busy"])
def test_every_request_fails_once(sale: Sale, undisturbed: Any, fate: Fate) -> None:
    with network(sale.service.address) as through:
        through.fates = dict.fromkeys(range(1, 2 * REQUESTS, 2), fate)
        assert sale.run(through=through) == 0
    assert through.requests == 2 * REQUESTS
    assert sale.outcome() == undisturbed


def test_a_third_run_changes_nothing(sale: Sale, undisturbed: Any) -> None:
    for _ in range(3):
        assert sale.run() == 0
    assert sale.outcome() == undisturbed


def test_no_money_is_taken_for_a_hold_that_lapsed(sale: Sale, undisturbed: Any) -> None:
    sale.run(fall="after 2")
    assert sale.order()["status"] == "held"
    sale.service.wait(timedelta(hours=1))
    assert sale.run() == 0
    assert sale.checkout()["status"] == "lapsed"
    again = sale.checkout(f"{sale.order_id}.2")
    assert again["status"] == "partially_refunded"
    assert sale.payments() == [
        (f"order/{sale.order_id}", again["payable"]),
        (f"return/{sale.order_id}/r-1", -again["refunded"]["amount"]),
    ]
    assert [amount for _, amount in sale.payments()] == [amount for _, amount in undisturbed[-1]]


@pytest.mark.parametrize("fall", ["never", "before 1", "after 1", "there"])
def test_money_that_was_taken_earns_though_the_hold_lapsed(sale: Sale, fall: str) -> None:
    sale.run(fall="after 4")
    assert sale.order()["status"] == "paid"
    sale.service.wait(timedelta(hours=1))
    elsewhere = {"reference": "elsewhere", "points": 950, "mode": "redeem"}
    sale.service.ask("POST", f"/members/{sale.member_id}/redemptions", elsewhere)
    with network(sale.service.address) as through:
        # The first is refused for what is missing, the second completes without.
        through.fates = {2: "lose answer"} if fall == "there" else {}
        assert sale.run(through=through, fall=fall) == (0 if fall == "never" else -signal.SIGKILL)
    assert sale.run() == 0
    checkout = sale.checkout()
    assert checkout["status"] == "partially_refunded"
    assert [(part["what"], part["available"]) for part in checkout["missing"]] == [("points", 50)]
    assert checkout["accrual"]["points"] == checkout["earns"]["points"] > 0
    assert dict(sale.payments())[f"order/{sale.order_id}"] == checkout["payable"]


def test_a_price_that_changed_is_quoted_again(sale: Sale) -> None:
    sale.run(fall="after 1")
    assert sale.order()["quoted"]["points"] > 100
    elsewhere = {"reference": "elsewhere", "points": 900, "mode": "redeem"}
    sale.service.ask("POST", f"/members/{sale.member_id}/redemptions", elsewhere)
    assert sale.run() == 0
    checkout = sale.checkout()
    assert checkout["points"]["used"] == 100
    assert dict(sale.payments())[f"order/{sale.order_id}"] == checkout["payable"]


def test_a_coupon_that_fits_no_longer_is_left_out(sale: Sale) -> None:
    terms = {"template": f"half-{sale.member_id}", "name": "half", "kind": "percent_off", "percent_off": 50}
    sale.service.ask("POST", "/coupon-templates", terms)
    give(sale, terms["template"])
    sale.run(fall="after 1")
    before = sale.order()["quoted"]
    sale.service.ask("PATCH", f"/coupon-templates/{terms['template']}", {"state": "paused"})
    assert sale.run() == 0
    checkout = sale.checkout()
    assert {coupon["template"] for coupon in checkout["coupons"]} == set(TEMPLATES)
    assert checkout["payable"] > before["payable"]
    assert sale.checkout()["status"] == "partially_refunded"


def test_what_is_refused_is_told_and_leaves_the_order_as_it_was(sale: Sale) -> None:
    assert sale.run() == 0
    before = sale.order()
    command = [
        sys.executable, str(ROOT / "examples" / "checkout.py"), "--books", str(sale.books),
        "return", sale.order_id, "r-2", "2", "9",
    ]  # fmt: skip
    settings = {"LOYALTY_ADDRESS": sale.service.address, "LOYALTY_KEY": KEY}
    ended = subprocess.run(
        command, env=settings, capture_output=True, text=True, check=False, timeout=HANG_SECONDS
    )
    assert "refund_exceeds_order" in ended.stderr
    assert {**sale.order(), "returning": "r-1"} == before


def test_the_readme(service: Service, tmp_path: Path) -> None:
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "examples" / "README.md").read_text(), re.DOTALL)
    commands = "\n".join(blocks[1:]).replace("http://127.0.0.1:8000", service.address)
    commands = commands.replace(".venv/bin/python", sys.executable)
    commands = commands.replace("checkout.py ", f"checkout.py --books {tmp_path}/shop.db ")
    commands = commands.replace("shop-shop-shop-shop-shop-shop-shop", KEY).replace("thirty", "readme")
    ended = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=ROOT,
        env=os.environ | {"LOYALTY_ADDRESS": service.address},
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_SECONDS,
    )
    assert ended.returncode == 0, ended.stderr
    checkout = service.ask("GET", "/checkouts/o-2001")
    assert checkout["status"] == "partially_refunded"
    assert [coupon["template"] for coupon in checkout["coupons"]] == ["readme"]
