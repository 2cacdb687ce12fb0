"""The signed value that a public form carries from its first page to the last one.

It says that the first page was opened as the tenant allows, so that the next steps need no ``Referer`` header; and it
contains a random key, by which a form that is sent twice is recognized. It needs no cookie.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Iterable
from datetime import timedelta

from flask import current_app
from itsdangerous import BadData, URLSafeTimedSerializer
from redis import Redis, RedisError
from sqlalchemy.orm import Session

from models.row_lock import serialize
from views.signing import signing_keys

FIELD = "form_pass"
"""The hidden field of the forms that contains the pass."""

LIFETIME = timedelta(hours=24)
"""How long a form can be filled in, and how long a form that is sent again is recognized."""

_PASS, _SENT = "public form pass", "public form sent"

log = logging.getLogger(__name__)


def new_pass(signed: str) -> str:
    """Return a pass for the form of a signed URL."""
    return _serializer(_PASS).dumps([_digest(signed), secrets.token_urlsafe(16)])


def is_pass(text: str, signed: str) -> bool:
    """Return whether a text is a pass for the form of a signed URL that is still valid."""
    match _loaded(_PASS, text):
        case [str(digest), str()]:
            return digest == _digest(signed)
    return False


def first_result(session: Session, digest: str) -> str | None:
    """Return the ID that was noted when a form was sent for the first time, None if this is the first time.

    A second sending waits for the end of the first one's transaction.

    :param digest: of the form, from ``digest_of``.
    """
    serialize(session, "public_form", digest)
    try:
        noted = _redis().get(_key(digest))
    except RedisError as error:
        # Sending twice then makes two applications, of which the applicant confirms one.
        log.warning("sent forms not looked up", extra={"error": type(error).__name__})
        return None
    return noted.decode() if isinstance(noted, bytes) else None


def record_result(digest: str, application_id: str) -> None:
    """Note the ID of the application that a form has made, before its transaction is committed."""
    try:
        _redis().set(_key(digest), application_id, ex=LIFETIME)
    except RedisError as error:
        log.warning("sent form not noted", extra={"error": type(error).__name__})


def digest_of(text: str, typed: Iterable[tuple[str, str]]) -> str:
    """Return what identifies a sent form: a hash of its pass and its content.

    :param typed: name and value of each field.
    """
    return _digest(repr((text, list(typed))))


def sign_sent(tenant_id: str, application_id: str) -> str:
    """Return the signed part of the URL of the page that follows a sent form."""
    return _serializer(_SENT).dumps([tenant_id, application_id])


def read_sent(signed: str) -> tuple[str, str] | None:
    """Return the IDs of tenant and application in the URL of such a page, None if it is invalid or older than a day."""
    match _loaded(_SENT, signed):
        case [str(tenant_id), str(application_id)]:
            return tenant_id, application_id
    return None


def _loaded(salt: str, text: str) -> object:
    try:
        return _serializer(salt).loads(text, max_age=int(LIFETIME.total_seconds()))
    except BadData:
        return None


def _serializer(salt: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(signing_keys(), salt=salt)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _key(digest: str) -> str:
    return f"public-form:{digest}"


def _redis() -> Redis:
    redis: Redis = current_app.extensions["redis"]
    return redis
