"""Who a request is from, and where: read in one statement, which puts the session into its tenant as well.

Every request begins with it, so it goes without the ORM: loading two rows as objects took longer than all the rest of a
small page, and an object is read again after each commit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from flask_appbuilder.security.sqla.models import assoc_user_role
from sqlalchemy import String, bindparam, func, select
from sqlalchemy.orm import Session

from models import scope
from models.accounts.membership import Membership
from models.accounts.rights_version import RightsVersion
from models.accounts.role import ELEVATED
from models.accounts.user import Role, User
from models.prepared_statement import PreparedStatement, prepare
from models.tenants.tenant import Tenant


@dataclass(frozen=True)
class SignedIn:
    """The person who is signed in, as they were when the request began. Who changes a user reads the row.

    :param active: whether the account is switched on.
    :param session_epoch: what a session of the user must name to be one.
    """

    id: int
    email: str
    first_name: str
    last_name: str
    active: bool
    session_epoch: int

    is_authenticated = True
    is_anonymous = False

    @property
    def is_active(self) -> bool:
        """Flask-Login's name for ``active``."""
        return self.active

    def get_id(self) -> str:
        """What the session keeps of them."""
        return f"{self.id}.{self.session_epoch}"

    def get_full_name(self) -> str:
        """Family name first."""
        return f"{self.last_name} {self.first_name}".strip()


class ChosenTenant(NamedTuple):
    """The tenant a request runs in."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a request is from.

    :param tenant: the tenant the request runs in, None when none is chosen or the choice no longer holds.
    :param roles: the roles held there, and those held everywhere, each with its key and its name.
    :param tenant_count: how many tenants the user is a member of.
    :param rights_version: how often the rights of roles had changed.
    """

    user: SignedIn
    tenant: ChosenTenant | None
    roles: tuple[tuple[int, str], ...]
    tenant_count: int
    rights_version: int

    @property
    def elevated(self) -> bool:
        """Whether the user is NEC's, and may enter any tenant."""
        return any(name in ELEVATED for _, name in self.roles)


def read_identity(session: Session, user_id: int) -> Identity | None:
    """Who a user is in the tenant of a session.

    :returns: None when there is no such user.
    """
    values = {"user_id": user_id, "tenant_id": scope.current_tenant_id(session)}
    rows = scope.run_entering(session, _statement(), values)
    if not rows:
        return None
    _, user_id, email, first, last, active, epoch, tenant_id, tenant, role_id, role, everywhere, count, version = rows[
        0
    ]
    roles = tuple((each[0], each[1]) for each in everywhere or ())
    may_enter = role_id is not None or any(name in ELEVATED for _, name in roles)
    if role_id is not None:
        roles = ((role_id, role), *roles)
    return Identity(
        SignedIn(user_id, email, first, last, bool(active), epoch),
        ChosenTenant(tenant_id, tenant) if may_enter and tenant_id is not None else None,
        roles,
        count,
        version,
    )


def rights_version(session: Session) -> int:
    """How often the rights of roles have changed."""
    return session.execute(select(RightsVersion.version)).scalar_one()


@cache
def _statement() -> PreparedStatement:
    elevated = (
        select(func.array_agg(func.json_build_array(Role.id, Role.name)))
        .join(assoc_user_role, assoc_user_role.c.role_id == Role.id)
        .where(assoc_user_role.c.user_id == User.id)
        .correlate(User)
        .scalar_subquery()
    )
    tenant_count = (
        select(func.count())
        .select_from(Membership)
        .where(Membership.user_id == User.id)
        .correlate(User)
        .scalar_subquery()
    )
    person = (User.id, User.email, User.first_name, User.last_name, User.active, User.session_epoch)
    version = select(RightsVersion.version).scalar_subquery()
    return prepare(
        select(scope.ENTER, *person, Tenant.id, Tenant.name, Role.id, Role.name, elevated, tenant_count, version)
        .select_from(User)
        .outerjoin(Tenant, Tenant.id == bindparam("tenant_id", type_=String))
        .outerjoin(Membership, (Membership.user_id == User.id) & (Membership.tenant_id == Tenant.id))
        .outerjoin(Role, Role.id == Membership.role_id)
        .where(User.id == bindparam("user_id")),
        by_key=True,
    )
