"""A program document in a file, as JSON or YAML.

Nothing is coerced: what YAML would take for a date, an octal number or a yes stays text, and the reader of the document
says what should stand there instead.
"""

from __future__ import annotations

import json
import re
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any, cast

import yaml

from app.cli.csv_file import FileUnusable

YAML_SUFFIXES = frozenset({".yaml", ".yml"})
_LARGEST = 1024 * 1024  # bytes: as much as the service takes


def read_document(path: Path) -> dict[str, Any]:
    """The object in a file, by its suffix (.json, .yaml, .yml). Raises FileUnusable."""
    if path.suffix not in {".json", *YAML_SUFFIXES}:
        raise FileUnusable(f"{path} must end in .json, .yaml or .yml, so that it is plain what it holds.")
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise FileUnusable(f"{path} is larger than 1 MiB, which no program is.")
        text = content.decode()
        made: object = _from_yaml(text) if path.suffix in YAML_SUFFIXES else _from_json(text)
    except OSError as error:
        raise FileUnusable(f"{path} can't be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise FileUnusable(f"{path} is not in UTF-8.") from None
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise FileUnusable(f"{path} can't be read: {' '.join(str(error).split())}") from None
    if not isinstance(made, dict):
        raise FileUnusable(f"{path} must hold one object, the program document.")
    return cast("dict[str, Any]", made)


def write_document(document: Mapping[str, Any], *, as_yaml: bool) -> str:
    """The text of a file that `read_document` reads back as it was."""
    if as_yaml:
        return yaml.dump(dict(document), Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=110)
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _from_json(text: str) -> object:
    return json.loads(text, object_pairs_hook=_object, parse_constant=_refuse)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice!r} is there twice in one object")
    return made


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is no number of JSON")


class _Loader(yaml.SafeLoader):
    """YAML as strict as JSON: names are texts and there once, no aliases; true, false, null and plain numbers are the
    only words with a meaning.
    """

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:  # noqa: ANN401 - as it is there
        if self.check_event(yaml.AliasEvent):  # pyright: ignore[reportUnknownMemberType]
            raise yaml.YAMLError("aliases are not taken")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        names: set[str] = set()
        for name, _ in node.value:
            if name.tag != "tag:yaml.org,2002:str":
                raise yaml.constructor.ConstructorError(None, None, "a name must be text", name.start_mark)
            if name.value in names:
                raise yaml.constructor.ConstructorError(None, None, "a name is there twice", name.start_mark)
            names.add(name.value)
        return super().construct_mapping(node, deep=deep)


# Only what JSON has, by YAML 1.2's words: 1.1's `on`, `no`, `010`, `1:30` and dates are texts.
_MEANINGS = {
    "bool": ("tf", r"true|false"),
    "null": ("n~", r"null|~|"),
    "int": ("-0123456789", r"-?(0|[1-9][0-9]*)"),
    "float": ("-0123456789", r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?"),
}
_Loader.yaml_implicit_resolvers = {
    first: [
        (f"tag:yaml.org,2002:{tag}", re.compile(f"(?:{form})\\Z"))
        for tag, (firsts, form) in _MEANINGS.items()
        if first in firsts or (tag == "null" and not first)
    ]
    for first in ("", *"tfn~-0123456789")
}


class _Dumper(yaml.SafeDumper):
    """No aliases, and quotes around whatever some reader of YAML would take for more than text."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401, ARG002 - as it is there
        return True


_Dumper.yaml_implicit_resolvers = {
    first: yaml.SafeDumper.yaml_implicit_resolvers.get(first, [])
    + _Loader.yaml_implicit_resolvers.get(first, [])
    for first in {*yaml.SafeDumper.yaml_implicit_resolvers, *_Loader.yaml_implicit_resolvers}
}


def _from_yaml(text: str) -> object:
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader, and stricter
