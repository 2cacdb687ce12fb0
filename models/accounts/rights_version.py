"""The version of the roles' permissions: a counter that a trigger on FAB's table increments.

Processes cache the permissions with the version they were read at, and reload them when the version has changed.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Integer
from sqlalchemy.orm import Mapped, mapped_column

from models.db import Base


class RightsVersion(Base):
    """The single row that holds the counter."""

    __tablename__ = "rights_version"
    __table_args__ = (CheckConstraint("id = 1", name="ck_rights_version_one_row"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(BigInteger)
