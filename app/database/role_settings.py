"""The settings of the app's connections as defaults of its role, for connections on which a pooler ignores the app's own.

A direct connection gets them when it starts (``config.py``). PgBouncer does not pass them on, and a setting by SET would
reach the next client of the connection (docs/replica-and-pooler.md).
"""

from __future__ import annotations

from collections.abc import Mapping

from psycopg import sql
from sqlalchemy import Connection

# The key of an advisory lock; arbitrary, but the same on every host: two concurrent changes of a role fail.
_LOCK = 7_403_213

_STORED = """
SELECT option FROM pg_db_role_setting, unnest(setconfig) AS option
WHERE setrole = (SELECT oid FROM pg_roles WHERE rolname = current_user)
    AND setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def write(connection: Connection, settings: Mapping[str, str]) -> None:
    """Make settings the defaults of the connected role in its database. New connections have them.

    :param connection: a connection with ``DATABASE_URL``. The caller commits.
    :param settings: names and values of PostgreSQL's settings that every role may change.
    """
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    stored = set(connection.exec_driver_sql(_STORED).scalars())
    if {f"{name}={value}" for name, value in settings.items()} <= stored:
        return
    driver = connection.connection.driver_connection
    database = connection.exec_driver_sql("SELECT current_database()").scalar_one()
    for name, value in settings.items():
        statement = sql.SQL("ALTER ROLE CURRENT_USER IN DATABASE {} SET {} = {}").format(
            sql.Identifier(database), sql.Identifier(name), sql.Literal(value)
        )
        connection.exec_driver_sql(statement.as_string(driver))
