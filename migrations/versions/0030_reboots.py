"""Reboots of UTMs.

Revision: 0030, after 0029
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app import migrating

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "reboot",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("utm_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("planned", sa.Boolean(), nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("asked_by", sa.String(length=320), nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("waiting_since", TIME, nullable=True),
        sa.Column("requested_at", TIME, nullable=True),
        sa.Column("delivered_at", TIME, nullable=True),
        sa.Column("boot_id", sa.String(length=64), nullable=True),
        sa.Column("started_at", TIME, nullable=True),
        sa.Column("verified_at", TIME, nullable=True),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column("failure", sa.String(length=11), nullable=True),
        sa.Column("message", sa.String(length=500), nullable=True),
        sa.Column("reported_at", TIME, nullable=True),
        sa.Column("tenant_id", sa.String(length=8), nullable=False),
        sa.CheckConstraint(
            "state IN ('scheduled', 'requested', 'succeeded', 'failed', 'cancelled')", name="ck_reboot_state"
        ),
        sa.CheckConstraint(
            "(failure IS NOT NULL) = (state = 'failed')"
            " AND failure IN ('offline', 'not_fetched', 'no_result', 'reported')",
            name="ck_reboot_failure",
        ),
        sa.CheckConstraint("(ended_at IS NULL) = (state IN ('scheduled', 'requested'))", name="ck_reboot_ended_at"),
        sa.CheckConstraint(
            "requested_at IS NOT NULL OR state IN ('scheduled', 'failed', 'cancelled')", name="ck_reboot_requested_at"
        ),
        sa.CheckConstraint("NOT planned OR extract(epoch FROM due_at) % 900 = 0", name="ck_reboot_due_at"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"]),
        sa.ForeignKeyConstraint(["tenant_id", "utm_id"], ["utm.tenant_id", "utm.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    for state in ("scheduled", "requested"):
        op.create_index(
            f"uq_reboot_one_{state}", "reboot", ["utm_id"], unique=True, postgresql_where=sa.text(f"state = '{state}'")
        )
    op.create_index("ix_reboot_due", "reboot", ["due_at"], postgresql_where=sa.text("state = 'scheduled'"))
    op.create_index("ix_reboot_tenant_id_due_at", "reboot", ["tenant_id", "due_at"])
    op.create_index("ix_reboot_tenant_id_utm_id_due_at", "reboot", ["tenant_id", "utm_id", "due_at"])
    migrating.scoped_table("reboot", "SELECT, INSERT, UPDATE")
    migrating.sequence("reboot_id_seq")


def downgrade() -> None:
    op.drop_table("reboot")
