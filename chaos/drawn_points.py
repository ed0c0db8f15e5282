"""Commands on points, orders and activities, drawn."""

from typing import Any, Final

from chaos.drawing import HOLD_SECONDS, Drawing
from chaos.record import Op

ACTIVITIES: Final = (
    ("review", None),
    ("review", "pictures"),
    ("share", None),
    ("quiz", None),
    ("suggestion", None),
)


class DrawnPoints(Drawing):
    """Draws one command at a time, of a member."""

    def _amount(self) -> int:
        return self._random.randint(0, self._random.choice((2_000, 20_000, 20_000, 150_000)))

    def _accrue(self, name: str) -> Op:
        order, amount = self._name("o"), self._amount()
        settle = self._random.random() < 0.6
        known = self._known[name]
        known.orders.append(order)
        if settle and self._random.random() < 0.8:
            known.settled.append(order)
        body = {"order_id": order, "amount": amount, "settle": "now" if settle else "later"}
        facts = {"order": order, "amount": amount, "settle": settle}
        return self._op(
            "accrue", name, f"order/{order}", f"/v1/members/{name}/accruals", body, facts=facts, asked={}
        )

    def _accrue_lines(self, name: str) -> Op:
        order = self._name("i")
        lines = {
            f"{number}": self._random.randint(100, 9_000) for number in range(self._random.randint(1, 4))
        }
        self._known[name].lined.append((order, list(lines)))
        items = [
            {"line_id": line, "sku": f"s{line}", "quantity": 1, "amount": amount}
            for line, amount in lines.items()
        ]
        amount = sum(lines.values())
        body = {"order_id": order, "amount": amount, "items": items}
        facts = {"order": order, "amount": amount, "settle": True, "lines": lines}
        return self._op(
            "accrue", name, f"order/{order}", f"/v1/members/{name}/accruals", body, facts=facts, asked={}
        )

    def _settle(self, name: str) -> Op:
        known = self._known[name]
        order = self._pick([order for order in known.orders if order not in known.settled], other="")
        order = order or self._name("none")
        known.settled.append(order)
        path = f"/v1/members/{name}/accruals/{order}/settle"
        return self._op(
            "settle", name, f"settle/{order}", path, facts={"order": order}, asked={"order_id": order}
        )

    def _reverse(self, name: str) -> Op:
        order = self._pick(self._known[name].orders, other="o0")
        reference, amount = self._name("b"), self._random.choice((1, 100, 999, 5_000, 60_000))
        return self._op(
            "reverse",
            name,
            f"reverse/{order}/{reference}",
            f"/v1/members/{name}/accruals/{order}/reverse",
            {"reference": reference, "amount": amount},
            facts={"order": order, "amount": amount},
            asked={"order_id": order},
        )

    def _reverse_line(self, name: str) -> Op:
        order, lines = self._pick(self._known[name].lined, other=("i0", ["0"]))
        reference, line = self._name("b"), self._random.choice(lines)
        return self._op(
            "reverse",
            name,
            f"reverse/{order}/{reference}",
            f"/v1/members/{name}/accruals/{order}/reverse",
            {"reference": reference, "items": [{"line_id": line}]},
            facts={"order": order, "line": line},
            asked={"order_id": order},
        )

    def _redeem(self, name: str) -> Op:
        return self._take(name, None)

    def _reserve(self, name: str) -> Op:
        return self._take(name, self._random.choice(HOLD_SECONDS))

    def _take(self, name: str, hold_seconds: int | None) -> Op:
        reference = self._name("r")
        points = self._random.randint(1, self._random.choice((5, 50, 300, 2_000)))
        self._known[name].taken.append(reference)
        body: dict[str, Any] = {"reference": reference, "points": points, "mode": "redeem"}
        if hold_seconds is not None:
            body |= {"mode": "reserve", "hold_seconds": hold_seconds}
        facts = {"reference": reference, "points": points, "hold_seconds": hold_seconds}
        return self._op(
            "redeem",
            name,
            f"redeem/{reference}",
            f"/v1/members/{name}/redemptions",
            body,
            facts=facts,
            asked={},
        )

    def _end(self, kind: str, name: str) -> str:
        """A redemption that no command of this kind ended yet."""
        known = self._known[name]
        found = [reference for reference in known.taken if f"{kind}/{reference}" not in known.ended]
        reference = self._pick(found, other="") or self._name("none")
        known.ended.add(f"{kind}/{reference}")
        return reference

    def _commit(self, name: str) -> Op:
        reference = self._end("commit", name)
        points = self._random.choice((None, None, 1, 40))
        body = {} if points is None else {"points": points}
        return self._op(
            "commit",
            name,
            f"commit/{reference}",
            f"/v1/members/{name}/redemptions/{reference}/commit",
            body,
            facts={"reference": reference, "points": points},
            asked={"reference": reference},
        )

    def _cancel(self, name: str) -> Op:
        reference = self._end("cancel", name)
        return self._op(
            "cancel",
            name,
            f"cancel/{reference}",
            f"/v1/members/{name}/redemptions/{reference}/cancel",
            facts={"reference": reference},
            asked={"reference": reference},
        )

    def _refund(self, name: str) -> Op:
        taken = self._pick(self._known[name].taken, other="r0")
        reference, points = self._name("x"), self._random.choice((None, 1, 3, 30))
        body: dict[str, Any] = {"reference": reference} | ({} if points is None else {"points": points})
        return self._op(
            "refund",
            name,
            f"refund/{taken}/{reference}",
            f"/v1/members/{name}/redemptions/{taken}/refund",
            body,
            facts={"reference": taken, "points": points},
            asked={"redemption": taken},
        )

    def _sign_in(self, name: str) -> Op:
        return self._op("sign_in", name, "sign_in/", f"/v1/members/{name}/sign-ins", {}, keyed=True)

    def _adjust(self, name: str) -> Op:
        reference = self._name("a")
        points = self._random.choice((1, 100, 700, -1, -80))
        body = {"reference": reference, "points": points, "reason": "chaos"}
        return self._op(
            "adjust",
            name,
            f"adjust/{reference}",
            f"/v1/members/{name}/adjustments",
            body,
            facts={"points": points},
            asked={},
        )

    def _transfer(self, name: str) -> Op:
        reference, to = self._name("t"), name
        while to == name:
            to = self._member()
        points = self._random.randint(1, self._random.choice((5, 60, 400)))
        return self._op(
            "transfer",
            name,
            f"transfer/{reference}",
            f"/v1/members/{name}/transfers",
            {"reference": reference, "to": to, "points": points},
            facts={"to": to, "points": points},
            asked={},
        )

    def _freeze(self, name: str) -> Op:
        return self._op("freeze", name, "freeze/", f"/v1/members/{name}/freeze", {}, keyed=True)

    def _unfreeze(self, name: str) -> Op:
        return self._op("unfreeze", name, "unfreeze/", f"/v1/members/{name}/unfreeze", {}, keyed=True)

    def _activity(self, name: str) -> Op:
        reference = self._name("v")
        kind, level = self._random.choice(ACTIVITIES)
        self._known[name].activities.append(reference)
        body = {"reference": reference, "kind": kind} | ({} if level is None else {"level": level})
        return self._op(
            "activity",
            name,
            f"activity/{reference}",
            f"/v1/members/{name}/activities",
            body,
            facts={"reference": reference, "activity": kind, "level": level},
            asked={},
        )

    def _reverse_activity(self, name: str) -> Op:
        known = self._known[name]
        found = [reference for reference in known.activities if reference not in known.undone]
        reference = self._pick(found, other="") or self._name("none")
        known.undone.add(reference)
        return self._op(
            "reverse_activity",
            name,
            f"reverse_activity/{reference}",
            f"/v1/members/{name}/activities/{reference}/reverse",
            facts={"reference": reference},
            asked={"reference": reference},
        )
