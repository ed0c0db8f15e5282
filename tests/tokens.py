"""Members' tokens for the tests."""

from __future__ import annotations

import json
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

_JWK = {"RS256": RSAAlgorithm, "ES256": ECAlgorithm, "EdDSA": OKPAlgorithm}


class Issuer:
    """One signing key, and the tokens it signs."""

    def __init__(self, algorithm: str = "ES256", *, kid: str = "a") -> None:
        self.algorithm = algorithm
        self.kid = kid
        if algorithm == "RS256":
            self.key: Any = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        elif algorithm == "ES256":
            self.key = ec.generate_private_key(ec.SECP256R1())
        else:
            self.key = ed25519.Ed25519PrivateKey.generate()

    @property
    def public_pem(self) -> str:
        """What LOYALTY_JWT_PUBLIC_KEY takes."""
        return self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    @property
    def jwk(self) -> dict[str, Any]:
        """The key as a key set shows it."""
        document = json.loads(_JWK[self.algorithm].to_jwk(self.key.public_key()))
        return document | {"kid": self.kid, "use": "sig", "alg": self.algorithm}

    def token(self, member_id: str, *, lasts_seconds: float = 300, **claims: Any) -> str:
        """A token for a member; `claims` come on top, those of None are left out."""
        content = {"sub": member_id, "exp": time.time() + lasts_seconds} | claims
        content = {name: value for name, value in content.items() if value is not None}
        return jwt.encode(content, self.key, algorithm=self.algorithm, headers={"kid": self.kid})
