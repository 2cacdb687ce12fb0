"""Users who must have a second factor but have none: until they have set one up, they can do nothing else."""

from __future__ import annotations

from flask import current_app, session, url_for

from models.accounts.identity import Identity
from views.redirects import local_path

_KEY = "after_set_up"
_MAX_BYTES = 500
"""The session cookie has little room; a longer URL leads to the dashboard instead."""


def lacks_second_factor(identity: Identity) -> bool:
    """Return whether a user must have a second factor, by their tenants or their role, but has none."""
    if identity.only_tenant_id is not None:
        # The provider of a single sign-on decides how people sign in there.
        return False
    required = identity.tenant_asks_second_factor or (identity.elevated and current_app.config["NEC_SECOND_FACTOR"])
    return bool(required) and not identity.has_second_factor


def keep_next(url: str) -> None:
    """Keep the page to which setting up the second factor leads."""
    if len(url.encode()) <= _MAX_BYTES:
        session[_KEY] = url


def next_page() -> str:
    """Return that page and forget it; the dashboard by default."""
    return local_path(session.pop(_KEY, None)) or url_for("HomeView.index")


def has_next() -> bool:
    """Return whether there is such a page."""
    return _KEY in session
