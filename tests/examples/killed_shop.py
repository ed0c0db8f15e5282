"""The example's shop buys and takes back, and dies by SIGKILL where it is told to: before or after its nth save.

Run as `killed_shop.py BOOKS ADDRESS KEY ORDER MEMBER FALL`, FALL being `before 3`, `after 3` or `never`.
"""

import json
import os
import signal
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"
sys.path.insert(0, str(EXAMPLES))

import checkout  # noqa: E402


class KilledShop(checkout.Shop):
    """Counts what it writes down."""

    saves = 0

    def save(self, order: checkout.Order, **changes: object) -> None:
        self.saves += 1
        self._fall(f"before {self.saves}")
        super().save(order, **changes)
        self._fall(f"after {self.saves}")

    def _fall(self, moment: str) -> None:
        if moment == sys.argv[6]:
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    books, address, key, order_id, member_id = sys.argv[1:6]
    shop = KilledShop(Path(books), checkout.Loyalty(address, key))
    shop.buy(order_id, member_id, json.loads((EXAMPLES / "cart.json").read_text()))
    shop.take_back(order_id, "r-1", [{"line_id": "1", "quantity": 1}])
