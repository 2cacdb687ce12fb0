"""Check that row-level security applies to the app's database role (docs/adr/0002-tenancy.md)."""

from __future__ import annotations

import logging
from contextlib import suppress

import click
from flask import Flask
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from models.db import db
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
        replica = app.extensions["replica"]
        for engine in (db.engine, *([replica.engine] if replica is not None else [])):
            with suppress(OperationalError), engine.connect() as connection:
                check_role(connection)
                _warn_without_timeout(connection)


def _warn_without_timeout(connection: Connection) -> None:
    if connection.exec_driver_sql("SHOW statement_timeout").scalar_one() == "0":
        log.warning("statements have no timeout: run flask portal upgrade, and let the pooler open new connections")


def check_role(connection: Connection) -> None:
    """Refuse a database role that can bypass row-level security.

    :param connection: a connection to ``DATABASE_URL``.
    :raises click.ClickException: the role owns tables, bypasses row-level security, or inherits the cross-tenant role.
    """
    answer = connection.execute(_ROLE_ATTRIBUTES).one()
    if answer.bypasses:
        raise click.ClickException("The role of DATABASE_URL bypasses row-level security.")
    if answer.owns:
        raise click.ClickException("The role of DATABASE_URL owns tables: use one that owns nothing.")
    if answer.inherits:
        raise click.ClickException(
            f"The role of DATABASE_URL inherits {CROSS_TENANT_ROLE}: grant it WITH INHERIT FALSE, SET TRUE"
            " (migrations/roles.sql)."
        )
    if not answer.may_switch:
        raise click.ClickException(
            f"The role of DATABASE_URL cannot switch to {CROSS_TENANT_ROLE} (migrations/roles.sql)."
        )
