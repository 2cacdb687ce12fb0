"""The tenant scope of database sessions.

A session is scoped to one tenant, or to all tenants in the few places that give a reason. An unscoped session sees no
tenant rows. Row-level security in the database enforces this (docs/adr/0002-tenancy.md); the hooks here set the tenant
for the policies, fill in ``tenant_id``, and refuse mistakes early with a clear message.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any, cast

from sqlalchemy import ClauseElement, ForeignKey, Row, String, bindparam, event, func
from sqlalchemy.orm import Mapped, ORMExecuteState, Session, declared_attr, mapped_column, with_loader_criteria
from sqlalchemy.orm.session import SessionTransaction

from models import read_only
from models.db import alert_engine, db, is_about_alerts
from models.errors import ScopeError
from models.prepared_statement import PreparedStatement

CROSS_TENANT_ROLE = "portal_all_tenants"
"""The database role whose policies admit every row. The app's role can switch to it but does not inherit from it."""

_ALL = "*"
_NOBODY = ""
_KEY = "tenant_scope"
_BY_STATEMENT = "entered_by_statement"

ENTER = func.set_config("app.tenant_id", bindparam("scope", type_=String), True)
"""The expression that sets the tenant of a transaction, selected by its first statement (``run_entering``)."""

log = logging.getLogger(__name__)


class TenantScoped:
    """A row that belongs to exactly one tenant and is visible only there."""

    @declared_attr
    def tenant_id(cls) -> Mapped[str]:  # noqa: N805  (SQLAlchemy's convention for declared attributes)
        """The tenant that the row belongs to; filled in by the session."""
        return mapped_column(String(8), ForeignKey("tenant.id"), nullable=False)


def current_tenant_id(session: Session) -> str | None:
    """Return the tenant of a session, None when it is unscoped or cross-tenant."""
    scope = session.info.get(_KEY, _NOBODY)
    return scope if scope not in (_ALL, _NOBODY) else None


def of_session(session: Session) -> dict[str, Any]:
    """Return the scope of a session as the ``info`` of another one."""
    return {_KEY: session.info.get(_KEY, _NOBODY)}


def of_tenant(tenant_id: str) -> dict[str, Any]:
    """Return the scope of a tenant as the ``info`` of a session that somebody else opens."""
    return {_KEY: tenant_id}


def of_all_tenants(reason: str) -> dict[str, Any]:
    """Return the scope of a cross-tenant session as the ``info`` of a session that somebody else opens.

    :param reason: why this code may cross tenants, for the log and for readers of the code.
    """
    log.debug("crossing tenants", extra={"reason": reason})
    return {_KEY: _ALL}


def own_tenant_id(session: Session) -> str:
    """Return the tenant of a session, for code that only runs inside a tenant.

    :raises ScopeError: the session is unscoped or cross-tenant.
    """
    tenant_id = current_tenant_id(session)
    if tenant_id is None:
        raise ScopeError("This needs a session of a tenant.")
    return tenant_id


def enter_tenant(session: Session, tenant_id: str | None) -> None:
    """Set the tenant of a new session.

    :param tenant_id: the tenant, or None to leave the session unscoped.
    :raises ScopeError: a transaction is open, or the session had another scope, to which its loaded objects belong.
    """
    if session.in_transaction():
        raise ScopeError("The scope of a session cannot change inside a transaction; use a new session.")
    if tenant_id and session.info.get(_KEY, _NOBODY) not in {_NOBODY, tenant_id}:
        raise ScopeError("The tenant of a session cannot change; use a new session.")
    session.info[_KEY] = tenant_id or _NOBODY


@contextmanager
def tenant_session(tenant_id: str) -> Iterator[Session]:
    """Open a separate session for one tenant, for jobs and the command line. The caller commits."""
    with Session(db.engine, info={_KEY: tenant_id}) as session:
        yield session


@contextmanager
def all_tenants(reason: str) -> Iterator[Session]:
    """Open a separate cross-tenant session.

    :param reason: why this code may cross tenants, for the log and for readers of the code.
    """
    with Session(db.engine, info=of_all_tenants(reason)) as session:
        yield session


