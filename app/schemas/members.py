"""Members on the wire: the person, the status, the list."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from app.domain.account import bucket_of
from app.domain.commands import Enrol, Freeze, Unfreeze
from app.domain.instants import rfc3339
from app.schemas.common import Answer, AttributeName, Attributes, Day, MemberId, Reason, Wire, as_map, text
from app.schemas.parts import Date, Moment, shown
from app.security.pii import PiiRing

MemberStatus = Literal["active", "frozen", "erased"]

_SEALED = ("name", "phone", "email", "birthday")
_PERSON: dict[str, Any] = {
    "name": "王小明",
    "phone": "+86 138 0013 8000",
    "email": "xiaoming@example.com",
    "birthday": "1990-05-17",
    "gender": "male",
    "region": "CN-31",
    "referred_by": "u-1000",
    "consents": {"marketing": {"granted": True, "text_version": "2026-01"}},
    "attributes": {"favourite_store": "Shanghai", "newsletter": True},
}


def _past(day: date) -> date:
    if day > datetime.now(UTC).date() + timedelta(days=1):
        raise PydanticCustomError("birthday", "Should not lie in the future")
    return day


Phone = Annotated[
    str,
    Field(
        max_length=40,
        # 5 to 20 digits, full-width ones too, and what people write between them.
        pattern=r"^[+＋]?[ (（]*(?:[0-9０-９][ ()（）./－-]*){5,20}$",
        description="However it is written; one without a country code is taken for Chinese.",
        examples=["+86 138 0013 8000"],
    ),
]
Email = Annotated[
    str,
    Field(
        min_length=3,
        max_length=254,
        pattern=r"^[^@\s\x00-\x1f\x7f-\x9f]+@[^@\s\x00-\x1f\x7f-\x9f]+$",
        examples=["xiaoming@example.com"],
    ),
]


class ConsentRequest(Wire):
    """What was agreed to or refused, and under which text; we record when."""

    granted: bool = Field(examples=[True])
    text_version: Annotated[str, text(max_length=64)] = Field(
        description="Which wording the person saw.", examples=["2026-01"]
    )


class PersonRequest(Wire):
    """What the shop knows of the person. Only the fields given change; null clears."""

    model_config = shown(_PERSON)

    name: Annotated[str, text(max_length=100)] | None = Field(None, examples=["王小明"])
    phone: Phone | None = None
    email: Email | None = None
    birthday: Annotated[Day, AfterValidator(_past)] | None = Field(
        None,
        description="One that is known may be changed once a year, and is told again only a year after it was cleared.",
        examples=["1990-05-17"],
    )
    gender: Annotated[str, text(max_length=32)] | None = Field(None, examples=["male"])
    region: Annotated[str, text(max_length=100)] | None = Field(
        None, description="Where the member lives, as the shop divides the land.", examples=["CN-31"]
    )
    referred_by: MemberId | None = Field(
        None,
        description="The member who brought this one, by their id or by their referral code. Once set it stays; one "
        "who is no member here is kept as told, and rewards nobody.",
        examples=["u-1000"],
    )
    consents: dict[AttributeName, ConsentRequest] = Field(
        default_factory=dict,
        max_length=50,
        description="By purpose. A purpose given is recorded with the time, others stay; `granted: false` "
        "withdraws.",
        examples=[_PERSON["consents"]],
        json_schema_extra=as_map,
    )
    attributes: Attributes | None = Field(
        None, description="What else the shop wants to keep; given, it replaces all that was kept."
    )

    def to_command(self, member_id: str, pii: PiiRing, *, must_exist: bool = False) -> Enrol:
        """What is asked of the ledger, with the personal data sealed."""
        given = self.model_fields_set
        person: dict[str, Any] = {name: getattr(self, name) for name in given - {"consents", "attributes"}}
        bucket = bucket_of(member_id)
        if self.birthday is not None:
            person["birthday"] = self.birthday.isoformat()
        if "birthday" in given:
            person["birthday_digest"] = (
                None if self.birthday is None else pii.month_digest(self.birthday.month)
            )
            person["birthday_mark"] = (
                None if self.birthday is None else pii.birthday_mark(self.birthday.isoformat())
            )
        if "phone" in given:
            person["phone_digest"] = None if self.phone is None else pii.digest("phone", self.phone)
        if "email" in given:
            person["email_digest"] = None if self.email is None else pii.digest("email", self.email)
        for column in _SEALED:
            if (value := person.get(column)) is not None:
                person[column] = pii.seal(value, column=column, bucket=bucket, member_id=member_id)
        if "attributes" in given:
            person["attributes"] = json.dumps(self.attributes or {}, ensure_ascii=False)
        if self.consents:
            now = rfc3339(datetime.now(UTC))
            person["consents"] = json.dumps(
                {
                    purpose: {**consent.model_dump(), "recorded_at": now}
                    for purpose, consent in self.consents.items()
                },
                ensure_ascii=False,
            )
        return Enrol(member_id=member_id, person=person or None, must_exist=must_exist)


class FreezeRequest(Wire):
    """Why the member is frozen; the body may be left out."""

    model_config = shown({"reason": "card reported stolen"})

    reason: Reason | None = Field(default=None, examples=["card reported stolen"])

    def to_command(self, member_id: str) -> Freeze:
        """What is asked of the ledger."""
        return Freeze(member_id=member_id, reason=self.reason)


class UnfreezeRequest(Wire):
    """Why the member is unfrozen; the body may be left out."""

    model_config = shown({"reason": "identity confirmed"})

    reason: Reason | None = Field(default=None, examples=["identity confirmed"])

    def to_command(self, member_id: str) -> Unfreeze:
        """What is asked of the ledger."""
        return Unfreeze(member_id=member_id, reason=self.reason)


# --- answers ---------------------------------------------------------------------------------------------


class NextTier(Answer):
    """The tier above, and what is missing in spend."""

    code: str = Field(examples=["gold"])
    amount_to_go: int | None = Field(
        description="Still to be spent, in the minor unit; null where spend doesn't count.",
        examples=[231500],
    )


class TierStanding(Answer):
    """The member's tier."""

    code: str = Field(examples=["silver"])
    name: str = Field(examples=["白银会员"])
    since: Moment
    valid_until: Moment | None = Field(description="When its period ends; null: never.")
    next: NextTier | None = Field(description="Null on the highest tier.")


