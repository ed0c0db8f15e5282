"""The `loyalty` command: one module a command, assembled here.

Commands import what they need when they run, so that each starts fast and `--help` at once.
"""

import sys

import typer

from app.cli.backtest import backtest
from app.cli.files import import_members, replay
from app.cli.keys import keys
from app.cli.migrate import migrate
from app.cli.openapi import openapi
from app.cli.program import program
from app.cli.serve import serve
from app.cli.verify import verify
from app.cli.worker import worker
from app.config import SettingsError
from app.embedded import DatabaseUnavailable

application = typer.Typer(
    name="loyalty",
    help="A headless loyalty service: points, tiers and their ledger over HTTP.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
application.command()(serve)
application.command()(worker)
application.command()(migrate)
application.add_typer(keys)
application.add_typer(program)
application.command(name="import")(import_members)
application.command()(replay)
application.command()(verify)
application.command(hidden=True)(backtest)
application.command()(openapi)


def main() -> None:
    """Run the command line: exit code 1 for what failed, 2 for what was asked wrongly, a sentence on stderr
    for both.
    """
    try:
        application()
    except SettingsError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except DatabaseUnavailable as error:
        print(error, file=sys.stderr)
        sys.exit(1)
