"""Alembic environment: migrations run as the owner of the tables, on one host at a time."""

from __future__ import annotations

from typing import Any

from alembic import context
from flask import current_app
from sqlalchemy import Connection, NullPool, create_engine, text

from models.db import db

# The key of an advisory lock; arbitrary, but the same on every host. The others wait and then find nothing to migrate.
MIGRATION_LOCK = 7_403_210


def run() -> None:
    """Run the migrations over a separate connection as the owner."""
    url = current_app.config["DATABASE_OWNER_URL"] or current_app.config["SQLALCHEMY_DATABASE_URI"]
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATION_LOCK})
        connection.commit()
        _migrate(connection)
        connection.commit()


def _migrate(connection: Connection) -> None:
    partitions = {
        name for (name,) in connection.execute(text("SELECT inhrelid::regclass::text FROM pg_catalog.pg_inherits"))
    }
    connection.commit()

    def include_object(item: Any, name: str | None, kind: str, reflected: bool, _other: Any) -> bool:  # noqa: FBT001  (Alembic's signature)
        # Autogenerate would treat partitions and their indexes as undeclared tables.
        table = name if kind == "table" else getattr(getattr(item, "table", None), "name", None)
        return not (reflected and table in partitions)

    context.configure(
        connection=connection,
        target_metadata=db.metadata,
        include_object=include_object,
        compare_type=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run()
