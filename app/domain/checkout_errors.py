"""What can be said against holding, completing or refunding a checkout."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

from app.domain.errors import ErrorKind, LoyaltyError


class CheckoutNotFound(LoyaltyError):
    code = "checkout_not_found"
    kind = ErrorKind.NOT_FOUND
    title = "Unknown checkout"

    def __init__(self) -> None:
        super().__init__("There is no checkout under this checkout_id. Make it with POST /v1/checkouts.")


class PointsOverLimit(LoyaltyError):
    """`max`: the most points that may be used on this cart now."""

    code = "points_over_limit"
    kind = ErrorKind.CONFLICT
    title = "These points can't be used on this cart"

    def __init__(self, *, max_points: int, min_points: int, step_points: int) -> None:
        super().__init__(
            f"Nothing is held. At most {max_points} points may be used on this cart now, at least {min_points}, "
            f"in steps of {step_points}.",
            extra={"max": max_points, "min": min_points, "step": step_points},
        )

    @classmethod
    def example(cls) -> Self:
        return cls(max_points=5_000, min_points=100, step_points=100)


class CashOverLimit(LoyaltyError):
    """`max`: the most cash (minor unit) that may be used on this cart now."""

    code = "cash_over_limit"
    kind = ErrorKind.CONFLICT
    title = "So much cash can't be used on this cart"

    def __init__(self, *, max_fen: int) -> None:
        super().__init__(
            f"Nothing is held. At most {max_fen} of the cash wallet may be used on this cart now.",
            extra={"max": max_fen},
        )

    @classmethod
    def example(cls) -> Self:
        return cls(max_fen=1_000)


class QuoteChanged(LoyaltyError):
    """`difference`: of each figure that is another now, what was `quoted` and what it is `now`."""

    code = "quote_changed"
    kind = ErrorKind.CONFLICT
    title = "The cart costs something else now"

    def __init__(self, difference: Mapping[str, tuple[int, int]]) -> None:
        told = ", ".join(f"{name} {quoted} is {now} now" for name, (quoted, now) in difference.items())
        super().__init__(
            f"Nothing is held: {told}. Ask for a new quote, show it, and hold that.",
            extra={
                "difference": {
                    name: {"quoted": quoted, "now": now} for name, (quoted, now) in difference.items()
                }
            },
        )

    @classmethod
    def example(cls) -> Self:
        return cls({"payable": (27_000, 30_000)})


class CheckoutCancelled(LoyaltyError):
    code = "checkout_cancelled"
    kind = ErrorKind.CONFLICT
    title = "The checkout was cancelled"

    def __init__(self) -> None:
        super().__init__(
            "This checkout was cancelled and holds nothing. Hold the cart again under a new checkout_id."
        )


class HoldLapsed(LoyaltyError):
    """`missing`: what the checkout held and is not free any more, such as points (`needed`, `available`)."""

    code = "hold_lapsed"
    kind = ErrorKind.CONFLICT
    title = "The hold has lapsed"

    def __init__(self, missing: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(
            "The hold ended by itself and what it held is not all free any more. To complete without what is "
            "missing, since the money is taken, send `earn_only: true`; else hold the cart under a new checkout_id.",
            extra={"missing": list(missing)},
        )

    @classmethod
    def example(cls) -> Self:
        return cls([{"what": "points", "needed": 1_000, "available": 400}])


class CheckoutNotHeld(LoyaltyError):
    """`checkout_status`: what the checkout is."""

    code = "checkout_not_held"
    kind = ErrorKind.CONFLICT
    title = "The checkout holds nothing"

    def __init__(self, *, status: str) -> None:
        super().__init__(
            f"The checkout is {status}: there is no hold to extend or to cancel.",
            extra={"checkout_status": status},
        )

    @classmethod
    def example(cls) -> Self:
        return cls(status="lapsed")


class CheckoutNotCompleted(LoyaltyError):
    """`checkout_status`: what the checkout is."""

    code = "checkout_not_completed"
    kind = ErrorKind.CONFLICT
    title = "The checkout is not completed"

    def __init__(self, *, status: str) -> None:
        super().__init__(
            f"The checkout is {status}: only what was completed can be refunded. Cancel a held one instead.",
            extra={"checkout_status": status},
        )

    @classmethod
    def example(cls) -> Self:
        return cls(status="held")


class PaidExceedsCheckout(LoyaltyError):
    """`payable`: what the checkout costs (minor unit)."""

    code = "paid_exceeds_checkout"
    kind = ErrorKind.UNPROCESSABLE
    title = "More was paid than the checkout costs"

    def __init__(self, *, payable_fen: int) -> None:
        super().__init__(
            f"The checkout costs {payable_fen}; `paid` may be that or less. Leave it out if all was paid.",
            extra={"payable": payable_fen},
        )

    @classmethod
    def example(cls) -> Self:
        return cls(payable_fen=27_000)
