"""The portal as browsers get it from a reverse proxy that compresses static files, as README.md recommends.

The portal itself compresses nothing.
"""

from __future__ import annotations

import gzip

from flask import Flask, Response, request

from app import create_app as create_portal

LEVEL = 1
"""That of nginx, if none is set."""

TYPES = frozenset({"text/css", "text/javascript", "image/svg+xml"})


def create_app() -> Flask:
    """Return the portal, with compression."""
    portal = create_portal()
    portal.after_request(compress)
    return portal


def compress(response: Response) -> Response:
    """Compress a stylesheet, a script or an icon for a browser that accepts gzip.

    Pages are sent as they are: they contain tokens next to text of the request (the attack BREACH).
    """
    if request.endpoint == "static" and response.mimetype in TYPES and response.status_code == 200:
        response.direct_passthrough = False
        response.vary.add("Accept-Encoding")
        if "gzip" in request.accept_encodings:
            response.set_data(gzip.compress(response.get_data(), LEVEL, mtime=0))
            response.content_encoding = "gzip"
    return response
