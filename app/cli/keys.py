"""`loyalty keys`: API keys, for whoever runs commands on the server itself."""

import sys
from typing import Annotated

import typer

keys = typer.Typer(name="keys", help="Make, list and revoke API keys.", no_args_is_help=True)


@keys.command()
def create(
    name: Annotated[str, typer.Argument(help="What it is for, such as checkout.", show_default=False)],
    scope: Annotated[list[str], typer.Option(help="What it may do; several times for several.")],
) -> None:
    """Make a key. It is printed, alone, on stdout, and never shown again."""
    from pydantic import ValidationError

    from app.actions.keys import create_key_locally
    from app.cli.ledger import on_database
    from app.schemas.keys import KeyRequest
    from app.security.callers import SCOPES

    try:
        request = KeyRequest(name=name, scopes=scope)
    except ValidationError as error:
        for mistake in error.errors():
            print(f"{mistake['loc'][0]}: {mistake['msg']}.", file=sys.stderr)
        print(f"The scopes are {', '.join(SCOPES)}.", file=sys.stderr)
        raise typer.Exit(2) from None
    made = on_database(
        lambda _settings, database: create_key_locally(database, name=request.name, scopes=request.scopes)
    )
    print(f"Key {made.row.key_id} for {', '.join(made.row.scopes)}, shown this once:", file=sys.stderr)
    print(made.key)


@keys.command(name="list")
def list_all() -> None:
    """List all keys, newest first: id, name, scopes, made, revoked."""
    from app.cli.ledger import on_database
    from app.config import Settings
    from app.database import Database
    from app.domain.instants import rfc3339
    from app.queries.keys import KeyRow, list_keys

    async def work(_settings: Settings, database: Database) -> list[KeyRow]:
        found: list[KeyRow] = []
        while page := await list_keys(
            database, limit=200, after=(found[-1].created_at, found[-1].key_id) if found else None
        ):
            found += page
        return found

    for row in on_database(work):
        made = f"made {rfc3339(row.created_at.replace(microsecond=0))} by {row.created_by}"
        ended = f"revoked {rfc3339(row.revoked_at.replace(microsecond=0))}" if row.revoked_at else "in use"
        print("\t".join((row.key_id, row.name, ",".join(row.scopes), made, ended)))


@keys.command()
def revoke(
    key_id: Annotated[
        str, typer.Argument(help="The id, as `loyalty keys list` shows it.", show_default=False)
    ],
) -> None:
    """Revoke a key for good; done once no process accepts it any more."""
    from app.actions.keys import COMMAND_LINE, KeyNotFound, revoke_key
    from app.cli.ledger import on_database
    from app.security.callers import ALL_SCOPES, Principal

    revoker = Principal(COMMAND_LINE, ALL_SCOPES)
    try:
        _row, was_revoked = on_database(
            lambda _settings, database: revoke_key(database, key_id=key_id, revoker=revoker)
        )
    except KeyNotFound:
        print("No key has this id: `loyalty keys list` shows them.", file=sys.stderr)
        raise typer.Exit(1) from None
    print("It was revoked before." if was_revoked else "Revoked.")
