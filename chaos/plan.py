"""What is going to be asked: drawn by the seed alone, so that a seed always asks the same."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from chaos.record import Batch, Op

MEMBERS: Final = 48
HOT_MEMBERS: Final = 4
CODES_EACH: Final = 6
BATCH_SIZES: Final = (2, 5, 20)
# Of a hundred commands so many are sent three times at once, and under an Idempotency-Key where none is needed.
THRICE_PERCENT: Final = 12
KEYED_PERCENT: Final = 20
HOLD_SECONDS: Final = (2, 5, 60, 1_800, 604_800)
ACTIVITIES: Final = (
    ("review", None),
    ("review", "pictures"),
    ("share", None),
    ("quiz", None),
    ("suggestion", None),
)
SCARCE: Final = "scarce"


@dataclass(slots=True)
class _Known:
    """The things of one member that commands may name, whether they came to be or not."""

    orders: list[str] = field(default_factory=list[str])
    settled: list[str] = field(default_factory=list[str])  # a settle is planned already: one key, one command
    lined: list[tuple[str, list[str]]] = field(default_factory=list[tuple[str, list[str]]])
    taken: list[str] = field(default_factory=list[str])
    ended: set[str] = field(default_factory=set[str])
    checkouts: list[str] = field(default_factory=list[str])
    activities: list[str] = field(default_factory=list[str])
    undone: set[str] = field(default_factory=set[str])
    locks: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])  # code and reference


def member(number: int) -> str:
    """A member's id."""
    return f"m{number:03d}"


def codes_of(name: str) -> list[str]:
    """The coupon codes that only this member brings."""
    return [f"{name.upper()}-C{number}" for number in range(CODES_EACH)]


