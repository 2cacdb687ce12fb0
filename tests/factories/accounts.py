"""Users, their roles and where they hold them."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from models import clock
from models.accounts import recovery_codes, user_session
from models.accounts import role as role_rules
from models.accounts import totp as totp_rules
from models.accounts.access_right import AccessRight
from models.accounts.invitation import UserInvitation
from models.accounts.membership import Membership
from models.accounts.passkey import Passkey
from models.accounts.user import Role, User
from models.tenants.tenant import Tenant
from models.tokens import hash_token

if TYPE_CHECKING:
    from tests.factories import Make

TOTP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def user(make: Make, **values: Any) -> User:
    defaults = {
        "email": f"user{make.number()}@example.jp",
        "last_name": "見守",
        "first_name": "花子",
        "active": True,
    } | values
    return make.save(User(**{"username": defaults["email"]} | defaults))


def role(make: Make, name: str | None = None, *rights: str, tenant: Tenant | None = None) -> Role:
    """An own role.

    :param rights: given as ``"Customers can_list"``.
    :param tenant: the only one in which it can be held.
    """
    rights_of = {role_rules.right_name(each): each for each in role_rules.grantable(make.session)}
    held = [rights_of[each] for each in rights]
    return make.save(Role(name=name or f"係{make.number()}", permissions=held, tenant_id=tenant.id if tenant else None))


def member(make: Make, tenant: Tenant, role: str, **values: Any) -> User:
    """A user with a role in a tenant."""
    made = make.user(**values)
    make.join(made, tenant, role)
    return made


def join(make: Make, user: User, tenant: Tenant, role: str) -> None:
    """Put a user into one more tenant."""
    make.save(Membership(user_id=user.id, tenant_id=tenant.id, role_id=_role(make, role).id))


def elevated(make: Make, role: str, **values: Any) -> User:
    """A user with a role in every tenant."""
    return make.user(roles=[_role(make, role)], **values)


def membership(
    make: Make, *, tenant: Tenant | None = None, role: str = "Partner Operator", **values: Any
) -> Membership:
    """The membership of a new user."""
    made = make.user(**{"last_name": f"会員{make.number()}"} | values)
    tenant_id = (tenant or make.tenant()).id
    return make.save(Membership(user_id=made.id, tenant_id=tenant_id, role_id=_role(make, role).id))


def access_right(make: Make, **values: Any) -> AccessRight:
    """The row of the access ledger for the membership of a new user."""
    made = membership(make, **values)
    return make.session.scalars(select(AccessRight).where(AccessRight.id == f"m{made.id}")).one()


def user_invitation(
    make: Make, *, tenant: Tenant | None = None, role: str = "Partner Operator", token: str = "", **values: Any
) -> UserInvitation:
    """An invitation whose link works.

    :param token: of its link.
    """
    now = clock.utc_now()
    number = make.number()
    defaults = {
        "email": f"invited{number}@example.jp",
        "invited_by": "staff@example.jp",
        "role_id": _role(make, role).id,
        "token_hash": hash_token(token or f"inv_{number}"),
        "sent_at": now,
        "expires_at": now + timedelta(days=7),
    }
    return make.save(UserInvitation(tenant_id=(tenant or make.tenant()).id, **defaults | values))


def session_token(make: Make, user: User, tenant: Tenant | None = None) -> str:
    """The token of a new session of a user, who has entered a tenant if that is NEC staff."""
    token = user_session.start(make.session, user.id, now=clock.utc_now())
    if tenant is not None:
        user_session.enter_tenant(make.session, token, user_session.Entry(tenant.id, clock.utc_now(), "Test"))
    make.commit()
    return token


def totp(make: Make, user: User, secret: str = TOTP_SECRET) -> list[str]:
    """An authenticator app of a user, of which no code has been used; returns the user's recovery codes."""
    totp_rules.store(make.session, user.id, secret, step=0)
    codes = recovery_codes.renew(make.session, user.id)
    user.has_second_factor = True
    make.commit()
    return codes


def passkey(make: Make, user: User, **values: Any) -> Passkey:
    """A passkey of a user."""
    user.has_second_factor = True
    defaults = {"name": "鍵", "credential_id": secrets.token_bytes(16), "public_key": b"", "sign_count": 0}
    return make.save(Passkey(user_id=user.id, **defaults | values))


def _role(make: Make, name: str) -> Role:
    return make.session.scalars(select(Role).where(Role.name == name)).one()