def run_entering(
    session: Session, statement: PreparedStatement, values: Mapping[str, Any]
) -> Sequence[Row[*tuple[Any, ...]]]:
    """Start a session's transaction with a statement that also enters the tenant, which saves a round trip.

    In a transaction that has already started, entering again has no effect.

    :param statement: selects ``ENTER`` among its columns. Without it, or if it returns no row, the transaction is not
        in a tenant and sees no rows.
    """
    scope = session.info.get(_KEY, _NOBODY)
    if scope == _ALL:
        raise ScopeError("A cross-tenant session cannot enter a tenant.")
    session.info[_BY_STATEMENT] = True
    try:
        return statement.run(session, {"scope": scope, **values})
    finally:
        del session.info[_BY_STATEMENT]


@event.listens_for(Session, "after_begin")
def _tell_the_database(session: Session, _transaction: SessionTransaction, connection: Any) -> None:
    read_only.begin(session, connection)
    if _BY_STATEMENT in session.info:
        return
    settings = read_only.settings(session)
    scope = session.info.get(_KEY, _NOBODY)
    if scope == _ALL:
        settings["role"] = CROSS_TENANT_ROLE
    elif scope != _NOBODY:
        settings["app.tenant_id"] = scope
    if connection.engine is alert_engine(session) or settings.keys() == {"role"}:
        # Citus passes this on to its workers, but not what a function sets. It takes less time, but no parameters.
        for name, value in settings.items():
            connection.exec_driver_sql(f"SET LOCAL {name} = {_quoted(value)}")
    elif settings:
        functions = ", ".join("set_config(%s, %s, true)" for _ in settings)
        connection.exec_driver_sql(f"SELECT {functions}", tuple(chain.from_iterable(settings.items())))


def _quoted(value: str) -> str:
    """Return the value of a setting, such as a tenant's ID, as a literal.

    :raises ScopeError: it has other characters than letters, digits and underscores.
    """
    if not value.replace("_", "").isalnum():
        raise ScopeError("This is not the value of a setting.")
    return f"'{value}'"


@event.listens_for(Session, "do_orm_execute")
def _to_the_alerts(state: ORMExecuteState) -> None:
    """Send a statement about the alerts to their database, if they have one of their own."""
    engine = alert_engine(state.session)
    if engine is not None and is_about_alerts(cast("ClauseElement", state.statement)):
        if state.is_orm_statement and state.is_insert:
            raise ScopeError("Insert into the table: many rows of a class are written to the main database.")
        state.bind_arguments["bind"] = engine


@event.listens_for(Session, "do_orm_execute")
def _only_own_rows(state: ORMExecuteState) -> None:
    scope = state.session.info.get(_KEY, _NOBODY)
    if scope == _ALL or state.is_column_load:
        return
    state.statement = state.statement.options(
        with_loader_criteria(TenantScoped, lambda cls: cls.tenant_id == scope, include_aliases=True)
    )


@event.listens_for(Session, "before_flush")
def _only_own_writes(session: Session, _context: Any, _instances: Any) -> None:
    scope = session.info.get(_KEY, _NOBODY)
    # Each access to ``session.new`` makes a new set.
    new = session.new
    alerts_apart = alert_engine(session) is not None
    for row in (*new, *session.dirty, *session.deleted):
        if alerts_apart and is_about_alerts(row.__table__):
            raise ScopeError(f"A {type(row).__name__} can be in another database: write it with a statement.")
        if not isinstance(row, TenantScoped):
            continue
        if scope == _ALL:
            if row.tenant_id is None:
                raise ScopeError(f"{type(row).__name__} needs a tenant_id when it is written across tenants.")
            continue
        if row.tenant_id is None and scope != _NOBODY and row in new:
            row.tenant_id = scope
        if row.tenant_id != scope or scope == _NOBODY:
            raise ScopeError(f"A {type(row).__name__} of another tenant cannot be written from this session.")
