"""Requests as they shouldn't be, made of good ones: each a good request of some operation with one thing wrong.

A seed gives the same requests each time, for the same good ones.
"""

from __future__ import annotations

import copy
import gzip
import json
import random
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import urlencode

from tests.contract.nasty import DEEP, LONG, MEDIA_TYPES, NASTY_PARTS, NASTY_QUERIES, NASTY_VALUES
from tests.contract.operations import Operation
from tests.contract.shop import Call


class Sent(NamedTuple):
    """A request as bytes; `what` says what is wrong with it.

    Where it ends is plain (`has_end`) unless that is what is wrong: then what comes after it may be taken for its body.
    """

    what: str
    operation: str
    method: str
    raw: bytes
    has_end: bool


class Draft:
    """A request that is being spoilt: its parts as bytes, as they will be sent."""

    def __init__(self, operation: Operation, call: Call, credential: str, draw: random.Random) -> None:
        self.method = call.method.encode()
        self.path = call.path.encode()
        self.query = b""
        self.version = b"HTTP/1.1"
        self.headers: list[tuple[bytes, bytes]] = [
            (b"Host", b"service"),
            (b"Authorization", f"Bearer {credential}".encode()),
        ]
        if operation.takes_key:
            self.headers.append((b"Idempotency-Key", b"%032x" % draw.getrandbits(128)))
        self.document = copy.deepcopy(call.body)
        self.body = b"" if call.body is None else json.dumps(call.body).encode()
        self.content_type: bytes | None = b"application/json" if call.body is not None else None
        self.length: bytes | None = None
        self.values = call.values
        self.operation = operation

    def raw(self) -> bytes:
        """All of it, as it goes over the wire."""
        headers = list(self.headers)
        if self.content_type is not None:
            headers.append((b"Content-Type", self.content_type))
        names = {name.lower() for name, _ in headers}
        if self.length is not None:
            headers.append((b"Content-Length", self.length))
        elif (self.body or self.content_type is not None) and b"transfer-encoding" not in names:
            headers.append((b"Content-Length", b"%d" % len(self.body)))
        target = self.path + (b"?" + self.query if self.query else b"")
        lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
        return self.method + b" " + target + b" " + self.version + b"\r\n" + lines + b"\r\n" + self.body


Spoil = Callable[[Draft, random.Random], str]


# --- bodies ----------------------------------------------------------------------------------------------

_MARK = "\ue000spoilt\ue000"


def a_value(draft: Draft, draw: random.Random) -> str:
    """One value somewhere in the body, for a nasty one."""
    what = draw.choice(list(NASTY_VALUES))
    steps = draw.choice(list(_places(draft.document)))
    whole = {"": copy.deepcopy(draft.document)}
    place: Any = whole
    for step in ("", *steps[:-1]) if steps else ():
        place = place[step]
    place[steps[-1] if steps else ""] = _MARK
    draft.body = json.dumps(whole[""]).encode().replace(json.dumps(_MARK).encode(), NASTY_VALUES[what], 1)
    return f"{what} at /{'/'.join(map(str, steps))}"


