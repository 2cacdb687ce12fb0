"""Imports of customers from files.

Revision: 0022, after 0021
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from app import migrating

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "import_run",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=10), server_default="checked", nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("actor", JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("tenant_id", sa.String(length=8), nullable=False),
        sa.CheckConstraint("state IN ('checked', 'running', 'done', 'undoing', 'undone')", name="ck_import_run_state"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("tenant_id", "id"),
    )
    op.create_index(
        "uq_import_run_at_work",
        "import_run",
        ["tenant_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('running', 'undoing')"),
    )
    op.create_index("ix_import_run_tenant_id_created_at", "import_run", ["tenant_id", "created_at"])
    op.create_table(
        "import_row",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", JSONB(), nullable=False),
        sa.Column("differences", JSONB(), nullable=False),
        sa.Column("warnings", JSONB(), nullable=False),
        sa.Column("outcome", sa.String(length=8), nullable=True),
        sa.Column("written", JSONB(), nullable=True),
        sa.Column("refusal", JSONB(), nullable=True),
        sa.Column("tenant_id", sa.String(length=8), nullable=False),
        sa.CheckConstraint("outcome IN ('written', 'same', 'refused', 'undone', 'kept')", name="ck_import_row_outcome"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"]),
        sa.ForeignKeyConstraint(["tenant_id", "run_id"], ["import_run.tenant_id", "import_run.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("tenant_id", "run_id", "number", name="uq_import_row_number"),
    )
    for table in ("import_run", "import_row"):
        migrating.scoped_table(table)
        migrating.sequence(f"{table}_id_seq")


def downgrade() -> None:
    op.drop_table("import_row")
    op.drop_table("import_run")
