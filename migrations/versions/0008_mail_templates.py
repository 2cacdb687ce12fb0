"""Tenants' own texts of mails, and every version of them.

Revision: 0008, after 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app import migrating

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mail_template",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.String(length=8), nullable=False),
        sa.CheckConstraint("subject !~ '[[:cntrl:]]'", name="ck_mail_template_subject"),
        sa.CheckConstraint("char_length(body) BETWEEN 1 AND 10000", name="ck_mail_template_body"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("tenant_id", "kind"),
    )
    op.create_table(
        "mail_template_version",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("happening", sa.String(length=8), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("restored_number", sa.Integer(), nullable=True),
        sa.Column("actor", sa.String(length=320), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.String(length=8), nullable=False),
        sa.CheckConstraint(
            "happening IN ('saved', 'reset', 'copied', 'restored')", name="ck_mail_template_version_happening"
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("tenant_id", "kind", "number"),
    )
    migrating.scoped_table("mail_template", "SELECT, INSERT, DELETE")
    migrating.scoped_table("mail_template_version", "SELECT, INSERT")
    migrating.sequence("mail_template_id_seq")
    migrating.sequence("mail_template_version_id_seq")


def downgrade() -> None:
    op.drop_table("mail_template_version")
    op.drop_table("mail_template")
