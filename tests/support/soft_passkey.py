"""A passkey in software: makes the responses that a browser sends."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

ORIGIN = "http://localhost:8080"
_PRESENT, _VERIFIED, _NEW = 0x01, 0x04, 0x40


class SoftPasskey:
    """A key for one site, with a counter."""

    def __init__(self, origin: str = ORIGIN, host: str = "localhost") -> None:
        self._origin, self._host = origin, host
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.credential_id = secrets.token_bytes(16)
        self.count = 0
        self.owner = ""

    def create(self, options: dict[str, Any]) -> str:
        """The response to the options for a new passkey."""
        self.owner = options["user"]["id"]
        client_data = self._client_data("webauthn.create", options)
        length = len(self.credential_id).to_bytes(2, "big")
        made = bytes(16) + length + self.credential_id + self._public_key()
        attestation = {"fmt": "none", "attStmt": {}, "authData": self._data(_PRESENT | _VERIFIED | _NEW) + made}
        response = {"clientDataJSON": _text(client_data), "attestationObject": _text(cbor2.dumps(attestation))}
        return self._credential(response)

    def get(self, options: dict[str, Any], *, verified: bool = True) -> str:
        """The response to the options for signing in."""
        self.count += 1
        client_data = self._client_data("webauthn.get", options)
        data = self._data(_PRESENT | (_VERIFIED if verified else 0))
        signature = self._key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(SHA256()))
        response = {
            "clientDataJSON": _text(client_data),
            "authenticatorData": _text(data),
            "signature": _text(signature),
            "userHandle": self.owner,
        }
        return self._credential(response)

    def _client_data(self, kind: str, options: dict[str, Any]) -> bytes:
        return json.dumps({"type": kind, "challenge": options["challenge"], "origin": self._origin}).encode()

    def _data(self, flags: int) -> bytes:
        return hashlib.sha256(self._host.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _public_key(self) -> bytes:
        numbers = self._key.public_key().public_numbers()
        point = {-2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        return cbor2.dumps({1: 2, 3: -7, -1: 1} | point)

    def _credential(self, response: dict[str, str]) -> str:
        key = _text(self.credential_id)
        return json.dumps({"id": key, "rawId": key, "type": "public-key", "response": response})


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
