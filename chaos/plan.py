"""What is going to be asked: drawn by the seed alone, so that a seed always asks the same."""

from collections.abc import Callable, Iterator
from typing import Final

from chaos.drawn_coupons import DrawnCoupons
from chaos.drawn_points import DrawnPoints
from chaos.record import Batch, Op

BATCH_SIZES: Final = (2, 5, 20)
BATCHES_PERCENT: Final = 4
THRICE_PERCENT: Final = 12
"""Of a hundred requests so many are sent three times at once."""


class Plan(DrawnPoints, DrawnCoupons):
    """Draws the commands of each client, round after round."""

    def __init__(self, seed: int, *, clients: int) -> None:
        super().__init__(seed)
        self._clients = clients
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
            (3, self._extend),
            (1, self._void),
            (1, self._freeze),
            (1, self._unfreeze),
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
        self._rounds += 1
        asked: list[list[Op | Batch]] = [[] for _ in range(self._clients)]
        for _ in range(each):
            for client in asked:
                drawn = self._next()
                client.append(drawn)
                if isinstance(drawn, Op) and drawn.kind == "freeze":  # not for long
                    client.append(self._unfreeze(drawn.member))
        return asked

    def _next(self) -> Op | Batch:
        if self._random.randrange(100) < BATCHES_PERCENT:
            return self._batch()
        op = self._one()
        op.copies = self._copies()
        return op

    def _copies(self) -> int:
        return 3 if self._random.randrange(100) < THRICE_PERCENT else 1

    def _one(self) -> Op:
        [draw] = self._random.choices(self._kinds, self._weights)
        return draw(self._member())

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

    def _look(self, name: str) -> Op:
        return self._op("look", name, "", f"/v1/members/{name}", method="GET")

    def _enrol(self, name: str) -> Op:
        return self._op("enrol", name, "", f"/v1/members/{name}", {"region": "CN-31"}, method="PUT", asked={})


def ops_of(asked: list[list[Op | Batch]]) -> Iterator[Op]:
    """Every command in these requests."""
    for client in asked:
        for each in client:
            yield from each.ops if isinstance(each, Batch) else (each,)
