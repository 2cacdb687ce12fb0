"""An import of customers from a file: its run, and the checked rows that the run processes."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKeyConstraint,
    Identity,
    Index,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models.db import Base, CreatedAt
from models.errors import N_
from models.scope import TenantScoped
from models.versioned import Versioned


class RunState(StrEnum):
    """The states of an import: checked, queued or running, done, queued for or being undone, undone."""

    CHECKED = "checked"
    RUNNING = "running"
    DONE = "done"
    UNDOING = "undoing"
    UNDONE = "undone"


class Outcome(StrEnum):
    """The outcome of a row: written, unchanged, refused, undone, or kept because it could not be undone."""

    WRITTEN = "written"
    SAME = "same"
    REFUSED = "refused"
    UNDONE = "undone"
    KEPT = "kept"


AT_WORK = (RunState.RUNNING.value, RunState.UNDOING.value)
"""The states in which a job works on an import. A tenant has at most one such import at a time."""

ALREADY_RUNNING = N_("Another import is running. Wait until it is done.")

UNIQUE_ERRORS = {"uq_import_run_at_work": (None, ALREADY_RUNNING)}


class ImportRun(Versioned, TenantScoped, Base):
    """An import. ``actor`` is the user on whose behalf it runs, for the audit log; they may have signed out since."""

    __tablename__ = "import_run"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        CheckConstraint("state IN ('checked', 'running', 'done', 'undoing', 'undone')", name="ck_import_run_state"),
        Index(
            "uq_import_run_at_work",
            "tenant_id",
            unique=True,
            postgresql_where=text("state IN ('running', 'undoing')"),
        ),
        Index("ix_import_run_tenant_id_created_at", "tenant_id", "created_at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    file_name: Mapped[str] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(10), server_default=RunState.CHECKED.value)
    row_count: Mapped[int]
    actor: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[CreatedAt]
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    # When the API tokens of its new UTMs were issued, into the one file that has them.
    tokens_issued_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class ImportRow(TenantScoped, Base):
    """A row of an import.

    ``number`` is its number in the file. ``content`` is the data to write (``models.imports.writing``). ``differences``
    lists the changed fields, each as a column of the file with its old and new value. ``outcome`` is NULL until the row
    has been processed. ``written`` is the data for undoing it. ``refusal`` is why it was refused, or kept when undoing.
    """

    __tablename__ = "import_row"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "run_id"], ["import_run.tenant_id", "import_run.id"], ondelete="CASCADE"),
        CheckConstraint("outcome IN ('written', 'same', 'refused', 'undone', 'kept')", name="ck_import_row_outcome"),
        UniqueConstraint("tenant_id", "run_id", "number", name="uq_import_row_number"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    run_id: Mapped[int] = mapped_column(BigInteger)
    number: Mapped[int]
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    differences: Mapped[list[Any]] = mapped_column(JSONB)
    warnings: Mapped[list[Any]] = mapped_column(JSONB)
    outcome: Mapped[str | None] = mapped_column(String(8))
    written: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    refusal: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
