"""Save the tenant settings (テナント設定, §5.4.1 (1)), both lists included, and renew the invitation URL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models import audit, scope
from models.actor import Actor
from models.errors import N_, DomainError
from models.row_lock import serialize
from models.tenants import access_origin
from models.tenants import link as portal_link
from models.tenants import settings as tenant_settings
from models.tenants.access_origin import MAX_ORIGINS, AccessOrigin
from models.tenants.link import MAX_LINKS, PortalLink
from models.tenants.settings import (
    CONTACT_LENGTH,
    DEFAULT_COLOUR,
    DISPLAY_NAME_LENGTH,
    MAX_GRACE_DAYS,
    TenantSettings,
)
from models.tenants.tenant import Tenant
from models.values import web_address
from models.values.colour import is_colour
from models.versioned import check_version

TAKEN_ORIGIN = N_("This URL is already in the list.")
TOO_MANY = N_("The list is full. Delete an entry first.")
NOT_DAYS = N_("Enter a whole number from 0 to 99.")
NOT_A_COLOUR = N_("Enter a colour as # and six digits or letters from a to f, such as #1d4ed8.")
TOO_LONG_A_NAME = N_("Enter 100 characters or fewer.")
TOO_LONG_A_CONTACT = N_("Enter 500 characters or fewer.")

_PLAIN = ("utm_applications", "shortage_grace_days", "display_name", "colour", "contact", "report_pdf")
"""The settings that are not lists."""

_OF_TENANT = ("second_factor_required", "passkey_sign_in")
"""Those that are columns of the tenant itself."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link as entered.

    :param key: the ID of the stored link, None for a new one.
    """

    key: int | None
    name: str
    url: str
    description: str
    posted_on: date


@dataclass(frozen=True, slots=True)
class SettingsInput:
    """The complete content of the screen. The lists are complete too: entries missing from them are deleted.

    :param display_name: the name on the public pages; empty for the tenant's own.
    :param contact: whom visitors of the public pages can ask.
    :param report_pdf: whether the monthly report is attached to its mail as a PDF.
    :param second_factor_required: whether the tenant's users must have a second factor.
    :param passkey_sign_in: whether the tenant's users may sign in with a passkey instead of the password.
    """

    utm_applications: bool
    shortage_grace_days: int
    origins: tuple[str, ...]
    links: tuple[Link, ...]
    display_name: str = ""
    colour: str = DEFAULT_COLOUR
    contact: str = ""
    report_pdf: bool = False
    second_factor_required: bool = False
    passkey_sign_in: bool = False


def stored(session: Session) -> tuple[SettingsInput, int]:
    """Return the stored settings of the session's tenant, and their version."""
    settings = tenant_settings.of_tenant(session)
    links = tuple(
        Link(link.id, link.name, link.url, link.description, link.posted_on) for link in portal_link.listed(session)
    )
    origins = tuple(access_origin.listed(session))
    tenant = _tenant(session)
    plain = {name: getattr(settings, name) for name in _PLAIN} | {name: getattr(tenant, name) for name in _OF_TENANT}
    return SettingsInput(origins=origins, links=links, **plain), settings.version


def save(session: Session, wanted: SettingsInput, *, version: int, by: Actor) -> bool:
    """Save the settings of the session's tenant.

    :param version: the version when the person opened the form, 0 if nothing was saved yet.
    :returns: whether anything changed.
    :raises Conflict: somebody else saved in the meantime.
    :raises DomainError: a value or a list is invalid.
    """
    origins = _checked(wanted)
    settings = locked(session)
    check_version(settings.version, version)
    before = _described(session, settings)
    for name in _PLAIN:
        setattr(settings, name, getattr(wanted, name))
    for name in _OF_TENANT:
        setattr(_tenant(session), name, getattr(wanted, name))
    _change_origins(session, origins)
    _change_links(session, wanted.links)
    session.flush()
    after = _described(session, settings)
    changed = [name for name in before if before[name] != after[name]]
    if not changed:
        return False
    settings.version += 1
    audit.record(
        session,
        "tenant_settings.changed",
        settings,
        by=by,
        before={name: before[name] for name in changed},
        after={name: after[name] for name in changed},
    )
    return True


def renew_invitation(session: Session, *, by: Actor) -> int:
    """Give the session's tenant a new invitation URL (申込み招待URL, §8.2.2 (2)), which ends the old one.

    :returns: the number in the new URL.
    """
    settings = locked(session)
    settings.invitation_number += 1
    audit.record(session, "tenant_settings.invitation_renewed", settings, by=by)
    session.flush()
    return settings.invitation_number


def _checked(wanted: SettingsInput) -> list[str]:
    """Validate the input and return the normalized origins."""
    if not 0 <= wanted.shortage_grace_days <= MAX_GRACE_DAYS:
        raise DomainError(NOT_DAYS, field="shortage_grace_days")
    if not is_colour(wanted.colour):
        raise DomainError(NOT_A_COLOUR, field="colour")
    if len(wanted.display_name) > DISPLAY_NAME_LENGTH:
        raise DomainError(TOO_LONG_A_NAME, field="display_name")
    if len(wanted.contact) > CONTACT_LENGTH:
        raise DomainError(TOO_LONG_A_CONTACT, field="contact")
    if len(wanted.origins) > MAX_ORIGINS:
        raise DomainError(TOO_MANY, field="origins")
    if len(wanted.links) > MAX_LINKS:
        raise DomainError(TOO_MANY, field="links")
    for link in wanted.links:
        web_address.check_page(link.url)
    origins = [web_address.origin(each) for each in wanted.origins]
    if len(set(origins)) < len(origins):
        raise DomainError(TAKEN_ORIGIN, field="origins")
    return origins


def locked(session: Session) -> TenantSettings:
    """Return the tenant's row, created if missing and locked until the end of the transaction."""
    tenant_id = scope.own_tenant_id(session)
    serialize(session, "tenant_settings", tenant_id)
    session.execute(insert(TenantSettings.__table__).values(tenant_id=tenant_id).on_conflict_do_nothing())
    row: TenantSettings = session.get_one(TenantSettings, tenant_id, populate_existing=True)
    return row


def _tenant(session: Session) -> Tenant:
    return session.get_one(Tenant, scope.own_tenant_id(session))


def _change_origins(session: Session, wanted: list[str]) -> None:
    stored = access_origin.listed(session)
    if gone := set(stored).difference(wanted):
        session.execute(delete(AccessOrigin).where(AccessOrigin.origin.in_(gone)))
    session.add_all([AccessOrigin(origin=each) for each in wanted if each not in stored])


def _change_links(session: Session, wanted: tuple[Link, ...]) -> None:
    stored = {link.id: link for link in portal_link.listed(session)}
    for each in wanted:
        # An unknown key belongs to a link that somebody else deleted. The person wants it, so it is added again.
        row = stored.pop(each.key, None) if each.key is not None else None
        if row is None:
            row = PortalLink()
            session.add(row)
        row.name, row.url, row.description, row.posted_on = each.name, each.url, each.description, each.posted_on
    for row in stored.values():
        session.delete(row)


def _described(session: Session, settings: TenantSettings) -> dict[str, Any]:
    """Return everything that can be saved, for the audit log."""
    return {
        **{name: getattr(settings, name) for name in _PLAIN},
        **{name: getattr(_tenant(session), name) for name in _OF_TENANT},
        "origins": access_origin.listed(session),
        "links": [
            {
                "name": link.name,
                "url": link.url,
                "description": link.description,
                "posted_on": link.posted_on.isoformat(),
            }
            for link in portal_link.listed(session)
        ],
    }
