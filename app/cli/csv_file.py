"""Reading a CSV file line by line, telling what is wrong with which line, and keeping the bad ones."""

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, NamedTuple, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

# Bytes that are no UTF-8, as they are carried through.
_has_stray_bytes = re.compile("[\udc80-\udcff]").search


class FileUnusable(Exception):
    """The file as a whole can't be read; the message is a sentence that says why."""


class Line(NamedTuple):
    """One record: the number of its first line in the file, its cells as they stand, and by column the filled
    ones; `fault` says why it can't be taken apart.
    """

    number: int
    raw: Sequence[str]
    cells: dict[str, str]
    fault: str | None = None


class CsvFile:
    """A CSV file in UTF-8 with a header, read once, in bounded memory, with a progress bar on a terminal.

    `required` columns must be there. With `known`, no column but those and the two this class adds to a file
    of rejected lines; `filled` are columns that are filled for a line where it left them out. Raises
    FileUnusable when opened.
    """

    REJECTION_COLUMNS = ("rejected_line", "rejected_reason")

    def __init__(
        self,
        path: Path,
        *,
        required: Sequence[str],
        known: Sequence[str] | None = None,
        filled: Sequence[str] = (),
    ) -> None:
        self.path = path
        self.rejected_path = path.with_name(f"{path.name}.rejected.csv")
        self.rejected = 0
        self._required = required
        self._known = known
        self._filled = filled
        self._line_number = 0
        self._parts: list[str] = []
        self._console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False, emoji=False)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[done]:,} lines"),
            console=self._console,
            disable=not self._console.is_terminal,
            transient=True,
        )

    def __enter__(self) -> Self:
        try:
            self._file: IO[bytes] = self.path.open("rb")
            size_bytes = self.path.stat().st_size
        except OSError as error:
            raise FileUnusable(f"{self.path} can't be read: {error.strerror}.") from None
        self._rejections: IO[str] | None = None
        self._bar = self._progress.add_task(self.path.name, total=size_bytes, done=0)
        self._reader = csv.reader(self._lines())
        try:
            self.columns = self._header()
        except FileUnusable:
            self._file.close()
            raise
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._progress.stop()
        self._file.close()
        if self._rejections is not None:
            self._rejections.close()

    def __iter__(self) -> Iterator[Line]:
        while True:
            self._parts.clear()
            number = self._line_number + 1
            try:
                raw = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Line(number, ["".join(self._parts).strip("\r\n")], {}, f"it is no CSV: {error}")
                continue
            if raw:
                yield self._line(number, raw)

    def advance(self, lines: int) -> None:
        """Show that so many more lines are done."""
        done = self._progress.tasks[0].fields["done"] + lines
        self._progress.update(self._bar, completed=self._file.tell(), done=done)

    def reject(self, line: Line, reason: str, *, fills: dict[str, str] | None = None) -> None:
        """Tell what is wrong with a line and keep it, with `fills` in cells it left empty."""
        self.rejected += 1
        self._console.print(f"line {line.number}: {reason}")
        columns = [*self.columns, *(column for column in self._filled if column not in self.columns)]
        if self._rejections is None:
            self._rejections = self.rejected_path.open(
                "w", encoding="utf-8", errors="surrogateescape", newline=""
            )
            csv.writer(self._rejections).writerow([*columns, *self.REJECTION_COLUMNS])
        own = len(self.columns)
        cells: list[Any] = [*line.raw[:own], *[""] * (len(columns) - min(own, len(line.raw)))]
        for column, text in (fills or {}).items():
            cells[columns.index(column)] = cells[columns.index(column)] or text
        # What a line has too much of is kept after all else.
        csv.writer(self._rejections).writerow([*cells, line.number, reason, *line.raw[own:]])

    def _header(self) -> list[str]:
        try:
            columns = [column.strip() for column in next(self._reader)]
        except (StopIteration, csv.Error):
            raise FileUnusable(f"{self.path} has no header line.") from None
        if missing := [column for column in self._required if column not in columns]:
            raise FileUnusable(f"{self.path} has no column {', '.join(missing)}.")
        if self._known is not None:
            allowed = {*self._known, *self.REJECTION_COLUMNS}
            if unknown := [column for column in columns if column not in allowed]:
                raise FileUnusable(
                    f"{self.path} has unknown columns: {', '.join(unknown)}. "
                    f"Known are {', '.join(self._known)}."
                )
        if len(set(columns)) < len(columns):
            raise FileUnusable(f"{self.path} has two columns of the same name.")
        return columns

    def _line(self, number: int, raw: list[str]) -> Line:
        if len(raw) != len(self.columns):
            return Line(number, raw, {}, f"it has {len(raw)} cells, the header has {len(self.columns)}")
        cells = {
            column: text
            for column, cell in zip(self.columns, raw, strict=True)
            if (text := cell.strip()) and column not in self.REJECTION_COLUMNS
        }
        if _has_stray_bytes("".join(cells.values())):
            return Line(number, raw, {}, "it is not in UTF-8")
        return Line(number, raw, cells)

    def _lines(self) -> Iterator[str]:
        """The file's lines as text; bytes that are no UTF-8 are carried through."""
        for raw in self._file:
            self._line_number += 1
            text = raw.decode("utf-8", "surrogateescape")
            if self._line_number == 1:
                text = text.removeprefix("\ufeff")
            self._parts.append(text)
            yield text
