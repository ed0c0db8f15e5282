"""The API's document: complete, and good to generate clients from."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema_rs
import pytest

from app.domain.errors import LoyaltyError
from app.main import create_app
from app.routers.errors import STATUS
from tests.contract.operations import Operation, document, operations

every = pytest.mark.parametrize("operation", [pytest.param(each, id=each.name) for each in operations()])


def test_it_says_what_it_is() -> None:
    info = document()["info"]
    assert info["title"] == "Loyalty service"
    assert len(info["description"]) > 500


def test_every_tag_is_explained() -> None:
    made = document()
    used = {tag for methods in made["paths"].values() for each in methods.values() for tag in each["tags"]}
    assert used <= {tag["name"] for tag in made["tags"]}


def test_nothing_of_the_framework_is_left() -> None:
    assert not re.search(r"HTTPValidationError|Successful Response", json.dumps(document()))


def test_every_reference_leads_somewhere() -> None:
    made = document()
    for reference in set(re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(made))):
        place: Any = made
        for step in reference.split("/"):
            place = place[step]


def test_names_are_unique() -> None:
    names = [each.name for each in operations()]
    assert len(names) == len(set(names))


def test_integers_take_64_bits_and_have_integers_for_bounds() -> None:
    found: list[dict[str, Any]] = []

    def keep(part: dict[str, Any]) -> dict[str, Any]:
        if part.get("type") == "integer":
            found.append(part)
        return part

    json.loads(json.dumps(document()), object_hook=keep)
    assert len(found) > 100
    for schema in found:
        assert schema["format"] == "int64"
        for bound in schema.keys() & {"minimum", "maximum"}:
            assert type(schema[bound]) is int


@every
def test_a_refusal_lists_its_headers(operation: Operation) -> None:
    for status, header in (("401", "WWW-Authenticate"), ("503", "Retry-After")):
        if status in operation.said["responses"]:
            assert header in operation.said["responses"][status]["headers"]


@every
def test_an_operation_reads_well(operation: Operation) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", operation.name)
    assert re.fullmatch(r"[A-Z][^.]{5,90}", operation.said["summary"])
    assert operation.said["description"]


@every
def test_an_operation_lists_what_its_nature_can_answer(operation: Operation) -> None:
    codes = {
        code
        for answer in operation.said["responses"].values()
        for code in answer.get("content", {}).get("application/problem+json", {}).get("examples", {})
    }
    expected: set[str] = set()
    if not operation.is_public:
        expected |= {"credential_missing", "credential_invalid", "key_revoked", "database_unavailable"}
    if operation.scopes:
        expected |= {"scope_missing"}
    if "requestBody" in operation.said:
        expected |= {"malformed_json", "body_too_large", "unsupported_media_type", "validation_failed"}
    assert expected <= codes


@every
def test_an_example_of_a_problem_is_one(operation: Operation) -> None:
    for status, answer in operation.said["responses"].items():
        for code, example in (
            answer.get("content", {}).get("application/problem+json", {}).get("examples", {}).items()
        ):
            shown = example["value"]
            assert (shown["code"], shown["status"]) == (code, int(status))
            assert shown["type"] == f"urn:loyalty:problem:{code}"
            assert shown["detail"].endswith(".")


@every
def test_a_request_that_is_wrong_is_told_where(operation: Operation) -> None:
    answer = operation.said["responses"].get("422", {"content": {}})
    for problem in answer["content"].get("application/problem+json", {}).get("examples", {}).values():
        for mistake in problem["value"]["errors"]:
            assert re.fullmatch(r"(/[a-z_0-9]+)*|\?[a-z_]+|\{[a-z_]+\}|Idempotency-Key", mistake["pointer"])
            assert mistake["in"] in ("body", "query", "path", "header")


def test_every_refusal_has_a_status_and_a_code_of_its_own() -> None:
    create_app  # noqa: B018 - importing it has loaded every module that may raise one
    found: list[type[LoyaltyError]] = []
    waiting = [LoyaltyError]
    while waiting:
        below = waiting.pop().__subclasses__()
        found += below
        waiting += below
    own = [error for error in found if "code" in vars(error) and error.__module__.startswith("app.")]
    assert len({error.code for error in own}) == len(own)
    for error in own:
        assert error.kind in STATUS
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", error.code)
        assert error.example().detail.endswith(".")


@every
def test_every_body_comes_with_examples_that_fit_its_schema(operation: Operation) -> None:
    bodies = [operation.said.get("requestBody", {}), *operation.said["responses"].values()]
    for body in bodies:
        content = body.get("content", {}).get("application/json")
        if content is None:
            continue
        examples = [each["value"] for each in content.get("examples", {}).values()]
        examples = examples or [content["example"]]
        schema = content["schema"] | {"components": document()["components"]}
        validator = jsonschema_rs.Draft202012Validator(schema)
        for example in examples:
            assert not [str(error) for error in validator.iter_errors(example)], example
