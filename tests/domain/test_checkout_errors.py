import json
import re

import pytest

from app.domain import checkout_commands, checkout_errors, reversal
from app.domain.errors import LoyaltyError
from tests.domain.test_errors import every_error

MODULES = {checkout_commands.__name__, checkout_errors.__name__, reversal.__name__}
ERRORS = [each for each in every_error() if each.__module__ in MODULES]


@pytest.mark.parametrize("error", ERRORS, ids=lambda each: each.code)
def test_each_tells_what_to_do_and_can_be_shown(error: type[LoyaltyError]) -> None:
    shown = error.example()
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", error.code)
    assert shown.detail.endswith(".")
    assert json.loads(json.dumps(shown.extra)) == shown.extra
    assert not shown.extra.keys() & {"type", "title", "status", "detail", "code", "request_id"}


def test_codes_are_unique() -> None:
    codes = [each.code for each in ERRORS]
    assert len(codes) == len(set(codes)) == 12
