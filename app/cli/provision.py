"""The first steps of a new installation: its first tenant, and the administrator who makes everything else."""

from __future__ import annotations

import click
from email_validator import EmailNotValidError, validate_email
from flask import current_app, url_for
from sqlalchemy.orm import Session

from app.security import NEC_ADMIN
from models import clock
from models.accounts import password_link, user_rules
from models.accounts.user import clean_email, find_by_email
from models.actor import COMMAND_LINE
from models.errors import DomainError
from models.scope import all_tenants
from models.tenants.tenant import create_tenant as make_tenant

_WHY = "an installation is set up from outside any tenant"


def create_tenant(name: str) -> str:
    """Make a tenant.

    :param name: its name, as screens show it.
    :returns: its identifier.
    :raises click.ClickException: the name cannot be used.
    """
    with all_tenants(_WHY) as session:
        try:
            tenant = make_tenant(session, name, by=COMMAND_LINE)
        except DomainError as error:
            raise click.ClickException(error.message) from None
        tenant_id: str = tenant.id
        session.commit()
    return tenant_id


def create_admin(email: str, name: str | None = None) -> str:
    """Make an NEC Admin without a password, and the link with which they set one.

    Asked again for an administrator who has set no password yet, it makes a new link, and the one before ends.

    :param email: the address they sign in with.
    :param name: family name and first name with a blank between, the part of the address before the @ when not given.
    :returns: the link's address.
    :raises click.ClickException: the address is none or is a user's already, or roles are missing.
    """
    email = _checked(email)
    with all_tenants(_WHY) as session:
        try:
            user = _waiting_admin(session, email) or _new_admin(session, email, name)
        except (DomainError, LookupError) as error:
            raise click.ClickException(str(error)) from None
        token = password_link.issue(session, user, now=clock.utc_now(), by=COMMAND_LINE)
        session.commit()
    with current_app.test_request_context():
        path = url_for("PasswordSetupView.setup", token=token)
    return f"{current_app.config['PORTAL_URL']}{path}"


def _checked(email: str) -> str:
    email = clean_email(email)
    try:
        # "test" and "example" domains are real enough for the people who try things out.
        validate_email(email, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        raise click.ClickException(f"{email!r} is not an e-mail address.") from None
    return email


def _waiting_admin(session: Session, email: str) -> object | None:
    """The administrator who has set no password yet, None when the address is nobody's or somebody else's."""
    user = find_by_email(session, email)
    waits = user is not None and not user.password and any(role.name == NEC_ADMIN for role in user.roles)
    return user if waits else None


def _new_admin(session: Session, email: str, name: str | None) -> object:
    last_name, _, first_name = (name or email.partition("@")[0]).strip().partition(" ")
    user = user_rules.create_user(
        session, email, last_name=last_name[:64], first_name=first_name.strip()[:64], by=COMMAND_LINE
    )
    user_rules.grant_everywhere(session, user, NEC_ADMIN, by=COMMAND_LINE)
    return user
