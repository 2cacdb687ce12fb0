"""Add the catalogue's prices, the lines and terms of contracts, and invoices.

Existing contracts get terms that fit their dates; they have no lines, and so cost nothing until staff enter them.

Revision: 0019, after 0018
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app import migrating

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

SCOPED = {
    "contract_line": "SELECT, INSERT, UPDATE, DELETE",
    # Invoices are never changed, only paid.
    "invoice": "SELECT, INSERT, UPDATE",
    "invoice_line": "SELECT, INSERT",
    "correction": "SELECT, INSERT, UPDATE, DELETE",
    "usage": "SELECT, INSERT, UPDATE, DELETE",
}
SHARED = ("rate_plan", "charge", "wholesale_price")
SHIPPING = {
    "ship_company": 40,
    "ship_last_name": 100,
    "ship_first_name": 100,
    "ship_department": 40,
    "ship_postcode": 8,
    "ship_prefecture": 4,
    "ship_address": 100,
    "ship_phone": 15,
}


def upgrade() -> None:
    op.add_column("product", sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("product", sa.Column("version", sa.Integer(), server_default="1", nullable=False))
    _catalogue()
    _contract()
    _invoices()
    for table, rights in SCOPED.items():
        migrating.scoped_table(table, rights)
    for table in SHARED:
        migrating.shared_table(table)
    for table in (*SCOPED, *SHARED):
        migrating.sequence(f"{table}_id_seq")


def _version() -> sa.Column:
    return sa.Column("version", sa.Integer(), server_default="1", nullable=False)


def _tenant() -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("tenant_id", sa.String(length=8), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"]),
    ]


def _catalogue() -> None:
    op.create_table(
        "rate_plan",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("cycle", sa.String(length=8), nullable=False),
        sa.Column("price_editable", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("counts_utms", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        _version(),
        sa.CheckConstraint("cycle IN ('monthly', 'yearly', 'once')", name="ck_rate_plan_cycle"),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("product_id", "name", name="uq_rate_plan_name"),
    )
    op.create_table(
        "charge",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("rate_plan_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("description", sa.String(length=500), server_default="", nullable=False),
        sa.Column("model", sa.String(length=8), nullable=False),
        sa.Column("unit_price", sa.Numeric(precision=10, scale=0), nullable=False),
        sa.Column("discount_months", sa.Integer(), nullable=True),
        _version(),
        sa.CheckConstraint("model IN ('flat', 'usage', 'discount')", name="ck_charge_model"),
        sa.CheckConstraint("unit_price >= 0", name="ck_charge_unit_price"),
        sa.CheckConstraint("model <> 'discount' OR unit_price BETWEEN 1 AND 100", name="ck_charge_percentage"),
        sa.CheckConstraint(
            "discount_months IS NULL OR (model = 'discount' AND discount_months > 0)", name="ck_charge_months"
        ),
        sa.ForeignKeyConstraint(["rate_plan_id"], ["rate_plan.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("rate_plan_id", "name", name="uq_charge_name"),
    )
    op.create_index(
        "uq_charge_one_flat", "charge", ["rate_plan_id"], unique=True, postgresql_where=sa.text("model = 'flat'")
    )
    op.create_table(
        "wholesale_price",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("rate_plan_id", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("unit_price", sa.Numeric(precision=10, scale=0), nullable=False),
        _version(),
        sa.CheckConstraint("unit_price >= 0", name="ck_wholesale_price_unit_price"),
        sa.ForeignKeyConstraint(["rate_plan_id"], ["rate_plan.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("rate_plan_id", "valid_from", name="uq_wholesale_price_valid_from"),
    )


def _contract() -> None:
    columns = [
        sa.Column("initial_months", sa.Integer(), server_default="12", nullable=False),
        sa.Column("renewal_months", sa.Integer(), server_default="12", nullable=False),
        sa.Column("renewals", sa.Integer(), server_default="0", nullable=False),
        sa.Column("auto_renew", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("term_end_on", sa.Date(), nullable=True),
        sa.Column("cancellation_fee", sa.Numeric(precision=14, scale=0), nullable=True),
        sa.Column("memo1", sa.String(length=500), server_default="", nullable=False),
        sa.Column("memo2", sa.String(length=255), server_default="", nullable=False),
        sa.Column("memo3", sa.String(length=255), server_default="", nullable=False),
        sa.Column("ships_utm", sa.Boolean(), nullable=True),
        sa.Column("utm_id", sa.String(length=12), nullable=True),
        *(
            sa.Column(name, sa.String(length=length), server_default="", nullable=False)
            for name, length in SHIPPING.items()
        ),
        sa.Column("arrival_on", sa.Date(), nullable=True),
        sa.Column("tracking_number", sa.String(length=50), server_default="", nullable=False),
        _version(),
    ]
    for column in columns:
        op.add_column("contract", column)
    op.execute("UPDATE contract SET term_end_on = end_on, auto_renew = status <> 'expired'")
    op.alter_column("contract", "term_end_on", nullable=False)
    op.drop_constraint("ck_contract_end_on", "contract")
    for name, condition in {
        "end_on": "end_on >= start_on OR status IN ('cancelled', 'void')",
        "months": "initial_months > 0 AND renewal_months > 0",
        "cancellation_fee": "cancellation_fee >= 0",
        "utm_id": "utm_id ~ '^[0-9a-f]{12}$'",
    }.items():
        op.create_check_constraint(f"ck_contract_{name}", "contract", condition)
    op.create_index("ix_contract_tenant_id_end_on", "contract", ["tenant_id", "end_on"])
    op.create_table(
        "contract_line",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("contract_id", sa.String(length=11), nullable=False),
        sa.Column("rate_plan_id", sa.Integer(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit_price", sa.Numeric(precision=10, scale=0), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        *_tenant(),
        sa.CheckConstraint("quantity > 0", name="ck_contract_line_quantity"),
        sa.CheckConstraint("unit_price >= 0", name="ck_contract_line_unit_price"),
        sa.CheckConstraint("ends_on >= starts_on", name="ck_contract_line_ends_on"),
        sa.ForeignKeyConstraint(["rate_plan_id"], ["rate_plan.id"]),
        sa.ForeignKeyConstraint(["tenant_id", "contract_id"], ["contract.tenant_id", "contract.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("tenant_id", "id"),
    )
    op.create_index("ix_contract_line_tenant_id_contract_id", "contract_line", ["tenant_id", "contract_id"])


def _invoices() -> None:
    op.create_table(
        "invoice",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("customer_id", sa.String(length=9), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("total", sa.Numeric(precision=14, scale=0), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=True),
        _version(),
        *_tenant(),
        sa.CheckConstraint("extract(day FROM month) = 1", name="ck_invoice_month"),
        sa.ForeignKeyConstraint(["tenant_id", "customer_id"], ["customer.tenant_id", "customer.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("tenant_id", "id"),
        sa.UniqueConstraint("tenant_id", "customer_id", "month", name="uq_invoice_customer_month"),
    )
    op.create_index("ix_invoice_tenant_id_month", "invoice", ["tenant_id", "month"])
    op.create_index(
        "ix_invoice_unpaid", "invoice", ["tenant_id", "customer_id"], postgresql_where=sa.text("paid_on IS NULL")
    )
    op.create_table(
        "invoice_line",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("invoice_id", sa.BigInteger(), nullable=False),
        sa.Column("contract_id", sa.String(length=11), nullable=True),
        sa.Column("line_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("plan_name", sa.String(length=100), server_default="", nullable=False),
        sa.Column("charge_name", sa.String(length=200), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=True),
        sa.Column("to_on", sa.Date(), nullable=True),
        sa.Column("quantity", sa.Numeric(precision=12, scale=0), nullable=False),
        sa.Column("unit_price", sa.Numeric(precision=14, scale=0), nullable=False),
        sa.Column("amount", sa.Numeric(precision=14, scale=0), nullable=False),
        *_tenant(),
        sa.CheckConstraint("kind IN ('flat', 'usage', 'discount', 'fee', 'correction')", name="ck_invoice_line_kind"),
        sa.ForeignKeyConstraint(["tenant_id", "invoice_id"], ["invoice.tenant_id", "invoice.id"]),
        sa.ForeignKeyConstraint(["tenant_id", "contract_id"], ["contract.tenant_id", "contract.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    for column in ("invoice_id", "contract_id"):
        op.create_index(f"ix_invoice_line_tenant_id_{column}", "invoice_line", ["tenant_id", column])
    op.create_table(
        "correction",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("customer_id", sa.String(length=9), nullable=False),
        sa.Column("contract_id", sa.String(length=11), nullable=True),
        sa.Column("amount", sa.Numeric(precision=14, scale=0), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("invoice_id", sa.BigInteger(), nullable=True),
        *_tenant(),
        sa.ForeignKeyConstraint(["tenant_id", "customer_id"], ["customer.tenant_id", "customer.id"]),
        sa.ForeignKeyConstraint(["tenant_id", "contract_id"], ["contract.tenant_id", "contract.id"]),
        sa.ForeignKeyConstraint(["tenant_id", "invoice_id"], ["invoice.tenant_id", "invoice.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("tenant_id", "id"),
    )
    op.create_index(
        "ix_correction_waiting",
        "correction",
        ["tenant_id", "customer_id"],
        postgresql_where=sa.text("invoice_id IS NULL"),
    )
    op.create_table(
        "usage",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("line_id", sa.BigInteger(), nullable=False),
        sa.Column("charge_id", sa.Integer(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=12, scale=0), nullable=False),
        *_tenant(),
        sa.CheckConstraint("extract(day FROM month) = 1", name="ck_usage_month"),
        sa.CheckConstraint("quantity >= 0", name="ck_usage_quantity"),
        sa.ForeignKeyConstraint(["charge_id"], ["charge.id"]),
        sa.ForeignKeyConstraint(
            ["tenant_id", "line_id"], ["contract_line.tenant_id", "contract_line.id"], ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("line_id", "charge_id", "month", name="uq_usage_month"),
    )
    op.create_index("ix_usage_tenant_id_month", "usage", ["tenant_id", "month"])


def downgrade() -> None:
    for table in ("usage", "correction", "invoice_line", "invoice", "contract_line", *reversed(SHARED)):
        op.drop_table(table)
    op.drop_index("ix_contract_tenant_id_end_on", "contract")
    for name in ("utm_id", "cancellation_fee", "months", "end_on"):
        op.drop_constraint(f"ck_contract_{name}", "contract")
    op.execute("UPDATE contract SET end_on = start_on WHERE end_on < start_on")
    op.create_check_constraint("ck_contract_end_on", "contract", "end_on >= start_on")
    for column in (
        *("version", "tracking_number", "arrival_on", *SHIPPING, "utm_id", "ships_utm", "memo3", "memo2", "memo1"),
        *("cancellation_fee", "term_end_on", "auto_renew", "renewals", "renewal_months", "initial_months"),
    ):
        op.drop_column("contract", column)
    op.drop_column("product", "version")
    op.drop_column("product", "retired_at")
