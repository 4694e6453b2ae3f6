"""Which tokens are taken, and which are not."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from conftest import Start
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from issuer import Issuer
from process import Service


def status(backend: Service, token: str) -> int:
    with backend.client(token) as client:
        response = client.get("/api/tasks")
    if response.status_code == 401:
        assert response.headers["content-type"] == "application/problem+json"
        assert response.headers["www-authenticate"].startswith("Bearer")
    return response.status_code


def unsigned(header: dict[str, Any], claims: dict[str, Any], signature: str = "") -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, claims)]
    return ".".join([*parts, signature])


def public_key(issuer: Issuer) -> bytes:
    return next(iter(issuer.keys.values())).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def confused(issuer: Issuer, kid: str) -> str:
    """A token signed with HMAC, the public key as its secret."""
    body = unsigned({"alg": "HS256", "kid": kid}, issuer.claims("mallory")).rsplit(".", 1)[0]
    digest = hmac.new(public_key(issuer), body.encode(), hashlib.sha256).digest()
    return f"{body}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def forged(issuer: Issuer) -> dict[str, str]:
    kid = list(issuer.keys)[-1]
    claims = issuer.claims("mallory")
    head, body, signature = issuer.token("mallory").split(".")
    admin = unsigned({}, issuer.claims("admin")).split(".")[1]

    def signed(headers: dict[str, Any]) -> str:
        return jwt.encode(claims, Ed25519PrivateKey.generate(), "EdDSA", headers=headers)

    return {
        "another key with a known kid": signed({"kid": kid}),
        "an unknown kid": signed({"kid": "unknown"}),
        "no kid": signed({}),
        "changed claims": f"{head}.{admin}.{signature}",
        "none": unsigned({"alg": "none", "kid": kid}, claims),
        "None with a signature": unsigned({"alg": "None", "kid": kid}, claims, signature),
        "HS256 with the public key as its secret": confused(issuer, kid),
        "no signature": f"{head}.{body}.",
        "not a token": "not-a-token",
    }


def test_a_forged_token_is_refused(backend: Service, issuer: Issuer) -> None:
    assert status(backend, issuer.token("mallory")) == 200
    tokens = forged(issuer)
    assert {name: status(backend, token) for name, token in tokens.items()} == dict.fromkeys(tokens, 401)


@pytest.mark.parametrize(
    "changed",
    [
        {"exp": int(time.time()) - 60},
        {"exp": None},
        {"aud": "https://elsewhere.example"},
        {"aud": None},
        {"iss": "https://elsewhere.example"},
        {"iss": None},
        {"sub": None},
        {"sub": ""},
        {"sub": "x" * 256},
        {"nbf": int(time.time()) + 600},
    ],
    ids=str,
)
def test_claims_that_do_not_hold_are_refused(backend: Service, issuer: Issuer, changed: dict[str, Any]) -> None:
    assert status(backend, issuer.token("user", **changed)) == 401


@pytest.mark.parametrize("path", ["/api/tasks", "/api/tasks/00000000-0000-4000-8000-000000000000"])
def test_without_a_token_nothing_is_told(backend: Service, path: str) -> None:
    with backend.client() as client:
        assert client.get(path).status_code == 401
        assert client.get(path, headers={"Authorization": "Basic dTpw"}).status_code == 401


def test_keys_rotate_without_a_restart_and_a_withdrawn_key_ends(start: Start, issuer: Issuer) -> None:
    with start() as backend:
        old = issuer.token("user")
        assert status(backend, old) == 200
        issuer.rotate()
        assert status(backend, issuer.token("user")) == 200
        assert status(backend, old) == 200
        issuer.rotate(keep_old=False)
        assert status(backend, issuer.token("user")) == 200
        assert status(backend, old) == 401


def test_unknown_keys_cannot_make_the_backend_hammer_the_issuer(start: Start, issuer: Issuer) -> None:
    with start(JWKS_REFRESH_COOLDOWN_SECONDS="300") as backend:
        assert status(backend, issuer.token("user")) == 200
        before = issuer.fetches
        assert [status(backend, forged(issuer)["an unknown kid"]) for _ in range(10)] == [401] * 10
        assert [status(backend, forged(issuer)["none"]) for _ in range(10)] == [401] * 10
        assert issuer.fetches == before


def test_an_issuer_that_does_not_answer_is_not_the_users_fault(start: Start, issuer: Issuer) -> None:
    with start(BETTER_AUTH_JWKS_URL="http://127.0.0.1:9/jwks") as backend, backend.client(issuer.token("u")) as client:
        response = client.get("/api/tasks")
    assert response.status_code == 503
    assert response.headers["retry-after"]
    assert "keys cannot be fetched" in response.json()["detail"]


def test_hs256_is_taken_only_where_it_is_configured(start: Start, issuer: Issuer) -> None:
    secret = "a-secret-of-the-tests-" * 3
    shared = jwt.encode(issuer.claims("user"), secret, "HS256")
    with start(BETTER_AUTH_ALGORITHM="HS256", BETTER_AUTH_SECRET=secret) as backend:
        assert status(backend, shared) == 200
        assert status(backend, jwt.encode(issuer.claims("user"), secret + "x", "HS256")) == 401
        assert status(backend, jwt.encode(issuer.claims("user"), secret, "HS512")) == 401
        assert status(backend, issuer.token("user")) == 401
    with start(BETTER_AUTH_SECRET=secret) as backend:
        assert status(backend, shared) == 401
