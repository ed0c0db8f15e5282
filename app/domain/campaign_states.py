"""How a campaign stands: a draft until it is started, paused and started again, and ended for good."""

from typing import Literal, Self, get_args

from app.domain.campaigns import State
from app.domain.errors import ErrorKind, LoyaltyError

Verb = Literal["start", "pause", "end"]
VERBS: tuple[Verb, ...] = get_args(Verb)


class CampaignNotFound(LoyaltyError):
    code = "campaign_not_found"
    kind = ErrorKind.NOT_FOUND
    title = "Unknown campaign"

    def __init__(self) -> None:
        super().__init__("There is no campaign of this name. Make it with PUT /v1/campaigns/{campaign}.")


class CampaignExists(LoyaltyError):
    code = "campaign_exists"
    kind = ErrorKind.CONFLICT
    title = "The campaign is there with other content"

    def __init__(self) -> None:
        super().__init__(
            "There is a campaign by this name that says something else. PUT it to change it, or name another."
        )


class CampaignEnded(LoyaltyError):
    code = "campaign_ended"
    kind = ErrorKind.CONFLICT
    title = "The campaign has ended"

    def __init__(self) -> None:
        super().__init__("A campaign that has ended stays so. Make another campaign to go on.")


class CampaignNotStarted(LoyaltyError):
    code = "campaign_not_started"
    kind = ErrorKind.CONFLICT
    title = "The campaign was not started"

    def __init__(self) -> None:
        super().__init__("A draft gives nothing that could be paused. Start it first, or end it.")


class BudgetBelowGranted(LoyaltyError):
    """`granted`: points that were given out of the budget so far."""

    code = "budget_below_granted"
    kind = ErrorKind.CONFLICT
    title = "More was granted than the budget would be"

    def __init__(self, *, granted: int) -> None:
        super().__init__(
            f"{granted} points were granted already; the budget can't be less than that. Set it to {granted} to grant "
            "no more.",
            extra={"granted": granted},
        )

    @classmethod
    def example(cls) -> Self:
        return cls(granted=120_000)


_AFTER: dict[Verb, State] = {"start": "live", "pause": "paused", "end": "ended"}


def after(state: State, verb: Verb) -> State:
    """How a campaign that stands so stands after the verb; a verb repeated changes nothing.

    Raises CampaignEnded or CampaignNotStarted.
    """
    if state == "ended" and verb != "end":
        raise CampaignEnded
    if state == "draft" and verb == "pause":
        raise CampaignNotStarted
    return _AFTER[verb]
