"""The bearer token of an API call, however the API then looks it up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, g, request
from sqlalchemy.exc import SQLAlchemyError

from models.tokens import hash_token
from views.api.problem import problem


def bearer_token() -> str | None:
    """The token of the request, None when it has none."""
    scheme, token = _authorization()
    return token if scheme == "bearer" and token else None


def caller(find: Callable[[str], Any]) -> Any:
    """Whose the token of the request is, None when it opens nothing; looked up once for each request.

    :param find: returns the caller of a token, None when there is none.
    """
    if "api_caller" not in g:
        token = bearer_token()
        g.api_caller = find(token) if token else None
    return g.api_caller


class CallerLimits:
    """By what an API's rate limits count: each token in force by itself, and all other calls by their address.

    Counted by itself, every invented token would begin a limit of its own.

    :param find: returns the caller of a token, None when there is none.
    """

    def __init__(self, find: Callable[[str], Any]) -> None:
        self._find = find

    def token_key(self) -> str:
        """Return what a call with a token in force is counted by."""
        return hash_token(bearer_token() or "")

    def known(self) -> bool:
        """Whether the call has a token in force."""
        try:
            return caller(self._find) is not None
        except SQLAlchemyError:
            # The call itself meets the same error, and answers with it.
            return False

    def unknown(self) -> bool:
        """Whether the call has no token in force."""
        return not self.known()


def unauthorized() -> Response:
    """The answer to a call whose token opens nothing."""
    response = problem(401, "A valid bearer token is needed.")
    response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _authorization() -> tuple[str, str]:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    # Trimmed: with more blanks the same token would be counted as another.
    return scheme.lower(), token.strip()
