"""What wire shapes are made of."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any

import pytest
from pydantic import TypeAdapter, ValidationError

from app.schemas.common import Answer, Attributes, Day, Instant, MemberId, Points, Wire, text


class Body(Wire):
    """One of each."""

    at: Instant | None = None
    on: Day | None = None
    member_id: MemberId | None = None
    points: Points | None = None
    name: Annotated[str, text(max_length=5)] | None = None
    attributes: Attributes | None = None


class Moment(Answer):
    """A time that is answered."""

    at: datetime


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-03-05T10:00:00+08:00", datetime(2026, 3, 5, 2, tzinfo=UTC)),
        ("2026-03-05T02:00:00Z", datetime(2026, 3, 5, 2, tzinfo=UTC)),
        ("2026-03-05t02:00:00z", datetime(2026, 3, 5, 2, tzinfo=UTC)),
        ("2026-03-05T02:00:00.123456789Z", datetime(2026, 3, 5, 2, 0, 0, 123456, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_with_its_offset(written: str, meant: datetime) -> None:
    assert Body.model_validate({"at": written}).at == meant


@pytest.mark.parametrize(
    "value",
    [
        "2026-03-05T10:00:00",
        "2026-03-05",
        "2026-03-05 10:00:00Z",
        "2026-02-30T10:00:00Z",
        "2026-03-05T10:00:60Z",
        "2026-03-05T10:00:00+99:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "1899-12-31T23:59:59Z",
        "２０２６-03-05T10:00:00Z",
        "2026-03-05T10:00:00Z\n",
        1772676000,
        1772676000.0,
        True,
        "",
        "\ud800",
        [],
    ],
)
def test_what_is_no_time_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError):
        Body.model_validate({"at": value})


def test_a_time_is_answered_in_utc_without_an_empty_fraction() -> None:
    assert (
        Moment(at=datetime(2027, 3, 1, 16, tzinfo=UTC)).model_dump_json() == '{"at":"2027-03-01T16:00:00Z"}'
    )


def test_a_day_is_a_date_alone() -> None:
    assert Body.model_validate({"on": "2024-02-29"}).on == date(2024, 2, 29)
    for wrong in ("2023-02-29", "2026-3-5", "2026-03-05T00:00:00Z", "0000-00-00", "2026-03-05\n", 20260305):
        with pytest.raises(ValidationError):
            Body.model_validate({"on": wrong})


@pytest.mark.parametrize("value", ["a b", "", "a" * 65, "u-1\n", "王", "a/b", "\0", "\ud800", 7])
def test_an_id_is_1_to_64_plain_characters(value: Any) -> None:
    with pytest.raises(ValidationError):
        Body.model_validate({"member_id": value})


@pytest.mark.parametrize("value", [0, -1, 10**12 + 1, 10**400, "1", 1.0, True, float("inf"), float("nan")])
def test_points_are_integers_of_at_least_one(value: Any) -> None:
    with pytest.raises(ValidationError):
        Body.model_validate({"points": value})


@pytest.mark.parametrize("value", ["", "123456", "a\nb", "a\0b", "\x7f", "\x85", "\ud800"])
def test_a_text_has_no_control_characters(value: str) -> None:
    with pytest.raises(ValidationError):
        Body.model_validate({"name": value})
    assert Body.model_validate({"name": "王 é🎁"}).name == "王 é🎁"


@pytest.mark.parametrize(
    "value",
    [
        {"a b": 1},
        {"": 1},
        {"a": 1.5},
        {"a": []},
        {"a": {}},
        {"a": 2**60},
        {"a": "\ud800"},
        {f"k{n}": n for n in range(51)},
    ],
)
def test_attributes_are_plain(value: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Body.model_validate({"attributes": value})
    kept = {"store": "上海", "newsletter": True, "visits": 3, "note": None}
    assert Body.model_validate({"attributes": kept}).attributes == kept


def test_the_document_shows_times_as_strings() -> None:
    assert TypeAdapter(Instant).json_schema()["format"] == "date-time"
    assert TypeAdapter(Day).json_schema()["type"] == "string"
