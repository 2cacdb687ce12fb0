"""Sign-ins that wait for the browser to come back from a provider: kept in Redis for ten minutes, each used once."""

from __future__ import annotations

import json
import secrets
from datetime import timedelta
from hashlib import sha256
from typing import NamedTuple

from flask import current_app, session
from redis import Redis

from models.accounts.provider_client import Start

KEPT_FOR = timedelta(minutes=10)

_COOKIE = "single_sign_on"
_MAX_STATE = 200


class Flow(NamedTuple):
    """A sign-in that has started.

    :ivar tenant_id: whose provider it waits for.
    :ivar nonce: expected in the ID token.
    :ivar verifier: the secret of PKCE.
    :ivar wanted: the arguments ``next`` and ``draft`` of the sign-in page.
    :ivar browser: a hash of what the browser has in its session.
    """

    tenant_id: str
    nonce: str
    verifier: str
    wanted: dict[str, str]
    browser: str


def keep(tenant_id: str, start: Start, wanted: dict[str, str]) -> None:
    """Keep a sign-in until the browser comes back.

    :raises redis.RedisError: Redis is not available.
    """
    # One key for all windows of a browser.
    key = session.setdefault(_COOKIE, secrets.token_urlsafe(32))
    flow = Flow(tenant_id, start.nonce, start.verifier, wanted, _hash(key))
    _redis().set(_name(start.state), json.dumps(flow), ex=KEPT_FOR)


def take(state: str) -> Flow | None:
    """Return the sign-in of a state, which is then used up.

    :returns: None if there is none, it is too old or was used, or another browser has started it.
    :raises redis.RedisError: Redis is not available.
    """
    found = _redis().getdel(_name(state)) if 0 < len(state) <= _MAX_STATE else None
    if not isinstance(found, bytes):
        return None
    flow = Flow(*json.loads(found))
    own = secrets.compare_digest(flow.browser, _hash(session.get(_COOKIE, "")))
    return flow if own else None


def _redis() -> Redis:
    client: Redis = current_app.extensions["redis"]
    return client


def _name(state: str) -> str:
    # Whoever reads Redis must not learn the state.
    return f"single-sign-on:{_hash(state)}"


def _hash(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
