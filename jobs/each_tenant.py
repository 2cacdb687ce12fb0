"""Run a step of a job in each tenant."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from rq.timeouts import BaseTimeoutException
from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.job import describe
from models.db import db
from models.scope import tenant_session
from models.tenants.tenant import Tenant

log = logging.getLogger("portal.job")


def in_each_tenant(step: Callable[[Session], object], tenant_ids: Sequence[str] | None = None) -> None:
    """Run a step in a separate transaction for each tenant. A failure in one tenant does not affect the others.

    :param tenant_ids: the tenants; None for all.
    :raises Exception: the first error, raised after all tenants have been processed.
    """
    if tenant_ids is None:
        with Session(db.engine) as session:
            tenant_ids = session.scalars(select(Tenant.id).order_by(Tenant.id)).all()
    problems: list[Exception] = []
    for tenant_id in tenant_ids:
        try:
            with tenant_session(tenant_id) as session:
                step(session)
                session.commit()
        except BaseTimeoutException:
            # The whole job has timed out. The next run does the rest.
            raise
        except Exception as problem:  # noqa: BLE001  (the other tenants do not depend on this one)
            log.error("job failed for a tenant", extra={"tenant": tenant_id, "error": describe(problem)})  # noqa: TRY400  (the message may quote data)
            problems.append(problem)
    if problems:
        raise problems[0]
