"""Making users and giving them their place: in a tenant, or everywhere."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import audit
from models.actor import Actor
from models.errors import N_, DomainError
from models.membership import Membership
from models.tenant import Tenant
from models.user import Role, User, clean_email, find_by_email, hash_password

TAKEN_ADDRESS = N_("This email address is already a user's.")

_EMAIL_LENGTH = 128
"""As long as FAB's user name, which is the address."""


def create_user(  # noqa: PLR0913  (each is a fact about the person)
    session: Session, email: str, *, last_name: str, first_name: str, password: str | None = None, by: Actor
) -> Any:
    """Make a user, who signs in by email address.

    :param email: an address; how it was typed does not matter.
    :param password: None for a user who sets one through a link.
    :returns: the user, with its key.
    :raises DomainError: the address is too long or somebody's already.
    """
    email = clean_email(email)
    if len(email) > _EMAIL_LENGTH:
        raise DomainError(f"A user's email address has {_EMAIL_LENGTH} characters or fewer.", field="email")
    if find_by_email(session, email) is not None:
        raise DomainError(TAKEN_ADDRESS, field="email")
    user = User(
        username=email,
        email=email,
        last_name=last_name,
        first_name=first_name,
        active=True,
        password=hash_password(password) if password is not None else None,
    )
    session.add(user)
    session.flush()
    audit.record(session, "user.created", ("User", user.id), by=by, after={"email": email})
    return user


def grant_everywhere(session: Session, user: Any, role: str, *, by: Actor) -> None:
    """Give a user a role in every tenant.

    :param role: the name of an elevated role.
    :raises LookupError: there is no such role.
    """
    user.roles.append(_role(session, role))
    audit.record(session, "user.role_granted", ("User", user.id), by=by, after={"role": role})


def join_tenant(session: Session, user: Any, tenant: Tenant, role: str, *, by: Actor) -> None:
    """Make a user a member of a tenant.

    :param role: the name of the role held there.
    :raises LookupError: there is no such role.
    """
    membership = Membership(user_id=user.id, tenant_id=tenant.id, role_id=_role(session, role).id)
    session.add(membership)
    session.flush()
    audit.record(
        session,
        "membership.created",
        membership,
        by=by,
        tenant_id=tenant.id,
        after={"user_id": user.id, "role": role},
    )


def _role(session: Session, name: str) -> Any:
    role = session.scalar(select(Role).where(Role.name == name))
    if role is None:
        raise LookupError(f"There is no role {name!r}; `flask portal upgrade` makes the roles.")
    return role
