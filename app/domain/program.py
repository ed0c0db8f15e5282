"""The program: one version of all the rules' numbers, as one immutable value.

Rules take it as an argument; none of its numbers is a constant in code. It is read from a JSON document
(`default_program.py` holds the first) with `Program.from_document`, which refuses a document naming every
mistake in it, and goes back to the same document with `to_document`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

from app.domain.document import Mistake
from app.domain.errors import ErrorKind, LoyaltyError, TierNotFound
from app.domain.program_document import read_terms, write_terms
from app.domain.terms import Terms, Tier


class ProgramInvalid(LoyaltyError):
    """The document is no program. Each mistake: a JSON pointer and what is wrong there."""

    code = "program_invalid"
    kind = ErrorKind.UNPROCESSABLE
    title = "The program document is invalid"

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        super().__init__(
            f"{len(mistakes)} mistake{'s' if len(mistakes) > 1 else ''} in the program document: correct what `errors` "
            "names and send it again.",
            extra={"errors": [{"pointer": pointer, "detail": detail} for pointer, detail in mistakes]},
        )
        self.mistakes = mistakes

    def under(self, pointer: str) -> "ProgramInvalid":
        """The same of a document that stands at this place of another."""
        return ProgramInvalid(tuple(Mistake(f"{pointer}{place}", detail) for place, detail in self.mistakes))

    @classmethod
    def example(cls) -> Self:
        return cls(
            (
                Mistake(
                    "/document/tiers/ladder/2/thresholds/spend", "must be above the tier before it (30000)"
                ),
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Program(Terms):
    """All rules of one version."""

    version: int
    _tier_by_code: Mapping[str, Tier] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_tier_by_code", {tier.code: tier for tier in self.tiers.ladder})

    def __hash__(self) -> int:
        return hash(self.version)  # the mappings inside have none

    def tier(self, code: str) -> Tier:
        """The tier with this code. Raises TierNotFound."""
        try:
            return self._tier_by_code[code]
        except KeyError:
            raise TierNotFound from None

    @classmethod
    def from_document(cls, version: int, document: Mapping[str, Any]) -> "Program":
        """The program a document describes. Raises ProgramInvalid, listing every mistake with its place."""
        terms, mistakes = read_terms(document)
        if mistakes:
            raise ProgramInvalid(mistakes)
        return cls(version=version, **{part.name: getattr(terms, part.name) for part in fields(terms)})

    def to_document(self) -> dict[str, Any]:
        """The document this program was read from, its rates in their shortest form."""
        return write_terms(self)
