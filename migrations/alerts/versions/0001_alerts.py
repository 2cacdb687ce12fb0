"""The tables of the alerts, their functions and policies, in a database of their own.

They are created by the migrations of the main database up to 0043, so that they are the same in both. A later migration of
one of these tables is needed in both folders; tests/app/database/alert_database/test_alert_database.py compares the tables.

Where the extension Citus is installed, the tables are distributed by customer (docs/scaling.md).

Revision: 0001, the first
"""

from __future__ import annotations

from importlib import import_module

import sqlalchemy as sa
from alembic import op

from app import migrating

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ALERTS_ALONE = ("0003_alerts", "0010_alert_list_indexes", "0011_alert_search_indexes", "0014_long_alert_texts")
STATISTICS = "0027_statistics"
POLICY, HIGH, KEYS = "0029_level_policy", "0035_staff_console", "0043_alert_keys"
DISTRIBUTED = ("alert", "alert_daily", "threat_stat")


def upgrade() -> None:
    for name in (*ALERTS_ALONE, STATISTICS):
        _main(name).upgrade()
    _main(POLICY).alert_tables()
    op.create_index("ix_alert_daily_high", "alert_daily", ["day", "tenant_id"], postgresql_where=_main(HIGH).HIGH)
    _main(KEYS).alert_database()
    # For /readyz.
    migrating.shared_table("alembic_version", "SELECT")
    if op.get_bind().scalar(sa.text("SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')")):
        _distribute()


def downgrade() -> None:
    op.execute(f"REVOKE SELECT ON alembic_version FROM {migrating.APP}, {migrating.ALL_TENANTS}")
    op.drop_table("alert_mail_due")
    for name in (STATISTICS, "0003_alerts"):
        _main(name).downgrade()


def _main(name: str) -> object:
    return import_module(f"migrations.versions.{name}")


def _distribute() -> None:
    # The portal sets the tenant of a transaction with SET LOCAL, which must reach the workers.
    database = op.get_bind().scalar(sa.text("SELECT quote_ident(current_database())"))
    op.execute(f"ALTER DATABASE {database} SET citus.propagate_set_commands = 'local'")
    # No process of a previous version names the old keys here, and a unique index needs the customer.
    op.execute("DROP INDEX uq_alert_daily_utm_id, uq_threat_stat_utm_id")
    for table in DISTRIBUTED:
        # Citus does not push a policy with a sub-select down to the shards.
        for clause in ("USING", "WITH CHECK"):
            op.execute(f"ALTER POLICY own_tenant ON {table} {clause} ({migrating.OWN_TENANT_DIRECTLY})")
        op.execute(f"SELECT create_distributed_table('{table}', 'customer_id')")
