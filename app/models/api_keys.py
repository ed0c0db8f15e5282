"""API keys: what they may do, never what they are."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, LargeBinary, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class ApiKey(Base):
    """One key by its public id; `digest` is the keyed hash of the whole key. Revoked ones stay on record.

    `request_key`, `request_digest` and `sealed_key` are the idempotency record of the request that made it:
    the same request again is answered with the same key, which is kept encrypted under the credential and the
    `Idempotency-Key` of whoever asked, so that nothing stored opens it. All null when made by the CLI.
    """

    __tablename__ = "api_key"
    __table_args__ = (
        UniqueConstraint("created_by", "request_key"),
        CheckConstraint("octet_length(digest) = 32", name="digest_length"),
    )

    key_id: Mapped[str] = mapped_column(Text, primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    name: Mapped[str] = mapped_column(Text)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
    created_by: Mapped[str] = mapped_column(Text)
    revoked_at: Mapped[datetime | None] = mapped_column(TIMESTAMP(timezone=True))
    revoked_by: Mapped[str | None] = mapped_column(Text)
    request_key: Mapped[str | None] = mapped_column(Text)
    request_digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    sealed_key: Mapped[bytes | None] = mapped_column(LargeBinary)
