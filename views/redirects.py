"""Redirect targets taken from a request."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import request


def local_path(target: str | None) -> str | None:
    """Return a redirect target if it is a path of this portal, None if it could lead to another site.

    >>> local_path("/customers/?page=2")
    '/customers/?page=2'
    >>> local_path("//elsewhere.example")
    """
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")) or "\\" in target:
        return None
    try:
        parts = urlsplit(target)
    except ValueError:
        return None
    return target if not parts.scheme and not parts.netloc and target.isprintable() else None


def requested_path() -> str:
    """Return the path and query string of the request as seen by the browser, including a proxy's path prefix."""
    return f"{request.root_path}{request.full_path}".rstrip("?")


def referrer_path() -> str | None:
    """Return the page of this portal that is the request's referrer, None if there is none or it is another site."""
    try:
        page = urlsplit(request.referrer or "")
    except ValueError:
        return None
    return local_path(page._replace(scheme="", netloc="").geturl()) if page.netloc == request.host else None


def back_to(list_url: str) -> str:
    """Return the URL of a list, with its search and sort order if the request was sent from that list."""
    page = referrer_path()
    return page if page is not None and page.partition("?")[0] == list_url else list_url
