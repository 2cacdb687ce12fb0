"""Optimistic locking: when two people edit a row concurrently, the second is shown what the first saved."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Mapped, Session, declared_attr, mapped_column

from models.errors import Conflict
from models.row_lock import lock


class Versioned:
    """A row with a version, which SQLAlchemy increments on each change and checks on each write."""

    version: Mapped[int] = mapped_column(server_default="1", nullable=False)

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805  (SQLAlchemy's convention for declared attributes)
        return {"version_id_col": cls.version}


def lock_version(session: Session, row: Any, version: int) -> None:
    """Lock a row before changing it, and check that it is unchanged since the person opened it.

    :param version: the row's version when the person's page was rendered.
    :raises Conflict: the row was changed in the meantime.
    :raises Gone: the row was deleted in the meantime.
    """
    lock(session, row)
    check_version(row.version, version)


def check_version(present: int, shown: int) -> None:
    """Check that what a person is about to change is what they had before them; it must be locked already.

    :param present: its version.
    :param shown: its version when the person's page was made.
    :raises Conflict: somebody else changed it since.
    """
    if present != shown:
        raise Conflict
