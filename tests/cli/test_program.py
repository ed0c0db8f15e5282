"""The program as a file: from one service to another, by way of a review."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cli.csv_file import FileUnusable
from app.cli.openapi import PROGRAM_SCHEMA, generate_program_schema
from app.cli.program_file import read_document, write_document
from app.domain.default_program import DEFAULT_PROGRAM_DOCUMENT
from tests.cli.conftest import Query, Run


def document(change: Any = None) -> dict[str, Any]:
    made = json.loads(json.dumps(DEFAULT_PROGRAM_DOCUMENT))
    if change is not None:
        change(made)
    return made


def written(folder: Path, made: dict[str, Any], name: str = "program.yaml") -> Path:
    path = folder / name
    path.write_text(write_document(made, as_yaml=path.suffix != ".json"), encoding="utf-8")
    return path


def dearer(made: dict[str, Any]) -> None:
    made["tiers"]["ladder"][1]["thresholds"]["spend"] = 50_000


@pytest.mark.parametrize("name", ["program.json", "program.yaml", "program.yml"])
def test_what_is_exported_can_be_applied(loyalty: Run, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    assert loyalty("program", "export", "--output", path).stdout == f"{path} is written.\n"
    assert read_document(path) == DEFAULT_PROGRAM_DOCUMENT
    assert loyalty("program", "validate", path).exit_code == 0
    compared = loyalty("program", "diff", path)
    assert (compared.exit_code, compared.stdout) == (0, "")
    assert "says what version 1 says" in compared.stderr
    applied = loyalty("program", "apply", path)
    assert applied.stdout == "Version 1 says so already: nothing was changed.\n"


def test_a_change_on_its_way_to_production(loyalty: Run, query: Query, tmp_path: Path) -> None:
    path = tmp_path / "program.yaml"
    path.write_text(loyalty("program", "export").stdout)
    text = path.read_text()
    assert "spend: 30000" in text
    path.write_text(text.replace("spend: 30000\n", "spend: 50000\n"))
    validated = loyalty("program", "validate", path)
    assert validated.exit_code == 0
    assert validated.stdout.startswith("warning\t/tiers/ladder/1/thresholds\tthreshold_raised: ")
    change = "/tiers/ladder/1/thresholds/spend\tSpend needed of Silver: 300 yuan → 500 yuan\n"
    assert loyalty("program", "diff", path).stdout == change
    assert (
        "白银会员的消费额门槛：300 元 → 500 元" in loyalty("program", "diff", path, "--language", "zh").stdout
    )
    assert query("SELECT count(*) FROM program_version") == [(1,)]
    applied = loyalty("program", "apply", path, "--note", "silver is worth more")
    assert applied.exit_code == 0, applied.output
    assert applied.stdout.startswith(f"{change}Version 2 is published, in force from 20")
    assert query(
        "SELECT version, actor, published_by, note, publication FROM program_version WHERE version = 2"
    ) == [(2, "cli", "cli", "silver is worth more", 2)]
    assert query("SELECT kind, subject, actor FROM shop_event") == [("program_published", "2", "cli")]
    again = loyalty("program", "apply", path)
    assert again.stdout == "Version 2 says so already: nothing was changed.\n"
    assert "spend: 50000" in loyalty("program", "export").stdout
    assert "spend: 30000" in loyalty("program", "export", "--version", 1).stdout
    assert loyalty("program", "diff", path, "--against", 1).stdout == change


def test_applied_for_later(loyalty: Run, query: Query, tmp_path: Path) -> None:
    path, later = written(tmp_path, document(dearer)), ("--effective-at", "2100-01-01T00:00:00+08:00")
    assert "in force from 2099-12-31T16:00:00Z." in loyalty("program", "apply", path, *later).stdout
    assert loyalty("program", "apply", path, *later).stdout.startswith("Version 2 says so already")
    assert "spend: 30000" in loyalty("program", "export").stdout
    assert query("SELECT count(*) FROM program_version") == [(2,)]


def test_mistakes_are_told_with_their_places(loyalty: Run, query: Query, tmp_path: Path) -> None:
    def wrong(made: dict[str, Any]) -> None:
        made["sign_in"]["points"] = "10"
        made["earning"]["rate"] = 1.5
        made["tiers"]["ladder"][3]["code"] = "gold"

    path = written(tmp_path, document(wrong))
    for command in ("validate", "diff", "apply"):
        ended = loyalty("program", command, path)
        assert ended.exit_code == 1
        assert [line.split("\t")[:2] for line in ended.stdout.splitlines()] == [
            ["mistake", "/tiers/ladder/3/code"],
            ["mistake", "/earning/rate"],
            ["mistake", "/sign_in/points"],
        ]
    assert query("SELECT count(*) FROM program_version") == [(1,)]


def test_what_members_could_not_live_under(loyalty: Run, query: Query, tmp_path: Path) -> None:
    path = written(tmp_path, document(lambda made: made["tiers"]["ladder"].pop(2)))
    for command in ("validate", "apply"):
        ended = loyalty("program", command, path)
        assert ended.exit_code == 1
        assert ended.stdout.startswith("mistake\t/tiers/ladder\tmust keep the tier gold")
    assert query("SELECT count(*) FROM program_version") == [(1,)]


def test_what_was_asked_wrongly(loyalty: Run, tmp_path: Path) -> None:
    path = written(tmp_path, document(dearer))
    for arguments, code, words in (
        (("apply", path, "--effective-at", "tomorrow"), 2, "--effective-at: Should be a time"),
        (("apply", path, "--note", "x" * 501), 2, "--note: "),
        (("apply", path, "--effective-at", "2020-01-01T00:00:00Z"), 1, "must not lie before now"),
        (("diff", path, "--against", 99), 1, "no such version"),
        (("export", "--version", 99), 1, "no such version"),
        (("export", "--output", tmp_path / "program.txt"), 2, "must end in .json"),
        (("export", "--output", tmp_path / "nowhere" / "program.json"), 2, "can't be written"),
        (("apply", tmp_path / "missing.json"), 2, "can't be read: No such file"),
    ):
        ended = loyalty("program", *arguments)
        assert (ended.exit_code, ended.stdout) == (code, ""), ended.output
        assert words in ended.stderr
        assert "Traceback" not in ended.output


BAD: list[tuple[str, bytes, str]] = [
    ("p.json", b"{", "Expecting"),
    ("p.json", b'{"a": 1, "a": 2}', "twice"),
    ("p.json", b'{"a": NaN}', "NaN"),
    ("p.json", b"[]", "one object"),
    ("p.json", b"\xff", "UTF-8"),
    ("p.json", b"[" * 100_000, "can't be read"),
    ("p.json", b" " * (1024 * 1024 + 1), "1 MiB"),
    ("p.txt", b"{}", "must end in"),
    ("p.yaml", b"a: 1\na: 2", "line 2"),
    ("p.yaml", b"1: a", "a name must be text"),
    ("p.yaml", b"a: &x [1]\nb: *x", "aliases"),
    ("p.yaml", b"a: !!python/object/apply:os.getcwd []", "python"),
    ("p.yaml", b"a: [", "line 1"),
    ("p.yaml", b"", "one object"),
    ("p.yaml", b"[" * 100_000, "can't be read"),
]


@pytest.mark.parametrize(("name", "content", "words"), BAD)
def test_files_that_hold_no_program(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(FileUnusable) as refused:
        read_document(path)
    assert words in str(refused.value)


def test_yaml_coerces_nothing(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(
        "on: no\nday: 2026-03-05\nold: 010\ntime: 1:30\nthousand: 1_000\nrate: 1.2\nyes: true\nnone: ~\n"
    )
    assert read_document(path) == {
        "on": "no", "day": "2026-03-05", "old": "010", "time": "1:30", "thousand": "1_000", "rate": 1.2, "yes": True,
        "none": None,
    }  # fmt: skip


TEXTS = st.text(st.characters(exclude_categories=("C", "Z")) | st.just(" "), max_size=20)
"""As the program document has them: printable."""
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS
    | st.sampled_from(["on", "1e5", "1.2", "010", "2026-03-05", "~", "1:30", "<<", "0x1f", "-", "=", "null"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(made=st.dictionaries(TEXTS, VALUES, max_size=4), as_yaml=st.booleans())
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, made: dict[str, Any], as_yaml: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / ("p.yaml" if as_yaml else "p.json")
    path.write_text(write_document(made, as_yaml=as_yaml), encoding="utf-8", newline="")
    assert read_document(path) == made


def test_the_published_schema_is_what_the_code_says() -> None:
    assert (Path(__file__).parents[2] / PROGRAM_SCHEMA).read_text(
        encoding="utf-8"
    ) == generate_program_schema()
