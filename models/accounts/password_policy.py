"""What a password must be (§2.2). The manual gives the characters; the length, and what it must not contain, are ours."""

from __future__ import annotations

import string

from models.accounts.user import clean_email
from models.errors import N_, DomainError

FEWEST = 12
MOST = 1024
"""As many as sign-in takes."""

SYMBOLS = "=+^$*.[]{}()?-\"!@#%&/\\,><':;_~`"
"""The symbols of §2.2. The manual's ¥ is the key that types a backslash."""

TOO_SHORT = N_("Use 12 characters or more.")
TOO_LONG = N_("Use 1024 characters or fewer.")
OTHER_CHARACTERS = N_("Use only half-width letters, digits and the symbols listed below.")
TOO_PLAIN = N_("Use at least one upper-case letter, one lower-case letter, one digit and one symbol.")
HAS_ADDRESS = N_("The password must not contain the email address, or the part of it before the @.")

_SHORTEST_LOCAL_PART = 4
"""Shorter ones are in many good passwords by chance."""

_KINDS = tuple(map(frozenset, (string.ascii_uppercase, string.ascii_lowercase, string.digits, SYMBOLS)))
_ALLOWED = frozenset().union(*_KINDS)


def faults(password: str, email: str) -> list[str]:
    """What is wrong with a new password, every reason at once.

    :param password: as it was typed; blanks and width are not cleaned, they are refused.
    :param email: the address of the user it is for.
    :returns: translatable sentences, none when the password may be used.
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
    """Refuse a password that may not be used.

    :raises DomainError: the first of its faults, on the field ``password``.
    """
    for fault in faults(password, email):
        raise DomainError(fault, field="password")


def _has_address(password: str, email: str) -> bool:
    """Whether an address, or what stands before its @, is part of a password, in whatever case or width."""
    local = email.partition("@")[0]
    told = clean_email(password)
    return (bool(email) and email in told) or (len(local) >= _SHORTEST_LOCAL_PART and local in told)
