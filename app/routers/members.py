"""Members join, are known, frozen and forgotten."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Request, Response
from pydantic import BeforeValidator, Field
from pydantic_core import to_json

from app.database import Database
from app.domain.commands import Erase
from app.domain.errors import MemberErased, MemberNotFound, ReferrerFixed, ReferrerIsSelf
from app.domain.members import BirthdayChangedRecently
from app.domain.referral_binding import ReferralRing
from app.queries.members import MemberReader
from app.queries.people import find_members, members_with, read_person
from app.routers import door
from app.routers.commands import CREATED, carry_out, celebrate, refusals
from app.routers.dependencies import BUCKET, CursorInvalid, PageQuery, decode_cursor, encode_cursor
from app.routers.document import problems
from app.routers.door import caller_of, require
from app.routers.etags import not_modified, tagged
from app.schemas.common import Instant, Listing, MemberId, text
from app.schemas.members import (
    Email,
    FreezeRequest,
    Member,
    MemberStatus,
    PersonRequest,
    Phone,
    Profile,
    UnfreezeRequest,
    profile_of,
)
from app.security.pii import LookupKind, PiiRing

router = door.router("members")

_OF_PERSON = (MemberErased, ReferrerFixed, ReferrerIsSelf, ReferralRing, BirthdayChangedRecently)

_ETAG, _IF_NONE_MATCH = tagged("status", example='"7.1.739680.2"')


def _with_plus(phone: object) -> object:
    # A plus that wasn't escaped in the query arrives as a blank.
    return f"+{phone[1:]}" if isinstance(phone, str) and phone.startswith(" ") else phone


class MembersQuery(PageQuery):
    """What the members of a list have in common."""

    status: MemberStatus | None = None
    tier: Annotated[str, text(max_length=64)] | None = Field(
        None, description="The code of their tier.", examples=["gold"]
    )
    phone: Annotated[Phone, BeforeValidator(_with_plus)] | None = Field(
        None, description="However it is written. Needs the scope `members:pii`."
    )
    email: Email | None = Field(None, description="In any case. Needs the scope `members:pii`.")
    joined_from: Instant | None = Field(None, description="They joined then or later.")
    joined_to: Instant | None = Field(None, description="They joined before then.")


# Found first: this is what mobile apps ask for.
@router.get(
    "/v1/members/{member_id}",
    operation_id="get_member",
    response_model=Member,
    responses={
        200: {"headers": _ETAG},
        304: {"description": "It is as you know it.", "headers": _ETAG},
        **problems(MemberNotFound),
    },
    openapi_extra={"parameters": [_IF_NONE_MATCH]},
)
@require("members:read", member=True)
async def get_status(member_id: MemberId, request: Request) -> Response:
    """Read where a member stands, as a mobile app shows it.

    Exact at this moment: points that have expired don't show, whether or not that was written down yet.
    """
    reader: MemberReader = request.app.state.reader
    reading = await reader.read(member_id)
    if reading is None:
        raise MemberNotFound
    tag = f'"{reading.tag()}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    known = not_modified(request, tag, headers)
    return known or Response(to_json(reading.status()), media_type="application/json", headers=headers)


@router.get(
    "/v1/members",
    operation_id="list_members",
    responses=problems(CursorInvalid),
)
@require("members:read")
async def list_members(query: Annotated[MembersQuery, Query()], request: Request) -> Listing[Member]:
    """List members and where they stand, in an order of no meaning that stays the same.

    All filters given must hold. Finding by phone or e-mail needs `members:pii` too.
    """
    digests: list[tuple[LookupKind, bytes]] = []
    if query.phone is not None or query.email is not None:
        caller_of(request).needs("members:pii")
        pii: PiiRing = request.app.state.pii
        if query.phone is not None:
            digests.append(("phone", pii.digest("phone", query.phone)))
        if query.email is not None:
            digests.append(("email", pii.digest("email", query.email)))
    after = None if query.cursor is None else decode_cursor(query.cursor, BUCKET, str)
    database: Database = request.app.state.database
    async with database.engine.connect() as connection:
        found = await find_members(
            connection,
            among=await members_with(connection, digests) if digests else None,
            status=query.status,
            tier=query.tier,
            joined_from=query.joined_from,
            joined_to=query.joined_to,
            after=after and (after[0], after[1]),
            limit=query.limit + 1,
        )
    page = found[: query.limit]
    reader: MemberReader = request.app.state.reader
    statuses = await reader.statuses([member_id for _, member_id in page])
    return Listing(
        data=[Member.model_validate(status) for status in statuses if status is not None],
        next_cursor=encode_cursor(*page[-1]) if len(found) > len(page) else None,
    )


@router.get(
    "/v1/members/{member_id}/profile", operation_id="get_member_profile", responses=problems(MemberNotFound)
)
@require("members:pii", member=True)
async def get_profile(member_id: MemberId, request: Request) -> Profile:
    """Read the person behind a member, in clear.

    What is kept of name, phone, e-mail and birthday is encrypted; nothing is left once the member is erased.
    """
    database: Database = request.app.state.database
    async with database.engine.connect() as connection:
        person = await read_person(connection, member_id)
    if person is None:
        raise MemberNotFound
    return profile_of(member_id, person, request.app.state.pii)


@router.put(
    "/v1/members/{member_id}",
    status_code=CREATED,
    operation_id="enrol_member",
    response_model=Member,
    responses=refusals(Member, *_OF_PERSON),
)
@require("members:write")
async def enrol(
    member_id: MemberId, body: PersonRequest, request: Request, response: Response
) -> dict[str, Any]:
    """Enrol a member, or update what is known of one.

    Only the fields given change and null clears, so `{}` enrols and changes nothing later. Answers the
    member's status. A birthday that is known may be changed once a year. Who brought the member is told in
    `referred_by`, by their id or their referral code: it binds on joining, or before the first order.
    """
    answer = await carry_out(body.to_command(member_id, request.app.state.pii), request, response)
    await celebrate(member_id, body.birthday, request)
    return answer


@router.patch(
    "/v1/members/{member_id}",
    operation_id="update_member",
    response_model=Member,
    responses=refusals(Member, *_OF_PERSON, is_verb=True),
)
@require("members:write")
async def update(
    member_id: MemberId, body: PersonRequest, request: Request, response: Response
) -> dict[str, Any]:
    """Update what is known of a member, never enrolling one.

    Only the fields given change and null clears.
    """
    command = body.to_command(member_id, request.app.state.pii, must_exist=True)
    answer = await carry_out(command, request, response, is_verb=True)
    await celebrate(member_id, body.birthday, request)
    return answer


@router.post(
    "/v1/members/{member_id}/freeze",
    operation_id="freeze_member",
    response_model=Member,
    responses=refusals(Member, MemberErased, is_verb=True),
)
@require("members:write")
async def freeze(
    member_id: MemberId, request: Request, response: Response, body: FreezeRequest | None = None
) -> dict[str, Any]:
    """Freeze a member: nothing can be earned or spent until it is unfrozen.

    Settling, reversing, refunding, committing, cancelling and expiry go on. Freezing one that is frozen
    changes nothing.
    """
    command = (body or FreezeRequest()).to_command(member_id)
    return await carry_out(command, request, response, is_verb=True)


@router.post(
    "/v1/members/{member_id}/unfreeze",
    operation_id="unfreeze_member",
    response_model=Member,
    responses=refusals(Member, MemberErased, is_verb=True),
)
@require("members:write")
async def unfreeze(
    member_id: MemberId, request: Request, response: Response, body: UnfreezeRequest | None = None
) -> dict[str, Any]:
    """Let a frozen member earn and spend again. Unfreezing one that is active changes nothing."""
    command = (body or UnfreezeRequest()).to_command(member_id)
    return await carry_out(command, request, response, is_verb=True)


@router.delete(
    "/v1/members/{member_id}",
    operation_id="erase_member",
    response_model=Member,
    responses=refusals(Member, is_verb=True),
)
@require("members:write")
async def erase(member_id: MemberId, request: Request, response: Response) -> dict[str, Any]:
    """Erase the person behind a member, for good.

    Name, phone, e-mail, birthday and all else that is known of the person is deleted. The ledger stands,
    under the id, which can't be enrolled again. Answers the member's last status; again it changes nothing.
    """
    return await carry_out(Erase(member_id=member_id), request, response, is_verb=True)
