"""Members join, are brought along, frozen, forgotten. Source: RULES.md, Points (frozen), Members."""

from datetime import timedelta

import pytest

from app.domain.account import bucket_of
from app.domain.answers import answer
from app.domain.command import Command
from app.domain.commands import (
    Accrue,
    Adjust,
    Cancel,
    Commit,
    DecideReview,
    Enrol,
    Erase,
    EvaluateTier,
    Freeze,
    Import,
    Mature,
    Redeem,
    Refund,
    Reverse,
    SetTier,
    Settle,
    SignIn,
    Transfer,
    Unfreeze,
)
from app.domain.errors import (
    LoyaltyError,
    MemberErased,
    MemberFrozen,
    MemberNotFound,
    ReferrerFixed,
    ReferrerIsSelf,
    ReviewClosed,
)
from app.domain.members import BirthdayChangedRecently, ImportAheadOfTime
from tests.domain.book import START, Book


def test_the_bucket_is_stable_for_good() -> None:
    assert [bucket_of(member) for member in ("u-1001", "a", "z" * 64)] == [57, 3, 32]


def test_a_new_member_has_the_lowest_tier_and_nothing_else() -> None:
    book = Book()
    known = {name: value for name, value in book.account()._asdict().items() if value != 0}
    assert {name: value for name, value in known.items() if value is not None} == {
        "bucket": bucket_of("m"),
        "member_id": "m",
        "status": "active",
        "joined_at": START,
        "lot_floor": 1,
        "tier": "bronze",
        "tier_since": START,
        "tier_state": "held",
        "campaigns": b"",
    }
    assert {name for name, value in known.items() if value is None} == {
        "tier_valid_until", "approved_tier", "reviewed_tier", "review", "last_sign_in", "last_at", "due_at",
        "hold_due_at", "next_expires_at", "coupon_due_at", "benefits_at", "invited_by",
    }  # fmt: skip


def test_enrolling_again_changes_the_person_alone() -> None:
    book = Book()
    before = book.account()
    change = book.later(days=1).decide(Enrol(member_id="m", person={"name": b"x"}))
    assert (change.account, change.entry, change.person) == (before, None, {"name": b"x"})


def test_a_change_never_enrols() -> None:
    book = Book()
    with pytest.raises(MemberNotFound):
        book.do(Enrol(member_id="new", must_exist=True))
    book.do(Enrol(member_id="m", must_exist=True))


def test_one_who_joined_before_elsewhere() -> None:
    book = Book()
    book.do(Enrol(member_id="old", joined_at=START - timedelta(days=9)))
    assert book.account("old").joined_at == START - timedelta(days=9)
    book.do(Enrol(member_id="new", joined_at=START + timedelta(days=9)))
    assert book.account("new").joined_at == START


def test_who_brought_a_member_is_told_once() -> None:
    book = Book()
    with pytest.raises(ReferrerIsSelf):
        book.do(Enrol(member_id="n", person={"referred_by": "n"}))
    book.do(Enrol(member_id="n", person={"gender": "f"}))
    for _ in range(2):
        book.do(Enrol(member_id="n", person={"referred_by": "m"}))
    with pytest.raises(ReferrerFixed):
        book.do(Enrol(member_id="n", person={"referred_by": "x"}))
    with pytest.raises(ReferrerFixed):
        book.do(Enrol(member_id="n", person={"referred_by": None}))


# --- brought along ---------------------------------------------------------------------------------------


def test_a_member_is_brought_along() -> None:
    book = Book()
    command = Import(
        member_id="old",
        reference="crm",
        joined_at=START - timedelta(days=900),
        points=500,
        accrued_at=START - timedelta(days=100),
        spend=400_000,
        growth=70,
    )
    book.do(command)
    account = book.account("old")
    assert account.joined_at == START - timedelta(days=900)
    assert (account.available, account.earned, account.spend, account.growth) == (500, 500, 400_000, 70)
    assert account.tier == "gold"
    assert account.next_expires_at == START + timedelta(days=265, hours=14)
    assert book.kinds("old") == ["import"]
    assert book.last("old").occurred_at == START - timedelta(days=100)
    assert book.detail("old")["tier_change"]["to"] == "gold"
    assert answer(book.last("old"), book.detail("old")) == {
        "reference": "crm",
        "points": 500,
        "spend": 400_000,
        "balance": {"available": 500, "pending": 0, "reserved": 0, "debt": 0},
    }


