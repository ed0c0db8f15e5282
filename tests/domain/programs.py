"""Programs for the tests: the default one, with some of its document changed."""

from copy import deepcopy
from typing import Any

from app.domain.default_program import DEFAULT_PROGRAM_DOCUMENT
from app.domain.program import Program


def document(**changes: Any) -> dict[str, Any]:
    """The default document; a change that is an object is merged into the section, all else replaces."""
    made = deepcopy(DEFAULT_PROGRAM_DOCUMENT)
    for name, value in changes.items():
        if isinstance(value, dict) and name in made:
            made[name] = made[name] | value
        else:
            made[name] = value
    return made


def program(**changes: Any) -> Program:
    return Program.from_document(1, document(**changes))


def with_section(name: str, section: dict[str, Any]) -> Program:
    """The default program with a whole section replaced."""
    made = document()
    made[name] = section
    return Program.from_document(1, made)


def with_validity(**validity: Any) -> Program:
    """The default program with another policy of expiry; `timezone` may come along."""
    changes: dict[str, Any] = {}
    if "timezone" in validity:
        changes["timezone"] = validity.pop("timezone")
    made = document(**changes)
    made["validity"] = validity
    return Program.from_document(1, made)


DEFAULT = program()