class NextExpiration(Answer):
    """The points that expire next."""

    points: int = Field(examples=[385])
    at: Moment


class PointsStanding(Answer):
    """The member's points."""

    available: int = Field(ge=0, examples=[415])
    pending: int = Field(ge=0, examples=[0])
    reserved: int = Field(ge=0, examples=[100])
    debt: int = Field(ge=0, examples=[0])
    earned: int = Field(description="Settled grants less what refunds took back.", examples=[715])
    redeemed: int = Field(examples=[200])
    expired: int = Field(examples=[0])
    next_expiration: NextExpiration | None


class Spend(Answer):
    """What was spent on settled orders less refunds, in the minor unit."""

    lifetime: int = Field(examples=[68500])
    window: int = Field(description="Within the window that tiers count.", examples=[68500])


class SignInStanding(Answer):
    """The member's streak."""

    streak: int = Field(description="Days in a row, up to today or yesterday.", examples=[3])
    signed_in_today: bool = Field(examples=[True])
    last: Date | None


class Coupons(Answer):
    """The member's coupons."""

    usable: int = Field(examples=[0])


class Member(Answer):
    """Where a member stands."""

    model_config = shown(
        {
            "member_id": "u-1001",
            "status": "active",
            "joined_at": "2026-01-05T02:00:00Z",
            "tier": {
                "code": "silver",
                "name": "白银会员",
                "since": "2026-03-01T04:00:00Z",
                "valid_until": None,
                "next": {"code": "gold", "amount_to_go": 231500},
            },
            "points": {
                "available": 415,
                "pending": 0,
                "reserved": 100,
                "debt": 0,
                "earned": 715,
                "redeemed": 200,
                "expired": 0,
                "next_expiration": {"points": 385, "at": "2027-03-01T16:00:00Z"},
            },
            "growth": 700,
            "cash": 0,
            "spend": {"lifetime": 68500, "window": 68500},
            "sign_in": {"streak": 3, "signed_in_today": True, "last": "2026-03-05"},
            "coupons": {"usable": 0},
        }
    )

    member_id: str = Field(examples=["u-1001"])
    status: MemberStatus
    joined_at: Moment
    tier: TierStanding
    points: PointsStanding
    growth: int = Field(description="Growth value (成长值): never spent, never expires.", examples=[700])
    cash: int = Field(description="Cash back (返利), in the minor unit.", examples=[0])
    spend: Spend
    sign_in: SignInStanding
    coupons: Coupons


class Consent(Answer):
    """What was agreed to or refused."""

    granted: bool = Field(examples=[True])
    text_version: str = Field(examples=["2026-01"])
    recorded_at: Moment


class Profile(Answer):
    """The person behind a member, in clear. All null once the member was erased."""

    model_config = shown(
        {
            "member_id": "u-1001",
            **_PERSON,
            "consents": {
                "marketing": {
                    "granted": True,
                    "text_version": "2026-01",
                    "recorded_at": "2026-01-05T02:00:00Z",
                }
            },
            "updated_at": "2026-01-05T02:00:00Z",
        }
    )

    member_id: str = Field(examples=["u-1001"])
    name: str | None
    phone: str | None
    email: str | None
    birthday: Date | None
    gender: str | None
    region: str | None
    referred_by: str | None
    consents: dict[str, Consent]
    attributes: dict[str, str | int | bool | None]
    updated_at: Moment | None


def profile_of(member_id: str, columns: Mapping[str, Any], pii: PiiRing) -> Profile:
    """The person whose row has these `columns`, each null where nothing is known. Raises `PiiUnreadable`."""
    bucket = bucket_of(member_id)
    updated_at: datetime | None = columns["updated_at"]
    opened: dict[str, Any] = {
        column: None
        if columns[column] is None
        else pii.open(columns[column], column=column, bucket=bucket, member_id=member_id)
        for column in _SEALED
    }
    return Profile(
        member_id=member_id,
        **opened,
        gender=columns["gender"],
        region=columns["region"],
        referred_by=columns["referred_by"],
        consents=columns["consents"] or {},
        attributes=columns["attributes"] or {},
        updated_at=rfc3339(updated_at),
    )
