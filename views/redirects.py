"""Addresses that come with a request and are led to afterwards."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import request


def local_path(target: str | None) -> str | None:
    """A path of this portal, None for anything that could lead elsewhere.

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


def asked_for() -> str:
    """The address of the present request as the browser has it: with the prefix under which a proxy has the portal."""
    return f"{request.root_path}{request.full_path}".rstrip("?")


def came_from() -> str | None:
    """The page of this portal that the request was sent from, None when it was none or the browser does not tell."""
    try:
        page = urlsplit(request.referrer or "")
    except ValueError:
        return None
    return local_path(page._replace(scheme="", netloc="").geturl()) if page.netloc == request.host else None


def back_to(list_url: str) -> str:
    """A list as it was searched and sorted when the request was sent from it, else as it comes."""
    page = came_from()
    return page if page is not None and page.partition("?")[0] == list_url else list_url
