"""Members from a CSV file: each line taken once, or told and kept."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import pytest

from app.cli import imports
from app.cli.importer import Cells, Told
from app.domain.account import bucket_of
from app.security.pii import PiiRing
from tests.cli.conftest import PII_KEYS, Query, Run

EXAMPLE = Path(__file__).parents[2] / "examples" / "members.csv"


def written(folder: Path, text: str | bytes) -> Path:
    """A file to import."""
    path = folder / "members.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.usefixtures("in_2026")
def test_the_example(loyalty: Run, query: Query) -> None:
    ended = loyalty("import", EXAMPLE)
    assert ended.exit_code == 0, ended.output
    assert "7 lines imported, 18,588 points" in ended.stdout
    assert query("SELECT member_id, available, tier, spend, growth FROM account ORDER BY 1") == [
        ("u-2001", 1500, "silver", 158_000, 1580),
        ("u-2002", 4500, "gold", 462_000, 4620),
        ("u-2003", 0, "bronze", 9_900, 99),
        ("u-2004", 88, "bronze", 0, 88),
        ("u-2005", 12_500, "platinum", 1_350_000, 13_500),
        ("u-2006", 0, "bronze", 0, 0),
    ]
    assert query("SELECT count(*) FROM lot WHERE member_id = 'u-2001'") == [(2,)]
    assert query("SELECT joined_at::text FROM account WHERE member_id = 'u-2001'")[0][0].startswith(
        "2024-05-01"
    )
    [(sealed, digest)] = query("SELECT name, phone_digest FROM person WHERE member_id = 'u-2001'")
    ring = PiiRing.parse(PII_KEYS)
    assert ring.open(sealed, column="name", bucket=bucket_of("u-2001"), member_id="u-2001") == "王小明"
    assert query("SELECT member_id FROM person_lookup WHERE digest = $1", digest) == [("u-2001",)]
    assert query("SELECT DISTINCT actor FROM entry") == [("cli",)]
    assert loyalty("verify").exit_code == 0


def test_run_again_it_changes_nothing(loyalty: Run, query: Query) -> None:
    loyalty("import", EXAMPLE)
    before = query("SELECT account FROM account ORDER BY 1"), query("SELECT revision FROM person")
    ended = loyalty("import", EXAMPLE)
    assert ended.exit_code == 0
    assert "7 lines were there already" in ended.stdout
    assert (query("SELECT account FROM account ORDER BY 1"), query("SELECT revision FROM person")) == before


def test_it_goes_on_where_it_was(
    loyalty: Run, query: Query, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "CHUNK", 10)
    lines = [f"m-{number},{number + 1}" for number in range(60)]
    file = written(tmp_path, "member_id,points\n" + "\n".join(lines))
    finish, taken = imports._Import._finish, 0

    async def killed(*arguments: object) -> None:
        nonlocal taken
        taken += 1
        if taken == 3:
            raise KeyboardInterrupt
        await finish(*arguments)

    monkeypatch.setattr(imports._Import, "_finish", killed)
    ended = loyalty("import", file)
    assert ended.exit_code == 130
    assert "goes on from there" in ended.stderr
    assert 20 <= query("SELECT count(*) FROM entry")[0][0] < 60
    monkeypatch.setattr(imports._Import, "_finish", finish)
    assert loyalty("import", file).exit_code == 0
    assert query("SELECT count(*), sum(available)::int FROM account") == [(60, 1830)]
    assert loyalty("verify").exit_code == 0


BAD = (
    b"member_id,points,name,joined_at\n"
    b"u-1,10,a,\n"
    b"bad id,10,,\n"
    b"u-2,-5,,\n"
    b"u-3,1.5,,\n"
    b"u-4,10\n"
    b'"u-5",10,"a\nb",\n'
    b"u-6,10,\xff\xfe,\n"
    b"u-7,10,,2199-01-01T00:00:00Z\n"
    b"u-8,10,,yesterday\n"
    b"u-9,10,,,surplus\n"
    b"\n"
    b"u-10,10,,\n"
    b"u-10,10,,\n"
)


def test_bad_lines_are_told_and_kept(loyalty: Run, query: Query, tmp_path: Path) -> None:
    ended = loyalty("import", written(tmp_path, BAD))
    assert ended.exit_code == 1
    told = [line.split(":")[0] for line in ended.stderr.splitlines()]
    assert told == [
        "line 3",
        "line 4",
        "line 5",
        "line 6",
        "line 7",
        "line 9",
        "line 10",
        "line 11",
        "line 12",
    ]
    # Two lots that look alike are two.
    assert query("SELECT member_id, available FROM account ORDER BY 1") == [("u-1", 10), ("u-10", 20)]
    assert "9 lines were not taken" in ended.stdout
    kept = tmp_path / "members.csv.rejected.csv"
    with kept.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == [
        "member_id", "points", "name", "joined_at", "reference", "rejected_line", "rejected_reason"
    ]  # fmt: skip
    assert [(row[0], row[5]) for row in rows][:3] == [("bad id", "3"), ("u-2", "4"), ("u-3", "5")]
    assert rows[4][2] == "a\nb"
    assert rows[5][2].encode(errors="surrogateescape") == b"\xff\xfe"
    assert "import_ahead_of_time" in rows[6][6]
    assert rows[8][-1] == "surplus"


def test_rejected_lines_are_mended_and_imported(loyalty: Run, query: Query, tmp_path: Path) -> None:
    file = written(tmp_path, "member_id,points\nu-1,10\nu-2,ten\nu-3,x\nu-1,10\n")
    assert loyalty("import", file).exit_code == 1
    kept = tmp_path / "members.csv.rejected.csv"
    kept.write_text(kept.read_text().replace("ten", "10").replace("u-3,x", "u-3,30"))
    assert loyalty("import", kept).exit_code == 0
    file.write_text(file.read_text().replace("ten", "20"))
    assert query("SELECT member_id, available FROM account ORDER BY 1") == [
        ("u-1", 20),
        ("u-2", 10),
        ("u-3", 30),
    ]


def test_a_broken_quote_loses_nothing(loyalty: Run, tmp_path: Path) -> None:
    text = 'member_id,points\nu-1,10\n"u-2,10\n' + "".join(f"u-{number},10\n" for number in range(3, 20_000))
    ended = loyalty("import", written(tmp_path, text))
    assert ended.exit_code == 1
    kept = (tmp_path / "members.csv.rejected.csv").read_text()
    assert all(f"u-{number}," in kept or number > 10_000 for number in range(2, 20_000))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no header"),
        ("name,points\nA,1\n", "no column member_id"),
        ("member_id,poinst\nA,1\n", "unknown columns: poinst"),
        ("member_id,points,points\nA,1,2\n", "two columns"),
    ],
)
def test_a_file_that_can_not_be_read(loyalty: Run, tmp_path: Path, text: str, told: str) -> None:
    ended = loyalty("import", written(tmp_path, text))
    assert ended.exit_code == 2
    assert told in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_a_file_that_is_not_there(loyalty: Run, tmp_path: Path) -> None:
    ended = loyalty("import", tmp_path / "nothing.csv")
    assert ended.exit_code == 2
    assert "can't be read" in ended.stderr


def test_excel_s_mark_at_the_start(loyalty: Run, query: Query, tmp_path: Path) -> None:
    assert loyalty("import", written(tmp_path, "\ufeffmember_id,points\r\nu-1,5\r\n")).exit_code == 0
    assert query("SELECT available FROM account") == [(5,)]


# --- by several processes --------------------------------------------------------------------------------


@pytest.fixture
def several(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes take even a small file."""
    monkeypatch.setattr(imports, "SMALL_BYTES", 0)
    monkeypatch.setattr(imports, "CHUNK", 10)
    monkeypatch.setattr("os.cpu_count", lambda: 2)


