"""Run the migrations of a database, as the environments of Alembic in ``migrations/`` and ``migrations/alerts/`` do."""

from __future__ import annotations

from typing import Any

from alembic import context
from flask import current_app
from sqlalchemy import Connection, NullPool, Table, create_engine, text

from models.db import ALERTS, db

# The key of an advisory lock; arbitrary, but the same on every host. The others wait and then find nothing to migrate.
MIGRATION_LOCK = 7_403_210


def owner_url(*, alerts: bool) -> str:
    """Return the URL of a database for the owner of its tables.

    :param alerts: that of the database of the alerts, which they have to themselves, instead of the main one.
    """
    settings = current_app.config
    if alerts:
        return str(settings["ALERT_DATABASE_OWNER_URL"] or settings["ALERT_DATABASE_URL"])
    return str(settings["DATABASE_OWNER_URL"] or settings["SQLALCHEMY_DATABASE_URI"])


def run(*, alerts: bool = False) -> None:
    """Run the migrations over a separate connection as the owner, on one host at a time.

    :param alerts: those of the database of the alerts.
    """
    engine = create_engine(owner_url(alerts=alerts), poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATION_LOCK})
        connection.commit()
        _migrate(connection, alerts=alerts)
        connection.commit()


def _migrate(connection: Connection, *, alerts: bool) -> None:
    partitions = {
        name for (name,) in connection.execute(text("SELECT inhrelid::regclass::text FROM pg_catalog.pg_inherits"))
    }
    connection.commit()

    def include_object(item: Any, name: str | None, kind: str, reflected: bool, _other: Any) -> bool:  # noqa: FBT001  (Alembic's signature)
        # Autogenerate would treat partitions and their indexes as undeclared tables.
        table = item if isinstance(item, Table) else getattr(item, "table", None)
        if reflected and (name if kind == "table" else getattr(table, "name", None)) in partitions:
            return False
        return not alerts or reflected or table is None or table.info.get("database") == ALERTS

    context.configure(
        connection=connection,
        target_metadata=db.metadata,
        include_object=include_object,
        compare_type=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