def test_points_are_brought_along_to_a_member_who_is_there() -> None:
    book = Book()
    book.do(Accrue(member_id="m", order_id="o", amount=10_000))
    book.do(Import(member_id="m", reference="crm", points=50, expires_at=START + timedelta(days=1)))
    account = book.account()
    assert (account.available, account.joined_at, account.lot_count) == (150, START, 2)
    assert (book.last().lot, book.lot(2).expires_at) == (2, START + timedelta(days=1))
    book.do(Import(member_id="m", reference="spend", spend=100))
    assert (book.last().lot, book.account().lot_count) == (None, 2)


def test_what_is_brought_along_comes_on_top_of_what_a_member_has() -> None:
    book = Book()
    book.do(Accrue(member_id="m", order_id="o", amount=10_000))
    book.later(days=1).do(Import(member_id="m", reference="crm", points=50, spend=700, growth=7))
    account = book.account()
    assert (account.earned, account.spend, account.growth) == (150, 10_700, 107)
    assert account.joined_at == START  # who says nothing of it is no newcomer
    assert (book.lot(2).source, book.lot(2).granted) == ("import", 50)


def test_a_review_follows_what_is_brought_along_and_the_person_is_told() -> None:
    book = Book()
    change = book.decide(Import(member_id="old", reference="crm", spend=3_000_000, person={"name": b"x"}))
    assert [(review.to_tier, review.status) for review in change.reviews] == [("diamond", "open")]
    assert change.person == {"name": b"x"}


def test_what_expired_before_it_came_is_written_as_such() -> None:
    book = Book()
    book.do(Import(member_id="m", reference="crm", points=50, accrued_at=START - timedelta(days=400)))
    assert (book.account().available, book.account().expired) == (0, 50)


def test_what_is_brought_along_pays_debt() -> None:
    book = Book()
    book.do(Accrue(member_id="m", order_id="o", amount=10_000))
    book.do(Redeem(member_id="m", reference="r", points=100))
    book.do(Reverse(member_id="m", order_id="o", reference="b", amount=10_000))
    book.do(Import(member_id="m", reference="crm", points=150))
    assert book.balances() == (50, 0, 0, 0)


@pytest.mark.parametrize("field", ["joined_at", "accrued_at"])
def test_nobody_comes_from_the_future(field: str) -> None:
    with pytest.raises(ImportAheadOfTime):
        Book().do(Import(member_id="x", reference="crm", **{field: START + timedelta(seconds=1)}))


# --- frozen, erased --------------------------------------------------------------------------------------


def prepared() -> Book:
    """A member with an order, a pending one, a redemption and a hold; and another."""
    book = Book()
    book.do(Enrol(member_id="n"))
    book.do(Accrue(member_id="n", order_id="o", amount=10_000))
    book.do(Accrue(member_id="m", order_id="o", amount=3_000_000))
    book.do(Accrue(member_id="m", order_id="pending", amount=10_000, settle=False))
    book.do(Redeem(member_id="m", reference="r", points=100))
    book.do(Redeem(member_id="m", reference="h", points=100, reserve=True))
    book.do(Redeem(member_id="m", reference="h2", points=100, reserve=True))
    return book


GAINING_OR_SPENDING: list[Command] = [
    Accrue(member_id="m", order_id="new", amount=100),
    Redeem(member_id="m", reference="new", points=1),
    Redeem(member_id="m", reference="new", points=1, reserve=True),
    SignIn(member_id="m"),
    Transfer(member_id="m", reference="t", to="n", points=1),
    Transfer(member_id="n", reference="t", to="m", points=1),
]
GOING_ON: list[Command] = [
    Settle(member_id="m", order_id="pending"),
    Reverse(member_id="m", order_id="o", reference="b", amount=100),
    Refund(member_id="m", redemption="r", reference="b"),
    Commit(member_id="m", reference="h"),
    Cancel(member_id="m", reference="h2"),
    Mature(member_id="m"),
]
FOR_A_PERSON: list[Command] = [
    Adjust(member_id="m", reference="a", points=1, reason="r"),
    SetTier(member_id="m", reference="s", tier="gold", reason="r"),
    EvaluateTier(member_id="m"),
]


def test_a_frozen_member_earns_and_spends_nothing_while_the_rest_goes_on() -> None:
    book = prepared()
    book.do(Freeze(member_id="m", reason="looks odd"))
    assert (book.account().status, book.detail()) == ("frozen", {"reason": "looks odd"})
    for command in GAINING_OR_SPENDING:
        with pytest.raises(MemberFrozen):
            book.do(command)
    for command in [*GOING_ON, *FOR_A_PERSON]:
        book.do(command)
    assert book.decide(Freeze(member_id="m")).entry is None
    book.do(Unfreeze(member_id="m"))
    assert (book.account().status, book.detail()) == ("active", {})
    assert book.decide(Unfreeze(member_id="m")).entry is None
    for command in GAINING_OR_SPENDING[:1]:
        book.do(command)


