"""Generate and hash the tokens of the APIs and of mailed links."""

from __future__ import annotations

import hashlib
import secrets


def new_token(prefix: str) -> str:
    """Return a token with 256 random bits.

    :param prefix: identifies the kind of token to people and secret scanners, such as ``utm_``.
    """
    return prefix + secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """Return the hash to store: SHA-256 in hex. A fast hash is enough because a random token cannot be guessed."""
    return hashlib.sha256(token.encode()).hexdigest()
