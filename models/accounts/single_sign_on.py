"""Sign-in by a tenant's OpenID provider, and the rules that go with changes of a connection.

The session is limited to the tenant whose provider signed the person in (docs/adr/0021-single-sign-on.md).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from models import audit
from models.accounts import identity_subject, membership, user, user_session
from models.accounts.identity import SignedIn, signed_in
from models.accounts.provider_client import Client, Person
from models.accounts.provider_http import Network, ProviderError
from models.actor import Actor
from models.row_lock import serialize
from models.tenants import identity_domain, identity_provider
from models.tenants.identity_domain import IdentityDomain
from models.tenants.identity_provider import Connection
from models.tenants.tenant import Tenant


class SignInRefused(Exception):
    """A person whom the provider has authenticated is not signed in.

    :param reason: what is recorded in the audit log.
    :param user_id: the user, None if there is none with that address.
    """

    def __init__(self, reason: str, user_id: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.user_id = user_id


@dataclass(frozen=True, slots=True)
class Provider:
    """The connection of a tenant that is in use.

    :ivar domains: the confirmed domains.
    """

    tenant_id: str
    label: str
    trusts_addresses: bool
    domains: frozenset[str]
    client: Client


def redirect_uri(tenant_id: str, *, portal_url: str) -> str:
    """Return where a tenant's provider leads back to; ``SingleSignOnView`` has its route.

    Each tenant has its own, so that no provider can be taken for another's (RFC 9700, section 4.4.2.2).
    """
    return f"{portal_url}/single-sign-on/{tenant_id}/callback"


def find_provider(session: Session, tenant_id: str, *, portal_url: str, network: Network) -> Provider | None:
    """Return the connection of a tenant; None if it has none, or it is not in use.

    :param session: a session of the tenant, or a cross-tenant session.
    :raises ProviderError: the client secret was encrypted with another ``SECRET_KEY``.
    """
    row = identity_provider.of_tenant(session, tenant_id)
    if row is None or not row.active:
        return None
    secret = identity_provider.client_secret(row)
    if secret is None:
        raise ProviderError("The client secret cannot be decrypted.")
    uri = redirect_uri(tenant_id, portal_url=portal_url)
    client = Client(row.issuer, row.client_id, secret, uri, network)
    domains = identity_domain.verified(session, tenant_id)
    return Provider(tenant_id, row.label, row.trusts_addresses, domains, client)


def sign_in(session: Session, tenant_id: str, person: Person, *, now: datetime, by: Actor) -> SignedIn:
    """Start a session for an existing user of a tenant.

    A lock after wrong passwords does not matter here and stays: only the password could have been guessed.

    :param session: a session of the tenant.
    :param person: whom the tenant's provider has authenticated, with an address in a domain of the tenant.
    :raises SignInRefused: there is no such user in the tenant, or it is not theirs.
    """
    _check_connection(session, tenant_id, person)
    serialize(session, "sign_in", user.clean_email(person.email))
    found = _checked(session, tenant_id, user.find_by_email(session, person.email, locked=True))
    if not identity_subject.bind(session, tenant_id, found.id, issuer=person.issuer, subject=person.subject):
        raise SignInRefused("other_subject", found.id)
    user.count_sign_in(session, found, now=now)
    by = replace(by, name=found.email, user_id=found.id)
    after = {"issuer": person.issuer, "tenant": tenant_id}
    audit.record(session, "sign_in.single_sign_on", ("User", found.id), by=by, after=after)
    token = user_session.start(session, found.id, now=now, tenant_id=tenant_id)
    return signed_in(found, token)


def _check_connection(session: Session, tenant_id: str, person: Person) -> None:
    """Refuse a person whose sign-in started before the connection or its domains were changed.

    The lock lets a change wait for this sign-in, so that it also ends the session.
    """
    row = identity_provider.locked(session, tenant_id, shared=True)
    in_use = row is not None and row.active and row.issuer == person.issuer
    if not in_use or identity_domain.domain_of(person.email) not in identity_domain.verified(session, tenant_id):
        raise SignInRefused("not_in_use")


def _checked(session: Session, tenant_id: str, found: Any | None) -> Any:
    """Return a user who may sign in to a tenant by its provider, and refuse all others."""
    if found is None:
        raise SignInRefused("unknown_address")
    if not found.active:
        raise SignInRefused("inactive", found.id)
    if not membership.is_member(session, found.id, tenant_id):
        raise SignInRefused("not_a_member", found.id)
    if membership.is_elevated(session, found.id):
        raise SignInRefused("elevated", found.id)
    return found


def record_refusal(session: Session, provider: Provider, reason: str, *, by: Actor, email: str = "") -> None:
    """Record that a sign-in was refused.

    :param by: with the user whose address it was, if there is one.
    :param email: the address that the provider has named, if any.
    """
    after = {"issuer": provider.client.issuer, "tenant": provider.tenant_id, "reason": reason}
    if email:
        after["email"] = email[: user.EMAIL_LENGTH]
    audit.record(session, "sign_in.single_sign_on_refused", ("User", by.user_id or 0), by=by, after=after)


def save_connection(  # noqa: PLR0913  (a rule takes its settings as arguments)
    session: Session,
    tenant: Tenant,
    wanted: Connection,
    secret: str,
    *,
    version: int,
    allow_local: bool,
    by: Actor,
) -> None:
    """Save the connection of a tenant, as ``identity_provider.save`` does.

    When it leads to another provider or client, or is no longer in use, the sessions that it started end. Another
    provider or client has other subjects, so the known ones are released.
    """
    before, _ = identity_provider.stored(session, tenant)
    ends = identity_provider.save(
        session,
        tenant,
        wanted,
        secret,
        version=version,
        allow_local=allow_local,
        by=by,
    )
    if ends:
        user_session.revoke_of_tenant(session, tenant.id)
    if (before.issuer, before.client_id) != (wanted.issuer, wanted.client_id):
        identity_subject.release_all(session, tenant.id)


def remove_domain(session: Session, tenant: Tenant, row: IdentityDomain, *, by: Actor) -> None:
    """Remove a domain of a tenant, as ``identity_domain.remove`` does, and end the sessions of its single sign-on."""
    identity_domain.remove(session, tenant, row, by=by)
    # Waits for sign-ins that have read the domain.
    identity_provider.locked(session, tenant.id)
    user_session.revoke_of_tenant(session, tenant.id)
