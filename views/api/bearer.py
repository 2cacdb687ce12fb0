"""The bearer token of an API call, however the API then looks it up."""

from __future__ import annotations

from flask import Response, request

from models.tokens import hash_token
from views.api.problem import problem


def bearer_token() -> str | None:
    """The token of the request, None when it has none."""
    scheme, token = _authorization()
    return token if scheme == "bearer" and token else None


def caller_key() -> str:
    """What a rate limit counts calls by: the token, by its hash, or the address of a caller without one."""
    _, token = _authorization()
    return hash_token(token) if token else f"address {request.remote_addr}"


def unauthorized() -> Response:
    """The answer to a call whose token opens nothing."""
    response = problem(401, "A valid bearer token is needed.")
    response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _authorization() -> tuple[str, str]:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    # Trimmed: with more blanks the same token would be counted as another.
    return scheme.lower(), token.strip()
