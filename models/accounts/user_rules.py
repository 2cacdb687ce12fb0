"""Manage users, their memberships and the roles they hold in every tenant, including the limits for administrators."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, joinedload

from models import audit
from models.accounts import password_hash, password_policy
from models.accounts.membership import Membership
from models.accounts.password_rules import end_access
from models.accounts.role import ELEVATED, NEC_ADMIN, PUBLIC, may_be_held
from models.accounts.user import EMAIL_LENGTH, Role, User, clean_email, find_by_email
from models.actor import Actor
from models.errors import N_, NOTHING_CHANGED, DomainError, Gone
from models.mail import outbox
from models.row_lock import lock
from models.tenants.tenant import Tenant
from models.versioned import lock_version

TAKEN_ADDRESS = N_("This email address is already in use.")
OWN_ACCOUNT = N_("You cannot delete or deactivate your own account, or remove your own NEC Admin role.")
LAST_ADMIN = N_("At least one NEC Admin must be able to sign in.")
MEMBER_ALREADY = N_("The user is already a member of this tenant.")
NOT_FOR_TENANTS = N_("This role cannot be assigned in a tenant.")
OF_ANOTHER_TENANT = N_("This role belongs to another tenant.")
NOT_EVERYWHERE = N_("This role cannot be assigned for all tenants.")

UNIQUE_ERRORS = dict.fromkeys(
    ("ab_user_email_key", "ab_user_username_key", "uq_ab_user_lower_email"), ("email", TAKEN_ADDRESS)
)
"""The error for a violated unique index, when a concurrent request was first."""

NAME_LENGTH = 100

_REGISTERED = ("email", "last_name", "first_name", "company", "department", "phone")
"""What the audit log says about a new user: nothing of the password and the remarks."""


def create_user(  # noqa: PLR0913  (each is a fact about the person)
    session: Session,
    email: str,
    *,
    last_name: str,
    first_name: str,
    password: str | None = None,
    hashed: str | None = None,
    active: bool = True,
    by: Actor,
    **profile: str,
) -> Any:
    """Create a user, who signs in by e-mail address.

    :param email: as typed; it is normalized.
    :param password: as typed; None for a user who will set one through a link.
    :param hashed: the hash of a password that met the policy, instead of a password.
    :param active: whether the user may sign in.
    :param profile: the further columns of the profile (``models.accounts.profile``).
    :returns: the user, with its ID.
    :raises DomainError: the e-mail address is too long or taken, or the password violates the policy.
    """
    email = _free_email(session, email)
    if password is not None:
        password_policy.check(password, email, (last_name, first_name))
    user = User(
        username=email,
        email=email,
        last_name=last_name,
        first_name=first_name,
        active=active,
        password=password_hash.make(password) if password is not None else hashed,
        **profile,
    )
    session.add(user)
    session.flush()
    registered = {name: getattr(user, name) for name in _REGISTERED if getattr(user, name)}
    audit.record(session, "user.created", ("User", user.id), by=by, after={**registered, "active": active})
    return user


def grant_everywhere(session: Session, user: Any, role: str, *, by: Actor) -> None:
    """Give a user a role in every tenant.

    :param role: the name of an elevated role.
    :raises Gone: there is no such role.
    """
    user.roles.append(_role(session, role))
    audit.record(session, "user.role_granted", ("User", user.id), by=by, after={"role": role})


def join_tenant(session: Session, user: Any, tenant: Tenant, role: str, *, by: Actor) -> None:
    """Add a user to a tenant.

    :param role: the name of the role held there.
    :raises Gone: the role does not exist, or the user was deleted.
    :raises DomainError: the user is already a member, or the role cannot be held in this tenant.
    """
    # Whoever adds themselves has a row that refers to the user in another transaction of the same request: the submitted form.
    lock(session, user, key_share=True)
    role_id = tenant_role(session, role, tenant.id).id
    if is_member(session, user, tenant.id):
        raise DomainError(MEMBER_ALREADY, field="tenant")
    membership = Membership(user_id=user.id, tenant_id=tenant.id, role_id=role_id)
    session.add(membership)
    session.flush()
    audit.record(
        session,
        "membership.created",
        membership,
        by=by,
        tenant_id=tenant.id,
        after={"email": user.email, "role": role},
    )


def is_member(session: Session, user: Any, tenant_id: str) -> bool:
    """Return whether a user belongs to a tenant."""
    held = select(Membership.id).where(Membership.user_id == user.id, Membership.tenant_id == tenant_id)
    return session.scalar(held) is not None


def mail_membership(  # noqa: PLR0913  (the mail names these)
    session: Session, user: Any, tenant: Tenant, *, portal_url: str, support_email: str, now: datetime
) -> None:
    """Notify an existing user by mail that they were added to another tenant (§2.1).

    :param portal_url: the URL where they sign in.
    :param support_email: the e-mail address for questions.
    """
    values = {
        "Email": user.email,
        "TenantId": tenant.id,
        "TenantName": tenant.name,
        "PortalUrl": portal_url,
        "SupportEmail": support_email,
    }
    outbox.write(session, "user_added", user.email, values, now=now, tenant_id=tenant.id)


def change_user(  # noqa: PLR0913  (a rule takes what the person saw and who they are)
    session: Session,
    user: Any,
    values: dict[str, Any],
    roles: Iterable[str],
    *,
    version: int,
    by: Actor,
    across: Session | None = None,
) -> None:
    """Change a user's name, e-mail address, active flag and the roles held in every tenant.

    Changing the e-mail address or deactivating the user ends their sessions and revokes their password links.

    :param values: ``last_name``, ``first_name``, ``email`` and ``active``.
    :param roles: the names of all elevated roles the user should have.
    :param version: the user's version when the person opened the form.
    :param across: a cross-tenant session for the logs of the user's tenants, if ``session`` is not one.
    :raises Conflict: the user was changed in the meantime.
    :raises Gone: the user was deleted in the meantime.
    :raises DomainError: nothing changes, the e-mail address is taken, or no administrator would be left.
    """
    lock_version(session, user, version)
    wanted = set(roles)
    if wanted - set(ELEVATED):
        raise DomainError(NOT_EVERYWHERE, field="roles")
    held = {role.name for role in user.roles}
    was = {"email": user.email, "active": user.active}
    if _is_admin(user) and not (values["active"] and NEC_ADMIN in wanted):
        _keep_an_admin(session, user, by=by)
    email = _free_email(session, values["email"], but=user)
    if email != user.email or not values["active"]:
        end_access(session, user)
    for name, value in {**values, "email": email, "username": email}.items():
        if getattr(user, name) != value:
            setattr(user, name, value)
    before, after = audit.changes(user)
    if before or after:
        audit.record(session, "user.changed", ("User", user.id), by=by, before=before, after=after)
    elif held == wanted:
        raise DomainError(NOTHING_CHANGED)
    user.version += 1
    _change_roles(session, user, held, wanted, by=by)
    if user.active != was["active"]:
        action = "membership.reactivated" if user.active else "membership.deactivated"
        now = {"email": email, "active": user.active}
        told = [audit.Change(each, was, now) for each in _memberships(session, user)]
        audit.record_all(across or session, action, told, by=by)


def delete_user(session: Session, user: Any, *, by: Actor, across: Session | None = None) -> None:
    """Delete a user with all memberships. The audit log keeps what they did under their e-mail address.

    :param across: a cross-tenant session for the logs of the user's tenants, if ``session`` is not one.
    :raises DomainError: it is the acting person's own account, or the last administrator.
    :raises Gone: the user was deleted concurrently.
    """
    lock(session, user)
    _keep_an_admin(session, user, by=by)
    memberships = _memberships(session, user)
    before = {
        "email": user.email,
        "roles": sorted(role.name for role in user.roles),
        "tenants": sorted(each.tenant_id for each in memberships),
    }
    left = [audit.Change(each, {"email": user.email, "role": each.role.name}, None) for each in memberships]
    audit.record_all(across or session, "membership.deleted", left, by=by)
    audit.record(session, "user.deleted", ("User", user.id), by=by, before=before)
    session.delete(user)


def set_preference(session: Session, user_id: int, name: str, value: str) -> None:
    """Store a display preference of a user.

    :param name: of ``views.preferences.CHOICES``.
    """
    changed = User.preferences.concat({name: value})
    session.execute(update(User).where(User.id == user_id).values(preferences=changed))


def unlock(session: Session, user: Any, *, by: Actor) -> None:
    """Unlock an account that was locked after too many wrong passwords, and reset the counter (§3.1).

    :raises Gone: the user was deleted concurrently.
    """
    lock(session, user)
    if user.locked_until is None:
        return
    user.locked_until = None
    user.fail_login_count = 0
    audit.record(session, "user.unlocked", ("User", user.id), by=by)


def change_membership(session: Session, membership: Membership, role: str, *, by: Actor) -> None:
    """Change a member's role in a tenant.

    :raises DomainError: the member already has the role, or it cannot be held in a tenant.
    :raises Gone: the role does not exist, or the membership was deleted concurrently.
    """
    lock(session, membership)
    email, before = membership.email, membership.role.name
    if before == role:
        raise DomainError(NOTHING_CHANGED)
    membership.role_id = tenant_role(session, role, membership.tenant_id).id
    membership.held_since = func.now()
    # The address is in both, so that the tenant's people see whose role it is.
    was, now = {"email": email, "role": before}, {"email": email, "role": role}
    audit.record(session, "membership.changed", membership, by=by, before=was, after=now)


def leave_tenant(session: Session, membership: Membership, *, by: Actor) -> None:
    """Remove a user from a tenant, effective at the user's next request.

    :raises Gone: the membership was deleted concurrently.
    """
    lock(session, membership)
    before = {"email": membership.email, "role": membership.role.name}
    audit.record(session, "membership.deleted", membership, by=by, before=before)
    session.delete(membership)


def _memberships(session: Session, user: Any) -> Sequence[Membership]:
    """Return a user's memberships with their roles."""
    held = select(Membership).where(Membership.user_id == user.id).order_by(Membership.tenant_id)
    return session.scalars(held.options(joinedload(Membership.role))).all()


