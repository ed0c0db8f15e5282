"""Coupon templates: what a coupon, or a promotion without one, gives, to whom, when, and how often.

Source: RULES.md, Coupons; the fields on the wire are API.md's, with those that are ours (`price`, `bundle`, `gift`,
`group`, `public_code`, `state`, `eligible.min_quantity`). Amounts are in the minor unit.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple, Self, get_args
from zoneinfo import ZoneInfo

from app.domain.calendar import end_of_day, local_date
from app.domain.document import Mistake, Section
from app.domain.errors import ErrorKind, LoyaltyError
from app.domain.identifiers import is_identifier
from app.domain.instants import rfc3339

Kind = Literal["amount_off", "percent_off", "free_shipping", "gift", "exchange", "line_price"]
StacksWith = Literal["none", "other_kinds", "all"]
ReturnOn = Literal["full_refund", "never"]
State = Literal["active", "paused", "ended"]

_AMOUNT = 10**12  # the API's largest amount, in the minor unit
_COUNT = 10**9
_DAYS = 3_660
_NAMES = 1_000
_STEPS = 20
_EXPRESSION = 2_000

_WORTH_BY_KIND: Mapping[Kind, frozenset[str]] = {
    "amount_off": frozenset({"amount_off", "threshold", "steps"}),
    "percent_off": frozenset({"percent_off", "threshold", "max_discount"}),
    "free_shipping": frozenset({"threshold"}),
    "gift": frozenset({"gift", "threshold"}),
    "exchange": frozenset({"threshold", "max_discount"}),
    "line_price": frozenset({"price", "amount_off", "percent_off", "bundle"}),
}
_WORTH_FIELDS = sorted({name for names in _WORTH_BY_KIND.values() for name in names})
_NAMED = ("skus", "categories", "brands", "channels", "tiers")
_LIMITS_OF_COUPONS = ("stock", "budget", "per_member", "per_day", "points_price", "public_code")
_DAY = timedelta(days=1)


class TemplateInvalid(LoyaltyError):
    """The document is no template. Each mistake: a JSON pointer and what is wrong there."""

    code = "template_invalid"
    kind = ErrorKind.UNPROCESSABLE
    title = "The coupon template is invalid"

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        told = "; ".join(f"{pointer or '/'} {detail}" for pointer, detail in mistakes)
        super().__init__(
            f"Correct the template and send it again: {told}.",
            extra={"errors": [{"pointer": pointer, "detail": detail} for pointer, detail in mistakes]},
        )
        self.mistakes = mistakes

    @classmethod
    def example(cls) -> Self:
        return cls((Mistake("/steps/1/threshold", "must be above the step before it (30000)"),))


class Step(NamedTuple):
    """Eligible goods of `threshold_fen` or more get `amount_off_fen` off."""

    threshold_fen: int
    amount_off_fen: int


class Bundle(NamedTuple):
    """Each full set of `quantity` eligible pieces costs `price_fen`."""

    quantity: int
    price_fen: int


class Gift(NamedTuple):
    """What comes with the order for nothing."""

    sku: str
    quantity: int


class Window(NamedTuple):
    """From an instant until another, or some days from when a coupon is issued; all None: for good."""

    from_at: datetime | None = None
    until: datetime | None = None
    days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Eligible:
    """Which lines count, named by any of the three (none given: all), and what is asked of the order."""

    skus: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    brands: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()
    tiers: frozenset[str] = frozenset()
    first_order: bool = False
    member: str | None = None  # a CEL expression over the member
    min_quantity: int = 0  # eligible pieces


_EVERYTHING = Eligible()
_FOR_GOOD = Window()


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """One revision of a template. None stands for what it doesn't say: no limit, no such thing.

    `amount_off_fen` is what comes off once, but a piece under `line_price`; so is `price_fen`.
    """

    template: str
    name: str
    kind: Kind
    amount_off_fen: int | None = None
    threshold_fen: int = 0
    steps: tuple[Step, ...] = ()
    percent_off: int | None = None
    max_discount_fen: int | None = None
    price_fen: int | None = None
    bundle: Bundle | None = None
    gift: Gift | None = None
    eligible: Eligible = _EVERYTHING
    stock: int | None = None
    budget_fen: int | None = None
    per_member: int | None = None
    per_day: int | None = None  # and member
    valid: Window = _FOR_GOOD
    stacks_with: StacksWith = "other_kinds"
    group: str | None = None  # two of one group never go together
    return_on: ReturnOn = "full_refund"
    points_price: int | None = None
    automatic: bool = False
    public_code: str | None = None
    state: State = "active"
    revision: int = 0
    campaign: str | None = None  # whose effect at the till it is: no document says so

    @classmethod
    def from_document(cls, code: str, revision: int, document: Mapping[str, Any]) -> "Template":
        """The template a document describes: the wire's fields without `template` itself; null is absent.

        Raises TemplateInvalid, listing every mistake with its place.
        """
        mistakes: list[Mistake] = []
        root = Section(document, pointer="", mistakes=mistakes)
        fields = _read_terms(root)
        root.refuse_others()
        if mistakes:
            raise TemplateInvalid(tuple(mistakes))
        return cls(template=code, revision=revision, **fields)

    def to_document(self) -> dict[str, Any]:
        """The document it is read from: only what it says, `template` and `revision` left out."""
        return _write_template(self)

    def is_line(self, sku: str, category: str | None, brand: str | None) -> bool:
        """Whether a line with these counts for it: named by any of the three, or nothing is named."""
        eligible = self.eligible
        if not (eligible.skus or eligible.categories or eligible.brands):
            return True
        return sku in eligible.skus or category in eligible.categories or brand in eligible.brands

    def held(self, issued_at: datetime, timezone: ZoneInfo) -> tuple[datetime, datetime | None]:
        """From when until when a coupon issued then can be used; None: for good.

        With `days` it is usable through that many days after the one it was issued on.
        """
        valid = self.valid
        if valid.days is not None:
            return issued_at, end_of_day(local_date(issued_at, timezone) + _DAY * valid.days, timezone)
        return max(issued_at, valid.from_at or issued_at), valid.until

    def is_open(self, now: datetime) -> bool:
        """Whether it is active and its window holds: then an automatic one applies."""
        from_at, until, _ = self.valid
        return (
            self.state == "active" and (from_at is None or from_at <= now) and (until is None or now < until)
        )


def _read_terms(root: Section) -> dict[str, Any]:
    """The fields of a Template by name; of use only if no mistake was noted."""
    kind: Kind = root.choice("kind", get_args(Kind))
    given = [name for name in _WORTH_FIELDS if root.has(name)]
    worth = _read_worth(root, kind, given) if not root.mistakes else {}
    fields: dict[str, Any] = {
        "name": root.text("name", longest=100),
        "kind": kind,
        **worth,
        "stock": root.integer_if_given("stock", least=0, most=_COUNT),
        "budget_fen": root.integer_if_given("budget", least=0, most=_AMOUNT),
        "per_member": root.integer_if_given("per_member", least=1, most=_COUNT),
        "per_day": root.integer_if_given("per_day", least=1, most=_COUNT),
        "points_price": root.integer_if_given("points_price", least=1, most=_AMOUNT),
        "group": root.text("group") if root.has("group") else None,
        "public_code": root.text("public_code") if root.has("public_code") else None,
        "automatic": root.has("automatic") and root.flag("automatic"),
    }
    if root.has("eligible"):
        fields["eligible"] = _read_eligible(root.section("eligible"))
    if root.has("valid"):
        fields["valid"] = _read_window(root.section("valid"))
    for name, words in (("stacks_with", StacksWith), ("return_on", ReturnOn), ("state", State)):
        if root.has(name):
            fields[name] = root.choice(name, get_args(words))
    _check_together(root, fields)
    return fields


def _read_worth(root: Section, kind: Kind, given: Iterable[str]) -> dict[str, Any]:
    """What it gives: the fields of its kind, and no other's."""
    for name in given:
        if name not in _WORTH_BY_KIND[kind]:
            root.wrong(name, f"does not go with {kind}")
    threshold_fen = root.integer_if_given("threshold", least=0, most=_AMOUNT) or 0
    worth: dict[str, Any] = {
        "threshold_fen": threshold_fen,
        "max_discount_fen": root.integer_if_given("max_discount", least=1, most=_AMOUNT),
    }
    match kind:
        case "amount_off":
            worth |= _read_amount_off(root, threshold_fen)
        case "percent_off":
            worth["percent_off"] = root.integer("percent_off", least=1, most=100)
        case "gift":
            gift = root.section("gift")
            worth["gift"] = Gift(
                gift.text("sku", longest=100), gift.integer("quantity", least=1, most=_COUNT)
            )
            gift.refuse_others()
        case "line_price":
            worth |= _read_line_price(root)
        case _:  # free_shipping and exchange say it all
            pass
    return worth


