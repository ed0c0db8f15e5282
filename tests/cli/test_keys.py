"""API keys from the command line."""

from __future__ import annotations

from tests.cli.conftest import Run


def test_made_listed_revoked(loyalty: Run) -> None:
    made = loyalty("keys", "create", "checkout", "--scope", "points:write", "--scope", "members:read")
    assert made.exit_code == 0, made.output
    key = made.stdout.strip()
    assert key.startswith("loy_")
    key_id = key.split("_")[1]
    listed = loyalty("keys", "list").stdout
    assert key_id in listed
    assert "members:read,points:write" in listed
    assert "in use" in listed
    assert key not in listed
    assert loyalty("keys", "revoke", key_id).stdout == "Revoked.\n"
    assert loyalty("keys", "revoke", key_id).stdout == "It was revoked before.\n"
    assert "revoked 20" in loyalty("keys", "list").stdout


def test_what_can_not_be_done(loyalty: Run) -> None:
    unknown = loyalty("keys", "create", "checkout", "--scope", "everything")
    assert unknown.exit_code == 2
    assert "points:write" in unknown.stderr
    missing = loyalty("keys", "revoke", "nobody")
    assert missing.exit_code == 1
    assert len(missing.stderr.splitlines()) == 1
