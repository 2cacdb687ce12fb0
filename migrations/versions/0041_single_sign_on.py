"""Single sign-on: the connections of tenants with OpenID providers, their domains, and the subjects of users.

Revision: 0041, after 0040
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app import migrating

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("tenant", sa.Column("password_sign_in", sa.Boolean(), server_default="true", nullable=False))
    op.add_column("user_session", sa.Column("tenant_id", sa.String(length=8), nullable=True))
    op.create_foreign_key("user_session_tenant_id_fkey", "user_session", "tenant", ["tenant_id"], ["id"])
    op.create_index(
        "ix_user_session_tenant_id", "user_session", ["tenant_id"], postgresql_where=sa.text("tenant_id IS NOT NULL")
    )
    op.create_table(
        "identity_provider",
        sa.Column("tenant_id", sa.String(length=8), nullable=False),
        sa.Column("issuer", sa.String(length=500), nullable=False),
        sa.Column("client_id", sa.String(length=255), nullable=False),
        sa.Column("client_secret", sa.LargeBinary(), nullable=False),
        sa.Column("label", sa.String(length=40), nullable=False),
        sa.Column("active", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("trusts_addresses", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("created_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"]),
        sa.PrimaryKeyConstraint("tenant_id"),
    )
    migrating.scoped_table("identity_provider", "SELECT, INSERT, UPDATE")
    op.create_table(
        "identity_domain",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("domain", sa.String(length=253), nullable=False),
        sa.Column("proof", sa.String(length=64), nullable=False),
        sa.Column("created_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.Column("verified_at", TIME, nullable=True),
        sa.Column("verified_by", sa.String(length=320), nullable=True),
        sa.Column("tenant_id", sa.String(length=8), nullable=False),
        sa.CheckConstraint("domain = lower(domain)", name="ck_identity_domain_lower"),
        sa.CheckConstraint("(verified_at IS NULL) = (verified_by IS NULL)", name="ck_identity_domain_verified"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("uq_identity_domain_domain", "identity_domain", ["domain"], unique=True)
    op.create_index("ix_identity_domain_tenant_id", "identity_domain", ["tenant_id"])
    migrating.scoped_table("identity_domain")
    migrating.sequence("identity_domain_id_seq")
    op.create_table(
        "identity_subject",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("issuer", sa.String(length=500), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("created_at", TIME, server_default=sa.func.now(), nullable=False),
        sa.Column("tenant_id", sa.String(length=8), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"]),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("uq_identity_subject_subject", "identity_subject", ["tenant_id", "issuer", "subject"], unique=True)
    op.create_index("uq_identity_subject_user", "identity_subject", ["tenant_id", "issuer", "user_id"], unique=True)
    op.create_index("ix_identity_subject_user_id", "identity_subject", ["user_id"])
    migrating.scoped_table("identity_subject", "SELECT, INSERT, DELETE")
    migrating.sequence("identity_subject_id_seq")


def downgrade() -> None:
    for table in ("identity_subject", "identity_domain", "identity_provider"):
        op.drop_table(table)
    op.drop_index("ix_user_session_tenant_id", "user_session")
    op.drop_column("user_session", "tenant_id")
    op.drop_column("tenant", "password_sign_in")
