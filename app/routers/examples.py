"""Examples for the API's document, out of those that the shapes and their fields give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

Schema = Mapping[str, Any]

_REFERENCE = "#/components/schemas/"
_PLAIN: dict[str | None, Any] = {"string": "text", "boolean": True, "object": {}, "null": None}


def complete_examples(schemas: Mapping[str, Any]) -> None:
    """Put the nulls back into the shapes' examples: the framework drops them with all that is null."""
    for schema in schemas.values():
        if "examples" in schema:
            schema["examples"] = [_with_nulls(example, schema, schemas) for example in schema["examples"]]


def add_examples(operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> None:
    """Give every JSON body of the operation its examples, where it has none of its own."""
    for content in _json_contents(operation):
        if "example" in content or "examples" in content:
            continue
        examples = _examples_of(content["schema"], schemas)
        if len(examples) == 1:
            content["example"] = examples[0]
        else:
            numbered = enumerate(examples, start=1)
            content["examples"] = {f"example_{number}": {"value": example} for number, example in numbered}


def _json_contents(operation: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for body in (operation.get("requestBody", {}), *operation["responses"].values()):
        content = body.get("content", {}).get("application/json")
        if content is not None:
            yield content


def _examples_of(schema: Schema, schemas: Mapping[str, Any]) -> list[Any]:
    """The schema's own examples, else one made of those of its parts."""
    schema = _resolved(schema, schemas)
    if "examples" in schema:
        return schema["examples"]
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices:
        return _examples_of(_telling(choices, schemas), schemas)
    if "properties" in schema:
        parts = schema["properties"].items()
        return [{name: _examples_of(part, schemas)[0] for name, part in parts}]
    if schema.get("type") == "array":
        return [[_examples_of(schema["items"], schemas)[0]]]
    for said in ("const", "default"):
        if said in schema:
            return [schema[said]]
    return schema.get("enum") or [_PLAIN.get(schema.get("type"), schema.get("minimum", 0))]


def _telling(choices: list[Schema], schemas: Mapping[str, Any]) -> Schema:
    """Of several schemas the one to show: the first with an example, else null if that may be."""
    for choice in choices:
        resolved = _resolved(choice, schemas)
        if "examples" in resolved or "properties" in resolved:
            return resolved
    return choices[-1] if choices[-1].get("type") == "null" else choices[0]


def _with_nulls(example: Any, schema: Schema, schemas: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
    schema = _resolved(schema, schemas)
    if isinstance(example, list) and "items" in schema:
        return [_with_nulls(item, schema["items"], schemas) for item in cast("list[Any]", example)]
    if not isinstance(example, dict):
        return cast("Any", example)
    given = cast("dict[str, Any]", example)
    for choice in schema.get("anyOf", ()):
        resolved = _resolved(choice, schemas)
        if given.keys() <= resolved.get("properties", {}).keys():
            return _with_nulls(given, resolved, schemas)
    parts: dict[str, Schema] = schema.get("properties", {})
    required = schema.get("required", ())
    return {
        name: _with_nulls(given[name], parts.get(name, {}), schemas) if name in given else None
        for name in (*parts, *(other for other in given if other not in parts))
        if name in given or name in required
    }


def _resolved(schema: Schema, schemas: Mapping[str, Any]) -> Schema:
    return schemas[schema["$ref"].removeprefix(_REFERENCE)] if "$ref" in schema else schema
