"""Alerts by month, their daily counts, and the two functions that make and drop a month.

Revision: 0003, after 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app import migrating

# Made beside the table and attached: CREATE .. PARTITION OF would wait for every reader, and make the next ones wait.
# No grants on the partition: it has no policies of its own, and must not be read past those of its parent.
MAKE_PARTITION = """
CREATE FUNCTION make_alert_partition(day date) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    month date := date_trunc('month', day);
    name text := 'alert_' || to_char(date_trunc('month', day), 'YYYYMM');
BEGIN
    IF day IS NULL OR day < DATE '2000-01-01' OR day > current_date + 400 THEN
        RAISE EXCEPTION 'no partition is made for %', day USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF to_regclass('public.' || name) IS NOT NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(7403212);
    IF to_regclass('public.' || name) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE public.%I (LIKE public.alert INCLUDING ALL)', name);
    EXECUTE format('REVOKE ALL ON public.%I FROM PUBLIC', name);
    EXECUTE format(
        'ALTER TABLE public.alert ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
        name,
        month::timestamp AT TIME ZONE 'Asia/Tokyo',
        (month + interval '1 month') AT TIME ZONE 'Asia/Tokyo'
    );
END $$
"""

DROP_PARTITION = """
CREATE FUNCTION drop_alert_partition(day date) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    name text := 'alert_' || to_char(date_trunc('month', day), 'YYYYMM');
BEGIN
    -- What is younger than a month (in Tokyo, where months begin) is never past any retention time.
    IF day IS NULL OR date_trunc('month', day) >= date_trunc('month', now() AT TIME ZONE 'Asia/Tokyo') - interval '1 month' THEN
        RAISE EXCEPTION 'the partition of % is not dropped', day USING ERRCODE = 'invalid_parameter_value';
    END IF;
    EXECUTE format('DROP TABLE IF EXISTS public.%I', name);
END $$
"""

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence("alert_seq")))
    op.create_table(
        "alert",
        sa.Column("tenant_id", sa.String(length=8), nullable=False),
        sa.Column("utm_id", sa.BigInteger(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("alert_id", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), server_default=sa.text("nextval('alert_seq')"), nullable=False),
        sa.Column("customer_id", sa.String(length=9), nullable=False),
        sa.Column("function", sa.String(length=16), nullable=False),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("level", sa.String(length=8), nullable=False),
        sa.Column("sender_level", sa.String(length=8), nullable=True),
        sa.Column("src_ip", postgresql.INET(), nullable=True),
        sa.Column("src_port", sa.Integer(), nullable=True),
        sa.Column("dst_ip", postgresql.INET(), nullable=True),
        sa.Column("dst_port", sa.Integer(), nullable=True),
        sa.Column("src_mac", sa.String(length=64), nullable=True),
        sa.Column("dst_mac", sa.String(length=64), nullable=True),
        sa.Column("xff", sa.String(length=255), nullable=True),
        sa.Column("iif", sa.String(length=255), nullable=True),
        sa.Column("proto", sa.String(length=255), nullable=True),
        sa.Column("l7_proto", sa.String(length=255), nullable=True),
        sa.Column("virus", sa.String(length=512), nullable=True),
        sa.Column("vid", sa.String(length=255), nullable=True),
        sa.Column("file", sa.String(length=512), nullable=True),
        sa.Column("severity", sa.String(length=255), nullable=True),
        sa.Column("subject", sa.String(length=512), nullable=True),
        sa.Column("mail_date", sa.String(length=255), nullable=True),
        sa.Column("msg", sa.String(length=512), nullable=True),
        sa.Column("sid", sa.String(length=255), nullable=True),
        sa.Column("url", sa.String(length=2048), nullable=True),
        sa.Column("cid", sa.String(length=255), nullable=True),
        sa.Column("gid", sa.String(length=255), nullable=True),
        sa.Column("app", sa.String(length=512), nullable=True),
        sa.Column("aid", sa.String(length=255), nullable=True),
        sa.Column("bid", sa.String(length=255), nullable=True),
        sa.Column("ctype", sa.String(length=255), nullable=True),
        sa.Column("cname", sa.String(length=512), nullable=True),
        sa.Column("atype", sa.String(length=255), nullable=True),
        sa.Column("extra", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.CheckConstraint(
            "function IN ('antivirus', 'ips', 'web_guard', 'url_filter', 'app_guard')", name="ck_alert_function"
        ),
        sa.CheckConstraint("level IN ('high', 'low')", name="ck_alert_level"),
        sa.PrimaryKeyConstraint("utm_id", "occurred_at", "alert_id"),
        postgresql_partition_by="RANGE (occurred_at)",
    )
    op.create_index(
        "ix_alert_customer_id_occurred_at_seq",
        "alert",
        ["customer_id", sa.literal_column("occurred_at DESC"), sa.literal_column("seq DESC")],
        unique=False,
    )
    op.create_table(
        "alert_daily",
        sa.Column("tenant_id", sa.String(length=8), nullable=False),
        sa.Column("utm_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("function", sa.String(length=16), nullable=False),
        sa.Column("level", sa.String(length=8), nullable=False),
        sa.Column("customer_id", sa.String(length=9), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "function IN ('antivirus', 'ips', 'web_guard', 'url_filter', 'app_guard')", name="ck_alert_daily_function"
        ),
        sa.CheckConstraint("level IN ('high', 'low')", name="ck_alert_daily_level"),
        sa.PrimaryKeyConstraint("utm_id", "day", "function", "level"),
    )
    op.create_index(
        "ix_alert_daily_tenant_id_customer_id_day", "alert_daily", ["tenant_id", "customer_id", "day"], unique=False
    )
    migrating.scoped_table("alert", "SELECT, INSERT, UPDATE")
    migrating.scoped_table("alert_daily")
    migrating.sequence("alert_seq")
    op.execute(MAKE_PARTITION)
    op.execute(DROP_PARTITION)
    for function in ("make_alert_partition(date)", "drop_alert_partition(date)"):
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO {migrating.APP}, {migrating.ALL_TENANTS}")


def downgrade() -> None:
    op.execute("DROP FUNCTION make_alert_partition(date)")
    op.execute("DROP FUNCTION drop_alert_partition(date)")
    for table in ("alert_daily", "alert"):
        op.drop_table(table)
    op.execute("DROP SEQUENCE alert_seq")
