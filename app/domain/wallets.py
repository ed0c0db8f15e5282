"""The coupons a cart may use: the member's own, and those that a code gives on the spot."""

from typing import Any

from app.domain.account import Account, Code, Counter, Coupon
from app.domain.carts import Cart, Wish
from app.domain.coupon_errors import CouponBudgetSpent
from app.domain.coupon_issuing import obtain, with_coupon_due
from app.domain.coupon_reasons import Reason, reason
from app.domain.coupon_templates import Template
from app.domain.coupons import refusal_of, spend_budget
from app.domain.errors import LoyaltyError
from app.domain.posting import Context, Member
from app.domain.quotes import Held, Quote, Shopper, quote
from app.domain.till_offers import given, offers


class Wallet:
    """Coupons by the codes they are named by, and what getting them on the spot changes.

    It has those the wish names; every one the member might use for "best", or if it is `whole`.
    """

    def __init__(self, member: Member, wish: Wish, context: Context, *, whole: bool = False) -> None:
        self._member = member
        self._context = context
        self._account = member.account  # with the coupons got on the spot
        self._coupons: dict[str, Coupon] = {}
        self._refusals: dict[str, Reason] = {}
        self._offers: list[Template] = []  # of campaigns, for the cart priced last
        self.codes: tuple[Code, ...] = ()
        self.counters: dict[str, Counter] = {}
        if whole or wish.coupons == "best":
            self._coupons = {
                code: coupon
                for code, coupon in member.coupons.items()
                if coupon.status in ("issued", "locked")
            }
        if wish.coupons != "best":
            for code in dict.fromkeys(wish.coupons):
                self._find(code)

    def price(self, cart: Cart, wish: Wish) -> Quote:
        """The quote, without the coupons whose budget does not reach. Raises as `quote`."""
        self._offers = offers(self._member, cart, self._context)
        while True:
            priced = quote(
                self._member,
                cart,
                wish,
                shopper=shopper_of(self._member, self._context),
                wallet=self._held(),
                promotions=[*self._context.shelf.automatic, *self._offers],
                context=self._context,
            )
            over = self._over_budget(priced)
            if over is None:
                return priced
            self._refusals[over] = reason("coupon_budget_spent")

    def given_by_campaigns(self, priced: Quote) -> dict[str, int]:
        """What campaigns take off the cart priced last (minor unit), by their codes."""
        return given(
            self._offers, [(used.template, used.discount_fen) for used in priced.used if used.code is None]
        )

    def lock(self, account: Account, priced: Quote, reference: str) -> tuple[Account, tuple[Coupon, ...]]:
        """The account and the coupons once those used are locked; `counters` follow."""
        account = with_coupon_due(
            account._replace(coupons=self._account.coupons), self._account.coupon_due_at
        )
        locked: list[Coupon] = []
        for used in priced.used:
            if used.code is None:
                continue
            coupon = self._coupons[used.code]
            template = self._context.shelf.templates[coupon.template]
            for counter in spend_budget(
                template, used.discount_fen, self._context, self.counters.get(coupon.template)
            ):
                self.counters[counter.template] = counter
            account = account._replace(coupons=account.coupons - 1)
            locked.append(coupon._replace(status="locked", reference=reference, discount=used.discount_fen))
        return account, tuple(locked)

    def _find(self, code: str) -> None:
        """Find a coupon by its code, or get it on the spot by a code of nobody's."""
        own = self._member.coupons.get(code) or next(
            (
                coupon
                for coupon in self._member.coupons.values()
                if coupon.public_code == code and coupon.status == "issued"
            ),
            None,
        )
        if own is not None:
            for name in [name for name, coupon in self._coupons.items() if coupon.code == own.code]:
                del self._coupons[name]  # one coupon goes once, whatever names it is given
            self._coupons[code] = own
            return
        row = self._context.shelf.codes.get(code)
        if row is None:
            self._refusals[code] = reason("coupon_not_found")
        elif row.kind == "void":
            self._refusals[code] = reason("coupon_voided")
        elif row.member_id is not None:
            self._refusals[code] = reason("coupon_not_yours")
        else:
            self._get(code, row)

    def _get(self, code: str, row: Code) -> None:
        template = self._context.shelf.templates[row.template]
        try:
            got = obtain(
                self._member,
                template,
                self._context,
                source="code",
                by=row,
                account=self._account,
                others=self._coupons.values(),
                counter=self.counters.get(template.template),
            )
        except LoyaltyError as refusal:
            self._refusals[code] = Reason(refusal.code, refusal.detail, refusal.extra)
            return
        self._account = got.account
        self._coupons[code] = got.coupon
        self.codes += (got.code,)
        if got.counter is not None:
            self.counters[template.template] = got.counter

    def _held(self) -> list[Held]:
        found = [
            Held(code, None, None, why) for code, why in self._refusals.items() if code not in self._coupons
        ]
        for code, coupon in self._coupons.items():
            template = self._context.shelf.templates[coupon.template]
            why = self._refusals.get(code) or refusal_of(coupon, template, self._context.now)
            found.append(Held(code, template, coupon.valid_until, why))
        return found

    def _over_budget(self, priced: Quote) -> str | None:
        """The first coupon used for which its template's budget does not reach."""
        counters = dict(self.counters)
        for used in priced.used:
            if used.code is None:
                continue
            template = self._context.shelf.templates[used.template]
            try:
                counted = spend_budget(
                    template, used.discount_fen, self._context, counters.get(used.template)
                )
            except CouponBudgetSpent:
                return used.code
            counters |= {counter.template: counter for counter in counted}
        return None


def shopper_of(member: Member, context: Context) -> Shopper:
    """What the rules of coupons ask of a member."""
    account = member.account

    def matches(condition: str) -> bool:
        facts: dict[str, Any] = {
            "tier": account.tier,
            "spend_fen": account.spend,
            "orders": account.orders,
            "joined_at": account.joined_at,
            **member.traits,
        }
        return context.shelf.matches(condition, facts)

    # An order not settled yet counts in no sum: what it is going to give tells that it is there. A cart that is held
    # may be the first order itself; two carts at once can't both be.
    is_held = any(checkout.status == "held" for checkout in member.checkouts.values())
    is_first_order = account.orders == 0 and not account.pending and not is_held
    return Shopper(account.tier, is_first_order, matches)
