"""Many operations in one request, on the wire."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PlainValidator
from pydantic_core import PydanticCustomError

from app.domain.command import Command
from app.schemas.accruals import (
    AMOUNT_OR_ITEMS,
    Accrual,
    AccrualRequest,
    Reversal,
    ReversalRequest,
    Settlement,
)
from app.schemas.activities import (
    Activity,
    ActivityRequest,
    ActivityReversalRequest,
    ReversedActivity,
)
from app.schemas.adjustments import Adjustment, AdjustmentRequest
from app.schemas.common import Answer, MemberId, OrderId, Reference, Wire
from app.schemas.members import Member, PersonRequest
from app.schemas.parts import shown
from app.schemas.problem import Problem
from app.schemas.redemptions import (
    HOLDS_IF_RESERVED,
    Cancellation,
    Cancelled,
    CommitRequest,
    Committed,
    Redemption,
    RedemptionRequest,
    Refunded,
    RefundRequest,
)
from app.schemas.sign_ins import SignIn, SignInRequest
from app.schemas.transfers import Transfer, TransferRequest
from app.security.pii import PiiRing

MAX_OPERATIONS = 1_000


class Operation(Wire):
    """One operation; `scope` and `is_verb` (answered 200 also where it made something) as in its own call."""

    scope: ClassVar[str] = "points:write"
    is_verb: ClassVar[bool] = False

    member_id: MemberId

    @abstractmethod
    def command(self, pii: PiiRing) -> Command:
        """What is asked of the ledger, with personal data sealed."""


class AccrueOperation(AccrualRequest, Operation):
    """As `POST /v1/members/{member_id}/accruals`."""

    model_config = shown({"op": "accrue", "member_id": "u-1001", "order_id": "o-2026-0001", "amount": 30000})

    op: Literal["accrue"]

    def command(self, pii: PiiRing) -> Command:  # noqa: ARG002
        """What is asked of the ledger."""
        return self.to_command(self.member_id)


class SettleOperation(Settlement, Operation):
    """As `POST /v1/members/{member_id}/accruals/{order_id}/settle`."""

    model_config = shown({"op": "settle", "member_id": "u-1001", "order_id": "o-2026-0003"})
    is_verb = True

    op: Literal["settle"]
    order_id: OrderId

    def command(self, pii: PiiRing) -> Command:  # noqa: ARG002
        """What is asked of the ledger."""
        return self.to_command(self.member_id, self.order_id)


class ReverseOperation(ReversalRequest, Operation):
    """As `POST /v1/members/{member_id}/accruals/{order_id}/reverse`."""

    model_config = shown(
        {"op": "reverse", "member_id": "u-1001", "order_id": "o-1", "reference": "refund-1", "amount": 12000},
        oneOf=AMOUNT_OR_ITEMS,
    )
    is_verb = True

    op: Literal["reverse"]
    order_id: OrderId

    def command(self, pii: PiiRing) -> Command:  # noqa: ARG002
        """What is asked of the ledger."""
        return self.to_command(self.member_id, self.order_id)


class RedeemOperation(RedemptionRequest, Operation):
    """As `POST /v1/members/{member_id}/redemptions`."""

    model_config = shown(
        {"op": "redeem", "member_id": "u-1001", "reference": "r-2026-0001", "points": 100},
        anyOf=HOLDS_IF_RESERVED,
    )

    op: Literal["redeem"]

    def command(self, pii: PiiRing) -> Command:  # noqa: ARG002
        """What is asked of the ledger."""
        return self.to_command(self.member_id)


class CommitOperation(CommitRequest, Operation):
    """As `POST /v1/members/{member_id}/redemptions/{reference}/commit`."""

    model_config = shown({"op": "commit", "member_id": "u-1001", "reference": "r-2026-0002", "points": 80})
    is_verb = True

    op: Literal["commit"]
    reference: Reference

    def command(self, pii: PiiRing) -> Command:  # noqa: ARG002
        """What is asked of the ledger."""
        return self.to_command(self.member_id, self.reference)


class CancelOperation(Cancellation, Operation):
    """As `POST /v1/members/{member_id}/redemptions/{reference}/cancel`."""

    model_config = shown({"op": "cancel", "member_id": "u-1001", "reference": "r-2026-0004"})
    is_verb = True

    op: Literal["cancel"]
    reference: Reference

    def command(self, pii: PiiRing) -> Command:  # noqa: ARG002
        """What is asked of the ledger."""
        return self.to_command(self.member_id, self.reference)


class RefundOperation(RefundRequest, Operation):
    """As `POST /v1/members/{member_id}/redemptions/{redemption}/refund`."""

    model_config = shown(
        {"op": "refund", "member_id": "u-1001", "redemption": "r-1", "reference": "refund-1"}
    )
    is_verb = True

    op: Literal["refund"]
    redemption: Reference = Field(description="The reference of the redemption that is given back.")

    def command(self, pii: PiiRing) -> Command:  # noqa: ARG002
        """What is asked of the ledger."""
        return self.to_command(self.member_id, self.redemption)


class SignInOperation(SignInRequest, Operation):
    """As `POST /v1/members/{member_id}/sign-ins`."""

    model_config = shown({"op": "sign_in", "member_id": "u-1001"})

    op: Literal["sign_in"]

    def command(self, pii: PiiRing) -> Command:  # noqa: ARG002
        """What is asked of the ledger."""
        return self.to_command(self.member_id)


class ActivityOperation(ActivityRequest, Operation):
    """As `POST /v1/members/{member_id}/activities`."""

    model_config = shown(
        {"op": "activity", "member_id": "u-1001", "reference": "review-88", "kind": "review"}
    )

    op: Literal["activity"]

    def command(self, pii: PiiRing) -> Command:  # noqa: ARG002
        """What is asked of the ledger."""
        return self.to_command(self.member_id)


class ReverseActivityOperation(ActivityReversalRequest, Operation):
    """As `POST /v1/members/{member_id}/activities/{reference}/reverse`."""

    model_config = shown({"op": "reverse_activity", "member_id": "u-1001", "reference": "review-88"})
    is_verb = True

    op: Literal["reverse_activity"]
    reference: Reference

    def command(self, pii: PiiRing) -> Command:  # noqa: ARG002
        """What is asked of the ledger."""
        return self.to_command(self.member_id, self.reference)


class AdjustOperation(AdjustmentRequest, Operation):
    """As `POST /v1/members/{member_id}/adjustments`."""

    model_config = shown(
        {"op": "adjust", "member_id": "u-1001", "reference": "ticket-77", "points": 50, "reason": "late"}
    )
    scope = "points:adjust"

    op: Literal["adjust"]

    def command(self, pii: PiiRing) -> Command:  # noqa: ARG002
        """What is asked of the ledger."""
        return self.to_command(self.member_id)


class TransferOperation(TransferRequest, Operation):
    """As `POST /v1/members/{member_id}/transfers`."""

    model_config = shown(
        {"op": "transfer", "member_id": "u-1001", "reference": "gift-1", "to": "u-1002", "points": 100}
    )

    op: Literal["transfer"]

    def command(self, pii: PiiRing) -> Command:  # noqa: ARG002
        """What is asked of the ledger."""
        return self.to_command(self.member_id)


class EnrolOperation(PersonRequest, Operation):
    """As `PUT /v1/members/{member_id}`."""

    model_config = shown({"op": "enrol", "member_id": "u-1001", "region": "CN-31"})
    scope = "members:write"

    op: Literal["enrol"]

    def command(self, pii: PiiRing) -> Command:
        """What is asked of the ledger."""
        return self.to_command(self.member_id, pii)


OPERATIONS: dict[str, type[Operation]] = {
    "accrue": AccrueOperation,
    "settle": SettleOperation,
    "reverse": ReverseOperation,
    "redeem": RedeemOperation,
    "commit": CommitOperation,
    "cancel": CancelOperation,
    "refund": RefundOperation,
    "sign_in": SignInOperation,
    "activity": ActivityOperation,
    "reverse_activity": ReverseActivityOperation,
    "adjust": AdjustOperation,
    "transfer": TransferOperation,
    "enrol": EnrolOperation,
}
"""By `op`."""

AnyOperation = Annotated[
    AccrueOperation
    | SettleOperation
    | ReverseOperation
    | RedeemOperation
    | CommitOperation
    | CancelOperation
    | RefundOperation
    | SignInOperation
    | ActivityOperation
    | ReverseActivityOperation
    | AdjustOperation
    | TransferOperation
    | EnrolOperation,
    Field(discriminator="op"),
]


def _some(operations: object) -> object:
    if not isinstance(operations, list):
        raise PydanticCustomError("list_type", "Should be a list of operations")
    count = len(operations)  # pyright: ignore[reportUnknownArgumentType]
    if not 1 <= count <= MAX_OPERATIONS:
        raise PydanticCustomError("operations_count", "Should hold 1 to 1000 operations")
    return operations  # pyright: ignore[reportUnknownVariableType]


class BatchRequest(Wire):
    """Operations of any kind. Each is checked by itself, so that a wrong one fails alone."""

    model_config = shown(
        {
            "operations": [
                {"op": "enrol", "member_id": "u-1001"},
                {"op": "accrue", "member_id": "u-1001", "order_id": "o-2026-0001", "amount": 30000},
                {"op": "redeem", "member_id": "u-1001", "reference": "r-2026-0001", "points": 1000},
            ]
        }
    )

    operations: Annotated[
        list[Any],
        PlainValidator(
            _some,
            json_schema_input_type=Annotated[
                list[AnyOperation], Field(min_length=1, max_length=MAX_OPERATIONS)
            ],
        ),
    ] = Field(description="One member's are decided in this order, each seeing those before it.")


class Result(Answer):
    """What the operation's own call would have answered."""

    status: int = Field(description="The HTTP status.", examples=[201])
    body: (
        Accrual
        | Reversal
        | Redemption
        | Committed
        | Cancelled
        | Refunded
        | SignIn
        | Activity
        | ReversedActivity
        | Adjustment
        | Transfer
        | Member
        | Problem
    )
    replayed: bool = Field(description="Whether this was answered before.", examples=[False])


class BatchAnswer(Answer):
    """One result an operation, in the order of the operations."""

    results: list[Result]