def test_an_erased_member_is_gone_for_good_while_the_ledger_goes_on() -> None:
    book = prepared()
    review = book.account().review
    assert review is not None
    change = book.decide(Erase(member_id="m"))
    assert change.erases_person
    assert (book.last().kind, book.last().key.partition("/")[0]) == ("erase", "erase")
    assert [(told.status, told.decided_at) for told in change.reviews] == [("closed", book.now)]
    assert (book.account().status, book.account().review) == ("erased", None)
    comebacks: list[Command] = [
        Freeze(member_id="m"),
        Unfreeze(member_id="m"),
        Enrol(member_id="m"),
        Import(member_id="m", reference="i", points=1),
    ]
    for command in [*GAINING_OR_SPENDING, *FOR_A_PERSON, *comebacks]:
        with pytest.raises(MemberErased):
            book.do(command)
    with pytest.raises(ReviewClosed):
        book.do(DecideReview(member_id="m", review=review, approve=True))
    for command in GOING_ON:
        book.do(command)
    assert not book.decide(Erase(member_id="m")).erases_person
    assert book.account().status == "erased"


@pytest.mark.parametrize(
    "command", [*GAINING_OR_SPENDING[:5], *GOING_ON, *FOR_A_PERSON, Erase(member_id="m")]
)
def test_strangers_are_told_so(command: Command) -> None:
    book = Book()
    del book.members["m"]
    with pytest.raises(MemberNotFound):
        book.do(command)


def test_transfer_to_a_stranger() -> None:
    book = prepared()
    with pytest.raises(MemberNotFound):
        book.do(Transfer(member_id="m", reference="t", to="stranger", points=1))
    assert issubclass(MemberNotFound, LoyaltyError)


# --- birthdays -------------------------------------------------------------------------------------------


def tell(book: Book, birthday: bytes | None) -> None:
    book.do(Enrol(member_id="n", person={"birthday": b"sealed", "birthday_mark": birthday}))


def test_a_birthday_changes_once_a_year() -> None:
    book = Book()
    for birthday in (b"1", b"1", b"2"):  # told, told again, changed
        tell(book, birthday)
    tell(book, b"2")
    with pytest.raises(BirthdayChangedRecently) as refused:
        tell(book, b"3")
    assert refused.value.extra == {"changeable_at": "2027-03-04T16:00:00Z"}
    assert refused.value.detail == BirthdayChangedRecently.example().detail
    book.do(Enrol(member_id="n", person={"name": b"x"}))
    book.later(days=364, hours=13, minutes=59)  # the last minute of 4 March 2027
    with pytest.raises(BirthdayChangedRecently):
        tell(book, b"3")
    book.later(minutes=1)
    tell(book, b"3")
    with pytest.raises(BirthdayChangedRecently):
        tell(book, b"1")


def test_the_year_of_a_birthday_begins_on_the_day_it_was_in_the_programs_zone() -> None:
    book = Book().later(hours=15)  # 6 March in Shanghai, still the 5th in UTC
    for birthday in (b"1", b"2"):
        tell(book, birthday)
    with pytest.raises(BirthdayChangedRecently) as refused:
        tell(book, b"3")
    assert refused.value.extra == {"changeable_at": "2027-03-05T16:00:00Z"}


def test_a_birthday_told_for_the_first_time_is_no_change() -> None:
    book = Book()
    for birthday in (b"1", b"2"):
        book.do(Enrol(member_id="m", person={"birthday_mark": birthday}))
    with pytest.raises(BirthdayChangedRecently):
        book.do(Enrol(member_id="m", person={"birthday_mark": b"3"}))


def test_a_birthday_may_be_cleared_and_told_a_year_later() -> None:
    book = Book()
    tell(book, None)
    tell(book, b"1")
    tell(book, b"2")
    book.later(days=300)
    tell(book, None)
    tell(book, None)
    book.later(days=300)
    for birthday in (b"1", b"2"):
        with pytest.raises(BirthdayChangedRecently):
            tell(book, birthday)
    book.later(days=65)
    tell(book, b"1")
    tell(book, b"2")  # what became known just now has not been changed yet
