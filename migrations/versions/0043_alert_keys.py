"""Put the customer first in the keys of alerts and their counts, and note the batches of alert mails.

The new keys are built while alerts are stored and read; only exchanging them with the old ones locks the tables, for
well under a second. An interrupted run is repeated from the start.

The keys of the previous version remain as unique indexes of the counts and statistics, because its processes name them in
ON CONFLICT until they have been restarted.

Revision: 0043, after 0042
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app import migrating

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

OLD_KEYS = {
    "alert": "utm_id, occurred_at, alert_id",
    "alert_daily": "utm_id, day, function, level",
    "threat_stat": "utm_id, hour, function, category",
}
KEPT = ("alert_daily", "threat_stat")
TIMES = {"alert_daily": "day", "threat_stat": "hour"}
LOCK_TIMEOUT = "SET LOCAL lock_timeout = '30s'"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        _build("CONCURRENTLY", {table: f"customer_id, {key}" for table, key in OLD_KEYS.items()})
        for table in KEPT:
            _index("CONCURRENTLY", f"uq_{table}_utm_id", f"{table} ({OLD_KEYS[table]})", unique=True)
            _index("CONCURRENTLY", f"ix_{table}_{TIMES[table]}", f"{table} USING brin ({TIMES[table]})")
    _exchange({table: f"customer_id, {key}" for table, key in OLD_KEYS.items()})
    note_batches()
    op.create_table(
        "alert_mail_batch",
        sa.Column("utm_id", sa.BigInteger(), nullable=False),
        sa.Column("batch", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.String(length=8), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"]),
        sa.ForeignKeyConstraint(["tenant_id", "utm_id"], ["utm.tenant_id", "utm.id"]),
        sa.PrimaryKeyConstraint("tenant_id", "utm_id"),
    )
    migrating.scoped_table("alert_mail_batch", "SELECT, INSERT, UPDATE")


def downgrade() -> None:
    op.drop_table("alert_mail_batch")
    op.drop_column("alert_mail_due", "batch")
    op.execute(f"REVOKE UPDATE ON alert_mail_due FROM {migrating.APP}, {migrating.ALL_TENANTS}")
    for table in KEPT:
        op.execute(f"DROP INDEX ix_{table}_{TIMES[table]}, uq_{table}_utm_id")
    _build("", OLD_KEYS)
    _exchange(OLD_KEYS)


def alert_database() -> None:
    """Make the same changes in a new database of the alerts, which has no rows yet."""
    for table in KEPT:
        _index("", f"uq_{table}_utm_id", f"{table} ({OLD_KEYS[table]})", unique=True)
        _index("", f"ix_{table}_{TIMES[table]}", f"{table} USING brin ({TIMES[table]})")
    for table, key in OLD_KEYS.items():
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey, ADD PRIMARY KEY (customer_id, {key})")
    note_batches()


def note_batches() -> None:
    """Let the rows of alert mails be marked as a batch."""
    op.add_column("alert_mail_due", sa.Column("batch", sa.Uuid(), nullable=True))
    op.execute(f"GRANT UPDATE ON alert_mail_due TO {migrating.APP}, {migrating.ALL_TENANTS}")


def _partitions() -> list[str]:
    found = op.get_bind().execute(
        sa.text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'alert'::regclass ORDER BY 1")
    )
    return [name for (name,) in found]


def _parts(keys: dict[str, str]) -> list[tuple[str, str]]:
    """Return each table that has rows, with its key."""
    parts = [(partition, keys["alert"]) for partition in _partitions()]
    return parts + [(table, key) for table, key in keys.items() if table != "alert"]


def _build(how: str, keys: dict[str, str]) -> None:
    for table, key in _parts(keys):
        _index(how, f"{table}_new_key", f"{table} ({key})", unique=True)


def _index(how: str, name: str, on: str, *, unique: bool = False) -> None:
    # An interrupted run leaves an index that is not valid.
    op.execute(f"DROP INDEX {how} IF EXISTS {name}")
    op.execute(f"CREATE {'UNIQUE' if unique else ''} INDEX {how} {name} ON {on}")


def _exchange(keys: dict[str, str]) -> None:
    """Make the built indexes the primary keys. The lock keeps alerts from making another partition meanwhile."""
    op.execute(LOCK_TIMEOUT)
    op.execute("SELECT pg_advisory_xact_lock(7403212)")
    op.execute("ALTER TABLE alert DROP CONSTRAINT alert_pkey")
    for table, key in _parts(keys):
        if table in keys:
            op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey")
        # A partition that was made after the index of the others is new, so its key is built at once.
        op.execute(f"CREATE UNIQUE INDEX IF NOT EXISTS {table}_new_key ON {table} ({key})")
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {table}_pkey PRIMARY KEY USING INDEX {table}_new_key")
    op.execute(f"ALTER TABLE alert ADD CONSTRAINT alert_pkey PRIMARY KEY ({keys['alert']})")
