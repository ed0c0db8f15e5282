"""`loyalty program`: the rules as a reviewed file, from one service to another."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn, TypeVar

import typer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from app.actions.program import Applied, Findings
    from app.config import Settings
    from app.database import Database
    from app.domain.document import Mistake
    from app.domain.program_diff import Difference

T = TypeVar("T")

program = typer.Typer(
    name="program",
    help="Take the program along as a file: export, validate, diff, apply.",
    no_args_is_help=True,
)

File = Annotated[Path, typer.Argument(help="The program document: .json, .yaml or .yml.", show_default=False)]
Against = Annotated[
    int | None, typer.Option(help="The version to hold it against; default: the one in force.")
]


@program.command()
def export(
    version: Annotated[int | None, typer.Option(help="Default: the version in force.")] = None,
    output: Annotated[
        Path | None, typer.Option(help="Where to, .json, .yaml or .yml; default: YAML on stdout.")
    ] = None,
) -> None:
    """Write a version's document, to be edited, reviewed and applied elsewhere."""
    from app.actions.program import read_in_force, read_program
    from app.cli.program_file import YAML_SUFFIXES, write_document

    async def work(settings: "Settings", database: "Database") -> dict[str, Any]:
        async with database.engine.connect() as connection:
            if version is not None:
                return (await read_program(connection, version)).to_document()
            return (await read_in_force(connection, clock=_clock(settings))).to_document()

    if output is not None and output.suffix not in {".json", *YAML_SUFFIXES}:
        _fail(f"{output} must end in .json, .yaml or .yml.", code=2)
    text = write_document(_on_database(work), as_yaml=output is None or output.suffix in YAML_SUFFIXES)
    if output is None:
        print(text, end="")
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        _fail(f"{output} can't be written: {error.strerror}.", code=2)
    print(f"{output} is written.")


@program.command()
def validate(file: File) -> None:
    """Tell every mistake in a file, and what members would lose against the version in force.

    Each is a line: `mistake` or `warning`, its place, what it is. Mistakes make the exit code 1; warnings don't.
    """
    from app.actions.program import look_at

    document = _read(file)

    async def work(settings: "Settings", database: "Database") -> "Findings":
        async with database.engine.connect() as connection:
            return await look_at(connection, document, clock=_clock(settings))

    findings = _on_database(work)
    _tell_mistakes(findings.mistakes)
    for warning in findings.warnings:
        print(f"warning\t{warning.pointer}\t{warning.code}: {warning.detail}")
    if findings.mistakes:
        raise typer.Exit(1)
    print(f"{file} is a program.", file=sys.stderr)


@program.command()
def diff(
    file: File,
    against: Against = None,
    language: Annotated[Literal["en", "zh"], typer.Option(help="Of the words.")] = "en",
) -> None:
    """Tell in words what a file says otherwise than the version in force, or than another.

    Each change is a line: its place, and what changes. Mistakes in the file are told as `validate` does.
    """
    from app.actions.program import compare

    document = _read(file)

    async def work(settings: "Settings", database: "Database") -> "tuple[int, list[Difference]]":
        async with database.engine.connect() as connection:
            return await compare(connection, document, against=against, clock=_clock(settings))

    held, changes = _on_database(work)
    for change in changes:
        print(f"{change.pointer}\t{change.zh if language == 'zh' else change.en}")
    if not changes:
        print(f"{file} says what version {held} says.", file=sys.stderr)


@program.command()
def apply(
    file: File,
    effective_at: Annotated[
        str | None, typer.Option(help="From when, RFC 3339 with offset; default: at once.")
    ] = None,
    note: Annotated[str | None, typer.Option(help="Why, for whoever reads the versions.")] = None,
) -> None:
    """Publish a file as the next version of the program, all or nothing.

    A file that says what will be in force then anyway changes nothing, so the command may be repeated.
    """
    from app.actions.keys import COMMAND_LINE
    from app.actions.program import apply_document
    from app.domain.instants import rfc3339
    from app.domain.posting import Caller

    document = _read(file)
    moment, words = _checked(effective_at, note)

    async def work(settings: "Settings", database: "Database") -> "Applied":
        return await apply_document(
            database,
            document=document,
            effective_at=moment,
            note=words,
            caller=Caller(COMMAND_LINE, "program-apply"),
            clock=_clock(settings),
        )

    applied = _on_database(work)
    if not applied.is_new:
        print(f"Version {applied.version} says so already: nothing was changed.")
        return
    for change in applied.changes:
        print(f"{change.pointer}\t{change.en}")
    print(f"Version {applied.version} is published, in force from {rfc3339(applied.effective_at)}.")


def _checked(effective_at: str | None, note: str | None) -> "tuple[datetime | None, str | None]":
    """The options as the service takes them."""
    from pydantic import ValidationError

    from app.schemas.program import ApplyOptions

    try:
        options = ApplyOptions(effective_at=effective_at, note=note)  # pyright: ignore[reportArgumentType] - it is read
    except ValidationError as error:
        for mistake in error.errors():
            print(f"--{str(mistake['loc'][0]).replace('_', '-')}: {mistake['msg']}.", file=sys.stderr)
        raise typer.Exit(2) from None
    return options.effective_at, options.note


def _read(file: Path) -> dict[str, Any]:
    from app.cli.csv_file import FileUnusable
    from app.cli.program_file import read_document

    try:
        return read_document(file)
    except FileUnusable as error:
        _fail(str(error), code=2)


def _on_database(work: "Callable[[Settings, Database], Awaitable[T]]") -> T:
    """Do it, and end with exit code 1 where the rules refuse."""
    from app.cli.ledger import on_database
    from app.domain.errors import LoyaltyError
    from app.domain.program import ProgramInvalid
    from app.domain.program_versions import VersionUnpublishable

    try:
        return on_database(work)
    except (ProgramInvalid, VersionUnpublishable) as error:
        _tell_mistakes(error.mistakes)
        raise typer.Exit(1) from None
    except LoyaltyError as error:
        _fail(error.detail, code=1)


def _tell_mistakes(mistakes: "tuple[Mistake, ...]") -> None:
    for mistake in mistakes:
        print(f"mistake\t{mistake.pointer or '/'}\t{mistake.detail}")


def _clock(settings: "Settings") -> str:
    from app.ledger.load import REAL_CLOCK, SANDBOX_CLOCK

    return SANDBOX_CLOCK if settings.sandbox else REAL_CLOCK


def _fail(sentence: str, *, code: int) -> NoReturn:
    print(sentence, file=sys.stderr)
    raise typer.Exit(code)
