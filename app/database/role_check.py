"""The tenant wall, looked at before anything is served (docs/adr/0002-tenancy.md)."""

from __future__ import annotations

from contextlib import suppress

import click
from flask import Flask
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from models.db import db
from models.scope import CROSS_TENANT_ROLE

_QUESTIONS = text(f"""
SELECT
    (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user) AS bypasses,
    EXISTS (SELECT FROM pg_class WHERE relowner = current_user::regrole AND relkind IN ('r', 'p')
            AND relnamespace = 'public'::regnamespace) AS owns,
    pg_has_role(current_user, '{CROSS_TENANT_ROLE}', 'USAGE') AS inherits,
    pg_has_role(current_user, '{CROSS_TENANT_ROLE}', 'SET') AS may_switch
""")  # noqa: S608  (a constant)


def init_app(app: Flask) -> None:
    """In production, refuse to start with such a role. A database that is away is for /readyz to tell."""
    if not app.config["PRODUCTION"]:
        return
    with app.app_context(), suppress(OperationalError), db.engine.connect() as connection:
        check_walls(connection)


def check_walls(connection: Connection) -> None:
    """Refuse a database role that row-level security does not hold.

    :param connection: one made with ``DATABASE_URL``.
    :raises click.ClickException: the role owns tables, bypasses row security, or inherits the cross-tenant role.
    """
    answer = connection.execute(_QUESTIONS).one()
    if answer.bypasses:
        raise click.ClickException("DATABASE_URL signs in with a role that bypasses row-level security.")
    if answer.owns:
        raise click.ClickException("DATABASE_URL signs in with a role that owns tables; use one that owns nothing.")
    if answer.inherits:
        raise click.ClickException(
            f"DATABASE_URL's role inherits {CROSS_TENANT_ROLE}: grant it WITH INHERIT FALSE, SET TRUE"
            " (migrations/roles.sql)."
        )
    if not answer.may_switch:
        raise click.ClickException(f"DATABASE_URL's role may not become {CROSS_TENANT_ROLE} (migrations/roles.sql).")
