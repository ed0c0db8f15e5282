"""What an entry says of itself, and what a member who takes in a decision knows for the next one of its batch."""

from app.domain.account import bucket_of
from app.domain.campaign_commands import PayCampaign
from app.domain.carts import Wish
from app.domain.checkout_commands import ExtendCheckout, HoldCheckout
from app.domain.commands import Accrue, Adjust, Redeem
from app.domain.posting import Gift, Member
from tests.domain.book import Book
from tests.domain.fair import Fair, campaign, growth, points
from tests.domain.lane import Lane
from tests.domain.programs import DEFAULT
from tests.domain.shop import cart


def test_an_entry_says_whose_it_is_and_who_asked_for_it() -> None:
    book = Book()
    book.do(Adjust(member_id="m", reference="a", points=5, reason="r"))
    entry = book.last()
    assert (entry.bucket, entry.member_id) == (bucket_of("m"), "m")
    assert (entry.actor, entry.request_id) == ("till", "request-1")


def test_what_nobody_asked_for_has_no_content() -> None:
    """A repeat is told from a clash by the content; what fell due is never repeated."""
    book = Book()
    book.do(Adjust(member_id="m", reference="a", points=5, reason="r"))
    assert book.last().content
    book.do(Redeem(member_id="m", reference="h", points=5, reserve=True))
    book.later(days=8).mature("m")
    assert (book.last().kind, book.last().content) == ("lapse", b"")


def test_a_checkout_held_in_this_batch_can_be_completed_in_it() -> None:
    book = Lane().book
    held = book.decide(HoldCheckout(member_id="m", checkout_id="k", cart=cart(1_000), wish=Wish(100, 0, ())))
    member = Member(held.account)
    member.apply(held)
    assert member.held == {"k": held.detail}
    member.apply(book.decide(ExtendCheckout(member_id="m", checkout_id="k", hold_seconds=3_600)))
    assert member.held == {"k": held.detail}


def test_what_campaigns_gave_for_a_tier_is_known_at_once() -> None:
    book = Fair(
        campaign("both", points(7), growth(3), trigger="tier_change"),
        campaign("points", points(7), trigger="tier_change"),
        program=DEFAULT,
    )
    book.do(Accrue(member_id="m", order_id="o", amount=30_000))
    gifts = book.members["m"].gifts
    assert {key.split("/")[1]: gift for key, gift in gifts.items()} == {
        "both": Gift(2, 7, 3),
        "points": Gift(3, 7, 0),
    }
    assert PayCampaign.kind == book.last().kind == "campaign"
