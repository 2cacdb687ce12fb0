"""Create and rename tenants, by NEC staff. A tenant is never deleted: its customers' data has to be kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, literal_column, select
from sqlalchemy.orm import Session

from models import audit
from models.actor import Actor
from models.errors import N_, NOTHING_CHANGED, DomainError
from models.row_lock import serialize
from models.tenants.settings import TenantSettings
from models.tenants.tenant import Tenant, create_tenant
from models.versioned import lock_version

TAKEN = N_("There is a tenant of this name.")


def create(session: Session, name: str, settings: Mapping[str, Any], *, by: Actor) -> Tenant:
    """Create a tenant with its first settings. The database generates its ID.

    Of two people who create the same tenant at the same time, the second is told that it exists.

    :param session: a cross-tenant session, because the settings belong to the new tenant.
    :param settings: the values of columns of ``TenantSettings``.
    :raises DomainError: there is a tenant of this name.
    """
    serialize(session, "tenant name")
    _refuse_taken(session, name)
    tenant = create_tenant(session, name, by=by)
    row = TenantSettings(tenant_id=tenant.id, **settings)
    session.add(row)
    session.flush()
    audit.record(session, "tenant_settings.changed", row, by=by, after=dict(settings))
    return tenant


def rename(session: Session, tenant: Tenant, name: str, *, version: int, by: Actor) -> None:
    """Rename a tenant.

    :param session: a cross-tenant session.
    :param version: the tenant's version when the user opened the form.
    :raises Conflict: somebody else renamed it in the meantime.
    :raises DomainError: nothing changes, or there is another tenant of this name.
    """
    serialize(session, "tenant name")
    lock_version(session, tenant, version)
    _refuse_taken(session, name, besides=tenant.id)
    before = tenant.name
    if name == before:
        raise DomainError(NOTHING_CHANGED)
    tenant.name = name
    session.flush()
    audit.record(
        session,
        "tenant.renamed",
        tenant,
        by=by,
        tenant_id=tenant.id,
        before={"name": before},
        after={"name": name},
    )


def _refuse_taken(session: Session, name: str, *, besides: str = "") -> None:
    form: Any = literal_column("NFKC")
    same = func.lower(func.normalize(Tenant.name, form)) == func.lower(func.normalize(name, form))
    if session.scalar(select(Tenant.id).where(same, Tenant.id != besides).limit(1)):
        raise DomainError(TAKEN, field="name")
