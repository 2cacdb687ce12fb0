"""Secrets of tenants, encrypted with a key that is derived from ``SECRET_KEY`` and the tenant.

A secret that was copied to another tenant's row cannot be decrypted there.
"""

from __future__ import annotations

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES = 12


def seal(secret_key: str, tenant_id: str, text: str) -> bytes:
    """Encrypt a secret of a tenant."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + _cipher(secret_key, tenant_id).encrypt(nonce, text.encode(), None)


def unseal(secret_keys: list[str], tenant_id: str, sealed: bytes) -> str | None:
    """Decrypt a secret of a tenant.

    :param secret_keys: the setting ``SECRET_KEY`` and earlier ones.
    :returns: None if it was encrypted with none of these, or for another tenant.
    """
    nonce, text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    for key in secret_keys:
        try:
            return _cipher(key, tenant_id).decrypt(nonce, text, None).decode()
        except InvalidTag:
            continue
    return None


def _cipher(secret_key: str, tenant_id: str) -> AESGCM:
    return AESGCM(HKDF(SHA256(), 32, None, f"tenant-secret {tenant_id}".encode()).derive(secret_key.encode()))
