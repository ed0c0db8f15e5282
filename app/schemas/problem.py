"""The body of every refusal: RFC 9457."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Mistake(BaseModel):
    """One thing that is wrong with the request, and where."""

    place: Literal["body", "query", "path", "header"] = Field(alias="in")
    pointer: str = Field(
        description="In the body a JSON pointer (`/items/0/amount`, empty for the whole body); "
        "`?limit` a query parameter, `{member_id}` a part of the path, else a header's name."
    )
    code: str = Field(description="Stable, for programs.", examples=["greater_than_equal"])
    detail: str = Field(description="What it should be.")
    line: int | None = Field(None, description="In a condition: at which line of it.")
    column: int | None = Field(None, description="In a condition: at which character of that line, from 1.")


class Problem(BaseModel):
    """Why a request was refused (RFC 9457). Some codes add members of their own, such as `available`."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="`urn:loyalty:problem:` and the code.")
    title: str = Field(description="What sort of problem; the same for every one of this code.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What to do about it.")
    code: str = Field(description="Stable, snake_case: for programs to tell problems by.")
    request_id: str = Field(description="Names this request in the service's logs.")
    errors: list[Mistake] | None = Field(None, description="With status 422: each mistake, and where it is.")
