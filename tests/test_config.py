"""Settings are read, checked, explained, and found in the README."""

from pathlib import Path

import pytest

from app.config import PREFIX, Settings, SettingsError, load_settings

README = Path(__file__).parent.parent / "README.md"


def test_defaults() -> None:
    settings = load_settings()
    assert (settings.host, settings.port, settings.log_level) == ("127.0.0.1", 8000, "INFO")
    assert settings.data_dir == Path(".loyalty")
    assert settings.workers in (1, 2)
    assert settings.embedded
    assert not settings.sandbox


@pytest.mark.parametrize(
    ("name", "value", "field", "expected"),
    [
        ("DATABASE_URL", "postgres://u:p@h/d", "database_url", "postgresql://u:p@h/d"),
        (
            "DATABASE_URL",
            "postgresql+asyncpg://u@/d?host=/tmp",
            "database_url",
            "postgresql://u@/d?host=/tmp",
        ),
        ("DATABASE_URL", "", "database_url", None),
        ("LOG_LEVEL", "debug", "log_level", "DEBUG"),
        ("LOG_LEVEL", " Warning ", "log_level", "WARNING"),
        ("PORT", "0", "port", 0),
        ("SANDBOX", "1", "sandbox", True),
    ],
)
def test_taken(monkeypatch: pytest.MonkeyPatch, name: str, value: str, field: str, expected: object) -> None:
    monkeypatch.setenv(PREFIX + name, value)
    assert getattr(load_settings(), field) == expected


@pytest.mark.parametrize(
    "key", ["x" * 32, "correct horse battery staple! 1234", "~!@#$%^&*()_+=-[]{};':,./<>?|`ab"]
)
def test_a_bootstrap_key_of_any_printable_characters(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("LOYALTY_BOOTSTRAP_KEY", key)
    settings = load_settings()
    assert settings.bootstrap_key is not None
    assert settings.bootstrap_key.get_secret_value() == key
    assert key not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://root:hunter2@h/d"),
        ("DATABASE_URL", "hunter2"),
        ("PORT", "hunter2"),
        ("PORT", "65536"),
        ("WORKERS", "0"),
        ("LOG_LEVEL", "hunter2"),
        ("BOOTSTRAP_KEY", "hunter2"),
        ("BOOTSTRAP_KEY", "hunter2" + "é" * 32),
        ("BOOTSTRAP_KEY", "hunter2" + "x" * 32 + " "),
        ("JWT_JWKS_URL", "file:///hunter2"),
    ],
)
def test_refused_by_name_without_the_value(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(PREFIX + name, value)
    with pytest.raises(SettingsError) as refused:
        load_settings()
    told = str(refused.value)
    assert told.startswith(f"{PREFIX}{name}: ")
    assert told.endswith(".")
    assert "\n" not in told
    assert "hunter2" not in told


def test_one_source_of_member_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOYALTY_JWT_JWKS_URL", "https://shop.example/keys")
    monkeypatch.setenv("LOYALTY_JWT_PUBLIC_KEY", "key.pem")
    with pytest.raises(SettingsError, match="exclude each other"):
        load_settings()


@pytest.mark.parametrize("field", Settings.model_fields)
def test_in_the_readme(field: str) -> None:
    readme = README.read_text(encoding="utf-8")
    assert f"LOYALTY_{field.upper()}" in readme
