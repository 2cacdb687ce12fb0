"""Bearer authentication shared by the APIs; each API looks up tokens in its own way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, g, request
from sqlalchemy.exc import SQLAlchemyError

from models.tokens import hash_token
from views.api.problem import problem


def bearer_token() -> str | None:
    """Return the bearer token of the request, None if it has none."""
    scheme, token = _authorization()
    return token if scheme == "bearer" and token else None


def caller(find: Callable[[str], Any]) -> Any:
    """Return the caller identified by the request's token, None if the token is missing or invalid.

    The result is cached for the request.

    :param find: returns the caller of a token, None for an invalid token.
    """
    if "api_caller" not in g:
        token = bearer_token()
        g.api_caller = find(token) if token else None
    return g.api_caller


class CallerLimits:
    """The conditions of an API's two rate limits: one counts calls per active token, the other all other calls.

    Other calls are counted per IP address: otherwise every made-up token would have a limit of its own.

    :param find: returns the caller of a token, None for an invalid token.
    """

    def __init__(self, find: Callable[[str], Any]) -> None:
        self._find = find

    def token_key(self) -> str:
        """Return the rate limit key of a call with an active token."""
        return hash_token(bearer_token() or "")

    def known(self) -> bool:
        """Return whether the call has an active token, or the database cannot tell."""
        try:
            return caller(self._find) is not None
        except SQLAlchemyError:
            # The view runs into the same error and reports it. Counted by their address, all callers behind a busy one
            # would be refused long after the database is back.
            return True

    def unknown(self) -> bool:
        """Return whether the call has no active token."""
        return not self.known()


def unauthorized() -> Response:
    """Return the response to a call with a missing or invalid token."""
    response = problem(401, "A valid bearer token is needed.")
    response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _authorization() -> tuple[str, str]:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    # Trimmed: otherwise the same token with more blanks would be counted separately.
    return scheme.lower(), token.strip()
