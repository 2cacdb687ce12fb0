"""The challenges that passkeys sign. Each belongs to one browser and one purpose, works once, and for five minutes."""

from __future__ import annotations

import base64
from datetime import timedelta
from urllib.parse import urlsplit

from flask import Response, current_app, request, session
from flask_babel import gettext

from models import clock
from models.accounts.passkey import Signed, Site

LIFETIME = timedelta(minutes=5)

_KEY = "passkey_challenge"


def site() -> Site | None:
    """Return the portal as passkeys know it, None if its URL allows no passkeys or this request is to another host."""
    found = Site.of(current_app.config["PORTAL_URL"], name=gettext("Partner service portal"))
    return found if found is not None and found.host == urlsplit(f"//{request.host}").hostname else None


def send(options: str, challenge: bytes, purpose: str) -> Response:
    """Return the options for the browser as JSON, and keep their challenge in its signed session."""
    session[_KEY] = [purpose, base64.b64encode(challenge).decode(), int(clock.utc_now().timestamp())]
    return Response(options, mimetype="application/json")


def take(response: str | None, purpose: str) -> Signed | None:
    """Return a browser's response with the challenge of its session, which is removed from there.

    :returns: None if there is no response, no challenge for this purpose, or it has expired.
    """
    found, at = session.pop(_KEY, None), site()
    if not response or found is None or at is None or found[0] != purpose:
        return None
    age = clock.utc_now().timestamp() - found[2]
    if not 0 <= age < LIFETIME.total_seconds():
        return None
    return Signed(response, base64.b64decode(found[1]), at)
