"""The README's tour, run as it stands: every block of it, and the answers it shows."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.cli.test_serve import serving
from tests.pace import HANG_SECONDS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
TOUR = README.partition("<!-- tour:")[2].partition("<!-- tour ends -->")[0]
# A block of commands, and the answer shown right after it if there is one.
STEPS = re.findall(r"```sh\n(.*?)```(?:\n\n```json\n(.*?)```)?", TOUR, re.DOTALL)


def shown_in(answer: Any, shown: Any) -> bool:
    """Whether an answer holds all that is shown of it."""
    if isinstance(shown, Mapping):
        return isinstance(answer, Mapping) and all(
            key in answer and shown_in(answer[key], value) for key, value in shown.items()
        )
    return answer == shown


def test_the_tour(data_dir: Path) -> None:
    assert len(STEPS) > 8
    settings = {
        "LOYALTY_DATA_DIR": str(data_dir),
        "LOYALTY_BOOTSTRAP_KEY": "tour-tour-tour-tour-tour-tour-tour",
        "LOYALTY_SANDBOX": "1",
        "LOYALTY_WORKERS": "2",
    }
    with serving(**settings) as (_, address, _):
        variables = STEPS[0][0].replace("http://127.0.0.1:8000", address)
        for commands, shown in STEPS[1:]:
            runs = commands.replace(".venv/bin/loyalty", f"{sys.executable} -m app.cli")
            ended = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", f"{variables}\n{runs}"],
                cwd=ROOT,
                env=os.environ | settings,
                capture_output=True,
                text=True,
                check=False,
                timeout=HANG_SECONDS,
            )
            assert ended.returncode == 0, (commands, ended.stdout, ended.stderr)
            if shown:
                # Several commands answer one after another; what is shown is the last.
                decoder, rest, answer = json.JSONDecoder(), ended.stdout, None
                while rest.strip():
                    answer, end = decoder.raw_decode(rest.strip())
                    rest = rest.strip()[end:]
                assert shown_in(answer, json.loads(shown)), (commands, answer)
