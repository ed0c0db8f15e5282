"""Tables and their constraints; importing this module makes `Base.metadata` whole."""

from app.models.base import Base

__all__ = ["Base"]
