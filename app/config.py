"""Settings from the environment, checked before anything starts.

Every name is `LOYALTY_` and the field's name in capitals; the README lists each with its default.
"""

import os
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "LOYALTY_"
MINIMUM_BOOTSTRAP_KEY_LENGTH = 32

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]


class SettingsError(Exception):
    """A setting is missing or wrong; the message is one sentence a person can act on."""


def default_workers() -> int:
    """Processes to serve with when none are asked for: one a usable CPU, at most two.

    PostgreSQL shares the machine by default; who has more CPUs to give says so with LOYALTY_WORKERS.
    """
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(2, usable)


def _upper(value: object) -> object:
    return value.strip().upper() if isinstance(value, str) else value


class Settings(BaseSettings):
    """The service's settings; an empty variable counts as absent."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="ignore", hide_input_in_errors=True
    )

    database_url: Annotated[str | None, Field(repr=False)] = None
    """`postgresql://...` (also `postgres://` and `postgresql+asyncpg://`, which are made that); None:
    embedded.
    """
    data_dir: Path = Path(".loyalty")
    """Where the embedded PostgreSQL and the keys made on the first start live."""
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    """0 takes any free port."""
    workers: Annotated[int, Field(ge=1, le=256)] = Field(default_factory=default_workers)
    bootstrap_key: SecretStr | None = None
    """An administrator's API key to accept."""
    sandbox: bool = False
    """Routes the sandbox clock; never on a service with real members."""
    jwt_jwks_url: str | None = None
    jwt_public_key: str | None = None
    """A PEM text, or the path of a file that holds one."""
    pii_keys: SecretStr | None = None
    """`id:base64,id:base64`: the first encrypts, all decrypt."""
    log_level: Annotated[LogLevel, BeforeValidator(_upper)] = "INFO"

    @field_validator("database_url")
    @classmethod
    def _postgresql_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        scheme, separator, rest = value.strip().partition("://")
        if not separator or scheme not in ("postgres", "postgresql", "postgresql+asyncpg"):
            raise ValueError("must be a PostgreSQL address such as postgresql://user:password@host/database")
        return f"postgresql://{rest}"

    @field_validator("bootstrap_key")
    @classmethod
    def _long_and_printable(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        key = value.get_secret_value()
        # What a header can carry: visible ASCII, with blanks inside only.
        printable = all(" " <= character <= "~" for character in key) and key == key.strip()
        if len(key) < MINIMUM_BOOTSTRAP_KEY_LENGTH or not printable:
            raise ValueError(f"must be at least {MINIMUM_BOOTSTRAP_KEY_LENGTH} printable ASCII characters")
        return value

    @field_validator("jwt_jwks_url")
    @classmethod
    def _http_url(cls, value: str | None) -> str | None:
        if value is not None and urlsplit(value).scheme not in ("http", "https"):
            raise ValueError("must be an http or https address")
        return value

    @model_validator(mode="after")
    def _one_source_of_member_keys(self) -> "Settings":
        if self.jwt_jwks_url is not None and self.jwt_public_key is not None:
            raise ValueError(
                f"{PREFIX}JWT_JWKS_URL and {PREFIX}JWT_PUBLIC_KEY exclude each other: set one of them"
            )
        return self

    @property
    def embedded(self) -> bool:
        """Whether the service brings its own PostgreSQL."""
        return self.database_url is None


def load_settings() -> Settings:
    """Read the settings from the environment.

    Raises SettingsError with one sentence for each mistake, which names the variable and never its value.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError(
            " ".join(_sentence(mistake["loc"], mistake["msg"]) for mistake in error.errors())
        ) from None


def _sentence(place: tuple[int | str, ...], message: str) -> str:
    told = message.removeprefix("Value error, ").rstrip(".")
    if not place:
        return f"{told}."
    return f"{PREFIX}{str(place[0]).upper()}: {told[0].lower()}{told[1:]}."
