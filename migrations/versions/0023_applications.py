"""Service applications, UTM applications, portal users, contract shortage, branding, and keys of API calls.

Revision: 0023, after 0022
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app import migrating

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
TABLES = (
    "portal_user",
    "portal_user_link",
    "idempotency_key",
    "service_application",
    "service_delivery",
    "application_answer",
    "application_user",
    "application_view",
    "customer_answer",
    "utm_application",
    "utm_delivery",
    "shortage_notice",
    "utm_mismatch",
)
NUMBERED = ("portal_user_link", "service_delivery", "application_user", "utm_delivery")
SETTINGS = ("display_name", "colour", "contact", "logo", "logo_hash", "invitation_number")


def upgrade() -> None:
    op.add_column("customer", sa.Column("shortage_exemption", sa.String(length=255), server_default="", nullable=False))
    _branding()
    _portal_users()
    _service_applications()
    _delivery("service")
    _utm_applications()
    _delivery("utm")
    _shortage()
    for table in TABLES:
        migrating.scoped_table(table)
    for table in NUMBERED:
        migrating.sequence(f"{table}_id_seq")


def _tenant() -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("tenant_id", sa.String(length=8), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"]),
    ]


def _id() -> sa.Column:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False)


def _version() -> sa.Column:
    return sa.Column("version", sa.Integer(), server_default="1", nullable=False)


def _of(table: str, column: str = "customer_id", *, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["tenant_id", column], [f"{table}.tenant_id", f"{table}.id"], ondelete=ondelete)


def _branding() -> None:
    columns = [
        sa.Column("display_name", sa.String(length=100), server_default="", nullable=False),
        sa.Column("colour", sa.String(length=7), server_default="#1d4ed8", nullable=False),
        sa.Column("contact", sa.String(length=500), server_default="", nullable=False),
        sa.Column("logo", sa.LargeBinary(), nullable=True),
        sa.Column("logo_hash", sa.String(length=64), server_default="", nullable=False),
        sa.Column("invitation_number", sa.Integer(), server_default="1", nullable=False),
    ]
    for column in columns:
        op.add_column("tenant_settings", column)
    op.create_check_constraint("ck_tenant_settings_colour", "tenant_settings", "colour ~ '^#[0-9a-f]{6}$'")
    op.create_check_constraint("ck_tenant_settings_logo", "tenant_settings", "octet_length(logo) <= 204800")


def _portal_users() -> None:
    op.create_table(
        "portal_user",
        sa.Column("id", sa.String(length=8), nullable=False),
        sa.Column("customer_id", sa.String(length=9), nullable=False),
        sa.Column("last_name", sa.String(length=256), nullable=False),
        sa.Column("first_name", sa.String(length=256), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("mobile", sa.String(length=11), server_default="", nullable=False),
        sa.Column("sign_up_until", TIME, nullable=False),
        sa.Column("signed_up_at", TIME, nullable=True),
        sa.Column("first_sign_in_at", TIME, nullable=True),
        sa.Column("last_sign_in_at", TIME, nullable=True),
        sa.Column("created_at", TIME, server_default=sa.text("now()"), nullable=False),
        sa.Column("deleted_at", TIME, nullable=True),
        _version(),
        *_tenant(),
        sa.CheckConstraint("id ~ '^[A-Z]{2}[0-9]{6}$'", name="ck_portal_user_id"),
        sa.CheckConstraint("mobile ~ '^(0[0-9]{9,10})?$'", name="ck_portal_user_mobile"),
        _of("customer"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("tenant_id", "id"),
    )
    op.create_index("ix_portal_user_tenant_id_customer_id", "portal_user", ["tenant_id", "customer_id"])
    op.create_index(
        "uq_portal_user_email",
        "portal_user",
        ["tenant_id", "customer_id", sa.literal_column("lower(email)")],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "portal_user_link",
        _id(),
        sa.Column("user_id", sa.String(length=8), nullable=False),
        sa.Column("purpose", sa.String(length=8), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("verified_at", TIME, nullable=True),
        sa.Column("ended_at", TIME, nullable=True),
        *_tenant(),
        sa.CheckConstraint("purpose IN ('sign_up', 'reset')", name="ck_portal_user_link_purpose"),
        _of("portal_user", "user_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_hash"),
    )
    op.create_index("ix_portal_user_link_tenant_id_user_id", "portal_user_link", ["tenant_id", "user_id"])
    op.create_table(
        "idempotency_key",
        sa.Column("token_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("request_hash", sa.String(length=64), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("body", postgresql.JSONB(), nullable=True),
        sa.Column("created_at", TIME, server_default=sa.text("now()"), nullable=False),
        *_tenant(),
        sa.ForeignKeyConstraint(["token_id"], ["portal_token.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("token_id", "key"),
    )
    op.create_index("ix_idempotency_key_tenant_id_token_id", "idempotency_key", ["tenant_id", "token_id"])


def _service_applications() -> None:
    op.create_table(
        "service_application",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=12), server_default="unconfirmed", nullable=False),
        sa.Column("company", sa.String(length=40), nullable=False),
        sa.Column("search_name", sa.Text(), nullable=False),
        sa.Column("last_name", sa.String(length=100), nullable=False),
        sa.Column("first_name", sa.String(length=100), nullable=False),
        sa.Column("department", sa.String(length=40), server_default="", nullable=False),
        sa.Column("title", sa.String(length=255), server_default="", nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("phone", sa.String(length=15), nullable=False),
        sa.Column("postcode", sa.String(length=8), nullable=False),
        sa.Column("prefecture", sa.String(length=4), nullable=False),
        sa.Column("address", sa.String(length=100), nullable=False),
        sa.Column("memo1", sa.String(length=255), server_default="", nullable=False),
        sa.Column("memo2", sa.String(length=255), server_default="", nullable=False),
        sa.Column("memo3", sa.String(length=255), server_default="", nullable=False),
        sa.Column("submitted_at", TIME, nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("applied_at", TIME, nullable=True),
        sa.Column("decided_at", TIME, nullable=True),
        sa.Column("decided_by", sa.String(length=320), server_default="", nullable=False),
        sa.Column("reason", sa.String(length=1000), server_default="", nullable=False),
        sa.Column("customer_id", sa.String(length=9), nullable=True),
        _version(),
        *_tenant(),
        sa.CheckConstraint("(state = 'approved') = (customer_id IS NOT NULL)", name="ck_service_application_customer"),
        sa.CheckConstraint("(state = 'unconfirmed') = (applied_at IS NULL)", name="ck_service_application_applied_at"),
        sa.CheckConstraint(
            "(state IN ('approved', 'denied')) = (decided_at IS NOT NULL)", name="ck_service_application_decided_at"
        ),
        sa.CheckConstraint("id ~ '^AAP-[0-9A-Z]{8}$'", name="ck_service_application_id"),
        sa.CheckConstraint(
            "state IN ('unconfirmed', 'pending', 'held', 'approved', 'denied')", name="ck_service_application_state"
        ),
        _of("customer"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("tenant_id", "id"),
        sa.UniqueConstraint("token_hash"),
    )
    op.create_index(
        "ix_service_application_expires_at",
        "service_application",
        ["expires_at"],
        postgresql_where=sa.text("state = 'unconfirmed'"),
    )
    op.create_index(
        "ix_service_application_tenant_id_applied_at", "service_application", ["tenant_id", "applied_at", "id"]
    )
    op.create_index("ix_service_application_tenant_id_customer_id", "service_application", ["tenant_id", "customer_id"])
    op.create_table(
        "application_answer",
        sa.Column("application_id", sa.String(length=12), nullable=False),
        sa.Column("field_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("value", sa.String(length=255), nullable=False),
        *_tenant(),
        _of("service_application", "application_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["tenant_id", "field_id"], ["application_field.tenant_id", "application_field.id"]),
        sa.PrimaryKeyConstraint("application_id", "field_id"),
    )
    op.create_index(
        "ix_application_answer_tenant_id_application_id", "application_answer", ["tenant_id", "application_id"]
    )
    op.create_table(
        "application_user",
        _id(),
        sa.Column("application_id", sa.String(length=12), nullable=False),
        sa.Column("last_name", sa.String(length=256), nullable=False),
        sa.Column("first_name", sa.String(length=256), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("mobile", sa.String(length=11), server_default="", nullable=False),
        *_tenant(),
        _of("service_application", "application_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_application_user_tenant_id_application_id", "application_user", ["tenant_id", "application_id"])
    op.create_table(
        "application_view",
        sa.Column("application_id", sa.String(length=12), nullable=False),
        sa.Column("user_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("user_name", sa.String(length=320), nullable=False),
        sa.Column("viewed_at", TIME, nullable=False),
        *_tenant(),
        _of("service_application", "application_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("application_id", "user_id"),
    )
    op.create_index("ix_application_view_tenant_id_application_id", "application_view", ["tenant_id", "application_id"])
    op.create_table(
        "customer_answer",
        sa.Column("customer_id", sa.String(length=9), nullable=False),
        sa.Column("field_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("value", sa.String(length=255), nullable=False),
        *_tenant(),
        _of("customer"),
        sa.ForeignKeyConstraint(["tenant_id", "field_id"], ["application_field.tenant_id", "application_field.id"]),
        sa.PrimaryKeyConstraint("customer_id", "field_id"),
    )
    op.create_index("ix_customer_answer_tenant_id_customer_id", "customer_answer", ["tenant_id", "customer_id"])


def _utm_applications() -> None:
    op.create_table(
        "utm_application",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("customer_id", sa.String(length=9), nullable=False),
        sa.Column("state", sa.String(length=12), server_default="pending", nullable=False),
        sa.Column("applicant_name", sa.String(length=256), server_default="", nullable=False),
        sa.Column("applicant_email", sa.String(length=254), server_default="", nullable=False),
        sa.Column("applied_at", TIME, nullable=False),
        sa.Column("decided_at", TIME, nullable=True),
        sa.Column("decided_by", sa.String(length=320), server_default="", nullable=False),
        sa.Column("reason", sa.String(length=1000), server_default="", nullable=False),
        _version(),
        *_tenant(),
        sa.CheckConstraint("(state = 'pending') = (decided_at IS NULL)", name="ck_utm_application_decided_at"),
        sa.CheckConstraint("id ~ '^UAP-[0-9A-Z]{8}$'", name="ck_utm_application_id"),
        sa.CheckConstraint("state IN ('pending', 'approved', 'denied')", name="ck_utm_application_state"),
        _of("customer"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("tenant_id", "id"),
    )
    op.create_index("ix_utm_application_tenant_id_applied_at", "utm_application", ["tenant_id", "applied_at", "id"])
    op.create_index("ix_utm_application_tenant_id_customer_id", "utm_application", ["tenant_id", "customer_id"])


def _delivery(kind: str) -> None:
    table = f"{kind}_delivery"
    op.create_table(
        table,
        sa.Column("application_id", sa.String(length=12), nullable=False),
        _id(),
        sa.Column("company", sa.String(length=40), nullable=False),
        sa.Column("last_name", sa.String(length=100), nullable=False),
        sa.Column("first_name", sa.String(length=100), nullable=False),
        sa.Column("department", sa.String(length=40), server_default="", nullable=False),
        sa.Column("postcode", sa.String(length=8), nullable=False),
        sa.Column("prefecture", sa.String(length=4), nullable=False),
        sa.Column("address", sa.String(length=100), nullable=False),
        sa.Column("phone", sa.String(length=15), nullable=False),
        sa.Column("utm_count", sa.SmallInteger(), nullable=False),
        sa.Column("created_at", TIME, server_default=sa.text("now()"), nullable=False),
        *_tenant(),
        sa.CheckConstraint("utm_count BETWEEN 1 AND 99", name=f"ck_{table}_utm_count"),
        _of(f"{kind}_application", "application_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(f"ix_{table}_tenant_id_application_id", table, ["tenant_id", "application_id"])


def _shortage() -> None:
    op.create_table(
        "shortage_notice",
        *_tenant(),
        sa.Column("customer_ids", sa.ARRAY(sa.String(length=9)), nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id"),
    )
    op.create_table(
        "utm_mismatch",
        sa.Column("customer_id", sa.String(length=9), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        *_tenant(),
        _of("customer"),
        sa.PrimaryKeyConstraint("customer_id"),
    )
    op.create_index("ix_utm_mismatch_tenant_id_customer_id", "utm_mismatch", ["tenant_id", "customer_id"])


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    for column in SETTINGS:
        op.drop_column("tenant_settings", column)
    op.drop_column("customer", "shortage_exemption")