def _change_roles(session: Session, user: Any, held: set[str], wanted: set[str], *, by: Actor) -> None:
    for name in sorted(wanted - held):
        grant_everywhere(session, user, name, by=by)
    for name in sorted(held - wanted):
        user.roles.remove(_role(session, name))
        audit.record(session, "user.role_taken", ("User", user.id), by=by, before={"role": name})


def _is_admin(user: Any) -> bool:
    return bool(user.active) and any(role.name == NEC_ADMIN for role in user.roles)


def _keep_an_admin(session: Session, user: Any, *, by: Actor) -> None:
    """Refuse to remove the acting person's own account or the last administrator."""
    if user.id == by.user_id:
        raise DomainError(OWN_ACCOUNT)
    if not _is_admin(user):
        return
    # When two administrators remove each other concurrently, the second waits here and is then refused as the last one.
    admin = session.scalars(select(Role).where(Role.name == NEC_ADMIN).with_for_update()).one()
    others = select(User.id).where(User.roles.any(Role.id == admin.id), User.active, User.id != user.id)
    if session.scalar(others.limit(1)) is None:
        raise DomainError(LAST_ADMIN)


def _free_email(session: Session, typed: str, *, but: Any = None) -> str:
    email = clean_email(typed)
    if len(email) > EMAIL_LENGTH:
        raise DomainError(f"An email address can have up to {EMAIL_LENGTH} characters.", field="email")
    with session.no_autoflush:
        other = find_by_email(session, email)
    if other is not None and (but is None or other.id != but.id):
        raise DomainError(TAKEN_ADDRESS, field="email")
    return email


def tenant_role(session: Session, name: str, tenant_id: str) -> Any:
    """Return a role that can be held in a tenant, locked against deletion until the end of the transaction.

    :raises DomainError: the role cannot be held in a tenant, or only in another one.
    :raises Gone: there is no such role.
    """
    if name in {*ELEVATED, PUBLIC}:
        raise DomainError(NOT_FOR_TENANTS, field="role")
    # The row lock makes a concurrent deletion of the role wait, and then see that the role is held.
    role = _role(session, name, held=True)
    if not may_be_held(role, tenant_id):
        raise DomainError(OF_ANOTHER_TENANT, field="role")
    return role


def _role(session: Session, name: str, *, held: bool = False) -> Any:
    found = select(Role).where(Role.name == name)
    role = session.scalar(found.with_for_update(read=True, key_share=True) if held else found)
    if role is None:
        raise Gone(f"The role {name!r} does not exist; `flask portal upgrade` creates the roles.")
    return role
