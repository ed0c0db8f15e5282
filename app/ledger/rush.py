"""A rush goes on long after the stock is gone: such claims need no locks, and leave nothing behind."""

from __future__ import annotations

from collections.abc import Sequence

from app.domain.command import Command
from app.domain.coupon_commands import ClaimCoupon
from app.domain.coupon_errors import CouponExhausted
from app.domain.errors import LoyaltyError
from app.ledger.claims import Claim, read_keys
from app.ledger.connection import Connection
from app.ledger.outcome import Outcome
from app.ledger.rack import TemplateRack


async def refuse_exhausted(
    connection: Connection, asked: Sequence[tuple[Command, Claim | None]], rack: TemplateRack
) -> dict[int, Outcome | LoyaltyError]:
    """The results, by position, of claims whose template has nothing left. What was answered before is so again.

    The rack must have been brought up to date in this transaction.
    """
    late = {
        position: claim
        for position, (command, claim) in enumerate(asked)
        if isinstance(command, ClaimCoupon) and rack.is_exhausted(command.template)
    }
    if not late:
        return {}
    answered = await read_keys(connection, [claim.key for claim in late.values() if claim is not None])
    results: dict[int, Outcome | LoyaltyError] = {}
    for position, claim in late.items():
        try:
            known = claim and claim.key in answered and answered[claim.key].outcome_for(claim)
        except LoyaltyError as refusal:
            results[position] = refusal
        else:
            results[position] = known or CouponExhausted()
    return results
