"""Check that row-level security applies to the app's database role (docs/adr/0002-tenancy.md)."""

from __future__ import annotations

import logging
from contextlib import suppress

import click
from flask import Flask, current_app
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from app.database.engines import engines
from models.scope import CROSS_TENANT_ROLE

log = logging.getLogger(__name__)

_ROLE_ATTRIBUTES = text(f"""
SELECT
    (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user) AS bypasses,
    EXISTS (SELECT FROM pg_class WHERE relowner = current_user::regrole AND relkind IN ('r', 'p')
            AND relnamespace = 'public'::regnamespace) AS owns,
    pg_has_role(current_user, '{CROSS_TENANT_ROLE}', 'USAGE') AS inherits,
    pg_has_role(current_user, '{CROSS_TENANT_ROLE}', 'SET') AS may_switch
""")  # nosec B608  # noqa: S608  (a constant)


def init_app(app: Flask) -> None:
    """In production, refuse to start with an unsafe role. An unavailable database is left to /readyz to report."""
    if not app.config["PRODUCTION"]:
        return
    with app.app_context():
        for setting, engine in engines(app).items():
            with suppress(OperationalError), engine.connect() as connection:
                check_role(connection, setting)
                warn_without_timeout(connection, setting)


def check_roles() -> None:
    """Refuse a role that can bypass row-level security, in each of the databases.

    :raises click.ClickException: see :func:`check_role`.
    """
    for setting, engine in engines(current_app).items():
        with engine.connect() as connection:
            check_role(connection, setting)


def warn_without_timeout(connection: Connection, setting: str) -> None:
    """Log a warning if statements may take any time, as behind a pooler before ``flask portal upgrade``.

    :param setting: the name of the setting with the connection's URL.
    """
    if connection.exec_driver_sql("SHOW statement_timeout").scalar_one() == "0":
        log.warning(
            "statements have no timeout: run flask portal upgrade, and let the pooler open new connections",
            extra={"setting": setting},
        )


def check_role(connection: Connection, setting: str = "DATABASE_URL") -> None:
    """Refuse a database role that can bypass row-level security.

    :param connection: a connection to a database.
    :param setting: the name of the setting with its URL.
    :raises click.ClickException: the role owns tables, bypasses row-level security, or inherits the cross-tenant role.
    """
    answer = connection.execute(_ROLE_ATTRIBUTES).one()
    if answer.bypasses:
        raise click.ClickException(f"The role of {setting} bypasses row-level security.")
    if answer.owns:
        raise click.ClickException(f"The role of {setting} owns tables: use one that owns nothing.")
    if answer.inherits:
        raise click.ClickException(
            f"The role of {setting} inherits {CROSS_TENANT_ROLE}: grant it WITH INHERIT FALSE, SET TRUE"
            " (migrations/roles.sql)."
        )
    if not answer.may_switch:
        raise click.ClickException(
            f"The role of {setting} cannot switch to {CROSS_TENANT_ROLE} (migrations/roles.sql)."
        )
