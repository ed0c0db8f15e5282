"""Every operation of the API's document, as something that can be called."""

from __future__ import annotations

from typing import Any, NamedTuple

from app.config import Settings
from app.main import create_app

MEMBER = "u-contract"
_PATH_VALUES = {"member_id": MEMBER, "key_id": "Kq3nV0sYb8Zd", "review_id": f"{MEMBER}~42", "version": "1"}


class Operation(NamedTuple):
    """One operation: how to call it, and what the document says of it."""

    name: str
    method: str
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
    def body_naming_member(self) -> dict[str, Any] | None:
        """The body by which it names the member whose token will do; None where the path does, or nothing."""
        if not self.is_for_members or self.path.startswith(f"/v1/members/{MEMBER}"):
            return None
        content = self.said["requestBody"]["content"]["application/json"]
        shown = [each["value"] for each in content.get("examples", {}).values()] or [content["example"]]
        return {**shown[0], "member_id": MEMBER}


def document() -> dict[str, Any]:
    """The document of the service as it is by default."""
    return create_app(Settings.model_construct()).openapi()


def operations() -> list[Operation]:
    """All of them; a path's parts are filled in with values of the right shape."""
    found: list[Operation] = []
    for template, methods in document()["paths"].items():
        for method, said in methods.items():
            names = [
                parameter["name"] for parameter in said.get("parameters", []) if parameter["in"] == "path"
            ]
            path = template.format(**{name: _PATH_VALUES.get(name, "x-1") for name in names})
            found.append(Operation(said["operationId"], method.upper(), path, said))
    return found
