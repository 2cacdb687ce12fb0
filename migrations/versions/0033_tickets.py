"""Tickets with their messages and attached files.

Revision: 0033, after 0032
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app import migrating

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.execute("CREATE SEQUENCE ticket_number START 1 MAXVALUE 9999999")
    op.create_table(
        "ticket",
        sa.Column(
            "id",
            sa.String(length=9),
            server_default=sa.text("format('TC%s', lpad(nextval('ticket_number')::text, 7, '0'))"),
            nullable=False,
        ),
        sa.Column("title", sa.String(length=100), nullable=False),
        sa.Column("service", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("priority", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), server_default="open", nullable=False),
        sa.Column("asked_at", TIME, nullable=True),
        sa.Column("author_id", sa.Integer(), nullable=True),
        sa.Column("author_name", sa.String(length=200), nullable=False),
        sa.Column("assignee_id", sa.Integer(), nullable=True),
        sa.Column("customer_id", sa.String(length=9), nullable=True),
        sa.Column("utm_id", sa.BigInteger(), nullable=True),
        sa.Column("alert_seq", sa.BigInteger(), nullable=True),
        sa.Column("alert_at", TIME, nullable=True),
        sa.Column("alert_id", sa.String(length=64), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("tenant_id", sa.String(length=8), nullable=False),
        sa.CheckConstraint("id ~ '^TC[0-9]{7}$'", name="ck_ticket_id"),
        sa.CheckConstraint("service IN ('partner_portal')", name="ck_ticket_service"),
        sa.CheckConstraint("kind IN ('question', 'work', 'incident', 'other')", name="ck_ticket_kind"),
        sa.CheckConstraint("priority IN ('high', 'normal', 'low')", name="ck_ticket_priority"),
        sa.CheckConstraint("state IN ('open', 'in_progress', 'waiting', 'resolved', 'closed')", name="ck_ticket_state"),
        sa.CheckConstraint(
            "(asked_at IS NOT NULL) = (state IN ('open', 'in_progress'))",
            name="ck_ticket_asked_at",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"]),
        sa.ForeignKeyConstraint(["tenant_id", "customer_id"], ["customer.tenant_id", "customer.id"]),
        sa.ForeignKeyConstraint(["tenant_id", "utm_id"], ["utm.tenant_id", "utm.id"]),
        sa.ForeignKeyConstraint(["author_id"], ["ab_user.id"], ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["assignee_id"], ["ab_user.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("tenant_id", "id"),
    )
    op.create_index("ix_ticket_tenant_id_created_at", "ticket", ["tenant_id", "created_at"])
    op.create_index("ix_ticket_asked_at", "ticket", ["asked_at"], postgresql_where=sa.text("asked_at IS NOT NULL"))
    op.create_index("ix_ticket_tenant_id_customer_id", "ticket", ["tenant_id", "customer_id"])
    op.create_index("ix_ticket_tenant_id_utm_id", "ticket", ["tenant_id", "utm_id"])
    op.create_index("ix_ticket_assignee_id", "ticket", ["assignee_id"])
    op.create_index("ix_ticket_author_id", "ticket", ["author_id"])
    migrating.scoped_table("ticket", "SELECT, INSERT, UPDATE")
    migrating.sequence("ticket_number")
    op.create_table(
        "ticket_message",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("ticket_id", sa.String(length=9), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=True),
        sa.Column("author_name", sa.String(length=200), nullable=False),
        sa.Column("by_nec", sa.Boolean(), nullable=False),
        sa.Column("body", sa.String(length=5000), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("tenant_id", sa.String(length=8), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"]),
        sa.ForeignKeyConstraint(["tenant_id", "ticket_id"], ["ticket.tenant_id", "ticket.id"]),
        sa.ForeignKeyConstraint(["author_id"], ["ab_user.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("tenant_id", "id"),
    )
    op.create_index("ix_ticket_message_ticket_id", "ticket_message", ["ticket_id", "id"])
    op.create_index("ix_ticket_message_author_id", "ticket_message", ["author_id"])
    migrating.scoped_table("ticket_message", "SELECT, INSERT")
    migrating.sequence("ticket_message_id_seq")
    _files()


def _files() -> None:
    op.create_table(
        "ticket_file",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("object_key", sa.String(length=64), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("tenant_id", sa.String(length=8), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"]),
        sa.ForeignKeyConstraint(["tenant_id", "message_id"], ["ticket_message.tenant_id", "ticket_message.id"]),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("tenant_id", "id"),
    )
    op.create_index("ix_ticket_file_message_id", "ticket_file", ["message_id"])
    op.create_index("ix_ticket_file_user_id", "ticket_file", ["user_id"])
    op.create_index(
        "ix_ticket_file_unbound", "ticket_file", ["created_at"], postgresql_where=sa.text("message_id IS NULL")
    )
    migrating.scoped_table("ticket_file")
    migrating.sequence("ticket_file_id_seq")
    op.create_table(
        "ticket_file_content",
        sa.Column("file_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("tenant_id", sa.String(length=8), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"]),
        sa.ForeignKeyConstraint(
            ["tenant_id", "file_id"], ["ticket_file.tenant_id", "ticket_file.id"], ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "file_id"),
    )
    migrating.scoped_table("ticket_file_content", "SELECT, INSERT")
    # Most files are compressed already.
    op.execute("ALTER TABLE ticket_file_content ALTER COLUMN data SET STORAGE EXTERNAL")


def downgrade() -> None:
    for table in ("ticket_file_content", "ticket_file", "ticket_message", "ticket"):
        op.drop_table(table)
    op.execute("DROP SEQUENCE ticket_number")
