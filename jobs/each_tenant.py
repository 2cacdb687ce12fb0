"""Run a step of a job in each tenant."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.problems import Problems
from models.db import db
from models.scope import tenant_session
from models.tenants.tenant import Tenant


def in_each_tenant(step: Callable[[Session], object], tenant_ids: Sequence[str] | None = None) -> None:
    """Run a step in a separate transaction for each tenant. A failure in one tenant does not affect the others.

    :param tenant_ids: the tenants; None for all.
    :raises Exception: the first error, raised after all tenants have been processed.
    """
    if tenant_ids is None:
        with Session(db.engine) as session:
            tenant_ids = session.scalars(select(Tenant.id).order_by(Tenant.id)).all()
    problems = Problems()
    for tenant_id in tenant_ids:
        with problems.kept("job failed for a tenant", tenant=tenant_id), tenant_session(tenant_id) as session:
            step(session)
            session.commit()
    problems.raise_first()