def _read_amount_off(root: Section, threshold_fen: int) -> dict[str, Any]:
    if not root.has("steps"):
        amount_off_fen = root.integer("amount_off", least=1, most=_AMOUNT)
        if 0 < threshold_fen < amount_off_fen:
            root.wrong("amount_off", f"must be at most the threshold ({threshold_fen})")
        return {"amount_off_fen": amount_off_fen}
    for name in ("amount_off", "threshold"):
        if root.has(name):
            root.wrong(name, "does not go with steps")
    steps: list[Step] = []
    for place in root.sections("steps"):
        step = Step(
            place.integer("threshold", least=1, most=_AMOUNT),
            place.integer("amount_off", least=1, most=_AMOUNT),
        )
        place.refuse_others()
        if step.amount_off_fen > step.threshold_fen:
            place.wrong("amount_off", f"must be at most the threshold ({step.threshold_fen})")
        if steps and step.threshold_fen <= steps[-1].threshold_fen:
            place.wrong("threshold", f"must be above the step before it ({steps[-1].threshold_fen})")
        if steps and step.amount_off_fen <= steps[-1].amount_off_fen:
            place.wrong("amount_off", f"must be above the step before it ({steps[-1].amount_off_fen})")
        steps.append(step)
    if not 1 <= len(steps) <= _STEPS:
        root.wrong("steps", f"must have 1 to {_STEPS} steps")
    return {"steps": tuple(steps)}


