"""Commands on coupons and checkouts, drawn."""

from typing import Any, Final

from chaos.drawing import HOLD_SECONDS, Drawing, codes_of
from chaos.record import Op

SCARCE: Final = "scarce"
"""The template of which there are fewer coupons than are asked for."""


class DrawnCoupons(Drawing):
    """Draws one command at a time, of a member."""

    def _claim_scarce(self, name: str) -> Op:
        path = f"/v1/members/{name}/coupons"
        return self._op("claim_scarce", name, "claim_coupon/", path, {"template": SCARCE}, keyed=True)

    def _code(self, name: str) -> str:
        return self._random.choice(codes_of(name))

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

    def _void(self, name: str) -> Op:
        more = {"reason": "chaos"}
        return self._with_coupon("void_coupon", "void", name, self._code(name), self._name("w"), **more)

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

    def _extend(self, name: str) -> Op:
        checkout = self._pick(self._known[name].checkouts, other="k0")
        seconds = self._random.choice(HOLD_SECONDS)
        return self._op(
            "extend",
            name,
            "extend/",
            f"/v1/checkouts/{checkout}/extend",
            {"hold_seconds": seconds},
            facts={"checkout": checkout, "seconds": seconds},
            keyed=True,
        )

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
