"""`loyalty openapi`: the contract as the code has it."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from app.config import Settings

DOCUMENT = Path("openapi/openapi.json")


def openapi(
    check: Annotated[
        bool, typer.Option(help="Write nothing; exit 1 if the file is not what the code says.")
    ] = False,
) -> None:
    """Write the OpenAPI document to openapi/openapi.json."""
    document = generate()
    if not check:
        DOCUMENT.parent.mkdir(exist_ok=True)
        DOCUMENT.write_text(document, encoding="utf-8")
        print(f"{DOCUMENT} is written.")
        return
    if not DOCUMENT.exists() or DOCUMENT.read_text(encoding="utf-8") != document:
        print(f"{DOCUMENT} is not what the code says: run `make openapi` and commit it.", file=sys.stderr)
        raise typer.Exit(1)
    print(f"{DOCUMENT} is what the code says.")


def generate() -> str:
    """The document of the service as it is routed by default (no sandbox), whatever the environment says."""
    from app.main import create_app

    service = create_app(Settings.model_construct())
    return json.dumps(service.openapi(), indent=2, ensure_ascii=False) + "\n"
