"""`python -m chaos`: run, print the table and every difference."""

import asyncio
import sys

from bench.machine import allow_files
from chaos.options import parse
from chaos.report import table, tell_differences
from chaos.run import compare_again, run


def main() -> None:
    """Exit code 1 on a difference."""
    options = parse()
    allow_files()
    if options.again is not None:
        result = compare_again(options.again)
    else:
        print(f"seed {options.seed}", file=sys.stderr, flush=True)
        result = asyncio.run(run(options))
    print(table(options, result))
    print(tell_differences(result.differences))
    sys.exit(1 if result.differences else 0)


main()
