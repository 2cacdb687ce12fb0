"""The password policy (§2.2). The manual defines the characters; the length and the forbidden content are our own."""

from __future__ import annotations

import string

from models.accounts.user import clean_email
from models.errors import N_, DomainError

FEWEST = 12
MOST = 1024
"""The longest password that sign-in accepts."""

SYMBOLS = "=+^$*.[]{}()?-\"!@#%&/\\,><':;_~`"
"""The symbols of §2.2. The manual prints the backslash as ¥."""

TOO_SHORT = N_("Use 12 characters or more.")
TOO_LONG = N_("Use 1024 characters or fewer.")
OTHER_CHARACTERS = N_("Use only half-width letters, digits and the symbols listed below.")
TOO_PLAIN = N_("Use at least one upper-case letter, one lower-case letter, one digit and one symbol.")
HAS_ADDRESS = N_("The password must not contain the email address, or the part of it before the @.")

_SHORTEST_LOCAL_PART = 4
"""Shorter local parts occur in many good passwords by chance."""

_KINDS = tuple(map(frozenset, (string.ascii_uppercase, string.ascii_lowercase, string.digits, SYMBOLS)))
_ALLOWED = frozenset().union(*_KINDS)


def faults(password: str, email: str) -> list[str]:
    """Return everything that is wrong with a new password.

    :param password: as typed; blanks and full-width characters are refused, not normalized.
    :param email: the e-mail address of the user.
    :returns: translatable sentences, empty when the password is acceptable.
    """
    found = []
    if len(password) < FEWEST:
        found.append(TOO_SHORT)
    if len(password) > MOST:
        found.append(TOO_LONG)
    characters = set(password)
    if characters - _ALLOWED:
        found.append(OTHER_CHARACTERS)
    if not all(characters & kind for kind in _KINDS):
        found.append(TOO_PLAIN)
    if _has_address(password, clean_email(email)):
        found.append(HAS_ADDRESS)
    return found


def check(password: str, email: str) -> None:
    """Refuse a password that violates the policy.

    :raises DomainError: for the first violation, on the field ``password``.
    """
    for fault in faults(password, email):
        raise DomainError(fault, field="password")


def _has_address(password: str, email: str) -> bool:
    """Whether a password contains an e-mail address or its local part, ignoring case and character width."""
    local = email.partition("@")[0]
    cleaned = clean_email(password)
    return (bool(email) and email in cleaned) or (len(local) >= _SHORTEST_LOCAL_PART and local in cleaned)
