"""``flask portal upgrade``: run migrations, update roles, permissions and schedule, and check the database role.

FAB's own synchronization executes thousands of statements, has race conditions between hosts and hides errors. This one
takes a few statements under a lock and fails loudly.
"""

from __future__ import annotations

import flask_migrate
from flask import current_app
from flask_appbuilder.security.sqla.models import (
    Permission,
    PermissionView,
    ViewMenu,
    assoc_permissionview_role,
)
from sqlalchemy import Engine, NullPool, create_engine, delete, select, text, true, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.database import role_settings
from app.database.migrations import owner_url
from app.database.role_check import check_roles
from app.security import ROLES
from models import clock
from models.accounts.role import PARTNER_OPERATOR
from models.accounts.user import Role
from models.alerts import ingest as alert_ingest
from models.db import db
from models.operations import schedule

RIGHTS_LOCK = 7_403_211
"""The key of the advisory lock; arbitrary, but the same on every host."""

_NEVER_VACUUMED = text(
    "SELECT oid::regclass::text FROM pg_class"
    " WHERE relispartition AND relkind = 'r' AND relpages > 0 AND relallvisible = 0"
)


def upgrade() -> None:
    """Bring an installation up to date with this version.

    :raises click.ClickException: row-level security does not apply to the app's database role.
    """
    separate = bool(current_app.config["ALERT_DATABASE_URL"])
    flask_migrate.upgrade(directory=str(current_app.config["MIGRATIONS"]))
    engine = create_engine(owner_url(alerts=False), poolclass=NullPool)
    if separate:
        flask_migrate.upgrade(directory=str(current_app.config["ALERT_MIGRATIONS"]))
    alerts = create_engine(owner_url(alerts=True), poolclass=NullPool) if separate else engine
    now = clock.utc_now()
    with Session(engine) as session:
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": RIGHTS_LOCK})
        _sync_rights(session)
        schedule.reconcile(session, now=now)
        session.commit()
    with Session(alerts) as session:
        today = clock.tokyo_day(now)
        alert_ingest.ensure_partitions(session, (today, clock.next_month(today)))
        session.commit()
    _vacuum_rewritten(alerts)
    check_roles()
    for each in db.engines.values():
        with each.begin() as connection:
            role_settings.write(connection, current_app.config["DATABASE_SESSION_SETTINGS"])


def _vacuum_rewritten(engine: Engine) -> None:
    """Vacuum the partitions of the alerts that a migration has rewritten.

    Autovacuum does not notice rewritten tables, since it counts changed rows. Until a vacuum, each index-only scan also
    reads the table, and a list takes four times as long.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for name in connection.scalars(_NEVER_VACUUMED).all():
            connection.execute(text(f"VACUUM (ANALYZE) {name}"))


def existing_rights() -> set[tuple[str, str]]:
    """Return the (permission, view) pairs of all registered views."""
    return {
        (permission, view.class_permission_name)
        for view in current_app.extensions["appbuilder"].baseviews
        for permission in view.base_permissions or ()
    }


def _sync_rights(session: Session) -> None:
    """Write the registered permissions, and make the permissions of the built-in roles match ``ROLES``."""
    existing = existing_rights()
    wanted = {(name, view) for rights in ROLES.values() for view, names in rights.items() for name in names}
    if unknown := wanted - existing:
        raise LookupError(f"ROLES contains permissions that no view has: {sorted(unknown)}")
    session.execute(insert(Permission).values([{"name": name} for name, _ in existing]).on_conflict_do_nothing())
    session.execute(insert(ViewMenu).values([{"name": view} for _, view in existing]).on_conflict_do_nothing())
    session.execute(insert(Role).values([{"name": name} for name in ROLES]).on_conflict_do_nothing())
    every_pair = select(Permission.id, ViewMenu.id).join(ViewMenu, true())
    pairs = every_pair.where(tuple_(Permission.name, ViewMenu.name).in_(sorted(existing)))
    session.execute(
        insert(PermissionView)
        .from_select(["permission_id", "view_menu_id"], pairs)
        .on_conflict_do_nothing(index_elements=["permission_id", "view_menu_id"])
    )
    for name, rights in ROLES.items():
        role_id = session.scalars(select(Role.id).where(Role.name == name)).one()
        given = [(permission, view) for view, names in rights.items() for permission in names]
        ids = (
            select(PermissionView.id)
            .join(Permission, Permission.id == PermissionView.permission_id)
            .join(ViewMenu, ViewMenu.id == PermissionView.view_menu_id)
            .where(tuple_(Permission.name, ViewMenu.name).in_(given))
        )
        held = assoc_permissionview_role
        session.execute(delete(held).where(held.c.role_id == role_id, held.c.permission_view_id.not_in(ids)))
        session.execute(
            insert(held)
            .from_select(["permission_view_id", "role_id"], ids.add_columns(text(str(role_id))))
            .on_conflict_do_nothing(index_elements=["permission_view_id", "role_id"])
        )
    _narrow_own_roles(session)


def _narrow_own_roles(session: Session) -> None:
    """Remove the permissions that a partner operator no longer has from custom roles."""
    held = assoc_permissionview_role
    operator = select(Role.id).where(Role.name == PARTNER_OPERATOR).scalar_subquery()
    grantable = select(held.c.permission_view_id).where(held.c.role_id == operator)
    own = select(Role.id).where(Role.name.not_in(ROLES))
    session.execute(delete(held).where(held.c.role_id.in_(own), held.c.permission_view_id.not_in(grantable)))
