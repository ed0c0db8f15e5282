"""What several rules of coupons and their templates may refuse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from app.domain.errors import ErrorKind, LoyaltyError

_CODES_TOLD = 10


class TemplateNotFound(LoyaltyError):
    code = "template_not_found"
    kind = ErrorKind.NOT_FOUND
    title = "Unknown coupon template"

    def __init__(self) -> None:
        super().__init__("There is no such coupon template. GET /v1/coupon-templates lists them.")


class TemplateNotActive(LoyaltyError):
    """`state`: `paused` or `ended`."""

    code = "template_not_active"
    kind = ErrorKind.CONFLICT
    title = "The coupon template is not active"

    def __init__(self, *, state: str) -> None:
        super().__init__(
            f"The template is {state}: no coupons are given out. "
            + ("Set its state to active first." if state == "paused" else "Make another template."),
            extra={"state": state},
        )

    @classmethod
    def example(cls) -> Self:
        return cls(state="paused")


class TemplateAutomatic(LoyaltyError):
    code = "template_automatic"
    kind = ErrorKind.CONFLICT
    title = "The template needs no coupons"

    def __init__(self) -> None:
        super().__init__(
            "An automatic template applies to every cart that fits, without a coupon. Make a template that is not "
            "automatic to give out coupons."
        )


class CouponExhausted(LoyaltyError):
    """`left`: how many could still be given out."""

    code = "coupon_exhausted"
    kind = ErrorKind.CONFLICT
    title = "No coupons are left"

    def __init__(self, *, left: int = 0) -> None:
        super().__init__(
            f"Of the template's stock {left} are left to be given out. Ask for at most that, or raise the stock.",
            extra={"left": left},
        )


class CodeTaken(LoyaltyError):
    """`count`: how many of the codes sent are taken; `codes`: the first of them."""

    code = "code_taken"
    kind = ErrorKind.CONFLICT
    title = "A coupon code is taken"

    def __init__(self, codes: Sequence[str]) -> None:
        super().__init__(
            f"{len(codes)} of the codes lead to a coupon already, so nothing was made. Send other codes.",
            extra={"count": len(codes), "codes": list(codes[:_CODES_TOLD])},
        )

    @classmethod
    def example(cls) -> Self:
        return cls(["SPRING30"])
