"""A user as the API server knows one, and the tokens of ServiceAccounts."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from mcp_tools.sandbox.objects.registry import Registry

MASTERS = "system:masters"
AUTHENTICATED = "system:authenticated"
AUDIENCE = "https://kubernetes.default.svc"
ACCOUNT_PREFIX = "system:serviceaccount:"
_CREDENTIAL = "authentication.kubernetes.io/credential-id"


@dataclass(frozen=True, slots=True)
class User:
    """Whoever sends a request."""

    name: str
    groups: tuple[str, ...] = (AUTHENTICATED,)
    uid: str = ""
    extra: Mapping[str, list[str]] = field(default_factory=dict)

    def info(self) -> dict[str, Any]:
        """`authentication/v1` UserInfo."""
        found: dict[str, Any] = {"username": self.name, "uid": self.uid, "groups": list(self.groups)}
        found["extra"] = dict(self.extra)
        return {key: value for key, value in found.items() if value}


ADMIN = User("kubernetes-admin", (MASTERS, AUTHENTICATED))


def account_groups(namespace: str) -> tuple[str, ...]:
    """The groups of every ServiceAccount of a namespace."""
    return "system:serviceaccounts", f"system:serviceaccounts:{namespace}", AUTHENTICATED


class Tokens:
    """Issues tokens for ServiceAccounts and recognises them.

    Args:
        registry: A token is good for as long as its account is there.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._key = secrets.token_bytes(32)

    def issue(self, account: dict[str, Any], seconds: int, audiences: list[str]) -> str:
        """A token for an account, in the form of a JSON Web Token."""
        now = int(self._registry.clock.now())
        meta = account["metadata"]
        claims = {
            "aud": audiences,
            "exp": now + seconds,
            "iat": now,
            "iss": AUDIENCE,
            "jti": str(uuid.uuid4()),
            "kubernetes.io": {
                "namespace": meta["namespace"],
                "serviceaccount": {"name": meta["name"], "uid": meta["uid"]},
            },
            "nbf": now,
            "sub": f"{ACCOUNT_PREFIX}{meta['namespace']}:{meta['name']}",
        }
        body = f"{_encode({'alg': 'HS256', 'kid': 'sandbox'})}.{_encode(claims)}"
        return f"{body}.{self._sign(body)}"

    def user_of(self, token: str) -> User | None:
        """The user that a token stands for; `None` where it is none of ours, expired, or its account gone."""
        body, _, signature = token.rpartition(".")
        if not body or not hmac.compare_digest(signature.encode(), self._sign(body).encode()):
            return None
        claims = _decode(body.partition(".")[2])
        if claims["exp"] < self._registry.clock.now() or AUDIENCE not in claims["aud"]:
            return None
        bound = claims["kubernetes.io"]
        namespace, account = bound["namespace"], bound["serviceaccount"]
        kind = self._registry.kinds.named("ServiceAccount")
        found = self._registry.store.get(kind, namespace, account["name"])
        if found is None or found["metadata"]["uid"] != account["uid"]:
            return None
        extra = {_CREDENTIAL: [f"JTI={claims['jti']}"]}
        return User(claims["sub"], account_groups(namespace), account["uid"], extra)

    def _sign(self, text: str) -> str:
        digest = hmac.new(self._key, text.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _encode(value: Any) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(value)).decode().rstrip("=")


def _decode(text: str) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return found
