"""Tokens of the APIs and of mailed links: how one is made, and what is stored of it."""

from __future__ import annotations

import hashlib
import secrets


def new_token(prefix: str) -> str:
    """256 random bits behind a mark.

    :param prefix: tells people and secret scanners whose token it is, as ``utm_``.
    """
    return prefix + secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """What is stored of a token: SHA-256 in hex. Fast on purpose: nobody chose it, so nobody can guess it."""
    return hashlib.sha256(token.encode()).hexdigest()
