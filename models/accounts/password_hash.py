"""Hash passwords with Argon2id (RFC 9106).

All checks of passwords go through :func:`matches`, also those of unknown users, so that their timing reveals nothing.
Hashes of earlier versions (scrypt and PBKDF2 of Werkzeug) are still checked, which takes longer, and replaced at the next
sign-in.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError
from werkzeug.security import check_password_hash

_ARGON2 = "$argon2id$"


@dataclass(frozen=True, slots=True)
class _Hashing:
    """The hasher with the current costs, and a hash that the passwords of unknown users are checked against."""

    hasher: PasswordHasher
    decoy: str


def _hashing(memory_kib: int, passes: int) -> _Hashing:
    hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1)
    return _Hashing(hasher, hasher.hash(secrets.token_urlsafe(32)))


_current: _Hashing | None = None


def configure(*, memory_kib: int, passes: int) -> None:
    """Set the costs of new hashes.

    :param memory_kib: the memory that one hash takes, in KiB.
    :param passes: how often the memory is filled.
    """
    global _current  # noqa: PLW0603  (one value per process, replaced whole)
    _current = _hashing(memory_kib, passes)


def _configured() -> _Hashing:
    if _current is None:
        raise RuntimeError("configure() has not been called.")
    return _current


def make(password: str) -> str:
    """Return a slow, salted hash of a password."""
    return _configured().hasher.hash(password)


def matches(stored: str | None, password: str) -> bool:
    """Whether a password is the one of a stored hash.

    :param stored: None or empty if there is no user or no password; takes as long as with a hash.
    """
    compared = stored or _configured().decoy
    if not compared.startswith(_ARGON2):
        return check_password_hash(compared, password)
    try:
        _configured().hasher.verify(compared, password)
    except (VerificationError, InvalidHashError):
        return False
    return bool(stored)


def needs_rehash(stored: str) -> bool:
    """Whether a hash is of an earlier kind, or costs less than new ones."""
    if not stored.startswith(_ARGON2):
        return True
    hasher, found = _configured().hasher, extract_parameters(stored)
    return found.memory_cost < hasher.memory_cost or found.time_cost < hasher.time_cost
