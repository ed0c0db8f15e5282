"""What falls due by itself, in the order of its moments. Source: RULES.md (pending, validity, reserve)."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.carts import Wish
from app.domain.checkout_commands import HoldCheckout
from app.domain.commands import Accrue, Import, Mature, Redeem, SetTier, Settle, SignIn
from app.domain.coupon_commands import ClaimCoupon, LockCoupon
from app.domain.coupon_templates import Window
from app.domain.errors import OrderNotPending
from app.domain.maturity import is_due, mature
from app.domain.program import Program
from tests.domain.book import START, Book, at
from tests.domain.programs import document, with_validity
from tests.domain.shop import cart, template


def accrue(amount: int = 10_000, order_id: str = "o", *, settle: bool = True) -> Accrue:
    return Accrue(member_id="m", order_id=order_id, amount=amount, settle=settle)


def test_points_expire_at_the_midnight_that_ends_their_day() -> None:
    book = Book()
    book.do(accrue())
    book.now = datetime.fromisoformat("2027-03-05T15:59:59.999999+00:00")
    assert not is_due(book.account(), book.now)
    book.later(microseconds=1)
    assert is_due(book.account(), book.now)
    book.do(Mature(member_id="m"))
    assert book.kinds() == ["accrue", "expire"]
    assert book.balances() == (0, 0, 0, 0)
    account = book.account()
    assert (account.expired, account.next_expires_at, account.due_at) == (100, None, None)
    assert book.detail() == {"points": 100, "lots": [[1, 100]]}
    assert book.last().occurred_at == book.now


def test_it_is_written_as_of_its_own_moment_however_late() -> None:
    book = Book()
    book.do(accrue())
    book.later(days=500).mature("m")
    entry = book.last()
    assert entry.occurred_at == datetime.fromisoformat("2027-03-05T16:00:00+00:00")
    assert entry.recorded_at == book.now
    assert book.account().last_at == book.now


def test_lots_that_expire_together_are_one_entry() -> None:
    book = Book()
    book.do(accrue())
    book.later(hours=1).do(accrue(20_000, "o2"))
    book.later(days=1).do(accrue(30_000, "o3"))
    book.later(days=367).mature("m")
    assert book.kinds()[3:] == ["expire", "expire"]
    assert [entry.points for entry in book.entries["m"][3:]] == [-300, -300]


def test_orders_settle_by_themselves_after_fifteen_days() -> None:
    book = Book()
    book.do(accrue(30_000, settle=False))
    book.later(days=15, microseconds=-1).mature("m")
    assert book.kinds() == ["accrue"]
    book.later(microseconds=1).mature("m")
    assert book.kinds() == ["accrue", "settle"]
    assert book.last().key == "settle/o"
    assert book.last().occurred_at == START + timedelta(days=15)
    assert (book.balances(), book.account().tier) == ((300, 0, 0, 0), "silver")
    assert book.account().tier_since == START + timedelta(days=15)
    with pytest.raises(OrderNotPending):
        book.do(Settle(member_id="m", order_id="o"))


def test_everything_in_its_order() -> None:
    book = Book()
    book.do(Import(member_id="m", reference="i", points=100, expires_at=START + timedelta(days=3)))
    book.do(Import(member_id="m", reference="j", points=50, expires_at=START + timedelta(days=9)))
    book.do(accrue(20_000, settle=False))
    book.do(Redeem(member_id="m", reference="early", points=60, reserve=True, hold_seconds=86_400))
    book.do(Redeem(member_id="m", reference="late", points=70, reserve=True, hold_seconds=86_400 * 5))
    book.later(days=30).mature("m")
    assert book.kinds()[5:] == ["lapse", "expire", "lapse", "expire", "settle"]
    assert [entry.points for entry in book.entries["m"][5:]] == [60, -60, 30, -50, 200]
    assert book.account().expired == 150


def with_all_that_falls_due(ends: datetime, until: datetime) -> Book:
    """Orders to settle at `ends`; points, holds, coupons and a tier set by hand that end at `until`."""
    made = document()
    made["tiers"]["ladder"][1]["benefits"] = [
        {"code": "w", "label": "w", "coupon": {"template": "welcome", "on": "entry"}}
    ]
    spare, welcome = template("spare", amount_off_fen=1), template("welcome", amount_off_fen=1)
    over = template("over", amount_off_fen=1, valid=Window(until=until))
    begins = template("begins", amount_off_fen=1, valid=Window(from_at=until + timedelta(days=1)))
    book = Book(Program.from_document(1, made), templates=[spare, welcome, over, begins])
    for order_id in ("o1", "o2"):
        book.do(accrue(20_000, order_id, settle=False))
    book.do(SetTier(member_id="m", reference="s", tier="bronze", reason="x", until=until))
    for points, name in ((100, "a"), (1, "b")):
        book.do(Import(member_id="m", reference=name, points=points, expires_at=until))
    book.do(Import(member_id="m", reference="c", points=500))
    for name in ("spare", "over", "begins"):
        book.do(ClaimCoupon(member_id="m", template=name))
    book.now = ends - timedelta(days=5)
    seconds = int((until - book.now).total_seconds())
    for name in ("r2", "r1"):
        book.do(Redeem(member_id="m", reference=name, points=10, reserve=True, hold_seconds=seconds))
    book.do(LockCoupon(member_id="m", code="C1", reference="l", hold_seconds=seconds))
    for name in ("k2", "k1"):
        wish = Wish(0, 0, ())
        book.do(
            HoldCheckout(member_id="m", checkout_id=name, cart=cart(100), wish=wish, hold_seconds=seconds)
        )
    return book


def test_things_due_at_one_instant_have_their_order_however_they_are_loaded() -> None:
    """Orders settle, points expire, holds end by their names, coupons expire, then tiers end and give coupons."""
    ends = START + timedelta(days=15)
    book = with_all_that_falls_due(ends, ends)
    member, before = book.members["m"], book.account().sequence
    for rows in (member.lots, member.redemptions, member.checkouts, member.coupons):
        turned = dict(reversed(rows.items()))
        rows.clear()
        rows.update(turned)
    book.now = ends
    book.mature("m")
    happened = book.entries["m"][before:]
    assert [(entry.kind, entry.key) for entry in happened] == [
        ("settle", "settle/o1"),
        ("settle", "settle/o2"),
        ("expire", happened[2].key),
        ("lapse_checkout", "lapse_checkout/k1"),
        ("lapse_checkout", "lapse_checkout/k2"),
        ("lapse_coupon", happened[5].key),
        ("lapse", "lapse/r1"),
        ("lapse", "lapse/r2"),
        ("expire_coupons", happened[8].key),
        ("tier_period", happened[9].key),
        ("tier_coupons", "tier_coupons/silver/entry/2026"),
    ]
    assert book.balances() == (900, 0, 0, 0)


def test_after_each_the_next_moment_is_known_exactly() -> None:
    """The book sees that it is, whenever it writes down what fell due."""
    ends = START + timedelta(days=15)
    book = with_all_that_falls_due(ends, ends + timedelta(days=1))
    # Of each sort one that ends later than those before it.
    long = 7 * 86_400
    book.do(
        HoldCheckout(member_id="m", checkout_id="k0", cart=cart(100), wish=Wish(0, 0, ()), hold_seconds=long)
    )
    book.do(ClaimCoupon(member_id="m", template="spare"))
    book.do(LockCoupon(member_id="m", code="C4", reference="long", hold_seconds=long))
    book.do(Redeem(member_id="m", reference="short", points=1, reserve=True, hold_seconds=60))
    book.later(minutes=1).mature("m")
    assert book.account().coupon_due_at == ends + timedelta(days=1)
    assert (book.account().hold_due_at, book.account().due_at) == (ends + timedelta(days=1), ends)
    for days in range(12):
        book.now = START + timedelta(days=10 + days)
        book.mature("m")
    assert book.account().coupons == 4  # what began, both that are free again, and the welcome
    assert (book.account().hold_due_at, book.account().coupon_due_at) == (None, None)


def test_what_settles_by_itself_was_asked_for_like_by_hand() -> None:
    book = Book()
    book.do(accrue(settle=False))
    book.later(days=15).mature("m")
    assert book.last().content == Settle(member_id="m", order_id="o").content()


def test_due_dates_are_counted_anew_so_that_what_is_over_does_not_call_again() -> None:
    book = Book()
    book.do(accrue())
    book.do(Redeem(member_id="m", reference="r", points=100))
    assert book.account().due_at is not None
    book.later(days=400)
    changes = mature(book.members["m"], book.context())
    assert [change.entry for change in changes] == [None]
    assert book.account().due_at is None
    assert mature(book.members["m"], book.context()) == []


def test_a_tenth_goes_each_year() -> None:
    book = Book(with_validity(policy="yearly_tenth"))
    book.do(accrue(100_000))
    left: list[int] = []
    for _ in range(11):
        book.later(days=366).mature("m")
        left.append(book.balances()[0])
    assert left == [900, 800, 700, 600, 500, 400, 300, 200, 100, 0, 0]
    assert book.kinds()[1:] == ["expire"] * 10


def test_several_tenths_at_once_when_late() -> None:
    book = Book(with_validity(policy="yearly_tenth"))
    book.do(accrue(100_000))
    book.later(days=366 * 3).mature("m")
    assert book.kinds()[1:] == ["expire"] * 3
    assert (book.balances()[0], book.account().next_expires_points) == (700, 100)


# --- inactivity ------------------------------------------------------------------------------------------

SIX_MONTHS = with_validity(policy="inactivity", months=6)


def test_activity_moves_the_expiry_of_all_that_is_held() -> None:
    book = Book(SIX_MONTHS)
    book.do(accrue())
    book.later(days=100).do(SignIn(member_id="m"))
    ends = book.account().next_expires_at
    assert ends == datetime.fromisoformat("2026-12-13T16:00:00+00:00")
    assert book.lot(1).expires_at == book.lot(2).expires_at == ends
    assert book.account().next_expires_points == 110
    book.later(days=100).do(Redeem(member_id="m", reference="r", points=1))
    assert book.account().next_expires_points == 109
    book.later(days=200).mature("m")
    assert book.balances() == (0, 0, 0, 0)


def test_activity_moves_what_is_held_and_what_is_left_to_the_last_point() -> None:
    book = Book(SIX_MONTHS)
    book.do(accrue())
    book.do(accrue(100, "o2"))
    book.do(Redeem(member_id="m", reference="h", points=70, reserve=True, hold_seconds=600_000))
    book.later(days=6).do(SignIn(member_id="m"))
    ends = datetime.fromisoformat("2026-09-11T16:00:00+00:00")
    assert [(lot.remaining, lot.reserved, lot.expires_at) for lot in book.members["m"].lots.values()] == [
        (30, 70, ends),
        (1, 0, ends),
        (10, 0, ends),
    ]


def test_activity_moves_nothing_that_is_spent() -> None:
    book = Book(SIX_MONTHS)
    book.do(accrue())
    book.do(Redeem(member_id="m", reference="r", points=100))
    ends = book.lot(1).expires_at
    book.later(days=100).do(SignIn(member_id="m"))
    assert book.lot(1).expires_at == ends


def test_what_expires_at_this_very_moment_while_it_is_held_is_not_kept_alive() -> None:
    book = Book()
    book.do(accrue())
    ends = datetime.fromisoformat("2027-03-05T16:00:00+00:00")
    book.now = ends - timedelta(hours=1)
    book.do(Redeem(member_id="m", reference="h", points=100, reserve=True, hold_seconds=7_200))
    book.adopt(at(SIX_MONTHS, version=2))
    book.later(hours=1).do(SignIn(member_id="m"))
    assert (book.lot(1).expires_at, book.lot(1).reserved) == (ends, 100)


def test_what_has_expired_is_not_brought_back_by_activity() -> None:
    book = Book(SIX_MONTHS)
    book.do(accrue())
    book.later(days=200).do(SignIn(member_id="m"))
    assert book.balances()[0] == 10
    assert book.account().expired == 100


def test_what_others_do_is_no_activity() -> None:
    book = Book(SIX_MONTHS)
    book.do(accrue(settle=False))
    ends = book.lot(1).expires_at
    book.later(days=20).mature("m")
    assert book.lot(1).expires_at == ends


def test_under_inactivity_what_never_expires_stays_so() -> None:
    book = Book(with_validity(policy="never"))
    book.do(accrue())
    book.adopt(at(SIX_MONTHS, version=2))
    book.do(accrue(order_id="o2"))
    assert book.lot(1).expires_at is None
    assert book.account().next_expires_points == 100


# --- late or not, the same -------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(
    orders=st.lists(st.tuples(st.integers(0, 60_000), st.booleans(), st.integers(0, 40)), max_size=6),
    holds=st.lists(st.tuples(st.integers(1, 400), st.integers(1, 604_800)), max_size=4),
    policy=st.sampled_from(["anniversary", "yearly_tenth", "months"]),
    looks=st.lists(st.integers(1, 500), max_size=6),
)
def test_a_late_job_leads_to_the_same_balances(
    orders: list[tuple[int, bool, int]], holds: list[tuple[int, int]], policy: str, looks: list[int]
) -> None:
    more = {"years": 1} if policy == "anniversary" else {"months": 2} if policy == "months" else {}
    outcomes: list[object] = []
    for often in (True, False):
        book = Book(with_validity(policy=policy, **more))
        for number, (amount, settle, days) in enumerate(orders):
            book.later(days=days).do(accrue(amount, f"o{number}", settle=settle))
        for number, (points, seconds) in enumerate(holds):
            if points <= book.balances()[0]:
                book.do(
                    Redeem(
                        member_id="m",
                        reference=f"r{number}",
                        points=points,
                        reserve=True,
                        hold_seconds=seconds,
                    )
                )
        for days in looks:
            book.later(days=days)
            if often:
                book.mature("m")
        book.later(days=1).mature("m")
        account = book.account()
        lots = [lot for _, lot in sorted(book.members["m"].lots.items())]
        moments = [entry.occurred_at for entry in book.entries.get("m", [])]
        outcomes.append((account._replace(last_at=None), lots, moments))
    assert outcomes[0] == outcomes[1]
