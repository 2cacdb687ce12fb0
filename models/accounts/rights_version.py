"""A count of the changes of roles' permissions, kept by a trigger on FAB's table.

Processes keep the rights they read together with the count; when it has moved they read them again.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Integer
from sqlalchemy.orm import Mapped, mapped_column

from models.db import Base


class RightsVersion(Base):
    """The one row with the count."""

    __tablename__ = "rights_version"
    __table_args__ = (CheckConstraint("id = 1", name="ck_rights_version_one_row"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(BigInteger)
