"""What Better Auth does for the backend: signs tokens and serves its public keys, on a real loopback server."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm


class Issuer:
    """Signs with its newest key; serves all keys that it has not taken back."""

    def __init__(self) -> None:
        self.keys: dict[str, Ed25519PrivateKey] = {}
        self.fetches = 0
        self.url = ""
        self.rotate()

    def rotate(self, *, keep_old: bool = True) -> None:
        if not keep_old:
            self.keys.clear()
        self.keys[uuid.uuid4().hex] = Ed25519PrivateKey.generate()

    def claims(self, user: str, **changed: Any) -> dict[str, Any]:
        now = int(time.time())
        claims = {"sub": user, "iss": self.url, "aud": self.url, "iat": now, "exp": now + 600} | changed
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, user: str, **changed: Any) -> str:
        kid, key = list(self.keys.items())[-1]
        return jwt.encode(self.claims(user, **changed), key, algorithm="EdDSA", headers={"kid": kid})

    def jwks(self) -> bytes:
        keys = [
            json.loads(OKPAlgorithm.to_jwk(key.public_key())) | {"kid": kid, "alg": "EdDSA"}
            for kid, key in self.keys.items()
        ]
        return json.dumps({"keys": keys}).encode()


@contextmanager
def serve() -> Iterator[Issuer]:
    issuer = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.fetches += 1
            body = issuer.jwks()
            self.send_response(200 if self.path == "/api/auth/jwks" else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield issuer
    server.shutdown()
    server.server_close()
