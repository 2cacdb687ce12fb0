"""Read the identity of a request: user, session, tenant and roles, in one statement that also enters the tenant.

Every request starts with this statement, so it bypasses the ORM: loading two rows as objects took longer than the rest
of a small page, and ORM objects are read again after each commit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from flask_appbuilder.security.sqla.models import assoc_user_role
from sqlalchemy import String, bindparam, func, select
from sqlalchemy.orm import Session, aliased

from models import scope
from models.accounts.membership import Membership, enterable
from models.accounts.rights_version import RightsVersion
from models.accounts.role import ELEVATED
from models.accounts.user import Role, User
from models.accounts.user_session import Entry, UserSession
from models.prepared_statement import PreparedStatement, prepare
from models.read_only import PLAN_BY_VALUES
from models.tenants.tenant import Tenant
from models.tokens import hash_token


@dataclass(frozen=True)
class SignedIn:
    """The signed-in user as of the start of the request. Code that changes a user loads the ``User`` row instead.

    :param active: whether the account is active.
    :param preferences: the user's display preferences, by the names of ``views.preferences``.
    :param session_token: the token of the user's current session.
    """

    id: int
    email: str
    first_name: str
    last_name: str
    active: bool
    preferences: Mapping[str, str]
    session_token: str = field(repr=False)

    is_authenticated = True
    is_anonymous = False

    @property
    def is_active(self) -> bool:
        """Flask-Login's name for ``active``."""
        return self.active

    def get_id(self) -> str:
        """Return the value that Flask-Login keeps in the cookie: the session token, valid as long as the session."""
        return self.session_token

    def get_full_name(self) -> str:
        """Return the full name, family name first."""
        return f"{self.last_name} {self.first_name}".strip()


def signed_in(user: Any, session_token: str) -> SignedIn:
    """Return a user whose session has just started.

    :param user: the ``User`` row.
    """
    return SignedIn(
        user.id,
        user.email,
        user.first_name,
        user.last_name,
        active=True,
        preferences=user.preferences,
        session_token=session_token,
    )


class ChosenTenant(NamedTuple):
    """The tenant a request runs in."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Identity:
    """The identity behind a request.

    :param tenant: the tenant the request runs in, None when none is chosen or the user may no longer enter it.
    :param roles: the role held in the tenant and the roles held in every tenant, as (ID, name) pairs.
    :param tenant_count: the number of the user's tenants that the session may enter.
    :param rights_version: the version of the roles' permissions; see :func:`rights_version`.
    :param last_seen_at: when the session was last used, to within five minutes.
    :param signed_in_at: when the session started.
    :param has_second_factor: whether the user has an authenticator app or a passkey.
    :param tenant_asks_second_factor: whether a tenant of the user requires one.
    :param only_tenant_id: the only tenant that the session may enter, whose single sign-on started it; otherwise None.
    :param entry: the tenant that NEC staff have entered in this session, which need not be ``tenant``; None for none.
    """

    user: SignedIn
    tenant: ChosenTenant | None
    roles: tuple[tuple[int, str], ...]
    tenant_count: int
    rights_version: int
    last_seen_at: datetime
    signed_in_at: datetime
    has_second_factor: bool
    tenant_asks_second_factor: bool
    only_tenant_id: str | None
    entry: Entry | None

    @property
    def acting_role(self) -> str | None:
        """The name of the role that the user acts in, for the audit log; of several, all names."""
        return ", ".join(name for _, name in self.roles) or None

    @property
    def elevated(self) -> bool:
        """Whether the user belongs to NEC and may enter any tenant."""
        return any(name in ELEVATED for _, name in self.roles)


def read_identity(session: Session, token: str) -> Identity | None:
    """Return the identity behind a session token, in the current tenant of the database session.

    :returns: None when there is no such session, or it has ended.
    """
    values = {"token_hash": hash_token(token), "tenant_id": scope.current_tenant_id(session)}
    rows = scope.run_entering(session, _statement(), values)
    if not rows:
        return None
    # The first two columns only set what holds for the rest of the transaction.
    last_seen_at, signed_in_at, only_tenant_id, *entry = rows[0][2:8]
    user_id, email, first, last, active, preferences, *rest = rows[0][8:]
    has_factor, tenant_id, tenant, allowed, role_id, role, everywhere, count, asks_factor, version = rest
    # A tenant's provider gives nobody a role in other tenants.
    roles = tuple((each[0], each[1]) for each in everywhere or () if only_tenant_id is None)
    elevated = any(name in ELEVATED for _, name in roles)
    may_enter = elevated or (role_id is not None and allowed)
    if role_id is not None and may_enter:
        roles = ((role_id, role), *roles)
    return Identity(
        SignedIn(user_id, email, first, last, bool(active), preferences, token),
        ChosenTenant(tenant_id, tenant) if may_enter and tenant_id is not None else None,
        roles,
        count,
        version,
        last_seen_at,
        signed_in_at,
        bool(has_factor),
        asks_factor,
        only_tenant_id,
        Entry(*entry) if entry[0] is not None else None,
    )


def rights_version(session: Session) -> int:
    """Return the current version of the roles' permissions, a counter that every change increments."""
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
        .join(Tenant, Tenant.id == Membership.tenant_id)
        .where(Membership.user_id == User.id, enterable(UserSession.tenant_id))
        .correlate(User, UserSession)
        .scalar_subquery()
    )
    asking = aliased(Tenant)
    asks = (
        select(Membership.user_id)
        .join(asking, asking.id == Membership.tenant_id)
        .where(Membership.user_id == User.id, asking.second_factor_required)
        .correlate(User)
        .exists()
    )
    person = (
        UserSession.last_seen_at,
        UserSession.created_at,
        UserSession.tenant_id,
        UserSession.entered_tenant_id,
        UserSession.entered_at,
        UserSession.entry_reason,
        User.id,
        User.email,
        User.first_name,
        User.last_name,
        User.active,
        User.preferences,
        User.has_second_factor,
    )
    version = select(RightsVersion.version).scalar_subquery()
    tenant = (Tenant.id, Tenant.name, enterable(UserSession.tenant_id))
    return prepare(
        select(scope.ENTER, PLAN_BY_VALUES, *person, *tenant, Role.id, Role.name, elevated, tenant_count, asks, version)
        .select_from(UserSession)
        .join(User, User.id == UserSession.user_id)
        .outerjoin(Tenant, Tenant.id == bindparam("tenant_id", type_=String))
        .outerjoin(Membership, (Membership.user_id == User.id) & (Membership.tenant_id == Tenant.id))
        .outerjoin(Role, Role.id == Membership.role_id)
        .where(UserSession.token_hash == bindparam("token_hash"), UserSession.revoked_at.is_(None))
    )
