"""Members who bring others. Source: RULES.md, referral."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.account import Account, ReferralCode, bucket_of
from app.domain.carts import Wish
from app.domain.checkout_commands import CompleteCheckout, HoldCheckout, RefundCheckout
from app.domain.commands import (
    Accrue,
    Enrol,
    Erase,
    Freeze,
    Import,
    Mature,
    Redeem,
    Reverse,
    Settle,
    Unfreeze,
)
from app.domain.decisions import decide
from app.domain.errors import MemberErased, ReferrerFixed, ReferrerIsSelf
from app.domain.program import Program
from app.domain.referral_binding import ReferralRing, has_ordered
from app.domain.referral_commands import MakeReferralCode, PayReferral, PayReferralShare, UndoReferral
from app.domain.shelf import NeedsMore
from tests.domain.book import START, Book
from tests.domain.programs import document
from tests.domain.shop import cart


def rules(version: int = 1, **section: Any) -> Program:
    """The default program with some of its section changed; None leaves the section out."""
    made = document()
    made["referral"] |= section
    return Program.from_document(version, made)


def bring(book: Book, *invitees: str, by: str = "m") -> Book:
    for invitee in invitees:
        book.do(Enrol(member_id=invitee, person={"referred_by": by}))
    return book


def order(member: str = "n", order_id: str = "o", amount: int = 6_000, **more: Any) -> Accrue:
    return Accrue(member_id=member, order_id=order_id, amount=amount, **more)


def back(member: str = "n", order_id: str = "o", amount: int = 6_000, reference: str = "r") -> Reverse:
    return Reverse(member_id=member, order_id=order_id, reference=reference, amount=amount)


def earned(book: Book, *members: str) -> list[int]:
    return [book.account(member).earned for member in members]


# --- who brought whom ------------------------------------------------------------------------------------


def test_who_is_brought_is_bound_to_the_one_who_did() -> None:
    book = bring(Book(), "n")
    account, referral = book.account("n"), book.members["n"].referral
    assert referral is not None
    assert (account.invited_by, referral.inviter, referral.bound_at) == ("m", "m", START)
    assert (referral.program_version, referral.order_id, referral.paid_at) == (1, None, None)
    invitation = book.members["m"].invitations["n"]
    assert (invitation.status, invitation.points, invitation.share_at) == ("bound", 0, None)
    referrer = book.members["m"].referrer
    assert referrer is not None
    assert (referrer.bound, referrer.paid, referrer.code) == (1, 0, None)
    assert (referral.bucket, referral.member_id) == (bucket_of("n"), "n")
    for row in (invitation, referrer):
        assert (row.bucket, row.member_id) == (bucket_of("m"), "m")
    assert book.kinds("m") == book.kinds("n") == []


def test_nobody_is_brought_by_who_is_not_here() -> None:
    book = Book()
    book.do(Erase(member_id="m"))
    bring(book, "n")
    bring(book, "p", by="stranger")
    book.do(Enrol(member_id="q", person={"referred_by": None}))
    for invitee in "npq":
        assert book.members[invitee].referral is None
        assert book.account(invitee).invited_by is None


def test_it_may_be_told_before_the_first_order() -> None:
    book = Book()
    book.do(Enrol(member_id="n"))
    bring(book, "n", "n")
    assert book.account("n").invited_by == "m"
    referrer = book.members["m"].referrer
    assert referrer is not None
    assert referrer.bound == 1


def test_one_who_came_later_is_bound_when_told_again() -> None:
    book = bring(Book(), "n", by="late")
    book.do(Enrol(member_id="late"))
    bring(book, "n", by="late")
    assert book.account("n").invited_by == "late"


@pytest.mark.parametrize(
    "first",
    [order(), order(settle=False), Import(member_id="n", reference="crm", spend=5)],
    ids=["settled", "pending", "elsewhere"],
)
def test_it_is_too_late_after_the_first_order(first: Accrue | Import) -> None:
    book = Book()
    book.do(Enrol(member_id="n"))
    book.do(first)
    bring(book, "n")
    assert (book.members["n"].referred_by, book.members["n"].referral) == ("m", None)
    with pytest.raises(ReferrerFixed):
        book.do(Enrol(member_id="n", person={"referred_by": None}))


@pytest.mark.parametrize(
    ("figures", "has"), [({}, False), ({"orders": 1}, True), ({"spend": 1}, True), ({"pending": 1}, True)]
)
def test_any_order_was_the_first(figures: dict[str, int], has: bool) -> None:
    assert has_ordered(Book().account()._replace(**figures)) is has


def test_what_was_told_stays() -> None:
    book = bring(Book(), "n", "p")
    for other in ("p", None, "stranger"):
        with pytest.raises(ReferrerFixed):
            book.do(Enrol(member_id="n", person={"referred_by": other}))
    with pytest.raises(ReferrerIsSelf):
        bring(book, "q", by="q")


def test_rings_are_refused() -> None:
    book = bring(Book(), "n")
    bring(book, "p", by="n")
    for last in "np":
        with pytest.raises(ReferralRing):
            bring(book, "m", by=last)
    book.do(Enrol(member_id="top"))
    bring(book, "m", by="top")
    assert book.account("m").invited_by == "top"


@pytest.mark.parametrize("is_there", [True, False])
def test_who_is_met_on_the_way_up_must_be_known(is_there: bool) -> None:
    book = bring(Book(), "n")
    bring(book, "p", by="n")
    book.do(Enrol(member_id="q"))
    if is_there:
        book.members["n"].sees_referral = False
    members = {name: member for name, member in book.members.items() if is_there or name != "n"}
    with pytest.raises(NeedsMore) as more:
        decide(members, Enrol(member_id="q", person={"referred_by": "p"}), book.context())
    assert more.value.commands == {MakeReferralCode(member_id="n")}


def test_a_code_is_made_once() -> None:
    book = Book()
    change = book.decide(MakeReferralCode(member_id="m"))
    assert change.referral_code == ReferralCode(bucket_of("C1"), "C1", "m")
    assert book.decide(MakeReferralCode(member_id="m")).referral_code is None
    referrer = book.members["m"].referrer
    assert referrer is not None
    assert referrer.code == "C1"
    bring(book, "n")
    assert book.members["m"].referrer == referrer._replace(bound=1)
    book.do(Erase(member_id="m"))
    with pytest.raises(MemberErased):
        book.do(MakeReferralCode(member_id="m"))


# --- the reward ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("amount", "paid"), [(4_999, 0), (5_000, 1), (20_000, 1)])
def test_the_first_order_that_is_large_enough_pays_both(amount: int, paid: int) -> None:
    book = bring(Book(), "n")
    book.do(order(amount=amount))
    assert earned(book, "m", "n") == [200 * paid, amount // 100 + 100 * paid]
    assert book.account("n").invited_by == (None if paid else "m")
    book.do(order(order_id="o2"))
    book.do(order(order_id="o3"))
    assert earned(book, "m", "n") == [200, amount // 100 + 100 + 120]


def test_both_are_told_why() -> None:
    book = bring(Book(), "n")
    book.do(order())
    assert book.kinds("n") == ["accrue", "referral"]
    assert (book.last("n").key, book.last("m").key) == ("referral_welcome/o", "referral/n/o")
    assert book.detail("n") == {
        "points": 100,
        "breakdown": [["referral_welcome", "welcome of a member who was brought", 100]],
        "debt_paid": 0,
        "inviter": "m",
        "order_id": "o",
    }
    assert book.detail("m") == {
        "points": 200,
        "breakdown": [["referral", "member brought", 200]],
        "debt_paid": 0,
        "invitee": "n",
        "invitations": 1,
    }
    referral, invitation = book.members["n"].referral, book.members["m"].invitations["n"]
    assert referral is not None
    assert (referral.order_id, referral.lot, referral.paid_at) == ("o", 2, START)
    assert (invitation.status, invitation.points, invitation.lot, invitation.paid_at) == (
        "paid",
        200,
        1,
        START,
    )
    assert book.lot(1, "m").expires_at == book.lot(2, "n").expires_at


def test_joining_alone_pays_nobody_and_a_pending_order_once_it_settles() -> None:
    book = bring(Book(), "n")
    book.do(order(settle=False))
    assert earned(book, "m", "n") == [0, 0]
    book.do(Settle(member_id="n", order_id="o"))
    assert earned(book, "m", "n") == [200, 160]


def test_an_order_that_settles_by_itself_pays() -> None:
    book = bring(Book(), "n")
    book.do(order(settle=False))
    book.later(days=20).do(Mature(member_id="n"))
    assert earned(book, "m", "n") == [200, 160]


def test_what_is_left_when_it_settles_counts() -> None:
    book = bring(Book(), "n")
    book.do(order(settle=False))
    book.do(back(amount=1_001))
    book.do(Settle(member_id="n", order_id="o"))
    assert earned(book, "m", "n") == [0, 49]


def test_a_program_that_pays_for_nothing_of_the_kind() -> None:
    made = document()
    del made["referral"]
    book = bring(Book(Program.from_document(1, made)), "n")
    book.do(order())
    assert earned(book, "m", "n") == [0, 60]
    assert book.account("n").invited_by == "m"
    asked = PayReferral(member_id="n", inviter="m", order_id="o")
    assert book.decide(asked).entry is None


def test_nothing_is_paid_twice() -> None:
    book = bring(Book(), "n")
    book.do(Enrol(member_id="p"))
    book.do(order())
    for asked in ("n", "p"):
        assert book.decide(PayReferral(member_id=asked, inviter="m", order_id="x")).entry is None
        assert book.decide(UndoReferral(member_id=asked, inviter="m", order_id="x")).entry is None


def test_a_reward_of_nothing_leaves_its_entry() -> None:
    book = bring(Book(rules(inviter_points=0, invitee_points=0)), "n")
    book.do(order())
    assert earned(book, "m", "n") == [0, 60]
    assert (book.last("m").kind, book.last("m").lot, book.account("m").lot_count) == ("referral", None, 0)
    book.do(back())
    assert earned(book, "m", "n") == [0, 0]


# --- limits ----------------------------------------------------------------------------------------------


def test_a_month_has_so_many_paid_invitations() -> None:
    book = bring(Book(rules(per_month=2)), *"abcde")
    for number, invitee in enumerate("abc"):
        book.do(order(invitee, f"o{number}"))
    assert earned(book, "m", *"abc") == [400, 160, 160, 160]
    assert book.detail("c")["limited"] == "per_month"
    assert book.members["m"].invitations["c"].status == "limited"
    book.later(days=27).do(order("d", "o3"))  # it is April
    assert earned(book, "m", "d") == [600, 160]
    referrer = book.members["m"].referrer
    assert referrer is not None
    assert (referrer.bound, referrer.paid, referrer.month_paid, referrer.earned) == (5, 3, 1, 600)
    assert str(referrer.month) == "2026-04-01"


@pytest.mark.parametrize("status", ["frozen", "erased"])
def test_an_inviter_who_may_not_earn_gets_nothing_for_it(status: str) -> None:
    book = bring(Book(), "n")
    book.do(Freeze(member_id="m") if status == "frozen" else Erase(member_id="m"))
    book.do(order())
    assert earned(book, "m", "n") == [0, 160]
    assert book.detail("n")["limited"] == status
    book.do(back())
    assert earned(book, "m", "n") == [0, 0]
    assert book.members["m"].invitations["n"].status == "bound"


def test_an_invitee_who_was_forgotten_pays_nobody() -> None:
    book = bring(Book(), "n")
    book.do(order(settle=False))
    book.do(Erase(member_id="n"))
    book.later(days=20).do(Mature(member_id="n"))
    assert earned(book, "m") == [0]
    assert book.account("n").invited_by is None


def test_the_more_the_more() -> None:
    ladder = [{"from": 2, "inviter_points": 300}, {"from": 4, "inviter_points": 500}]
    book = bring(Book(rules(ladder=ladder)), *"abcde")
    paid: list[int] = []
    for invitee in "abcde":
        before = book.account().earned
        book.do(order(invitee, f"o-{invitee}"))
        paid.append(book.account().earned - before)
    assert paid == [200, 300, 300, 500, 500]


def test_a_checkout_paid_with_points_counts_and_comes_back_too() -> None:
    book = bring(Book(), "n")
    book.do(Import(member_id="n", reference="i", points=100))
    book.do(HoldCheckout(member_id="n", checkout_id="k", cart=cart(20_000), wish=Wish(100, 0, ())))
    book.do(CompleteCheckout(member_id="n", checkout_id="k"))
    assert earned(book, "m") == [200]
    book.do(RefundCheckout(member_id="n", checkout_id="k", reference="r", amount=19_900, items=()))
    assert earned(book, "m") == [0]


def test_an_order_whose_points_a_checkout_spends_is_not_what_settles() -> None:
    """It was too small when it settled, though it would be large enough by now."""
    book = bring(Book(rules(min_order_fen=20_000)), "n")
    book.do(order(amount=15_000))
    book.adopt(rules(2, min_order_fen=10_000))
    book.do(HoldCheckout(member_id="n", checkout_id="k", cart=cart(5_000), wish=Wish(100, 0, ())))
    book.do(CompleteCheckout(member_id="n", checkout_id="k"))
    assert book.account("n").invited_by == "m"
    assert book.kinds("m") == []


def by_points_earned(window: dict[str, Any]) -> dict[str, Any]:
    """A document whose tiers are won by points: silver by 150."""
    metrics = {"metrics": ["points_earned"], "combine": "any", "window": window}
    made = document(tiers={"qualification": metrics})
    for tier, points in zip(made["tiers"]["ladder"], (0, 150, 1_000, 2_000, 3_000), strict=True):
        tier["thresholds"] = {"points_earned": points} if points else {}
    return made


def test_a_review_of_the_tier_follows() -> None:
    made = by_points_earned({"kind": "lifetime"})
    made["tiers"]["ladder"][1]["requires_review"] = True
    book = bring(Book(Program.from_document(1, made)), "n")
    book.do(order())
    for name in "mn":
        assert [review.status for review in book.members[name].reviews.values()] == ["open"]
    book.do(back())
    for name in "mn":
        assert [review.status for review in book.members[name].reviews.values()] == ["closed"]


@pytest.mark.parametrize("window", [{"kind": "lifetime"}, {"kind": "rolling_months", "months": 12}])
def test_the_tier_follows(window: dict[str, Any]) -> None:
    book = bring(Book(Program.from_document(1, by_points_earned(window))), "n")
    book.do(order())
    assert (book.account("m").tier, book.account("n").tier) == ("silver", "silver")
    assert book.detail("m")["tier_change"]["to"] == "silver"
    assert (book.lot(1, "m").source, book.last("n").order_id) == ("referral", "o")
    book.do(back())
    assert (book.account("m").tier, book.account("n").tier) == ("bronze", "bronze")


# --- undone ----------------------------------------------------------------------------------------------


def test_a_refund_that_leaves_too_little_takes_back_what_both_got() -> None:
    """50 yuan were asked of it: else one cent that is kept would be worth both rewards."""
    book = bring(Book(), "n")
    book.do(order())
    book.do(back(amount=1_000))
    assert earned(book, "m", "n") == [200, 150]
    book.do(back(amount=1, reference="too much"))
    assert earned(book, "m", "n") == [0, 49]
    assert (book.balances("m"), book.balances("n")) == ((0, 0, 0, 0), (49, 0, 0, 0))
    assert (book.last("n").key, book.last("m").key) == ("referral_undo/o", "referral_undo/n/o")
    assert book.detail("m") == {
        "points": 200,
        "recovered": 200,
        "shortfall": 0,
        "undoes": "referral/n/o",
        "moves": [[1, -200, 0]],
    }
    assert book.account("n").invited_by == "m"


def test_what_was_asked_of_it_is_what_was_when_it_was_rewarded() -> None:
    book = bring(Book(), "n")
    book.do(order())
    book.adopt(rules(2, min_order_fen=6_000))
    book.do(back(amount=500))
    assert earned(book, "m") == [200]
    book.adopt(rules(3, min_order_fen=1))
    book.do(back(amount=501, reference="too much"))
    assert earned(book, "m") == [0]


def test_what_it_was_rewarded_by_is_asked_for() -> None:
    book = bring(Book(), "n")
    book.do(order())
    told = book.members["n"].told
    book.members["n"].told = {}
    with pytest.raises(NeedsMore) as asked:
        book.do(back(amount=1))
    [undo] = asked.value.commands
    assert undo.entries_told == (("n", "referral_welcome/o"), ("m", "referral/n/o"))
    book.members["n"].told = told
    book.do(back(amount=1))
    assert earned(book, "m") == [200]


def test_what_was_spent_of_it_is_owed() -> None:
    book = bring(Book(), "n")
    book.do(order())
    book.do(Redeem(member_id="m", reference="r", points=150))
    book.do(back())
    assert book.balances("m") == (0, 0, 0, 150)
    assert book.detail("m")["shortfall"] == 150


def test_another_order_may_earn_it_again() -> None:
    book = bring(Book(), "n")
    book.do(order())
    book.do(back())
    book.do(order(order_id="o2"))
    assert earned(book, "m", "n") == [200, 160]
    book.do(back(order_id="o2", reference="r2"))
    assert earned(book, "m", "n") == [0, 0]


def test_an_order_that_was_not_rewarded_undoes_nothing() -> None:
    book = bring(Book(), "n")
    book.do(order())
    book.do(order(order_id="o2"))
    book.do(back(order_id="o2"))
    assert earned(book, "m", "n") == [200, 160]


def test_what_is_undone_leaves_room_in_its_own_month() -> None:
    book = bring(Book(rules(per_month=1)), *"abc")
    book.do(order("a", "o-a"))
    book.do(back("a", "o-a"))
    book.do(order("b", "o-b"))
    assert earned(book, "m") == [200]
    book.later(days=30).do(order("c", "o-c"))
    book.do(back("b", "o-b"))  # of the month before
    book.do(order("a", "o-a2"))
    assert earned(book, "m") == [200]
    assert book.detail("a")["limited"] == "per_month"


def test_the_month_of_what_is_undone_is_that_of_the_programs_zone() -> None:
    book = bring(Book(rules(per_month=1)), *"ab")
    book.now = datetime(2026, 3, 31, 17, tzinfo=UTC)  # April in Shanghai
    book.do(order("a", "o-a"))
    book.do(back("a", "o-a"))
    book.do(order("b", "o-b"))
    assert earned(book, "m") == [200]
    assert "limited" not in book.detail("b")


def test_one_who_was_forgotten_waits_for_no_other_order() -> None:
    book = bring(Book(), "n")
    book.do(order())
    book.do(Erase(member_id="n"))
    book.do(back())
    assert earned(book, "m", "n") == [0, 0]
    assert book.account("n").invited_by is None


# --- a share of what is spent ----------------------------------------------------------------------------

SHARE = {"percent": "1.5", "days": 90}


def share(book: Book, invitee: str = "n") -> list[str]:
    """Ask for the share; the kinds of what was written of it."""
    before = len(book.entries.get("m", []))
    book.do(PayReferralShare(member_id="m", invitee=invitee))
    return book.kinds("m")[before:]


def test_the_inviter_gets_a_share_of_what_was_spent() -> None:
    book = bring(Book(rules(share=SHARE)), "n")
    assert book.members["m"].invitations["n"].share_at == START + timedelta(days=90)
    book.do(order(amount=100_000))
    book.later(days=80).do(order(order_id="o2", amount=33_333))
    book.do(back(order_id="o2", amount=33))
    book.do(order(order_id="pending", amount=50_000, settle=False))
    book.do(order(order_id="before", amount=50_000, occurred_at=START - timedelta(seconds=1)))
    assert share(book) == []  # its time is not over
    book.do(order(order_id="free", amount=0))
    book.later(days=10).do(order(order_id="after", amount=50_000))
    assert share(book) == ["referral_share"]
    told = book.detail("m")
    assert (told["invitee"], told["spend"]) == ("n", 133_300)
    assert (told["from"], told["until"]) == ("2026-03-05T02:00:00Z", "2026-06-03T02:00:00Z")
    assert told["breakdown"] == [["referral_share", "share of what a member brought has spent", 19]]
    assert book.lot(book.last("m").lot or 0, "m").source == "referral"
    assert earned(book, "m") == [200 + 19]  # 1.5 % of 1,333 yuan
    assert share(book) == []
    invitation = book.members["m"].invitations["n"]
    assert (invitation.share_at, invitation.share_points) == (None, 19)


@pytest.mark.parametrize("what", ["nothing spent", "inviter erased"])
def test_a_share_of_nothing_is_settled_without_an_entry(what: str) -> None:
    book = bring(Book(rules(share=SHARE)), "n")
    if what == "inviter erased":
        book.do(order(amount=100_000))
        book.do(Erase(member_id="m"))
    book.later(days=90)
    assert share(book) == []
    assert book.members["m"].invitations["n"].share_at is None


def test_a_frozen_inviter_gets_the_share_later() -> None:
    book = bring(Book(rules(share=SHARE)), "n")
    book.do(order(amount=100_000))
    book.do(Freeze(member_id="m"))
    book.later(days=90)
    assert share(book) == []
    book.do(Unfreeze(member_id="m"))
    assert share(book) == ["referral_share"]


def test_the_share_is_that_of_the_version_which_promised_it() -> None:
    book = bring(Book(rules(share=SHARE)), "n")
    book.do(order(amount=100_000))
    book.adopt(Program.from_document(2, rules().to_document()))
    bring(book, "p")
    assert book.members["m"].invitations["p"].share_at is None
    book.later(days=90)
    assert share(book) == ["referral_share"]
    assert share(book, "p") == []


# --- all of it together ------------------------------------------------------------------------------------


@given(data=st.data())
def test_when_everything_is_refunded_everybody_is_back_at_zero(data: st.DataObject) -> None:
    book = Book(rules(per_month=2, ladder=[{"from": 2, "inviter_points": 77}]), "a")
    for number, invitee in enumerate("bcde"):
        bring(book, invitee, by=data.draw(st.sampled_from("abcd"[: number + 1])))
    orders: dict[str, tuple[str, int]] = {}
    for number in range(data.draw(st.integers(1, 8))):
        member, amount = (
            data.draw(st.sampled_from("abcde")),
            data.draw(st.sampled_from([4_999, 5_000, 9_000])),
        )
        settle = data.draw(st.booleans())
        book.later(days=data.draw(st.integers(0, 9))).do(order(member, f"o{number}", amount, settle=settle))
        orders[f"o{number}"] = member, amount
        if data.draw(st.booleans()):
            undone = data.draw(st.sampled_from(sorted(orders)))
            _back_whole(book, undone, *orders.pop(undone))
    for order_id, (member, amount) in orders.items():
        _back_whole(book, order_id, member, amount)
    for name in book.members:
        assert _holdings(book.account(name)) == (0, 0, 0, 0, 0, 0, 0)


def _back_whole(book: Book, order_id: str, member: str, amount: int) -> None:
    book.do(back(member, order_id, 1, "first"))
    book.do(back(member, order_id, amount - 1, "rest"))


def _holdings(account: Account) -> tuple[int, ...]:
    return (
        account.available,
        account.pending,
        account.debt,
        account.earned,
        account.growth,
        account.spend,
        account.orders,
    )


def test_what_must_be_loaded() -> None:
    pay = PayReferral(member_id="n", inviter="m", order_id="o")
    undo = UndoReferral(member_id="n", inviter="m", order_id="o")
    for command in (pay, undo):
        assert (command.members, command.invitation_named) == (("n", "m"), ("m", "n"))
        assert (command.referrals_named, command.referrers_named) == (("n",), ("m",))
    assert (pay.fires, pay.reads_all_lots, undo.reads_all_lots) == ("referral", False, True)
    assert undo.entries_told == (("n", "referral_welcome/o"), ("m", "referral/n/o"))
    assert (pay.inviters_key, undo.inviters_key) == ("referral/n/o", "referral_undo/n/o")
    of_share = PayReferralShare(member_id="m", invitee="n")
    assert (of_share.members, of_share.invitation_named) == (("m", "n"), ("m", "n"))
    assert (of_share.referrals_named, of_share.referrers_named) == (("n",), ("m",))
    assert (of_share.history_of, of_share.fires) == ("n", None)
    code = MakeReferralCode(member_id="m")
    assert (code.referrals_named, code.referrers_named, code.natural_key(START.date())) == (
        ("m",),
        ("m",),
        None,
    )


def test_what_joining_must_load() -> None:
    told = Enrol(member_id="n", person={"referred_by": "m"}, above=("p", "q"))
    assert told.members == told.referrals_named == ("n", "m", "p", "q")
    assert told.referrers_named == ("m",)
    cleared = Enrol(member_id="n", person={"referred_by": None})
    assert (cleared.members, cleared.referrals_named, cleared.referrers_named) == (("n",), ("n",), ())
    plain = Enrol(member_id="n", person={"birthday_mark": None})
    assert (plain.members, plain.referrals_named, plain.names_birthday) == (("n",), (), True)
    assert (Enrol(member_id="n").names_birthday, Enrol(member_id="n").names_referrer) == (False, False)
    for refund in (
        Reverse(member_id="n", order_id="o", reference="r"),
        RefundCheckout(member_id="n", checkout_id="o", reference="r"),
    ):
        assert (refund.referrals_named, refund.referrers_named, refund.invitation_named) == (("n",), (), None)
        assert (refund.entries_told, refund.history_of, order().referrals_named) == ((), None, ())
