"""What commands are known by, and when two of them ask the same. Source: API.md, natural keys."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from app.domain.account import Entry
from app.domain.answers import balance_of, has_answer
from app.domain.campaign_commands import PayCampaign
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
from app.domain.compact import compact
from app.domain.coupon_commands import RedeemCoupon
from app.domain.earning import Line
from app.domain.errors import OrderAlreadyAccrued, ReferenceAlreadyUsed, ReviewClosed
from app.domain.identifiers import is_identifier
from app.domain.instants import earlier, rfc3339
from app.domain.posting import Member
from tests.domain.book import START, Book

TODAY = date(2026, 3, 5)


@pytest.mark.parametrize(
    ("command", "key"),
    [
        (Accrue(member_id="m", order_id="O-1", amount=1), "order/O-1"),
        (Settle(member_id="m", order_id="O-1"), "settle/O-1"),
        (Reverse(member_id="m", order_id="O-1", reference="R", amount=1), "reverse/O-1/R"),
        (Redeem(member_id="m", reference="R", points=1), "redeem/R"),
        (Redeem(member_id="m", reference="R", points=1, reserve=True), "redeem/R"),
        (Commit(member_id="m", reference="R"), "commit/R"),
        (Cancel(member_id="m", reference="R"), "cancel/R"),
        (Refund(member_id="m", redemption="R", reference="X"), "refund/R/X"),
        (SignIn(member_id="m"), "sign_in/2026-03-05"),
        (Adjust(member_id="m", reference="R", points=1, reason="x"), "adjust/R"),
        (Transfer(member_id="m", reference="R", to="n", points=1), "transfer/R"),
        (Import(member_id="m", reference="R"), "import/R"),
        (SetTier(member_id="m", reference="R", tier="gold", reason="x"), "set_tier/R"),
        (DecideReview(member_id="m", review=7, approve=True), "review/7"),
        (Enrol(member_id="m"), None),
        (Freeze(member_id="m"), None),
        (Unfreeze(member_id="m"), None),
        (Erase(member_id="m"), None),
        (Mature(member_id="m"), None),
        (EvaluateTier(member_id="m"), None),
    ],
)
def test_natural_keys(command: Command, key: str | None) -> None:
    assert command.natural_key(TODAY) == key
    assert len(command.content()) == 16


def test_what_must_be_loaded() -> None:
    settle = Settle(member_id="m", order_id="O")
    assert (settle.order_named, settle.redemption_named, settle.review_named) == ("O", None, None)
    assert Reverse(member_id="m", order_id="O", reference="R").order_named == "O"
    for command in (
        Commit(member_id="m", reference="R"),
        Cancel(member_id="m", reference="R"),
        Refund(member_id="m", redemption="R", reference="X"),
    ):
        assert (command.redemption_named, command.order_named) == ("R", None)
    assert DecideReview(member_id="m", review=7, approve=True).review_named == 7
    transfer = Transfer(member_id="m", reference="R", to="n", points=3)
    assert (transfer.members, transfer.spends) == (("m", "n"), 3)
    assert Redeem(member_id="m", reference="R", points=3).spends == 3
    assert [Adjust(member_id="m", reference="R", points=n, reason="x").spends for n in (-3, 3)] == [3, 0]
    assert SignIn(member_id="m").spends == 0


def test_what_a_clash_is_called() -> None:
    assert isinstance(Accrue(member_id="m", order_id="O", amount=1).clash(), OrderAlreadyAccrued)
    assert isinstance(Commit(member_id="m", reference="R").clash(), ReferenceAlreadyUsed)
    assert isinstance(DecideReview(member_id="m", review=7, approve=True).clash(), ReviewClosed)


def accrue(**changes: object) -> Accrue:
    fields = {"member_id": "m", "order_id": "O", "amount": 100, **changes}
    return Accrue(**fields)  # pyright: ignore[reportArgumentType]


LINE = Line("l", "s", None, None, 1, 100)


def test_every_field_that_differs_makes_other_content() -> None:
    asked = [
        accrue(),
        accrue(amount=101),
        accrue(order_id="P"),
        accrue(member_id="n"),
        accrue(occurred_at=START),
        accrue(channel="wechat"),
        accrue(items=(LINE,)),
        accrue(items=(LINE._replace(category="c"),)),
        accrue(items=(LINE._replace(brand="c"),)),
        accrue(settle=False),
    ]
    assert len({command.content() for command in asked}) == len(asked)
    person = Enrol(member_id="m", person={"name": b"\x00", "birthday": date(2000, 1, 1)})
    assert person.content() != Enrol(member_id="m").content()


def test_the_same_instant_in_another_zone_is_the_same() -> None:
    there = START.astimezone(timezone(timedelta(hours=8)))
    assert accrue(occurred_at=there).content() == accrue(occurred_at=START).content()


def test_content_is_stable_for_good() -> None:
    """A changed hash would turn every repeat of an earlier command into a clash."""
    assert accrue().content().hex() == "fb8ed46dff54a9b590d7ddda23236064"
    assert accrue(occurred_at=START, items=(LINE,)).content().hex() == "fccc1926611ab5335d77e7f87aba2528"
    assert redeem_coupon().content().hex() == "ae2df11f74e792ff737897c004d828d7"
    assert pay_campaign().content().hex() == "5a0610a5312fd257c800fa6b52e87f42"


def redeem_coupon(member_id: str = "m") -> RedeemCoupon:
    return RedeemCoupon(member_id=member_id, code="C", reference="R")


def test_a_coupon_is_redeemed_whoever_its_holder_is_said_to_be() -> None:
    assert redeem_coupon("").content() == redeem_coupon("n").content() == redeem_coupon().content()


def pay_campaign(**about: Any) -> PayCampaign:
    return PayCampaign(member_id="m", campaign="c", trigger="birthday", occasion="birthday/2026", **about)


def test_a_campaign_pays_once_on_an_occasion_whatever_led_to_it_and_whoever_was_asked_beside_it() -> None:
    assert pay_campaign(facts=(("event.tier", "gold"),)).content() == pay_campaign().content()
    assert pay_campaign(beside=("d",)).content() == pay_campaign().content()


def test_what_most_commands_do_not_need() -> None:
    command = Freeze(member_id="m")
    assert (command.spends, command.codes_named, command.codes_held) == (0, (), ())
    named = (
        command.order_named,
        command.redemption_named,
        command.review_named,
        command.checkout_named,
        command.checkout_made,
        command.template_issued,
    )
    assert named == (None,) * 6
    assert (command.reads_all_lots, command.needs_wallet) == (False, False)


def test_compact() -> None:
    assert compact({"a": [1, "好", None], "b": datetime(2026, 1, 1, tzinfo=UTC)}) == (
        '{"a":[1,"好",null],"b":1767225600.0}'
    )
    with pytest.raises(TypeError, match="object has no form in JSON"):
        compact(object())
    many = list(range(200_000))  # the encoder hands such a text over in several pieces
    assert compact(many) == json.dumps(many, separators=(",", ":"))


@pytest.mark.parametrize(
    ("text", "fits"),
    [("a", True), ("A-1._:", True), ("x" * 64, True), ("", False), ("x" * 65, False), ("a/b", False)],
)
def test_identifiers(text: str, fits: bool) -> None:
    assert is_identifier(text) is fits
    assert not is_identifier(f"{text}\n")


def test_instants() -> None:
    assert rfc3339(None) is None
    assert rfc3339(START.replace(microsecond=5)) == "2026-03-05T02:00:00.000005Z"
    later = START + timedelta(seconds=1)
    assert (earlier(None, None), earlier(START, None), earlier(None, START)) == (None, START, START)
    assert earlier(later, START) == START


def test_a_loaded_member_knows_its_orders() -> None:
    book = Book()
    book.do(accrue())
    book.do(SignIn(member_id="m"))
    loaded = Member(book.account())
    loaded.load_lots(book.members["m"].lots.values())
    assert (loaded.orders, set(loaded.lots)) == ({"O": 1}, {1, 2})


def test_only_commands_that_answer_by_their_entry_do() -> None:
    assert has_answer("accrue")
    assert not has_answer("expire")
    book = Book()
    book.do(accrue())
    entry: Entry = book.last()
    assert balance_of(entry) == {"available": 1, "pending": 0, "reserved": 0, "debt": 0}
