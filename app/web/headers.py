"""Security headers of every response, most importantly a strict Content-Security-Policy."""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

from flask import Flask, Response, g, request

_POLICY = """
default-src 'none';
script-src 'nonce-{nonce}';
style-src 'self';
img-src 'self' data:;
font-src 'self';
connect-src 'self';
manifest-src 'self';
form-action 'self';
frame-ancestors 'none';
base-uri 'none'
""".strip().replace("\n", " ")

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}


def init_app(app: Flask) -> None:
    """Set the headers on every response, and make the nonce available to templates."""
    app.jinja_env.globals["csp_nonce"] = csp_nonce
    app.after_request(_add_headers)
    app.after_request(_make_redirect_relative)


def csp_nonce() -> str:
    """Return the nonce that allows the scripts of this page."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return g.csp_nonce


def _add_headers(response: Response) -> Response:
    headers = _HEADERS | {"Content-Security-Policy": _POLICY.format(nonce=csp_nonce())}
    if request.is_secure:
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    if request.endpoint != "static":
        # Pages contain a tenant's data: neither a proxy nor the back button after signing out may show them again.
        headers["Cache-Control"] = "no-store"
    present = {name.lower() for name, _ in response.headers}
    for name, value in headers.items():
        if name.lower() not in present:
            response.headers.add(name, value)
    return response


def _make_redirect_relative(response: Response) -> Response:
    """Remove scheme and host from a redirect, so that it stays in the portal, like all redirects of the portal.

    To add a missing slash, Flask redirects to a URL with the host of the request, which a client can forge.
    """
    if response.location is not None:
        response.location = urlsplit(response.location)._replace(scheme="", netloc="").geturl()
    return response
