"""Customers, contracts and UTMs.

Revision: 0002, after 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app import migrating

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("customer_number", "contract_number"):
        op.execute(sa.schema.CreateSequence(sa.Sequence(name, start=1, maxvalue=99999999)))
    op.create_table(
        "customer",
        sa.Column(
            "id",
            sa.String(length=9),
            server_default=sa.text("'A' || lpad(nextval('customer_number')::text, 8, '0')"),
            nullable=False,
        ),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("search_name", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=16), server_default="draft", nullable=False),
        sa.Column("memo1", sa.String(length=255), server_default="", nullable=False),
        sa.Column("memo2", sa.String(length=255), server_default="", nullable=False),
        sa.Column("memo3", sa.String(length=255), server_default="", nullable=False),
        sa.Column("contact_last_name", sa.String(length=100), nullable=False),
        sa.Column("contact_first_name", sa.String(length=100), nullable=False),
        sa.Column("contact_department", sa.String(length=40), server_default="", nullable=False),
        sa.Column("contact_title", sa.String(length=255), server_default="", nullable=False),
        sa.Column("contact_email", sa.String(length=254), nullable=False),
        sa.Column("contact_phone", sa.String(length=15), nullable=False),
        sa.Column("postcode", sa.String(length=8), nullable=False),
        sa.Column("prefecture", sa.String(length=4), nullable=False),
        sa.Column("address", sa.String(length=100), nullable=False),
        sa.Column("balance", sa.Numeric(precision=12, scale=0), server_default="0", nullable=False),
        sa.Column("last_invoiced_on", sa.Date(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("tenant_id", sa.String(length=8), nullable=False),
        sa.CheckConstraint("id ~ '^A[0-9]{8}$'", name="ck_customer_id"),
        sa.CheckConstraint("status IN ('draft', 'active', 'cancelled')", name="ck_customer_status"),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenant.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("tenant_id", "id"),
    )
    op.create_index("ix_customer_tenant_id_search_name", "customer", ["tenant_id", "search_name"], unique=False)
    op.create_table(
        "product",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("includes_utm", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "contract",
        sa.Column(
            "id",
            sa.String(length=11),
            server_default=sa.text("'A-S' || lpad(nextval('contract_number')::text, 8, '0')"),
            nullable=False,
        ),
        sa.Column("customer_id", sa.String(length=9), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("start_on", sa.Date(), nullable=False),
        sa.Column("end_on", sa.Date(), nullable=False),
        sa.Column("status", sa.String(length=16), server_default="active", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.String(length=8), nullable=False),
        sa.CheckConstraint("id ~ '^A-S[0-9]{8}$'", name="ck_contract_id"),
        sa.CheckConstraint("status IN ('active', 'cancelled', 'expired', 'void')", name="ck_contract_status"),
        sa.CheckConstraint("end_on >= start_on", name="ck_contract_end_on"),
        sa.ForeignKeyConstraint(
            ["product_id"],
            ["product.id"],
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["customer.tenant_id", "customer.id"],
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenant.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("tenant_id", "id"),
    )
    op.create_index("ix_contract_tenant_id_customer_id", "contract", ["tenant_id", "customer_id"], unique=False)
    op.create_table(
        "utm",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("customer_id", sa.String(length=9), nullable=False),
        sa.Column("utm_id", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("serial", sa.String(length=30), nullable=False),
        sa.Column("postcode", sa.String(length=8), nullable=False),
        sa.Column("address", sa.String(length=104), nullable=False),
        sa.Column("delivery_status", sa.String(length=104), nullable=False),
        sa.Column("mac_address", sa.String(length=17), nullable=True),
        sa.Column("customer_email1", sa.String(length=254), server_default="", nullable=False),
        sa.Column("customer_email2", sa.String(length=254), server_default="", nullable=False),
        sa.Column("customer_email3", sa.String(length=254), server_default="", nullable=False),
        sa.Column("desk_email1", sa.String(length=254), server_default="", nullable=False),
        sa.Column("desk_email2", sa.String(length=254), server_default="", nullable=False),
        sa.Column("desk_email3", sa.String(length=254), server_default="", nullable=False),
        sa.Column("report_email1", sa.String(length=254), server_default="", nullable=False),
        sa.Column("report_email2", sa.String(length=254), server_default="", nullable=False),
        sa.Column("report_email3", sa.String(length=254), server_default="", nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("firmware", sa.String(length=64), nullable=True),
        sa.Column("ip_address", sa.String(length=45), nullable=True),
        sa.Column("reported_mac", sa.String(length=17), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("tenant_id", sa.String(length=8), nullable=False),
        sa.CheckConstraint("replace(lower(mac_address), ':', '') = utm_id", name="ck_utm_mac_address"),
        sa.CheckConstraint("serial ~ '^[A-Z0-9-]{15,30}$'", name="ck_utm_serial"),
        sa.CheckConstraint("utm_id ~ '^[0-9a-f]{12}$'", name="ck_utm_utm_id"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["customer.tenant_id", "customer.id"],
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenant.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("tenant_id", "id"),
    )
    op.create_index("ix_utm_tenant_id_customer_id", "utm", ["tenant_id", "customer_id"], unique=False)
    op.create_index(
        "uq_utm_serial_kept", "utm", ["serial"], unique=True, postgresql_where=sa.text("removed_at IS NULL")
    )
    op.create_index(
        "uq_utm_utm_id_kept", "utm", ["utm_id"], unique=True, postgresql_where=sa.text("removed_at IS NULL")
    )
    op.create_table(
        "device_token",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("utm_id", sa.BigInteger(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.String(length=8), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "utm_id"],
            ["utm.tenant_id", "utm.id"],
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"],
            ["tenant.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_hash"),
    )
    op.create_index("ix_device_token_tenant_id_utm_id", "device_token", ["tenant_id", "utm_id"], unique=False)
    op.create_index(
        "uq_device_token_one_in_force",
        "device_token",
        ["utm_id"],
        unique=True,
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    for table in ("customer", "contract", "utm", "device_token"):
        migrating.scoped_table(table)
    migrating.shared_table("product")
    for name in ("customer_number", "contract_number", "product_id_seq", "utm_id_seq", "device_token_id_seq"):
        migrating.sequence(name)


def downgrade() -> None:
    for table in ("device_token", "utm", "contract", "product", "customer"):
        op.drop_table(table)
    for name in ("customer_number", "contract_number"):
        op.execute(f"DROP SEQUENCE {name}")
