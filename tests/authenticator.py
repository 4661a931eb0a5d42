"""A passkey of ours (W3C Web Authentication, CTAP2): what a telephone would send, and what one that cheats would."""

import base64
import hashlib
import json
import os
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def packed(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def unpacked(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Authenticator:
    """One key for one site. origin: what the browser says where the page came from."""

    origin: str
    count: int = 0
    flags: int = PRESENT | VERIFIED
    handle: str = ""
    number: bytes = field(default_factory=lambda: os.urandom(32))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def make(self, options: dict[str, Any]) -> dict[str, Any]:
        """navigator.credentials.create"""
        self.handle = options["user"]["id"]
        numbers = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        data = self._data(options["rp"]["id"], ATTESTED) + bytes(16) + len(self.number).to_bytes(2, "big") + self.number
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data + cbor2.dumps(cose)})
        told = {"clientDataJSON": packed(self._client("webauthn.create", options)), "attestationObject": packed(attestation)}
        return self._credential(told)

    def sign(self, options: dict[str, Any]) -> dict[str, Any]:
        """navigator.credentials.get"""
        self.count += 1
        client, data = self._client("webauthn.get", options), self._data(options["rpId"])
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._credential({"clientDataJSON": packed(client), "authenticatorData": packed(data),
                                 "signature": packed(signature), "userHandle": self.handle})

    def _credential(self, response: dict[str, str]) -> dict[str, Any]:
        return {"id": packed(self.number), "rawId": packed(self.number), "type": "public-key", "response": response}

    def _client(self, kind: str, options: dict[str, Any]) -> bytes:
        return json.dumps({"type": kind, "challenge": options["challenge"], "origin": self.origin}).encode()

    def _data(self, site: str, more: int = 0) -> bytes:
        return hashlib.sha256(site.encode()).digest() + bytes([self.flags | more]) + self.count.to_bytes(4, "big")
