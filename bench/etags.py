"""What a mobile app knows from its last visit: the ETag of each member it shows."""

import asyncio
from pathlib import Path
from typing import Final

from bench.service import Service

READERS: Final = 16


def learn(service: Service, *, prefix: str, members: int, path: Path) -> None:
    """Write a "member etag" line for each member. Raises SystemExit unless a second visit is answered 304."""
    path.write_text(asyncio.run(_learn(service, prefix, members)))


async def _learn(service: Service, prefix: str, members: int) -> str:
    waiting = [f"{prefix}-{number}" for number in range(1, members + 1)]
    lines: list[str] = []
    await asyncio.gather(*(_read_all(service, waiting, lines) for _ in range(READERS)))
    member, _, etag = lines[0].rstrip("\n").partition(" ")
    status, _ = await _visit(service, member, etag)
    if status != 304:
        raise SystemExit(f"A member's status with the ETag {etag} in If-None-Match was answered {status}.")
    return "".join(lines)


async def _read_all(service: Service, waiting: list[str], lines: list[str]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
    while waiting:
        member = waiting.pop()
        writer.write(_request(service, member))
        status, headers = await _answer(reader)
        if status != 200 or "etag" not in headers:
            raise SystemExit(f"GET /v1/members/{member} was answered {status} with {headers}.")
        lines.append(f"{member} {headers['etag']}\n")
    writer.close()


async def _visit(service: Service, member: str, etag: str) -> tuple[int, dict[str, str]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
    writer.write(_request(service, member, f"If-None-Match: {etag}\r\n"))
    answer = await _answer(reader)
    writer.close()
    return answer


def _request(service: Service, member: str, headers: str = "") -> bytes:
    return (
        f"GET /v1/members/{member} HTTP/1.1\r\nHost: 127.0.0.1:{service.port}\r\n"
        f"Authorization: Bearer {service.key}\r\n{headers}\r\n"
    ).encode()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *rest = head.strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
    await reader.readexactly(int(headers.get("content-length", "0")))
    return int(first.split(" ", 2)[1]), headers
