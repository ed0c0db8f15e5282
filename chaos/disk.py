"""A small disk for the ledger's largest tables: a tmpfs, where mounting is allowed, that can be made full."""

import contextlib
import os
import subprocess
from pathlib import Path
from typing import Final, Self

from app.ledger.connection import Connection

ROOM: Final = "1g"
TABLES: Final = ("entry", "lot")


class Disk:
    """A mounted tmpfs. `fill()` lets nothing more be written to it, `clear()` makes room again."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @classmethod
    def mounted(cls, path: Path, *, user: int) -> Self | None:
        """A new one at `path` that `user` may write to; None where mounting is not allowed."""
        path.mkdir()
        options = f"size={ROOM},uid={user},mode=0700"
        if _run("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)):
            return cls(path)
        path.rmdir()
        return None

    async def take(self, connection: Connection) -> None:
        """Move the tables and their indexes here."""
        await connection.execute(f"CREATE TABLESPACE small LOCATION '{self._path}'")
        for table in TABLES:
            await connection.execute(f"ALTER TABLE {table} SET TABLESPACE small")
            for (index,) in await connection.fetch(
                "SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = $1::text::regclass", table
            ):
                await connection.execute(f"ALTER INDEX {index} SET TABLESPACE small")

    def fill(self) -> None:
        """As large as what is on it, and no larger."""
        told = os.statvfs(self._path)
        self._resize(str((told.f_blocks - told.f_bfree) * told.f_frsize))

    def clear(self) -> None:
        """Room again."""
        self._resize(ROOM)

    def _resize(self, size: str) -> None:
        if not _run("mount", "-o", f"remount,size={size}", str(self._path)):
            raise OSError(f"{self._path} could not be made {size} large")

    def unmount(self) -> None:
        """Let go of it, and of all that is on it."""
        _run("umount", str(self._path))


def _run(*command: str) -> bool:
    with contextlib.suppress(OSError):
        ran = subprocess.run(command, capture_output=True, check=False)
        return ran.returncode == 0
    return False