@pytest.mark.usefixtures("several")
def test_each_member_s_lines_stay_in_order(loyalty: Run, query: Query, tmp_path: Path) -> None:
    lines = [f"m-{number % 30},r-{number // 30},{number + 1},{number}@example.com" for number in range(90)]
    lines.insert(7, "m-bad,r,-1,")
    lines.insert(50, "too,few")
    file = written(tmp_path, "member_id,reference,points,email\n" + "\n".join(lines))
    ended = loyalty("import", file)
    assert ended.exit_code == 1, ended.output
    assert f"90 lines imported, {sum(range(1, 91)):,} points" in ended.stdout
    told = [line.partition(":")[0] for line in ended.stderr.splitlines() if line.startswith("line ")]
    assert told == ["line 9", "line 52"]
    assert query("SELECT count(*), sum(available)::int FROM account") == [(30, sum(range(1, 91)))]
    assert query("SELECT DISTINCT key, lot FROM entry ORDER BY lot") == [
        ("import/r-0", 1),
        ("import/r-1", 2),
        ("import/r-2", 3),
    ]
    assert query("SELECT revision, count(*) FROM person GROUP BY 1") == [(3, 30)]
    assert query("SELECT count(DISTINCT request_id) FROM entry") == [(1,)]
    assert loyalty("verify").exit_code == 0
    again = loyalty("import", file)
    assert "90 lines were there already" in again.stdout


@pytest.mark.usefixtures("several")
def test_a_process_that_ends_is_told_and_the_rest_goes_on_from_there(
    loyalty: Run, query: Query, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(tmp_path, "member_id,points\n" + "\n".join(f"m-{number},1" for number in range(100)))
    take, taken = imports._Elsewhere.take, 0

    async def killed(self: imports._Elsewhere, lines: Sequence[Cells]) -> list[Told]:
        nonlocal taken
        taken += 1
        if taken == 5:
            self.send("not what it takes")
        return await take(self, lines)

    monkeypatch.setattr(imports._Elsewhere, "take", killed)
    ended = loyalty("import", file)
    assert ended.exit_code == 1
    assert "goes on from there" in ended.stderr
    assert query("SELECT count(*) FROM account")[0][0] < 100
    monkeypatch.setattr(imports._Elsewhere, "take", take)
    assert loyalty("import", file).exit_code == 0
    assert query("SELECT count(*), sum(available)::int FROM account") == [(100, 100)]
