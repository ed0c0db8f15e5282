"""Who calls: scopes, the principal, and the refusals of the door."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from app.domain.errors import ErrorKind, LoyaltyError

ADMIN_SCOPE = "admin"

SCOPES: dict[str, str] = {
    "members:read": "Member status, tier and list, without personal data.",
    "members:write": "Enrol, update, freeze, unfreeze and erase members; give them benefits.",
    "members:pii": "See name, phone, e-mail and birthday in clear, and find members by phone or e-mail.",
    "points:read": "Entries, lots, balances, accruals, redemptions, activities and missions of a member.",
    "points:write": "Accrue, settle, reverse, redeem, reserve, commit, cancel, refund, sign in, transfer; activities.",
    "points:adjust": "Adjust a member's points by hand.",
    "tiers:read": "The ladder of tiers and the tier reviews.",
    "tiers:write": "Evaluate tiers, decide reviews and set a tier by hand.",
    "coupons:read": "Coupon templates, their codes, and members' coupons.",
    "coupons:write": "Make and change coupon templates; make, issue, lock, redeem and void coupons.",
    "checkout:read": "Quotes and checkouts.",
    "checkout:write": "Hold, complete, cancel and refund checkouts.",
    "ledger:read": "The accountant's view: entries of all members and the liability.",
    "program:read": "Versions of the program, drafts too; the rules in force are public.",
    "program:write": "Draft, look at and publish versions of the program.",
    "campaigns:read": "Campaigns, their figures and reports; simulations and backtests.",
    "campaigns:write": "Make, change, start, pause and end campaigns; ask for backtests.",
    "keys:write": "Make, list and revoke API keys that hold no more than the caller's own scopes.",
    ADMIN_SCOPE: "Everything.",
}
"""What a key may be allowed, each with what it opens. No scope contains another, save `admin` all."""

ALL_SCOPES = frozenset(SCOPES)


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller.

    `actor` is what the ledger keeps: `key:<id>`, `member:<id>` or `bootstrap`. `scopes` are spelled out
    (an admin holds every one). `member_id` is set for a member's own token, whose scopes are empty: what
    a member may do is said by each route.
    """

    actor: str
    scopes: frozenset[str]
    member_id: str | None = None

    def needs(self, scope: str) -> None:
        """Raise `ScopeMissing` unless this caller holds `scope`."""
        if scope not in self.scopes:
            raise ScopeMissing(scope=scope)


def spelled_out(scopes: frozenset[str]) -> frozenset[str]:
    """The scopes that `scopes` amount to: all of them for an admin."""
    return ALL_SCOPES if ADMIN_SCOPE in scopes else scopes


class CredentialMissing(LoyaltyError):
    code = "credential_missing"
    kind = ErrorKind.UNAUTHENTICATED
    title = "A credential is required"

    def __init__(self) -> None:
        super().__init__("Send an API key or a member's token as `Authorization: Bearer <credential>`.")


class CredentialInvalid(LoyaltyError):
    code = "credential_invalid"
    kind = ErrorKind.UNAUTHENTICATED
    title = "The credential is not known"

    def __init__(self) -> None:
        super().__init__(
            "No API key or member's token like this is accepted here. Check that it was copied in full, "
            "that it belongs to this service, and that the header reads `Authorization: Bearer <credential>`."
        )


class KeyRevoked(LoyaltyError):
    code = "key_revoked"
    kind = ErrorKind.UNAUTHENTICATED
    title = "The API key was revoked"

    def __init__(self) -> None:
        super().__init__("This API key was revoked for good. Ask for a new one.")


class TokenExpired(LoyaltyError):
    code = "token_expired"
    kind = ErrorKind.UNAUTHENTICATED
    title = "The member's token has expired"

    def __init__(self) -> None:
        super().__init__("This token's `exp` has passed. Get a new one from whoever issues them.")


class TokenKeysUnavailable(LoyaltyError):
    """No signing keys could be read yet: a 401, since nothing vouches for the caller."""

    code = "token_keys_unavailable"
    kind = ErrorKind.UNAUTHENTICATED
    title = "The token can't be verified now"

    def __init__(self) -> None:
        super().__init__(
            "The signing keys of members' tokens can't be read at the moment, so no token can be accepted. "
            "Try again shortly; if it lasts, check LOYALTY_JWT_JWKS_URL."
        )


class ScopeMissing(LoyaltyError):
    """`scope`: what the credential lacks."""

    code = "scope_missing"
    kind = ErrorKind.FORBIDDEN
    title = "The key lacks a scope"

    def __init__(self, *, scope: str) -> None:
        super().__init__(
            f"This needs the scope `{scope}`. Use a key that holds it, or have one made.",
            extra={"required_scope": scope},
        )

    @classmethod
    def example(cls) -> Self:
        return cls(scope="points:write")


class NotForMembers(LoyaltyError):
    code = "not_for_members"
    kind = ErrorKind.FORBIDDEN
    title = "Not open to members' tokens"

    def __init__(self) -> None:
        super().__init__(
            "A member's token may only read that member, sign in, quote, claim and exchange. "
            "Call this from the shop's servers, with an API key."
        )


class NotYourMember(LoyaltyError):
    code = "not_your_member"
    kind = ErrorKind.FORBIDDEN
    title = "The token belongs to another member"

    def __init__(self) -> None:
        super().__init__("A member's token reaches the member it names in `sub`, and no other.")
