"""Create the first tenant and the first administrator of a new installation."""

from __future__ import annotations

import click
from flask import current_app
from sqlalchemy.orm import Session

from app.security import NEC_ADMIN
from models import clock
from models.accounts import password_link, user_rules
from models.accounts.user import clean_email, find_by_email
from models.actor import COMMAND_LINE
from models.errors import DomainError
from models.scope import all_tenants
from models.tenants.tenant import create_tenant as make_tenant
from models.values.mail_address import is_mail_address

_WHY = "the first tenant and administrator are created outside any tenant"


def create_tenant(name: str) -> str:
    """Create a tenant.

    :param name: the name shown on screens.
    :returns: the tenant's ID.
    :raises click.ClickException: the name is invalid.
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
    """Create an NEC Admin without a password, and a link for setting one.

    For an existing administrator who has not set a password yet, replace the link.

    :param email: the email address to sign in with.
    :param name: family name and first name separated by a blank; by default, the local part of the email address.
    :returns: the URL of the link.
    :raises click.ClickException: the email address is invalid or taken, or the roles are missing.
    """
    email = _checked(email)
    with all_tenants(_WHY) as session:
        try:
            user = _waiting_admin(session, email) or _new_admin(session, email, name)
        except (DomainError, LookupError) as error:
            raise click.ClickException(str(error)) from None
        token = password_link.issue(session, user, now=clock.utc_now(), by=COMMAND_LINE)
        session.commit()
    return password_link.url_of(token, portal_url=current_app.config["PORTAL_URL"])


def _checked(email: str) -> str:
    email = clean_email(email)
    if not is_mail_address(email):
        raise click.ClickException(f"{email!r} is not an e-mail address.")
    return email


def _waiting_admin(session: Session, email: str) -> object | None:
    """Return the administrator with this email address if they have not set a password yet, otherwise None."""
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