class Plan:
    """Draws the commands of each client, round after round."""

    def __init__(self, seed: int, *, clients: int) -> None:
        self._random = random.Random(f"commands of {seed}")
        self._clients = clients
        self._number = 0
        self._known = {member(number): _Known() for number in range(MEMBERS)}
        self._fresh = {name: codes_of(name) for name in self._known}
        kinds: list[tuple[int, Callable[[str], Op]]] = [
            (22, self._accrue),
            (6, self._accrue_lines),
            (8, self._settle),
            (9, self._reverse),
            (4, self._reverse_line),
            (14, self._redeem),
            (9, self._reserve),
            (8, self._commit),
            (5, self._cancel),
            (5, self._refund),
            (6, self._sign_in),
            (5, self._adjust),
            (8, self._transfer),
            (6, self._activity),
            (3, self._reverse_activity),
            (3, self._claim_scarce),
            (3, self._claim_code),
            (4, self._lock),
            (3, self._unlock),
            (4, self._redeem_coupon),
            (2, self._roll_back),
            (10, self._hold),
            (8, self._complete),
            (3, self._release),
            (5, self._refund_checkout),
            (10, self._look),
            (2, self._enrol),
        ]
        self._weights = [weight for weight, _ in kinds]
        self._kinds = [draw for _, draw in kinds]

    def enrolments(self) -> list[Op]:
        """Every member joins."""
        return [self._enrol(name) for name in self._known]

    def round(self, each: int) -> list[list[Op | Batch]]:
        """What every client asks, one after the other: so many commands each."""
        asked: list[list[Op | Batch]] = [[] for _ in range(self._clients)]
        for _ in range(each):
            for client in asked:
                client.append(self._next())
        return asked

    def _next(self) -> Op | Batch:
        if self._random.random() < 0.04:
            return self._batch()
        op = self._one()
        op.copies = self._copies()
        return op

    def _copies(self) -> int:
        return 3 if self._random.randrange(100) < THRICE_PERCENT else 1

    def _one(self) -> Op:
        [draw] = self._random.choices(self._kinds, self._weights)
        return draw(self._member())

    def _member(self) -> str:
        """Half of all is asked of a few."""
        few = self._random.random() < 0.5
        return member(self._random.randrange(HOT_MEMBERS if few else MEMBERS))

    def _batch(self) -> Batch:
        request_id = self._name("b")
        ops: list[Op] = []
        size = self._random.choice(BATCH_SIZES)
        while len(ops) < size:
            op = self._one()
            if op.asked:
                op.request_id = request_id
                op.idempotency_key = None
                ops.append(op)
        return Batch(request_id, ops, copies=self._copies())

    def _name(self, kind: str) -> str:
        self._number += 1
        return f"{kind}{self._number}"

    def _op(
        self,
        kind: str,
        name: str,
        key: str,
        path: str,
        body: Any = None,
        *,
        facts: dict[str, Any] | None = None,
        asked: dict[str, Any] | None = None,
        method: str = "POST",
        keyed: bool = False,
    ) -> Op:
        """`asked`: what a batch needs besides the body and the member."""
        op_id = self._name("c")
        wants_key = keyed or (method == "POST" and self._random.randrange(100) < KEYED_PERCENT)
        return Op(
            op_id=op_id,
            request_id=op_id,
            kind=kind,
            member=name,
            key=key,
            method=method,
            path=path,
            body=body,
            facts=facts or {},
            asked={} if asked is None else {"op": kind, "member_id": name, **(body or {}), **asked},
            idempotency_key=f"key-{op_id}" if wants_key else None,
        )

    def _pick(self, things: list[Any], *, other: Any) -> Any:
        """Mostly one of the last few; now and then any, or one that there is not."""
        chance = self._random.random()
        if not things or chance < 0.04:
            return other
        return self._random.choice(things if chance < 0.2 else things[-4:])

    # --- points ---------------------------------------------------------------------------------------------

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

    # --- the rest -------------------------------------------------------------------------------------------

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

    def _claim_scarce(self, name: str) -> Op:
        path = f"/v1/members/{name}/coupons"
        return self._op("claim_scarce", name, "claim_coupon/", path, {"template": SCARCE}, keyed=True)

    def _code(self, name: str) -> str:
        return self._random.choice(self._fresh[name])

    def _claim_code(self, name: str) -> Op:
        code = self._code(name)
        path = f"/v1/members/{name}/coupons"
        return self._op(
            "claim_code", name, "claim_coupon/", path, {"code": code}, facts={"code": code}, keyed=True
        )

    def _with_coupon(self, kind: str, verb: str, name: str, code: str, reference: str, **more: Any) -> Op:
        return self._op(
            kind,
            name,
            f"{kind}/{code}/{reference}",
            f"/v1/coupons/{code}/{verb}",
            {"reference": reference, "member_id": name, **more},
            facts={"code": code, "reference": reference, **more},
        )

    def _lock(self, name: str) -> Op:
        code, reference = self._code(name), self._name("l")
        self._known[name].locks.append((code, reference))
        seconds = self._random.choice(HOLD_SECONDS)
        return self._with_coupon("lock_coupon", "lock", name, code, reference, hold_seconds=seconds)

    def _unlock(self, name: str) -> Op:
        code, reference = self._a_lock("unlock_coupon", name)
        return self._with_coupon("unlock_coupon", "unlock", name, code, reference)

    def _redeem_coupon(self, name: str) -> Op:
        code, reference = self._a_lock("redeem_coupon", name)
        return self._with_coupon("redeem_coupon", "redeem", name, code, reference)

    def _a_lock(self, kind: str, name: str) -> tuple[str, str]:
        known = self._known[name]
        found = [lock for lock in known.locks if f"{kind}/{lock}" not in known.ended]
        lock = self._pick(found, other=None) or (self._code(name), self._name("l"))
        known.ended.add(f"{kind}/{lock}")
        return lock

    def _roll_back(self, name: str) -> Op:
        return self._with_coupon("roll_back_coupon", "rollback", name, self._code(name), self._name("z"))

    def _hold(self, name: str) -> Op:
        checkout, amount = self._name("k"), self._random.choice((0, 1_500, 6_000, 20_000, 90_000))
        points, cash = self._random.choice((0, 0, 100, 300, 50)), self._random.choice((0, 0, 0, 700))
        code = self._random.choice((None, self._code(name)))
        seconds = self._random.choice(HOLD_SECONDS)
        self._known[name].checkouts.append(checkout)
        body = {
            "checkout_id": checkout,
            "member_id": name,
            "items": [{"line_id": "1", "sku": "s1", "quantity": 1, "amount": amount}],
            "points": points,
            "cash": cash,
            "coupons": [] if code is None else [code],
            "hold_seconds": seconds,
        }
        facts = {
            "checkout": checkout,
            "amount": amount,
            "points": points,
            "cash": cash,
            "coupon": code,
            "seconds": seconds,
        }
        return self._op("hold", name, f"hold/{checkout}", "/v1/checkouts", body, facts=facts)

    def _checkout(self, kind: str, name: str) -> str:
        known = self._known[name]
        found = [checkout for checkout in known.checkouts if f"{kind}/{checkout}" not in known.ended]
        checkout = self._pick(found, other="") or self._name("none")
        known.ended.add(f"{kind}/{checkout}")
        return checkout

    def _complete(self, name: str) -> Op:
        checkout = self._checkout("complete", name)
        earn_only = self._random.random() < 0.3
        return self._op(
            "complete",
            name,
            f"order/{checkout}",
            f"/v1/checkouts/{checkout}/complete",
            {"earn_only": earn_only},
            facts={"checkout": checkout, "earn_only": earn_only},
        )

    def _release(self, name: str) -> Op:
        checkout = self._checkout("release", name)
        path = f"/v1/checkouts/{checkout}/cancel"
        return self._op("release", name, f"release/{checkout}", path, facts={"checkout": checkout})

    def _refund_checkout(self, name: str) -> Op:
        checkout = self._pick(self._known[name].checkouts, other="k0")
        reference, amount = self._name("y"), self._random.choice((1, 300, 2_500, 20_000))
        return self._op(
            "refund_checkout",
            name,
            f"refund_checkout/{checkout}/{reference}",
            f"/v1/checkouts/{checkout}/refund",
            {"reference": reference, "amount": amount},
            facts={"checkout": checkout, "amount": amount},
        )

    def _look(self, name: str) -> Op:
        return self._op("look", name, "", f"/v1/members/{name}", method="GET")

    def _enrol(self, name: str) -> Op:
        return self._op("enrol", name, "", f"/v1/members/{name}", {"region": "CN-31"}, method="PUT", asked={})


def ops_of(asked: list[list[Op | Batch]]) -> Iterator[Op]:
    """Every command in these requests."""
    for client in asked:
        for each in client:
            yield from each.ops if isinstance(each, Batch) else (each,)
