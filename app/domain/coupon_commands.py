"""What can be asked about coupons: given out, claimed, locked, redeemed, rolled back, voided."""

from dataclasses import dataclass, replace
from datetime import date
from typing import ClassVar

from app.domain.command import Command


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimCoupon(Command):
    """The member takes a coupon (领取) of a `template`, for points if it has a price, or a `code` of nobody's yet."""

    kind = "claim_coupon"
    needs_active = True

    template: str | None = None
    code: str | None = None

    @property
    def template_issued(self) -> str | None:
        return self.template

    @property
    def codes_named(self) -> tuple[str, ...]:
        return () if self.code is None else (self.code,)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueCoupon(Command):
    """The shop gives the member a coupon; `reference` names the occasion, on which a member gets one."""

    kind = "issue_coupon"
    needs_person = True

    template: str
    reference: str
    reason: str | None = None

    @property
    def template_issued(self) -> str:
        return self.template

    def natural_key(self, today: date) -> str:
        return f"issue/{self.reference}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CouponCommand(Command):
    """Something done with one coupon, named by its code. No `member_id` means its holder's.

    A code that is nobody's yet becomes the named member's by it. Of several coupons got by one public code it means
    the one that its reference has, else the newest that is as it `acts_on`.
    """

    acts_on: ClassVar[str] = "issued"

    code: str
    reference: str

    @property
    def codes_named(self) -> tuple[str, ...]:
        return (self.code,)

    @property
    def codes_held(self) -> tuple[str, ...]:
        return (self.code,)

    def content(self) -> bytes:
        """The hash without the member: found by the code, or named."""
        return Command.content(replace(self, member_id=""))

    def natural_key(self, today: date) -> str:
        return f"{self.kind}/{self.code}/{self.reference}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LockCoupon(CouponCommand):
    """Nobody else may use the coupon until it is redeemed or unlocked, or the lock ends by itself.

    `discount` (minor unit) is what it is going to give: counted in the template's budget.
    """

    kind = "lock_coupon"
    needs_active = True

    hold_seconds: int | None = None
    discount: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class UnlockCoupon(CouponCommand):
    """The lock of this reference ends."""

    kind = "unlock_coupon"
    acts_on = "locked"


@dataclass(frozen=True, slots=True, kw_only=True)
class RedeemCoupon(CouponCommand):
    """The coupon is used up: one that this reference locked, or that nobody did. `discount` as locked if absent."""

    kind = "redeem_coupon"

    discount: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RollBackCoupon(CouponCommand):
    """A redeemed coupon can be used again, if it is still valid."""

    kind = "roll_back_coupon"
    acts_on = "redeemed"


@dataclass(frozen=True, slots=True, kw_only=True)
class VoidCoupon(CouponCommand):
    """The coupon is no good any more."""

    kind = "void_coupon"

    reason: str
