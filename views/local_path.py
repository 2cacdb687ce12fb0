"""Addresses that come with a request and are led to afterwards."""

from __future__ import annotations

from urllib.parse import urlsplit


def local_path(target: str | None) -> str | None:
    """A path of this portal, None for anything that could lead elsewhere.

    >>> local_path("/customers/?page=2")
    '/customers/?page=2'
    >>> local_path("//elsewhere.example")
    """
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")) or "\\" in target:
        return None
    parts = urlsplit(target)
    return target if not parts.scheme and not parts.netloc and target.isprintable() else None
