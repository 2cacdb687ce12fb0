"""The password policy (§2.2). The manual defines the characters; everything else is our own.

Besides length and characters, zxcvbn estimates how many guesses a password takes: it knows frequent passwords and words,
and is told those that belong to the user.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Iterable
from typing import Any

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
EASY = N_("This password is easy to guess. Use several words that do not belong together, or a longer one.")
OWN_WORDS = N_(
    "This password is easy to guess, because it contains parts of the user's name, email address or company. Use other words."
)

FEWEST_GUESSES = 10**9
"""Argon2id and the locking make each guess expensive; this refuses frequent passwords with a year and a symbol added."""
FEWEST_GUESSES_WITH_OWN_WORDS = 10**10
"""The same for passwords that contain the user's own words, which are tried first."""

_PORTAL_WORDS = ("portal", "partner", "nec")
# zxcvbn refuses longer ones, and takes long for them.
_ESTIMATED = 72
_SHORTEST_WORD = 3
_SHORTEST_LOCAL_PART = 4
"""Shorter local parts occur in many good passwords by chance."""

_KINDS = tuple(map(frozenset, (string.ascii_uppercase, string.ascii_lowercase, string.digits, SYMBOLS)))
_ALLOWED = frozenset().union(*_KINDS)


def faults(password: str, email: str, words: Iterable[str] = ()) -> list[str]:
    """Return everything that is wrong with a new password.

    :param password: as typed; blanks and full-width characters are refused, not normalized.
    :param email: the e-mail address of the user.
    :param words: names that somebody who knows the user would try.
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
    # Only then, because the other rules say more exactly what to change.
    return found or _easy(password, (email, *words))


def check(password: str, email: str, words: Iterable[str] = ()) -> None:
    """Refuse a password that violates the policy.

    :raises DomainError: for the first violation, on the field ``password``.
    """
    for fault in faults(password, email, words):
        raise DomainError(fault, field="password")


def words_of(user: Any) -> list[str]:
    """Return the names of a user, and of the companies that the user works for."""
    own = (user.last_name, user.first_name, user.company, user.department)
    return [*filter(None, own), *(each.tenant.name for each in user.memberships)]


def _easy(password: str, words: Iterable[str]) -> list[str]:
    # It reads its dictionaries when it is imported, which the command line need not wait for.
    from zxcvbn import zxcvbn

    found = zxcvbn(password[:_ESTIMATED], user_inputs=[*_parts(words), *_PORTAL_WORDS])
    own = any(match.get("dictionary_name") == "user_inputs" for match in found["sequence"])
    if found["guesses"] >= (FEWEST_GUESSES_WITH_OWN_WORDS if own else FEWEST_GUESSES):
        return []
    return [OWN_WORDS if own else EASY]


def _parts(words: Iterable[str]) -> list[str]:
    """Return words in half width and lower case, and their parts."""
    plain = [unicodedata.normalize("NFKC", word).lower() for word in words]
    parts = {part for word in plain for part in (word, *re.split(r"[\W_]+", word))}
    return sorted(part for part in parts if len(part) >= _SHORTEST_WORD)


def _has_address(password: str, email: str) -> bool:
    """Whether a password contains an e-mail address or its local part, ignoring case and character width."""
    local = email.partition("@")[0]
    cleaned = clean_email(password)
    return (bool(email) and email in cleaned) or (len(local) >= _SHORTEST_LOCAL_PART and local in cleaned)
