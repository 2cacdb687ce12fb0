"""Headers every answer carries: a strict Content-Security-Policy above all."""

from __future__ import annotations

import secrets

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


def init_app(app: Flask) -> None:
    """Set the headers on every response, and give templates their nonce."""
    app.jinja_env.globals["csp_nonce"] = csp_nonce
    app.after_request(_add_headers)


def csp_nonce() -> str:
    """The one-time word that lets this page's own scripts run."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return g.csp_nonce


def _add_headers(response: Response) -> Response:
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
    response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    response.headers.setdefault("X-Frame-Options", "DENY")
    response.headers.setdefault("Content-Security-Policy", _POLICY.format(nonce=csp_nonce()))
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
    if request.endpoint != "static":
        # Pages hold one tenant's data: neither a proxy nor the back button after signing out may show them.
        response.headers.setdefault("Cache-Control", "no-store")
    return response