def _places(document: Any, steps: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield steps
    if isinstance(document, dict):
        for name, value in document.items():
            yield from _places(value, (*steps, name))
    elif isinstance(document, list):
        for number, value in enumerate(document):
            yield from _places(value, (*steps, number))


def a_name(draft: Draft, draw: random.Random) -> str:
    """A field that isn't known, or known twice."""
    if not isinstance(draft.document, dict):
        draft.body = b"{"
        return "an object cut"
    names = list(draft.document) or ["x"]
    again = json.dumps(draw.choice(names)).encode()
    fields: dict[str, bytes] = {
        "a field twice": again + b":1," + again + b":2",
        "an unknown field": b'"ammount":1',
        "a field named so": draw.choice(
            [b'"__proto__":{}', b'"__class__":1', b'"":1', b'"\\u0000":1', b'"$ref":"#"']
        ),
        "a field of a lone surrogate": b'"\\ud800":1',
        "a field with a long name": b'"' + b"n" * 50_000 + b'":1',
        "20,000 fields": b",".join(b'"f%d":1' % number for number in range(20_000)),
        "a field without value": b'"x":',
        "a comma too many": b"",
    }
    what = draw.choice(list(fields))
    inner = draft.body.strip()[1:-1]
    draft.body = b"{" + inner + (b"," if inner else b"") + fields[what] + b"}"
    return what


def the_body(draft: Draft, draw: random.Random) -> str:
    """The body as a whole."""
    good = draft.body or b"{}"
    text = good.decode(errors="replace")
    cut = draw.randrange(1, max(2, len(good)))
    bodies: dict[str, Callable[[], bytes]] = {
        "no body": lambda: b"",
        "null": lambda: b"null",
        "a list": lambda: b"[]",
        "a list of it": lambda: b"[" + good + b"]",
        "text": lambda: b'"x"',
        "a number": lambda: b"1",
        "a body cut": lambda: good[:cut],
        "a byte lost": lambda: good[: cut - 1] + good[cut:],
        "a byte changed": lambda: good[:cut] + bytes([draw.randrange(256)]) + good[cut + 1 :],
        "something after it": lambda: good + b" {}",
        "a NUL after it": lambda: good + b"\x00",
        "a byte order mark": lambda: b"\xef\xbb\xbf" + good,
        "UTF-16": lambda: text.encode("utf-16"),
        "UTF-32": lambda: text.encode("utf-32"),
        "single quotes": lambda: good.replace(b'"', b"'"),
        "a comment": lambda: b"/* x */ " + good,
        "an XML bomb": lambda: b'<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>',
        "a form": lambda: b"amount=1&points=2",
        "multipart": lambda: b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n',
        "lists deep": lambda: b"[" * DEEP,
        "lists deep and closed": lambda: b"[" * DEEP + b"]" * DEEP,
        "brackets, 900 KB of them": lambda: b"[" * 900_000,
        "objects deep": lambda: b'{"a":' * DEEP,
        "blanks, 900 KB of them": lambda: b" " * 900_000 + good,
        "10 MB of blanks": lambda: good + b" " * LONG,
        "10 MB of text": lambda: b'{"a":"' + b"a" * LONG + b'"}',
        "10 MB of brackets": lambda: b"[" * LONG,
        "random bytes": lambda: draw.randbytes(200),
        "escapes, 300 KB of them": lambda: b'{"a":"' + b"\\u4e00" * 50_000 + b'"}',
    }
    what = draw.choice(list(bodies))
    draft.body = bodies[what]()
    return what


# --- headers ---------------------------------------------------------------------------------------------


def the_media_type(draft: Draft, draw: random.Random) -> str:
    """What the body is said to be."""
    draft.content_type = draw.choice([None, *MEDIA_TYPES])
    return f"the media type {(draft.content_type or b'none')[:40]!r}"


@cache
def _bomb() -> bytes:
    return gzip.compress(b" " * LONG, mtime=0)


def the_encoding(draft: Draft, draw: random.Random) -> str:
    """How the body is said to be packed."""
    packed = gzip.compress(draft.body or b"{}", mtime=0)
    encodings: dict[str, tuple[bytes, bytes]] = {
        "gzip": (b"gzip", packed),
        "gzip that isn't": (b"gzip", draft.body),
        "gzip cut": (b"gzip", packed[:-5]),
        "a gzip bomb": (b"gzip", _bomb()),
        "br": (b"br", b"\x8b\x02\x80{}\x03"),
        "deflate": (b"deflate", b"x\x9c"),
        "identity": (b"identity", draft.body),
        "an unknown one": (b"zstd-x", draft.body),
    }
    what = draw.choice(list(encodings))
    encoding, draft.body = encodings[what]
    draft.headers.append((b"Content-Encoding", encoding))
    return f"packed by {what}"


def the_chunks(draft: Draft, draw: random.Random) -> str:
    """A body in chunks, and how they are told."""
    body = draft.body or b"{}"
    good = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    bodies: dict[str, bytes] = {
        "chunks": good,
        "chunks of a byte": b"".join(b"1\r\n%c\r\n" % byte for byte in body[:2_000]) + b"0\r\n\r\n",
        "a chunk of no size": b"\r\n" + good,
        "a chunk of size x": b"x\r\n" + good,
        "a chunk of negative size": b"-1\r\n" + good,
        "a chunk of huge size": b"f" * 20 + b"\r\n" + good,
        "a chunk longer than said": b"1\r\n" + body + b"\r\n0\r\n\r\n",
        "an extension": b"%x;a=b;c\r\n%s\r\n0\r\n\r\n" % (len(body), body),
        "a long extension": b"%x;%s\r\n%s\r\n0\r\n\r\n" % (len(body), b"a" * 10_000, body),
        "trailers": good[:-2] + b"X-T: 1\r\nContent-Length: 5\r\n\r\n",
        "only the end": b"0\r\n\r\n",
        "2 MiB of chunks": b"10000\r\n%s\r\n" % (b" " * 65536) * 32 + good,
    }
    what = draw.choice(list(bodies))
    draft.body = bodies[what]
    draft.headers.append((b"Transfer-Encoding", b"chunked"))
    if draw.random() < 0.2:
        draft.headers[-1] = (
            b"Transfer-Encoding",
            draw.choice([b"chunked, chunked", b"gzip, chunked", b"identity", b"x"]),
        )
        what += ", told oddly"
    if draw.random() < 0.1:
        draft.length = b"5"
        what += ", with a length too"
    return what


def the_length(draft: Draft, draw: random.Random) -> str:
    """A length that isn't one. (A wrong one is a matter of the connection.)"""
    draft.length = draw.choice(
        [
            b"-1",
            b"+5",
            b"0x5",
            b"5, 5",
            b"5 5",
            b"",
            b"1e3",
            b"9" * 30,
            b"\xb2",
            b"18446744073709551616",
            b"10485760000",
        ]
    )
    return f"the length {draft.length!r}"


def a_header(draft: Draft, draw: random.Random) -> str:
    """A header that the service or the server reads, or none of them."""
    key = [b"", b"a b", b"k" * 256, b"k" * 60_000, b"\xff\xfe", b"a\tb", "键".encode(), b"%00"]
    headers: dict[str, list[tuple[bytes, bytes]]] = {
        "Idempotency-Key": [(b"Idempotency-Key", draw.choice(key))],
        "two Idempotency-Keys": [(b"Idempotency-Key", b"a"), (b"Idempotency-Key", b"b")],
        "X-Request-Id": [(b"X-Request-Id", draw.choice([*key, b"a\x7fb", b"{}"]))],
        "two credentials": [(b"Authorization", b"Bearer x")],
        "If-None-Match": [
            (b"If-None-Match", draw.choice([b"*", b'"', b'W/"', b'"a" "b"', b"\xff", b'"' * 5_000]))
        ],
        "Accept": [(b"Accept", draw.choice([b"", b"text/html", b"*", b"\xff", b"a/b;q=9," * 3_000]))],
        "Range": [(b"Range", b"bytes=0-,1-2,9-0")],
        "Host": [(b"Host", draw.choice([b"", b"a b", b"[::", b"x:99999", b"\xff"]))],
        "Expect": [(b"Expect", draw.choice([b"100-continue", b"200-maybe"]))],
        "Connection": [(b"Connection", draw.choice([b"close", b"keep-alive, x", b"upgrade", b""]))],
        "Upgrade": [(b"Connection", b"Upgrade"), (b"Upgrade", draw.choice([b"websocket", b"h2c", b"x"]))],
        "a method of another name": [(b"X-HTTP-Method-Override", b"DELETE")],
        "another path": [(b"X-Original-URL", b"/v1/keys"), (b"X-Forwarded-Prefix", b"/../")],
        "Forwarded": [(b"X-Forwarded-For", b"999.1.1.1, [::"), (b"X-Forwarded-Proto", b"\xff")],
        "a cookie": [(b"Cookie", b"=;" * 3_000)],
        "a name that is none": [(draw.choice([b"a b", b"a\x00b", b"\xff", b"a:", b"", b"(x)"]), b"1")],
        "a control character": [(b"X-A", draw.choice([b"a\x00b", b"a\x01b", b"a\rb", b"a\nb", b"\x7f"]))],
        "a folded line": [(b"X-A", b"a\r\n b")],
        "1,000 headers": [(b"X-%d" % number, b"1") for number in range(1_000)],
        "60 KB of header": [(b"X-A", b"a" * 60_000)],
        "80 KB of header": [(b"X-A", b"a" * 80_000)],
    }
    what = draw.choice(list(headers))
    draft.headers += headers[what]
    return f"the header {what}"


# --- where it goes ---------------------------------------------------------------------------------------


def a_part(draft: Draft, draw: random.Random) -> str:
    """One part of the path."""
    parts = draft.path.split(b"/")
    part = draw.choice(NASTY_PARTS)
    named = [number for number, text in enumerate(parts) if text.decode("latin-1") in draft.values.values()]
    parts[draw.choice(named or range(len(parts)))] = part
    draft.path = b"/".join(parts)
    return f"the part {part[:40]!r}"


def the_path(draft: Draft, draw: random.Random) -> str:
    """The path as a whole, and the way it is written."""
    paths: dict[str, bytes] = {
        "a slash at the end": draft.path + b"/",
        "two slashes": b"/" + draft.path,
        "capitals": draft.path.upper(),
        "a step up": b"/v1/.." + draft.path,
        "a step further": draft.path + b"/x",
        "a star": b"*",
        "a whole address": b"http://elsewhere.example" + draft.path,
        "no slash": draft.path[1:],
        "nothing": b"",
        "another version": draft.path.replace(b"/v1", b"/v2"),
        "escaped letters": draft.path.replace(b"v1", b"%76%31"),
        "20,000 steps": b"/a" * 20_000,
        "a fragment": draft.path + b"#x",
    }
    what = draw.choice(list(paths))
    draft.path = paths[what]
    return f"the path with {what}"


def the_query(draft: Draft, draw: random.Random) -> str:
    """The parameters: known ones with nasty values, unknown ones, some twice, too many."""
    known = [each["name"] for each in draft.operation.said.get("parameters", []) if each["in"] == "query"]
    name = draw.choice([*known * 3, "x"]).encode()
    value = draw.choice(NASTY_QUERIES)
    queries: dict[str, bytes] = {
        "a nasty value": name + b"=" + value,
        "a value twice": name + b"=" + value + b"&" + name + b"=1",
        "no value": name,
        "an index": name + b"[]=" + value + b"&" + name + b"[a]=1",
        "3,000 parameters": urlencode([(f"p{number}", "1") for number in range(3_000)]).encode(),
        "one 1,000 times": (name + b"=1&") * 1_000,
        "only signs": b"&&==&?&;" * 20,
        "a long name": b"n" * 20_000 + b"=1",
    }
    what = draw.choice(list(queries))
    draft.query = queries[what]
    return f"a query of {what}, {name.decode()}={value[:30]!r}"


METHODS = [
    *b"get HEAD OPTIONS TRACE PUT PATCH DELETE POST GET PROPFIND X CONNECT".split(),
    *(b"PO ST", b"", b"\x00GET", b"M" * 500),
]


def the_line(draft: Draft, draw: random.Random) -> str:
    """The first line: method and version."""
    if draw.random() < 0.6:
        draft.method = draw.choice(METHODS)
        return f"the method {draft.method[:20]!r}"
    draft.version = draw.choice(
        [b"HTTP/1.0", b"HTTP/0.9", b"HTTP/2.0", b"HTTP/9.9", b"http/1.1", b"HTTP/1.1 x", b"", b"FTP/1.1"]
    )
    return f"the version {draft.version!r}"


OF_BODIES: list[tuple[Spoil, int]] = [
    (a_value, 12), (a_name, 3), (the_body, 4), (the_media_type, 1), (the_encoding, 1), (the_chunks, 2), (the_length, 1),
]  # fmt: skip
OF_ALL: list[tuple[Spoil, int]] = [(a_header, 3), (a_part, 2), (the_path, 1), (the_query, 2), (the_line, 1)]


def spoilt(operation: Operation, call: Call, credential: str, draw: random.Random) -> Sent:
    """One malformed request made of the good `call`; with a tenth of them a second thing is wrong."""
    draft = Draft(operation, call, credential, draw)
    ways = [*(OF_BODIES if operation.content is not None and call.body is not None else []), *OF_ALL]
    spoils, weights = zip(*ways, strict=True)
    chosen: list[Spoil] = draw.choices(spoils, weights, k=2 if draw.random() < 0.1 else 1)
    what = " and ".join(spoil(draft, draw) for spoil in chosen)
    has_end = draft.length is None and b"Transfer-Encoding" not in dict(draft.headers)
    return Sent(what, operation.name, draft.method.decode("latin-1"), draft.raw(), has_end)
