"""Which tenant a session sees.

The scope is a property of the session: one tenant, or all of them for the few places that say why. Without a scope
there are no rows. Row-level security in the database is the wall (docs/adr/0002-tenancy.md); the hooks here tell the
database who is asking, fill ``tenant_id`` and refuse early, with a message that names the mistake.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import ForeignKey, Row, String, bindparam, event, func
from sqlalchemy.orm import Mapped, ORMExecuteState, Session, declared_attr, mapped_column, with_loader_criteria
from sqlalchemy.orm.session import SessionTransaction

from models.db import db
from models.errors import ScopeError
from models.prepared_statement import PreparedStatement

CROSS_TENANT_ROLE = "portal_all_tenants"
"""The database role whose policies let every row pass; the app may become it, and does not inherit it."""

_ALL = "*"
_NOBODY = ""
_KEY = "tenant_scope"
_BY_STATEMENT = "entered_by_statement"

ENTER = func.set_config("app.tenant_id", bindparam("scope", type_=String), True)
"""What puts a transaction into a tenant, as a column of the statement it begins with (``run_entering``)."""

log = logging.getLogger(__name__)


class TenantScoped:
    """A row that belongs to exactly one tenant and is seen by it alone."""

    @declared_attr
    def tenant_id(cls) -> Mapped[str]:  # noqa: N805  (SQLAlchemy's convention for declared attributes)
        """Whose row it is; the session fills it in."""
        return mapped_column(String(8), ForeignKey("tenant.id"), nullable=False)


def current_tenant_id(session: Session) -> str | None:
    """The tenant a session is in, None when it is in none or in all."""
    scope = session.info.get(_KEY, _NOBODY)
    return scope if scope not in (_ALL, _NOBODY) else None


def own_tenant_id(session: Session) -> str:
    """The tenant a session is in, for what is only done inside one.

    :raises ScopeError: it is in none or in all.
    """
    tenant_id = current_tenant_id(session)
    if tenant_id is None:
        raise ScopeError("This is done from a session inside its tenant.")
    return tenant_id


def enter_tenant(session: Session, tenant_id: str | None) -> None:
    """Put a fresh session into a tenant.

    :param tenant_id: the tenant, or None to leave it in none.
    :raises ScopeError: a transaction is open, or the session was in another scope: what it has loaded belongs there.
    """
    if session.in_transaction():
        raise ScopeError("The scope of a session cannot change inside a transaction; use a new session.")
    if tenant_id and session.info.get(_KEY, _NOBODY) not in {_NOBODY, tenant_id}:
        raise ScopeError("A session has one tenant for life; use a new session.")
    session.info[_KEY] = tenant_id or _NOBODY


@contextmanager
def tenant_session(tenant_id: str) -> Iterator[Session]:
    """A session of its own inside one tenant, for jobs and the command line. The caller commits."""
    with Session(db.engine, info={_KEY: tenant_id}) as session:
        yield session


@contextmanager
def all_tenants(reason: str) -> Iterator[Session]:
    """A session of its own that crosses tenants.

    :param reason: why this place may, for the log and for whoever reads the code.
    """
    log.debug("crossing tenants", extra={"reason": reason})
    with Session(db.engine, info={_KEY: _ALL}) as session:
        yield session


def run_entering(
    session: Session, statement: PreparedStatement, values: Mapping[str, Any]
) -> Sequence[Row[*tuple[Any, ...]]]:
    """Begin a session's transaction with a statement that enters its tenant itself, which spares a round trip.

    In a transaction that has begun it enters once more, to no effect.

    :param statement: with ``ENTER`` among its columns. Without it, or when it finds no row, the transaction is in no
        tenant and sees no rows.
    """
    scope = session.info.get(_KEY, _NOBODY)
    if scope == _ALL:
        raise ScopeError("A session that crosses tenants enters none.")
    session.info[_BY_STATEMENT] = True
    try:
        return statement.run(session, {"scope": scope, **values})
    finally:
        del session.info[_BY_STATEMENT]


@event.listens_for(Session, "after_begin")
def _tell_the_database(session: Session, _transaction: SessionTransaction, connection: Any) -> None:
    if _BY_STATEMENT in session.info:
        return
    scope = session.info.get(_KEY, _NOBODY)
    if scope == _ALL:
        connection.exec_driver_sql(f"SET LOCAL ROLE {CROSS_TENANT_ROLE}")
    elif scope != _NOBODY:
        connection.exec_driver_sql("SELECT set_config('app.tenant_id', %s, true)", (scope,))


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
    for row in (*session.new, *session.dirty, *session.deleted):
        if not isinstance(row, TenantScoped):
            continue
        if scope == _ALL:
            if row.tenant_id is None:
                raise ScopeError(f"{type(row).__name__} needs a tenant_id when it is written across tenants.")
            continue
        if row in session.new and row.tenant_id is None and scope != _NOBODY:
            row.tenant_id = scope
        if row.tenant_id != scope or scope == _NOBODY:
            raise ScopeError(f"A {type(row).__name__} of another tenant cannot be written from this session.")
