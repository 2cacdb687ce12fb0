"""Forms that were sent after the session had ended: kept until the same user has signed in again, and shown again.

They are kept in Redis for 15 minutes, encrypted with a key that is made of the secret key, the user and an ID that only
the user's browser has. Who the user is, the form itself says: its one-time key is signed for whom its page was made.
Nothing is saved until the user sends the form again (docs/adr/0015-forms-sent-too-late.md).
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Iterable
from datetime import timedelta
from typing import NamedTuple

from flask import current_app, request
from itsdangerous import BadSignature, Signer
from redis import Redis, RedisError

from models import sealed_secret
from views.confirmation import MADE_IN, OF_THE_PAGE, returns_typed_form
from views.redirects import referrer_path, requested_path
from views.signing import signing_keys
from views.transaction import KEY_FIELD

KEPT_FOR = timedelta(minutes=15)

MAX_BYTES = 256 * 1024
"""The size of the largest form that is kept. The largest of the portal, テナント設定 with all its links, is smaller."""

MAX_DRAFTS = 20
"""How many forms of a user are kept within 15 minutes: anybody with a page of the user could send any number."""

_ID_LENGTH = 32
_SECRET = re.compile(r"passw|confirmation|secret|token", re.IGNORECASE)


class Draft(NamedTuple):
    """A form that was kept.

    :ivar path: where the form was sent to.
    :ivar back_url: the page that the form was on, None when that is not known.
    :ivar tenant_id: the tenant in which the form's page was made, empty for none.
    :ivar values: names and values of its fields.
    """

    path: str
    back_url: str | None
    tenant_id: str
    values: list[tuple[str, str]]


def new_key(user_id: int) -> str:
    """Return a one-time key for the forms of a page that is made for a user."""
    return _signer().sign(f"{user_id}.{secrets.token_urlsafe(12)}").decode()


def keep() -> str | None:
    """Keep the form of this request.

    :returns: the ID with which its user gets it back; None when it is not kept, because it is not a form that can be
        shown again, was not made for anybody, is too large, or because Redis is not available.
    """
    if (request.content_length or 0) > (request.max_content_length or 0):
        # A form with large files, which only a signed-in user may send; it is not read at all.
        return None
    key = request.form.get(KEY_FIELD, "")
    owner = _owner(key)
    view = current_app.view_functions.get(request.endpoint or "")
    if owner is None or not returns_typed_form(view):
        return None
    values = kept(request.form.items(multi=True))
    draft = Draft(requested_path(), referrer_path(), request.form.get(MADE_IN, ""), values)
    text = json.dumps(draft)
    if len(text) > MAX_BYTES:
        return None
    # The same for a form that is sent twice; a page can have several forms.
    draft_id = hashlib.sha256(f"{key} {request.path}".encode()).hexdigest()[:_ID_LENGTH]
    sealed = sealed_secret.seal(text, _purpose(owner, draft_id))
    try:
        return draft_id if _store(owner, draft_id, sealed) else None
    except RedisError:
        return None


def find(draft_id: str, user_id: int) -> Draft | None:
    """Return a form that was kept.

    :returns: None when there is none of this ID, it is somebody else's, or the secret key has changed since.
    """
    try:
        sealed = _redis().get(_name(draft_id)) if len(draft_id) == _ID_LENGTH else None
    except RedisError:
        return None
    if not isinstance(sealed, bytes):
        return None
    text = sealed_secret.unseal(sealed, _purpose(user_id, draft_id))
    if text is None:
        return None
    # The version before kept a fifth value.
    path, back_url, tenant_id, values, *_ = json.loads(text)
    return Draft(path, back_url, tenant_id, [(name, value) for name, value in values])


def kept(values: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return what may be kept of the fields of a form: no passwords and tokens, and nothing that each page has anew."""
    return [(name, value) for name, value in values if name not in OF_THE_PAGE and not is_secret(name)]


def is_secret(name: str) -> bool:
    """Whether the name of a field says that its value is a secret."""
    return _SECRET.search(name) is not None


def _owner(key: str) -> int | None:
    """Return for whom the page with a one-time key was made; None when the key is not ours."""
    try:
        return int(_signer().unsign(key).partition(b".")[0])
    except (BadSignature, ValueError):
        return None


def _signer() -> Signer:
    return Signer(signing_keys(), salt="form-key", key_derivation="hmac", digest_method=hashlib.sha256)


def _purpose(user_id: int, draft_id: str) -> str:
    return f"form-draft {user_id} {draft_id}"


def _redis() -> Redis:
    client: Redis = current_app.extensions["redis"]
    return client


def _name(draft_id: str) -> str:
    # Whoever reads Redis must not learn the ID, which is a part of the encryption key.
    return f"form-draft:{hashlib.sha256(draft_id.encode()).hexdigest()}"


def _store(owner: int, draft_id: str, sealed: bytes) -> bool:
    """Store an encrypted form, unless its user has too many."""
    counter = f"form-drafts-of:{owner}"
    with _redis().pipeline() as pipeline:
        pipeline.incr(counter)
        pipeline.expire(counter, KEPT_FOR, nx=True)
        count, _ = pipeline.execute()
    if count > MAX_DRAFTS:
        return False
    _redis().set(_name(draft_id), sealed, ex=KEPT_FOR)
    return True
