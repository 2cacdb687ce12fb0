"""The demo accounts. Their password is public, so production refuses them (see config.py)."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.security import NEC_ADMIN, NEC_STAFF, PARTNER_OPERATOR, PARTNER_VIEWER
from models.accounts import user_rules
from models.accounts.user import User, find_by_email
from models.actor import COMMAND_LINE
from models.errors import DomainError
from models.tenants.tenant import Tenant

PASSWORD = "Mimamori-2026!"  # nosec B105  # noqa: S105  (shown to everybody, and refused in production)


@dataclass(frozen=True, slots=True)
class PersonPlan:
    """A planned account.

    :ivar roles: the role in each of the demo's tenants, in order; None for no role.
    :ivar everywhere: the role in every tenant, for NEC accounts.
    """

    email: str
    last_name: str
    first_name: str
    roles: tuple[str | None, ...] = ()
    everywhere: str | None = None


PEOPLE = (
    PersonPlan("operator@example.jp", "見守", "花子", (PARTNER_OPERATOR,)),
    PersonPlan("multi@example.jp", "見守", "太郎", (PARTNER_OPERATOR, PARTNER_VIEWER)),
    PersonPlan("viewer@example.jp", "見守", "みどり", (PARTNER_VIEWER,)),
    PersonPlan("staff@example.jp", "日電", "一郎", everywhere=NEC_STAFF),
    PersonPlan("admin@example.jp", "日電", "さくら", everywhere=NEC_ADMIN),
)


def any_partner(session: Session) -> bool:
    """Whether one of the tenants' demo accounts exists. An NEC one could be a real user who was created before."""
    emails = [person.email for person in PEOPLE if person.roles]
    return session.scalar(select(User.id).where(User.email.in_(emails)).limit(1)) is not None


def make_people(session: Session, tenants: list[Tenant]) -> None:
    """Create the accounts.

    :raises DomainError: an e-mail address is taken; the message says which one.
    :raises LookupError: a role is missing.
    """
    for person in PEOPLE:
        if find_by_email(session, person.email) is not None:
            raise DomainError(f"The demo cannot be created: {person.email} is a user outside the demo.")
        user = user_rules.create_user(
            session,
            person.email,
            last_name=person.last_name,
            first_name=person.first_name,
            password=PASSWORD,
            by=COMMAND_LINE,
        )
        if person.everywhere is not None:
            user_rules.grant_everywhere(session, user, person.everywhere, by=COMMAND_LINE)
        for tenant, role in zip(tenants, person.roles, strict=False):
            if role is not None:
                user_rules.join_tenant(session, user, tenant, role, by=COMMAND_LINE)
