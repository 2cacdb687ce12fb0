"""Passkeys (WebAuthn): a key in a user's device or security key, which signs a challenge of the portal.

Not scoped: a passkey belongs to a user, not to a tenant.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import BigInteger, DateTime, ForeignKey, Identity, Index, Integer, LargeBinary, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.db import Base, CreatedAt
from models.operations import form_key

NAME_LENGTH = 50
MAX_PASSKEYS = 10
"""How many passkeys a user can have."""

MAX_RESPONSE = 16_384
"""The maximum length of a browser's response. An attestation with certificates, which the portal does not ask for, is longer."""

_TIMEOUT_MS = 120_000


class Passkey(Base):
    """A passkey of a user."""

    __tablename__ = "passkey"
    __table_args__ = (Index("ix_passkey_user_id", "user_id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    user_id: Mapped[int] = mapped_column(Integer, ForeignKey("ab_user.id", ondelete="CASCADE"))
    # Given by the user, to tell passkeys apart.
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    credential_id: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    # Counted by the device; a lower number tells that the key was copied. Many devices always say 0.
    sign_count: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[CreatedAt]
    last_used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


@dataclass(frozen=True, slots=True)
class Site:
    """The portal as browsers and passkeys know it. A passkey works only for the site that it was made for.

    :param origin: scheme, host and port of the portal's URL.
    :param host: the host, which is the ID of the site (RP ID).
    :param name: the name shown by devices.
    """

    origin: str
    host: str
    name: str

    @classmethod
    def of(cls, portal_url: str, *, name: str) -> Site | None:
        """Return the site of a URL, None if browsers allow no passkeys there: they need HTTPS or localhost, and a name."""
        parts = urlsplit(portal_url)
        host = parts.hostname or ""
        secure = parts.scheme == "https" or (parts.scheme == "http" and host == "localhost")
        if not secure or not host or _is_address(host):
            return None
        # As browsers write it: without the default port.
        usual = {"https": 443, "http": 80}[parts.scheme]
        port = f":{parts.port}" if parts.port not in {None, usual} else ""
        return cls(f"{parts.scheme}://{host}{port}", host, name)


@dataclass(frozen=True, slots=True)
class Signed:
    """The response of a browser, and the challenge that it must have signed.

    :param response: the credential as JSON.
    """

    response: str
    challenge: bytes
    site: Site


def of_user(session: Session, user_id: int) -> list[Passkey]:
    """Return the passkeys of a user, oldest first."""
    return list(session.scalars(select(Passkey).where(Passkey.user_id == user_id).order_by(Passkey.id)))


def creation_options(site: Site, user: Any, held: Iterable[Passkey]) -> tuple[str, bytes]:
    """Return the options with which a browser makes a passkey, as JSON, and their challenge.

    :param held: the passkeys that the user has; a device makes no second one.
    """
    import webauthn
    from webauthn.helpers import structs

    options = webauthn.generate_registration_options(
        rp_id=site.host,
        rp_name=site.name,
        user_id=str(user.id).encode(),
        user_name=user.email,
        user_display_name=user.email,
        timeout=_TIMEOUT_MS,
        exclude_credentials=[structs.PublicKeyCredentialDescriptor(id=each.credential_id) for each in held],
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.PREFERRED,
            user_verification=structs.UserVerificationRequirement.PREFERRED,
        ),
    )
    return webauthn.options_to_json(options), options.challenge


def request_options(site: Site, allowed: Iterable[Passkey], *, alone: bool) -> tuple[str, bytes]:
    """Return the options with which a browser uses a passkey, as JSON, and their challenge.

    :param allowed: the passkeys that may be used; any of the site if there are none.
    :param alone: whether the passkey replaces the password; the device must verify the user then, by PIN or biometrics.
    """
    import webauthn
    from webauthn.helpers import structs

    verification = structs.UserVerificationRequirement
    options = webauthn.generate_authentication_options(
        rp_id=site.host,
        timeout=_TIMEOUT_MS,
        allow_credentials=[structs.PublicKeyCredentialDescriptor(id=each.credential_id) for each in allowed],
        user_verification=verification.REQUIRED if alone else verification.PREFERRED,
    )
    return webauthn.options_to_json(options), options.challenge


def made(signed: Signed) -> Passkey | None:
    """Return the new passkey in a browser's response, without user and name; None if the response is not valid."""
    import webauthn

    if len(signed.response) > MAX_RESPONSE:
        return None
    try:
        checked = webauthn.verify_registration_response(
            credential=signed.response,
            expected_challenge=signed.challenge,
            expected_rp_id=signed.site.host,
            expected_origin=signed.site.origin,
        )
    except Exception:  # noqa: BLE001  (malformed keys and certificates fail in various parsers, each with its own errors)
        return None
    return Passkey(
        credential_id=checked.credential_id, public_key=checked.credential_public_key, sign_count=checked.sign_count
    )


def named_in(session: Session, signed: Signed) -> Passkey | None:
    """Return the passkey that a browser's response names, before its signature is checked; None if there is none."""
    from webauthn.helpers import parse_authentication_credential_json

    if len(signed.response) > MAX_RESPONSE:
        return None
    try:
        credential = parse_authentication_credential_json(signed.response)
    except Exception:  # noqa: BLE001  (the response is untrusted, and the parser does not say how it fails)
        return None
    found = session.scalar(select(Passkey).where(Passkey.credential_id == credential.raw_id))
    owner = credential.response.user_handle
    if found is None or (owner and owner != str(found.user_id).encode()):
        return None
    return found


def use(session: Session, passkey: Passkey, signed: Signed, *, alone: bool, now: datetime) -> bool:
    """Check a browser's response, and use its challenge up.

    :param passkey: of :func:`named_in`; the caller has locked its user's row.
    :param alone: whether the device must have verified the user.
    :returns: False if the signature is wrong, the challenge was used before, or the passkey was removed or copied.
    """
    import webauthn

    row = session.get(Passkey, passkey.id, populate_existing=True)
    if row is None:
        return False
    try:
        checked = webauthn.verify_authentication_response(
            credential=signed.response,
            expected_challenge=signed.challenge,
            expected_rp_id=signed.site.host,
            expected_origin=signed.site.origin,
            credential_public_key=row.public_key,
            credential_current_sign_count=row.sign_count,
            require_user_verification=alone,
        )
    except Exception:  # noqa: BLE001  (see `made`)
        return False
    # The challenge is in the browser's cookie, of which there may be copies.
    used = hashlib.sha256(b"passkey challenge " + signed.challenge).hexdigest()
    if form_key.claim(session, row.user_id, used).first is not None:
        return False
    row.sign_count, row.last_used_at = checked.new_sign_count, now
    session.flush()
    return True


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