def _read_line_price(root: Section) -> dict[str, Any]:
    ways = [name for name in ("price", "amount_off", "percent_off", "bundle") if root.has(name)]
    if len(ways) != 1:
        root.wrong("kind", "needs exactly one of price, amount_off, percent_off and bundle")
        return {}
    match ways[0]:
        case "price":
            return {"price_fen": root.integer("price", least=0, most=_AMOUNT)}
        case "amount_off":
            return {"amount_off_fen": root.integer("amount_off", least=1, most=_AMOUNT)}
        case "percent_off":
            return {"percent_off": root.integer("percent_off", least=1, most=100)}
        case _:  # bundle
            bundle = root.section("bundle")
            quantity = bundle.integer("quantity", least=1, most=_COUNT)
            price_fen = bundle.integer("price", least=0, most=_AMOUNT)
            bundle.refuse_others()
            return {"bundle": Bundle(quantity, price_fen)}


def _read_eligible(section: Section) -> Eligible:
    sets = {
        name: section.texts(name, most=_NAMES, longest=100) if section.has(name) else frozenset[str]()
        for name in _NAMED
    }
    eligible = Eligible(
        **sets,
        first_order=section.has("first_order") and section.flag("first_order"),
        member=section.text("member", longest=_EXPRESSION) if section.has("member") else None,
        min_quantity=section.integer_if_given("min_quantity", least=1, most=_COUNT) or 0,
    )
    section.refuse_others()
    return eligible


def _read_window(section: Section) -> Window:
    window = Window(
        from_at=section.instant("from") if section.has("from") else None,
        until=section.instant("until") if section.has("until") else None,
        days=section.integer_if_given("days", least=1, most=_DAYS),
    )
    section.refuse_others()
    if window.days is not None and (window.from_at or window.until):
        section.wrong("days", "does not go with from or until")
    if window.from_at and window.until and window.from_at >= window.until:
        section.wrong("until", "must be later than from")
    return window


def _check_together(root: Section, fields: Mapping[str, Any]) -> None:
    """What one field asks of another."""
    eligible: Eligible = fields.get("eligible", _EVERYTHING)
    if fields["kind"] == "exchange" and not (eligible.skus or eligible.categories or eligible.brands):
        root.wrong("eligible", "must name the skus, categories or brands that can be had")
    if fields["kind"] == "line_price":
        if not fields["automatic"]:
            root.wrong("automatic", "must be true: a line price needs no coupon")
        if fields["group"] is not None:
            root.wrong("group", "does not go with line_price, which goes with everything")
    if fields["public_code"] is not None and fields["points_price"] is not None:
        root.wrong("points_price", "does not go with public_code, which asks for nothing")
    if fields["public_code"] is not None and not is_identifier(fields["public_code"]):
        root.wrong("public_code", "must be 1 to 64 of A-Za-z0-9._:-")
    if fields["automatic"]:
        for name in _LIMITS_OF_COUPONS:
            if root.has(name):
                root.wrong(name, "does not go with automatic: there is no coupon to count")
        if fields.get("valid", _FOR_GOOD).days is not None:
            root.section("valid").wrong("days", "does not go with automatic: nothing is issued")


def _write_template(template: Template) -> dict[str, Any]:
    eligible, valid, gift, bundle = template.eligible, template.valid, template.gift, template.bundle
    who: dict[str, Any] = {name: sorted(getattr(eligible, name)) for name in _NAMED}
    who |= {
        "first_order": eligible.first_order,
        "member": eligible.member,
        "min_quantity": eligible.min_quantity,
    }
    written: dict[str, Any] = {
        "name": template.name,
        "kind": template.kind,
        "amount_off": template.amount_off_fen,
        "threshold": template.threshold_fen or None,
        "steps": [
            {"threshold": step.threshold_fen, "amount_off": step.amount_off_fen} for step in template.steps
        ],
        "percent_off": template.percent_off,
        "max_discount": template.max_discount_fen,
        "price": template.price_fen,
        "bundle": bundle and {"quantity": bundle.quantity, "price": bundle.price_fen},
        "gift": gift and {"sku": gift.sku, "quantity": gift.quantity},
        "eligible": {name: value for name, value in who.items() if value},
        "stock": template.stock,
        "budget": template.budget_fen,
        "per_member": template.per_member,
        "per_day": template.per_day,
        "valid": _present(
            {"from": rfc3339(valid.from_at), "until": rfc3339(valid.until), "days": valid.days}
        ),
        "stacks_with": template.stacks_with,
        "group": template.group,
        "return_on": template.return_on,
        "points_price": template.points_price,
        "automatic": template.automatic or None,
        "public_code": template.public_code,
        "state": template.state,
    }
    return {name: value for name, value in written.items() if value not in (None, [], {})}


def _present(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
