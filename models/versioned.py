"""The optimistic lock: of two people who edit a row at once, the second is shown what the first saved."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Mapped, Session, declared_attr, mapped_column

from models.errors import Conflict
from models.row_lock import lock


class Versioned:
    """A row with a version, which SQLAlchemy raises with each change and checks when it writes."""

    version: Mapped[int] = mapped_column(server_default="1", nullable=False)

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805  (SQLAlchemy's convention for declared attributes)
        return {"version_id_col": cls.version}


def lock_version(session: Session, row: Any, version: int) -> None:
    """Lock a row that is about to be changed, and check that it is the one the person had before them.

    :param version: of the row when the person's page was made.
    :raises Conflict: somebody else changed the row since.
    :raises Gone: somebody else deleted it.
    """
    lock(session, row)
    if row.version != version:
        raise Conflict
