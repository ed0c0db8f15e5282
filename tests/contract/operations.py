"""Every operation of the API's document, as something that can be called."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from app.config import Settings
from app.main import create_app

MEMBER = "u-contract"
_PATH_VALUES = {"member_id": MEMBER, "key_id": "Kq3nV0sYb8Zd", "review_id": f"{MEMBER}~42", "version": "1"}


class Operation(NamedTuple):
    """One operation: how to call it, and what the document says of it.

    `template` is its path as the document has it; in `path` its parts are filled in with values of the right shape,
    which lead nowhere.
    """

    name: str
    method: str
    template: str
    path: str
    said: dict[str, Any]

    @property
    def scopes(self) -> list[str]:
        """The scopes it asks of a key."""
        return [scope for scheme in self.said["security"] for scope in scheme.get("api_key", [])]

    @property
    def is_public(self) -> bool:
        """Whether anybody may call it."""
        return self.said["security"] == []

    @property
    def is_for_members(self) -> bool:
        """Whether a member's own token will do."""
        return any("member_token" in scheme for scheme in self.said["security"])

    @property
    def content(self) -> dict[str, Any] | None:
        """What the document says of its body, None if it takes none."""
        body = self.said.get("requestBody")
        return None if body is None else body["content"]["application/json"]

    @property
    def example(self) -> dict[str, Any] | None:
        """The first body that the document shows, None if it takes none."""
        content = self.content
        if content is None:
            return None
        return next((each["value"] for each in content.get("examples", {}).values()), content.get("example"))

    @property
    def body_naming_member(self) -> dict[str, Any] | None:
        """The body by which it names the member whose token will do; None where the path does, or nothing."""
        if not self.is_for_members or self.path.startswith(f"/v1/members/{MEMBER}"):
            return None
        assert self.example is not None
        return {**self.example, "member_id": MEMBER}

    @property
    def takes_key(self) -> bool:
        """Whether it takes an `Idempotency-Key`."""
        return any(each["name"] == "Idempotency-Key" for each in self.said.get("parameters", []))

    @property
    def needs_key(self) -> bool:
        """Whether it is refused without an `Idempotency-Key`: nothing else tells one request from another."""
        return any(
            each["name"] == "Idempotency-Key" and each["required"] for each in self.said.get("parameters", [])
        )

    def codes(self, status: int) -> set[str]:
        """The codes of the problems that it may answer with `status`, as the document lists them."""
        content = self.said["responses"].get(str(status), {}).get("content", {})
        return set(content.get("application/problem+json", {}).get("examples", {}))


@cache
def document(*, sandbox: bool = False) -> dict[str, Any]:
    """The document of the service as it is by default, or as a sandbox."""
    return create_app(Settings.model_construct(sandbox=sandbox)).openapi()


def operations(*, sandbox: bool = False) -> list[Operation]:
    """All of them; a path's parts are filled in with values of the right shape."""
    found: list[Operation] = []
    for template, methods in document(sandbox=sandbox)["paths"].items():
        for method, said in methods.items():
            names = [
                parameter["name"] for parameter in said.get("parameters", []) if parameter["in"] == "path"
            ]
            path = template.format(**{name: _PATH_VALUES.get(name, "x-1") for name in names})
            found.append(Operation(said["operationId"], method.upper(), template, path, said))
    return found
