"""What campaigns of orders do at the till: discounts, gifts and free shipping, priced once when the cart is held.

Source: RULES.md, Campaigns; API.md, Checkout. Each such effect is an automatic template of its campaign's: it takes its
place in the published order, and goes with the coupons and promotions that let it. Campaigns apply at the till as to
points: by priority, with those that stack, none whose budget is spent.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from app.domain.account import Tally
from app.domain.campaign_choice import applying, limit, stacked
from app.domain.campaign_facts import CampaignFacts
from app.domain.campaigns import AT_THE_TILL, Campaign, Effect, EffectKind
from app.domain.carts import Cart, check_cart
from app.domain.coupon_templates import Eligible, Gift, Kind, Template
from app.domain.earning import Line
from app.domain.orders import Order
from app.domain.posting import Context, Member

_KINDS: Mapping[EffectKind, Kind] = {
    "discount": "percent_off",
    "gift": "gift",
    "free_shipping": "free_shipping",
}


def offers(member: Member, cart: Cart, context: Context) -> list[Template]:
    """The templates of the campaigns that apply to the cart as it is before any discount.

    Nothing is noted of a condition that fails: the order is going to ask it again. Raises as `check_cart`, and
    NeedsMore at a hold that depends on a budget: so that it finds it spent where a quote did.
    """
    roster = context.campaigns.reading()
    if not any(_at_the_till(campaign) for campaign in roster.open("order")):
        return []
    check_cart(cart)
    account = member.account
    lines = tuple(Line(*line) for line in cart.lines)
    order = Order(sum(line.amount_fen for line in lines), lines, {}, 0, cart.channel)
    campaigns = applying(
        "order",
        account,
        roster,
        lambda: CampaignFacts(member, account, context, order=order),
    )
    spent = limit(campaigns, _least(campaigns), member, context).spent
    chosen = stacked([campaign for campaign in campaigns if campaign.campaign not in spent])
    return [_template(campaign, effect) for campaign in chosen for effect in _at_the_till(campaign)]


def given(offered: Iterable[Template], used: Iterable[tuple[str, int]]) -> dict[str, int]:
    """What each campaign takes off a cart (minor unit; a gift nothing), of the `used` (template, discount)."""
    campaigns = {template.template: template.campaign for template in offered}
    found: dict[str, int] = {}
    for template, discount_fen in used:
        campaign = campaigns.get(template)
        if campaign is not None:
            found[campaign] = found.get(campaign, 0) + discount_fen
    return found


def discounts_told(
    discounts_fen: Mapping[str, int], tallies: Sequence[Tally], order: Order
) -> Iterator[Tally]:
    """What campaigns took off a cart that became an order, to be counted with it; `tallies` have what they add to it.

    The order counts once for each campaign.
    """
    counted = {each.campaign for each in tallies}
    for campaign, discount_fen in discounts_fen.items():
        is_new = campaign not in counted
        yield Tally(
            campaign,
            times=int(is_new),
            amount=order.amount if is_new else 0,
            discount=discount_fen,
        )


def _at_the_till(campaign: Campaign) -> list[Effect]:
    return [effect for effect in campaign.effects if effect.kind in AT_THE_TILL]


def _least(campaigns: Iterable[Campaign]) -> dict[str, int]:
    """A point of each that pays points: whose budget has none left is spent."""
    return {
        campaign.campaign: 1
        for campaign in campaigns
        if any(effect.kind in ("multiply_points", "add_points") for effect in campaign.effects)
    }


def _template(campaign: Campaign, effect: Effect) -> Template:
    lines = effect.lines
    return Template(
        template=f"campaign:{campaign.campaign}",
        name=campaign.name,
        kind=_KINDS[effect.kind],
        percent_off=effect.percent_off or None,
        max_discount_fen=effect.max_discount_fen,
        gift=None if effect.sku is None else Gift(effect.sku, effect.count),
        eligible=Eligible(skus=lines.skus, categories=lines.categories, brands=lines.brands),
        stacks_with="all",  # with other campaigns it was chosen; a coupon that does not want it says so itself
        automatic=True,
        campaign=campaign.campaign,
    )
