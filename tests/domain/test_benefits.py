"""What tiers and persons give. Source: RULES.md, Tiers (benefits, coupons on entry and each month, grants)."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.domain.account import BenefitGrant
from app.domain.benefit_commands import BenefitEnded, GiveBirthdayCoupon, GrantBenefit, RevokeBenefit
from app.domain.benefit_grants import BenefitEndsInPast, BenefitInvalid, BenefitNotFound
from app.domain.benefits import held, month_start, perks, templates_given, with_months
from app.domain.carts import Wish
from app.domain.commands import Accrue, Enrol, Erase, EvaluateTier, Import, Reverse, SetTier
from app.domain.coupon_templates import Template, Window
from app.domain.errors import LoyaltyError, MemberErased
from app.domain.maturity import is_due
from app.domain.program import Program, ProgramInvalid
from app.domain.terms import Benefit, TierCoupon
from tests.domain.book import START, Book, at
from tests.domain.programs import DEFAULT, document, program
from tests.domain.shop import ask_of, cart, discounts

SHANGHAI_APRIL = datetime(2026, 3, 31, 16, tzinfo=UTC)
BIRTHDAY_KEY = "tier_coupons/birthday/2026"


def template(code: str, **terms: Any) -> Template:
    return Template(template=code, name=code, kind="amount_off", amount_off_fen=100, **terms)


def coupon(on: str, template: str = "t", **more: Any) -> dict[str, Any]:
    return {"code": f"{on}_{template}", "label": on, "coupon": {"template": template, "on": on, **more}}


def giving(version: int = 1, **benefits: Iterable[dict[str, Any]]) -> Program:
    """The default program whose tiers have these benefits, and no others."""
    made = document()
    for tier in made["tiers"]["ladder"]:
        tier["benefits"] = list(benefits.get(tier["code"], ()))
    return Program.from_document(version, made)


def buy(amount: int, order: str = "o1") -> Accrue:
    return Accrue(member_id="m", order_id=order, amount=amount)


def given(book: Book) -> list[tuple[str, str, list[str], list[str]]]:
    """(tier, occasion, templates given, codes of refusals) of each entry."""
    told = [json.loads(entry.detail) for entry in book.entries.get("m", []) if entry.kind == "tier_coupons"]
    return [
        (
            each["tier"],
            each["on"],
            [coupon["template"] for coupon in each["coupons"]],
            [refusal["code"] for refusal in each["refused"]],
        )
        for each in told
    ]


def keys(book: Book) -> list[str]:
    return [entry.key for entry in book.entries.get("m", []) if entry.kind == "tier_coupons"]


# --- the program -------------------------------------------------------------------------------------------


def read(**benefit: Any) -> Benefit:
    made = document()
    made["tiers"]["ladder"][0]["benefits"] = [{"code": "b", "label": "B", **benefit}]
    read = Program.from_document(1, made)
    assert read.to_document()["tiers"]["ladder"][0]["benefits"] == [{"code": "b", "label": "B", **benefit}]
    return read.tiers.ladder[0].benefits[0]


def test_what_a_benefit_says() -> None:
    assert read() == Benefit("b", "B", {})
    assert read(discount_percent=0) == Benefit("b", "B", {}, discount_percent=0)
    assert read(free_shipping=False) == Benefit("b", "B", {}, free_shipping=False)
    assert read(coupon={"template": "t", "on": "month"}).coupon == TierCoupon("t", "month", 1)
    assert read(coupon={"template": "t", "on": "entry", "count": 20}).coupon == TierCoupon("t", "entry", 20)
    assert read(seats=2, free_shipping=True).terms == {"seats": 2}


@pytest.mark.parametrize(
    ("benefit", "places"),
    [
        ({"discount_percent": 101}, ["discount_percent"]),
        ({"discount_percent": -1}, ["discount_percent"]),
        ({"discount_percent": True, "free_shipping": "yes"}, ["discount_percent", "free_shipping"]),
        ({"discount_percent": "50"}, ["discount_percent"]),
        ({"free_shipping": None}, ["free_shipping"]),
        ({"coupon": "t"}, ["coupon", "coupon/template", "coupon/on"]),
        ({"coupon": {"template": "a b", "on": "entry"}}, ["coupon/template"]),
        ({"coupon": {"template": "t", "on": "week"}}, ["coupon/on"]),
        ({"coupon": {"template": "t", "on": "entry", "count": 0}}, ["coupon/count"]),
        ({"coupon": {"template": "t", "on": "entry", "count": 21}}, ["coupon/count"]),
        ({"coupon": {"template": "t", "on": "entry", "often": 2}}, ["coupon/often"]),
    ],
)
def test_mistakes_in_a_benefit_are_told_at_their_place(benefit: dict[str, Any], places: list[str]) -> None:
    with pytest.raises(ProgramInvalid) as refused:
        read(**benefit)
    assert [mistake.pointer for mistake in refused.value.mistakes] == [
        f"/tiers/ladder/0/benefits/0/{place}" for place in places
    ]


def test_the_default_program_gives_everybody_a_birthday_coupon() -> None:
    assert templates_given(DEFAULT, frozenset({"birthday"})) == {"birthday"}
    assert templates_given(DEFAULT, frozenset({"entry", "month"})) == frozenset()


# --- on entering a tier ------------------------------------------------------------------------------------


def test_entering_a_tier_gives_its_coupons_at_once() -> None:
    book = Book(
        giving(silver=[coupon("entry", count=2), coupon("entry", "u")]),
        templates=[template("t"), template("u")],
    )
    assert (book.account().benefits_at, book.account().due_at) == (None, None)
    book.do(buy(30_000))
    assert book.account().benefits_at == book.now
    assert is_due(book.account(), book.now)
    book.mature("m")
    assert given(book) == [("silver", "entry", ["t", "t", "u"], [])]
    assert keys(book) == ["tier_coupons/silver/entry/2026"]
    assert book.account().benefits_at is None
    assert (book.account().coupons, book.counters["t"].issued) == (3, 2)
    assert {one.source for one in book.members["m"].coupons.values()} == {"tier"}
    assert (book.last().occurred_at, book.last().content) == (START, b"")


def test_joining_enters_the_lowest_tier() -> None:
    book = Book(giving(bronze=[coupon("entry")]), templates=[template("t")])
    assert book.account().due_at == START
    book.later(days=3).mature("m")
    assert given(book) == [("bronze", "entry", ["t"], [])]
    assert (book.last().occurred_at, book.last().recorded_at) == (START, book.now)


def test_who_is_brought_along_enters_nothing() -> None:
    rules = giving(bronze=[coupon("entry")], silver=[coupon("entry"), coupon("month")])
    book = Book(rules, "other", templates=[template("t")])
    book.do(Import(member_id="m", reference="i", spend=30_000))
    assert book.account().benefits_at == SHANGHAI_APRIL
    book.do(Import(member_id="n", reference="i", spend=1))
    assert book.account("n").benefits_at is None
    book.do(Import(member_id="m", reference="i2", spend=1))
    assert book.account().benefits_at == SHANGHAI_APRIL


def test_going_down_and_up_again_gives_nothing_more_this_year() -> None:
    book = Book(giving(silver=[coupon("entry")]), templates=[template("t")])
    for number in range(3):
        book.later(hours=1).do(buy(30_000, f"o{number}"))
        book.later(hours=1).do(Reverse(member_id="m", order_id=f"o{number}", reference="r", amount=30_000))
        assert book.account().tier == "bronze"
    assert given(book) == [("silver", "entry", ["t"], [])]
    assert book.account().benefits_at is None
    book.later(days=365).do(buy(30_000, "next-year"))
    book.mature("m")
    assert keys(book) == ["tier_coupons/silver/entry/2026", "tier_coupons/silver/entry/2027"]


def test_being_set_down_to_a_tier_is_no_entry() -> None:
    book = Book(giving(silver=[coupon("entry")]), templates=[template("t")])
    for number, tier in enumerate(("gold", "silver")):
        book.do(SetTier(member_id="m", reference=f"s{number}", tier=tier, reason="r"))
        book.mature("m")
    assert given(book) == []


def test_falling_into_a_tier_is_no_entry() -> None:
    book = Book(
        giving(bronze=[coupon("month")], silver=[coupon("entry")], gold=[]), templates=[template("t")]
    )
    book.do(buy(300_000))
    assert (book.account().tier, book.account().benefits_at) == ("gold", None)
    book.do(Reverse(member_id="m", order_id="o1", reference="r", amount=270_000))
    assert (book.account().tier, book.account().benefits_at) == ("silver", None)
    book.do(Reverse(member_id="m", order_id="o1", reference="s", amount=1))
    assert (book.account().tier, book.account().benefits_at) == ("bronze", SHANGHAI_APRIL)


def test_a_tier_set_by_hand_is_entered_and_set_again_is_not() -> None:
    book = Book(giving(gold=[coupon("entry")]), templates=[template("t")])
    book.do(SetTier(member_id="m", reference="s1", tier="gold", reason="x"))
    book.later(hours=1).do(SetTier(member_id="m", reference="s2", tier="gold", reason="x"))
    book.mature("m")
    assert given(book) == [("gold", "entry", ["t"], [])]


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"state": "ended"}, "template_not_open"),
        ({"stock": 0}, "coupon_exhausted"),
        ({"per_member": 1}, "coupon_limit_reached"),
        (None, "template_not_found"),
    ],
)
def test_what_can_not_be_given_is_left_out_and_told(terms: dict[str, Any] | None, code: str) -> None:
    offered = [template("u")] if terms is None else [template("t", **terms), template("u")]
    book = Book(giving(silver=[coupon("entry", count=2), coupon("entry", "u")]), templates=offered)
    book.do(buy(30_000))
    book.mature("m")
    [(_, _, templates, refused)] = given(book)
    assert set(refused) == {code}
    assert templates == (["t", "u"] if terms == {"per_member": 1} else ["u"])


# --- each month --------------------------------------------------------------------------------------------


def test_each_month_gives_its_coupons_at_its_own_beginning() -> None:
    book = Book(giving(bronze=[coupon("month")]), templates=[template("t", valid=Window(days=10))])
    assert book.account().benefits_at == book.account().due_at == SHANGHAI_APRIL
    book.now = SHANGHAI_APRIL - timedelta(microseconds=1)
    book.mature("m")
    assert given(book) == []
    book.now = SHANGHAI_APRIL
    book.mature("m")
    assert keys(book) == ["tier_coupons/bronze/month/2026-04"]
    assert book.account().benefits_at == datetime(2026, 4, 30, 16, tzinfo=UTC)
    book.later(days=95).mature("m")
    assert keys(book)[1:] == [f"tier_coupons/bronze/month/2026-0{month}" for month in (5, 6, 7)]
    moments = [entry.occurred_at for entry in book.entries["m"] if entry.kind == "tier_coupons"]
    assert moments == [month_start(SHANGHAI_APRIL, DEFAULT.timezone, months=number) for number in range(4)]
    statuses = [one.status for one in book.members["m"].coupons.values()]
    assert statuses == ["expired", "expired", "expired", "issued"]


def test_limits_of_a_day_are_those_of_the_day_it_was_due_however_late() -> None:
    """A member may have one a day, the tier gives two a month: of each month one is given, and one is not."""
    book = Book(giving(bronze=[coupon("month", count=2)]), templates=[template("t", per_day=1)])
    book.later(days=95).mature("m")
    assert given(book) == [("bronze", "month", ["t"], ["coupon_limit_reached"])] * 3


def test_of_many_months_the_last_twelve_are_given() -> None:
    book = Book(giving(bronze=[coupon("month")]), templates=[template("t")])
    book.now = datetime(2028, 6, 15, tzinfo=UTC)
    book.mature("m")
    assert keys(book)[0] == "tier_coupons/bronze/month/2027-07"
    assert keys(book)[-1] == "tier_coupons/bronze/month/2028-06"
    assert len(keys(book)) == 12


def test_entry_first_and_then_each_month() -> None:
    book = Book(giving(silver=[coupon("entry"), coupon("month")]), templates=[template("t")])
    book.do(buy(30_000))
    book.mature("m")
    assert book.account().benefits_at == SHANGHAI_APRIL
    book.later(days=30).mature("m")
    assert [each[1] for each in given(book)] == ["entry", "month"]


def test_entering_at_the_very_beginning_of_a_month_gives_both() -> None:
    book = Book(
        giving(bronze=[coupon("month")], silver=[coupon("entry"), coupon("month", "u")]),
        templates=[template("t"), template("u")],
        now=SHANGHAI_APRIL - timedelta(days=1),
    )
    book.now = SHANGHAI_APRIL
    book.do(buy(30_000))
    book.mature("m")
    assert given(book) == [
        ("bronze", "month", ["t"], []),
        ("silver", "entry", ["t"], []),
        ("silver", "month", ["u"], []),
    ]
    assert book.account().benefits_at == datetime(2026, 4, 30, 16, tzinfo=UTC)


def test_going_down_and_up_at_the_very_beginning_of_a_month_gives_nothing_twice() -> None:
    rules = giving(silver=[coupon("entry"), coupon("month")])
    book = Book(rules, templates=[template("t")], now=SHANGHAI_APRIL)
    for number in range(3):
        book.do(buy(30_000, f"o{number}"))
        book.do(Reverse(member_id="m", order_id=f"o{number}", reference="r", amount=30_000))
    assert keys(book) == ["tier_coupons/silver/entry/2026", "tier_coupons/silver/month/2026-04"]


def test_a_tier_that_ends_with_a_month_hands_on_what_it_owed() -> None:
    rules = giving(bronze=[coupon("month")], gold=[coupon("month", "u")])
    book = Book(rules, templates=[template("t"), template("u")])
    book.do(SetTier(member_id="m", reference="s", tier="gold", reason="x", until=SHANGHAI_APRIL))
    book.later(days=40).mature("m")
    assert given(book) == [("bronze", "month", ["t"], [])]


def test_a_tier_that_ends_with_a_year_is_no_entry_into_the_one_below() -> None:
    new_year = datetime(2026, 12, 31, 16, tzinfo=UTC)
    rules = giving(bronze=[coupon("entry"), coupon("month", "u")], gold=[coupon("month")])
    book = Book(rules, templates=[template("t"), template("u")])
    book.do(SetTier(member_id="m", reference="s", tier="gold", reason="x", until=new_year))
    book.now = new_year
    book.mature("m")
    assert book.account().benefits_at == new_year + timedelta(microseconds=1)
    book.later(days=1).mature("m")
    assert [key for key in keys(book) if "/entry/" in key] == ["tier_coupons/bronze/entry/2026"]
    assert keys(book)[-2:] == ["tier_coupons/gold/month/2026-12", "tier_coupons/bronze/month/2027-01"]


def test_a_later_program_may_give_nothing_any_more_or_again() -> None:
    book = Book(giving(bronze=[coupon("month")]), templates=[template("t")])
    book.adopt(giving(2))
    book.later(days=40).mature("m")
    assert (given(book), book.account().benefits_at) == ([], None)
    book.adopt(giving(3, bronze=[coupon("month")]))
    book.do(EvaluateTier(member_id="m"))
    assert book.account().benefits_at == book.account().due_at == datetime(2026, 4, 30, 16, tzinfo=UTC)
    book.do(EvaluateTier(member_id="m"))
    book.later(days=30).mature("m")
    assert keys(book) == ["tier_coupons/bronze/month/2026-05"]


def test_another_zone_begins_its_months_at_its_own_midnight() -> None:
    book = Book(giving(bronze=[coupon("month")]), templates=[template("t")])
    made = giving(2, bronze=[coupon("month")]).to_document()
    book.adopt(Program.from_document(2, {**made, "timezone": "UTC"}))
    book.now = SHANGHAI_APRIL
    book.mature("m")
    assert (given(book), book.account().benefits_at) == ([], datetime(2026, 4, 1, tzinfo=UTC))


def test_the_forgotten_are_owed_nothing() -> None:
    book = Book(giving(bronze=[coupon("month")], silver=[coupon("entry")]), templates=[template("t")])
    book.do(buy(30_000))
    book.do(Reverse(member_id="m", order_id="o1", reference="r", amount=1))
    book.do(Erase(member_id="m"))
    assert book.account().benefits_at is None
    book.do(Reverse(member_id="m", order_id="o1", reference="s", amount=1))
    assert book.account().benefits_at is None
    with pytest.raises(MemberErased):
        book.do(GiveBirthdayCoupon(member_id="m"))


def test_the_forgotten_fall_without_being_owed_anything() -> None:
    book = Book(giving(bronze=[coupon("month")], silver=[]), templates=[template("t")])
    book.do(buy(30_000))
    book.do(Erase(member_id="m"))
    book.do(Reverse(member_id="m", order_id="o1", reference="r", amount=1))
    assert (book.account().tier, book.account().benefits_at) == ("bronze", None)


def test_late_or_not_the_same_coupons_come() -> None:
    rules = giving(bronze=[coupon("month")], silver=[coupon("entry"), coupon("month", "u")])
    outcomes: list[object] = []
    for often in (True, False):
        book = Book(rules, templates=[template("t", valid=Window(days=5)), template("u", stock=2)])
        for week in range(40):
            book.later(days=7)
            if often:
                book.mature("m")
            if week == 10:
                book.do(buy(30_000))
        book.mature("m")
        moments = [entry.occurred_at for entry in book.entries["m"]]
        outcomes.append((given(book), keys(book), moments, book.account()._replace(last_at=None)))
    assert outcomes[0] == outcomes[1]
    assert [each[1:] for each in given(book)] == [
        *[("month", ["t"], [])] * 2,
        ("entry", ["t"], []),
        *[("month", ["u"], [])] * 2,
        *[("month", [], ["coupon_exhausted"])] * 5,
    ]


# --- birthdays ---------------------------------------------------------------------------------------------


def born_in(month: int, rules: Program = DEFAULT) -> Book:
    book = Book(rules, templates=[template("birthday", valid=Window(days=31))])
    book.members["m"].traits = {"birthday_month": month}
    return book


def test_a_birthday_gives_its_coupon_once_a_year() -> None:
    book = born_in(3)
    book.do(GiveBirthdayCoupon(member_id="m"))
    assert given(book) == [("bronze", "birthday", ["birthday"], [])]
    assert keys(book) == [BIRTHDAY_KEY]
    [one] = book.members["m"].coupons.values()
    assert (one.source, one.valid_until) == ("birthday", datetime(2026, 4, 5, 16, tzinfo=UTC))
    assert GiveBirthdayCoupon(member_id="m").natural_key(book.context().today) == BIRTHDAY_KEY


@pytest.mark.parametrize("month", [0, 2, 4])
def test_no_coupon_in_another_month_or_if_it_is_not_known(month: int) -> None:
    book = born_in(month)
    book.do(GiveBirthdayCoupon(member_id="m"))
    assert given(book) == []


def test_no_coupon_where_the_tier_gives_none() -> None:
    book = born_in(3, giving())
    book.do(GiveBirthdayCoupon(member_id="m"))
    assert given(book) == []


def test_the_month_is_that_of_the_programs_zone() -> None:
    book = born_in(4)
    book.now = SHANGHAI_APRIL
    book.do(GiveBirthdayCoupon(member_id="m"))
    assert len(given(book)) == 1


def test_a_birthday_leaves_the_tiers_own_coupons_as_they_are_owed() -> None:
    book = born_in(3, giving(bronze=[coupon("birthday", "birthday"), coupon("month")]))
    book.do(GiveBirthdayCoupon(member_id="m"))
    assert book.account().benefits_at == SHANGHAI_APRIL


# --- what persons give -------------------------------------------------------------------------------------


def grant(reference: str = "g", **more: Any) -> GrantBenefit:
    terms = tuple(sorted(more.pop("terms", {}).items()))
    return GrantBenefit(
        member_id="m", reference=reference, benefit="vip", label="VIP", reason="kind", terms=terms, **more
    )


def revoke(reference: str = "g") -> RevokeBenefit:
    return RevokeBenefit(member_id="m", reference=reference, reason="enough")


def test_a_benefit_is_given_and_taken_back() -> None:
    book = Book()
    until = START + timedelta(days=3)
    told = {
        "member_id": "m",
        "reference": "g",
        "benefit": "vip",
        "label": "VIP",
        "terms": {"seats": 2},
        "since": "2026-03-05T02:00:00Z",
        "until": "2026-03-08T02:00:00Z",
        "revoked_at": None,
        "reason": "kind",
        "actor": "till",
    }
    assert book.do(grant(terms={"seats": 2}, until=until)) == told
    assert (book.last().key, book.detail()["granted_by"]) == ("grant_benefit/g", "till")
    assert book.members["m"].grants["g"] == BenefitGrant(
        book.account().bucket, "m", "g", 1, "vip", "VIP", '{"seats":2}', START, until, None, "till", "kind"
    )
    revoked = {**told, "revoked_at": "2026-03-05T03:00:00Z", "reason": "enough"}
    assert book.later(hours=1).do(revoke()) == revoked
    assert book.last().key == "revoke_benefit/g"
    assert isinstance(revoke().clash(), BenefitEnded)


@pytest.mark.parametrize(
    ("command", "refusal"),
    [
        (grant("x", until=START), BenefitEndsInPast),
        (grant("x", terms={"discount_percent": 101}), BenefitInvalid),
        (grant("x", terms={"free_shipping": "yes"}), BenefitInvalid),
        (grant("x", terms={"coupon": "t"}), BenefitInvalid),
        (revoke("x"), BenefitNotFound),
        (revoke("over"), BenefitEnded),
        (revoke("revoked"), BenefitEnded),
    ],
)
def test_what_can_not_be_given_or_taken_back(command: Any, refusal: type[LoyaltyError]) -> None:
    book = Book(now=START - timedelta(days=2))
    book.do(grant("over", until=START - timedelta(days=1)))
    book.do(grant("revoked"))
    book.do(revoke("revoked"))
    book.now = START
    with pytest.raises(refusal) as refused:
        book.do(command)
    assert refused.value.detail
    assert refusal.example().code == refusal.code


@pytest.mark.parametrize(
    ("terms", "mistakes"),
    [
        ({"discount_percent": 101}, {"/terms/discount_percent": "must be an integer from 0 to 100"}),
        ({"coupon": "t"}, {"/terms/coupon": "can't be granted: issue the member a coupon instead"}),
        (
            {"discount_percent": -1, "free_shipping": "yes"},
            {
                "/terms/discount_percent": "must be an integer from 0 to 100",
                "/terms/free_shipping": "must be true or false",
            },
        ),
    ],
)
def test_mistakes_in_what_is_given_are_told_at_their_place(
    terms: dict[str, Any], mistakes: dict[str, str]
) -> None:
    with pytest.raises(BenefitInvalid) as refused:
        Book().do(grant(terms=terms))
    assert {each["pointer"]: each["detail"] for each in refused.value.extra["errors"]} == mistakes
    assert "; ".join(f"{pointer} {detail}" for pointer, detail in mistakes.items()) in refused.value.detail


def test_a_discount_of_nothing_may_be_given() -> None:
    assert Book().do(grant(terms={"discount_percent": 0}))["terms"] == {"discount_percent": 0}


def row(reference: str, terms: str, **more: Any) -> BenefitGrant:
    until, revoked_at = more.get("until"), more.get("revoked_at")
    return BenefitGrant(
        0, "m", reference, 1, reference, reference, terms, START, until, revoked_at, "till", "kind"
    )


LATER = START + timedelta(days=1)


@pytest.mark.parametrize(
    ("tier", "grants", "expected"),
    [
        ("bronze", [], (0, "tier:bronze", None)),
        ("gold", [], (2, "tier:gold", "tier:gold")),
        ("bronze", [row("a", "{}")], (0, "tier:bronze", None)),
        (
            "bronze",
            [row("a", '{"discount_percent":3}'), row("b", '{"discount_percent":7}')],
            (7, "benefit:b", None),
        ),
        ("gold", [row("a", '{"discount_percent":2,"free_shipping":true}')], (2, "tier:gold", "tier:gold")),
        ("gold", [row("a", '{"discount_percent":3}')], (3, "benefit:a", "tier:gold")),
        (
            "bronze",
            [row("a", '{"free_shipping":true}'), row("b", '{"free_shipping":true}')],
            (0, "tier:bronze", "benefit:a"),
        ),
        ("bronze", [row("a", '{"free_shipping":false}')], (0, "tier:bronze", None)),
        ("bronze", [row("a", '{"discount_percent":9}', until=START)], (0, "tier:bronze", None)),
        ("bronze", [row("a", '{"discount_percent":9}', until=LATER)], (9, "benefit:a", None)),
        ("bronze", [row("a", '{"discount_percent":9}', revoked_at=START)], (0, "tier:bronze", None)),
        (
            "bronze",
            [row("a", '{"discount_percent":9}', until=START), row("b", '{"discount_percent":5}')],
            (5, "benefit:b", None),
        ),
    ],
)
def test_prices_take_the_best(tier: str, grants: list[BenefitGrant], expected: tuple[Any, ...]) -> None:
    assert perks(DEFAULT.tier(tier), grants, START) == expected


def test_what_is_given_counts_in_prices_while_it_holds() -> None:
    book = Book()
    book.do(grant(terms={"discount_percent": 10, "free_shipping": True}, until=LATER))
    quote = ask_of(book, cart(1_000, shipping_fen=800), Wish())
    assert discounts(quote) == [{"benefit:vip": 100}]
    assert (quote.shipping.free_by, quote.payable_fen) == ("benefit:vip", 900)
    book.now = LATER
    assert ask_of(book, cart(1_000, shipping_fen=800), Wish()).payable_fen == 1_800


# --- what holds --------------------------------------------------------------------------------------------


def listed(book: Book) -> list[tuple[Any, ...]]:
    member = book.members["m"]
    found = held(member.account, member.grants.values(), now=book.now, program=book.program)
    return [
        (each.code, each.terms, each.until, each.grant and each.grant.reference, each.next_coupon_at)
        for each in found
    ]


def test_what_holds_now() -> None:
    book = Book(
        giving(gold=[coupon("month"), coupon("entry"), {"code": "own_service", "label": "s"}]),
        templates=[template("t")],
    )
    assert listed(book) == []
    book.do(buy(300_000))
    book.mature("m")
    book.do(grant(terms={"seats": 2}, until=LATER))
    book.do(grant("h"))
    book.do(revoke("h"))
    assert listed(book) == [
        ("rate", {"rate": "1.2"}, None, None, None),
        ("month_t", {"coupon": {"template": "t", "on": "month"}}, None, None, SHANGHAI_APRIL),
        ("entry_t", {"coupon": {"template": "t", "on": "entry"}}, None, None, None),
        ("own_service", {}, None, None, None),
        ("vip", {"seats": 2}, LATER, "g", None),
    ]
    book.now = LATER
    assert len(listed(book)) == 4
    book.do(Erase(member_id="m"))
    assert listed(book) == []


def test_what_holds_is_called_as_the_program_calls_it_since_the_tier_was_won() -> None:
    book = Book(giving(gold=[{"code": "own_service", "label": "专属客服"}]))
    book.do(grant())
    member = book.members["m"]
    account = member.account._replace(tier="gold", tier_since=LATER, tier_valid_until=LATER)
    found = held(account, member.grants.values(), now=START, program=book.program)
    assert [(each.code, each.label, each.since, each.until) for each in found] == [
        ("rate", "积分 ×1.2", LATER, LATER),
        ("own_service", "专属客服", LATER, LATER),
        ("vip", "VIP", START, None),
    ]


@pytest.mark.parametrize(
    ("status", "owed_at", "owes_at"),
    [("active", None, SHANGHAI_APRIL), ("active", START, START), ("erased", None, None)],
)
def test_a_later_program_brings_monthly_coupons_to_who_is_owed_none_yet(
    status: Any, owed_at: datetime | None, owes_at: datetime | None
) -> None:
    book = Book(giving(bronze=[coupon("month")]), templates=[template("t")])
    account = book.account()._replace(status=status, benefits_at=owed_at)
    assert with_months(account, book.context()).benefits_at == owes_at


def test_in_grace_a_tier_holds_until_the_grace_ends() -> None:
    rules = program(
        tiers={
            "validity_months": 1,
            "grace_days": 5,
            "qualification": {
                "metrics": ["spend"],
                "combine": "any",
                "window": {"kind": "rolling_months", "months": 1},
            },
        }
    )
    book = Book(rules)
    book.do(buy(30_000))
    ends = book.account().tier_valid_until
    assert ends is not None
    assert {each[2] for each in listed(book)} == {ends}
    book.now = ends
    book.mature("m")
    assert book.account().tier_state == "grace"
    assert {each[2] for each in listed(book)} == {ends + timedelta(days=5)}


def test_a_new_member_may_be_owed_coupons() -> None:
    book = Book(giving(bronze=[coupon("entry")]), "other", templates=[template("t")])
    book.do(Enrol(member_id="m"))
    assert at(book.program, version=2).tiers == book.program.tiers
    assert book.account().benefits_at == book.now
