"""Encrypt secrets that must be readable later, such as those of authenticator apps, before they are stored.

The key is derived from the setting ``SECRET_KEY``: whoever can only read the database cannot read the secrets. What was
encrypted with an earlier one (``SECRET_KEY_FALLBACKS``) can still be read, until ``flask portal renew-secrets`` has encrypted
it again.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES = 12
_settings: dict[str, list[bytes]] = {}


def configure(secret_key: str, earlier: Iterable[str] = ()) -> None:
    """Set the key from which the encryption keys are derived.

    :param earlier: keys that were used before, only to decrypt.
    """
    _settings["keys"] = [each.encode() for each in (secret_key, *earlier)]


def seal(text: str, purpose: str) -> bytes:
    """Encrypt a text.

    :param purpose: what the text is and whose; it can be decrypted only for the same purpose.
    """
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + _cipher(_settings["keys"][0], purpose).encrypt(nonce, text.encode(), None)


def unseal(sealed: bytes, purpose: str) -> str | None:
    """Decrypt a text; return None if it was encrypted for another purpose or with an unknown ``SECRET_KEY``."""
    for key in _settings["keys"]:
        try:
            return _cipher(key, purpose).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None).decode()
        except (InvalidTag, ValueError):
            continue
    return None


def _cipher(key: bytes, purpose: str) -> AESGCM:
    return AESGCM(HKDF(SHA256(), 32, None, purpose.encode()).derive(key))
