"""`loyalty openapi`: the contract as the code has it."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from app.config import Settings

DOCUMENT = Path("openapi/openapi.json")
PROGRAM_SCHEMA = Path("openapi/program.schema.json")


def openapi(
    check: Annotated[
        bool, typer.Option(help="Write nothing; exit 1 if a file is not what the code says.")
    ] = False,
) -> None:
    """Write the OpenAPI document and the program document's JSON Schema to openapi/."""
    generators: dict[Path, Callable[[], str]] = {DOCUMENT: generate, PROGRAM_SCHEMA: generate_program_schema}
    is_stale = False
    for path, generator in generators.items():
        document = generator()
        if not check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(document, encoding="utf-8")
            print(f"{path} is written.")
        elif not path.exists() or path.read_text(encoding="utf-8") != document:
            print(f"{path} is not what the code says: run `make openapi` and commit it.", file=sys.stderr)
            is_stale = True
        else:
            print(f"{path} is what the code says.")
    if is_stale:
        raise typer.Exit(1)


def generate() -> str:
    """The document of the service as it is routed by default (no sandbox), whatever the environment says."""
    from app.main import create_app

    service = create_app(Settings.model_construct())
    return json.dumps(service.openapi(), indent=2, ensure_ascii=False) + "\n"


def generate_program_schema() -> str:
    """The schema that editors hold a program document to."""
    from app.schemas.program_document import program_schema

    return json.dumps(program_schema(), indent=2, ensure_ascii=False) + "\n"
