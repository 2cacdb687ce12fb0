"""Encrypt secrets that must be readable later, such as those of authenticator apps, before they are stored.

The key is derived from the setting ``SECRET_KEY``: whoever can only read the database cannot read the secrets.
"""

from __future__ import annotations

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES = 12
_settings: dict[str, bytes] = {}


def configure(secret_key: str) -> None:
    """Set the key from which the encryption keys are derived."""
    _settings["key"] = secret_key.encode()


def seal(text: str, purpose: str) -> bytes:
    """Encrypt a text.

    :param purpose: what the text is and whose; it can be decrypted only for the same purpose.
    """
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + _cipher(purpose).encrypt(nonce, text.encode(), None)


def unseal(sealed: bytes, purpose: str) -> str | None:
    """Decrypt a text; return None if it was encrypted for another purpose or with another ``SECRET_KEY``."""
    try:
        return _cipher(purpose).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None).decode()
    except (InvalidTag, ValueError):
        return None


def _cipher(purpose: str) -> AESGCM:
    return AESGCM(HKDF(SHA256(), 32, None, f"sealed secret: {purpose}".encode()).derive(_settings["key"]))
