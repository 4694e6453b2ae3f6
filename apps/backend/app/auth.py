"""Who is asking: the JWTs that Better Auth issues, verified."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated

import jwt
from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from jwt import PyJWK

from app.problems import Unauthorized, Unavailable
from app.settings import Settings

log = logging.getLogger(__name__)

CLOCK_SKEW_SECONDS = 5
SUBJECT_MAX = 255

bearer = HTTPBearer(auto_error=False, bearerFormat="JWT", description="A JWT issued by Better Auth.")


@dataclass(frozen=True, slots=True)
class User:
    """The person a request acts for; `token` is what proves it, to be forwarded and never logged."""

    id: str
    token: str = field(repr=False)


class TokenVerifier:
    """Accepts a token only with the pinned algorithm, a known key, and exp, iss, aud and sub that hold.

    Args:
        issuer: What both `iss` and `aud` must be.
        algorithm: The one algorithm that may sign.
        key_for: Gives the key for the token's `kid` header.
    """

    def __init__(self, issuer: str, algorithm: str, key_for: Callable[[str], Awaitable[PyJWK | str]]) -> None:
        self._issuer = issuer
        self._algorithm = algorithm
        self._key_for = key_for

    async def verify(self, token: str) -> User:
        """The user `token` speaks for.

        Raises:
            Unauthorized: The token does not hold.
            Unavailable: The issuer's keys cannot be fetched.
        """
        try:
            header = jwt.get_unverified_header(token)
            # Before the key is looked up: what cannot be accepted must not cause a fetch.
            if header.get("alg") != self._algorithm:
                raise jwt.InvalidAlgorithmError
            claims = jwt.decode(
                token,
                await self._key_for(header.get("kid", "")),
                algorithms=[self._algorithm],
                audience=self._issuer,
                issuer=self._issuer,
                leeway=CLOCK_SKEW_SECONDS,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.PyJWKClientConnectionError as error:
            log.warning("The issuer's keys cannot be fetched: %s", error)
            raise Unavailable("The issuer's keys cannot be fetched. Try again soon.") from error
        except jwt.ExpiredSignatureError as error:
            raise Unauthorized("The token has expired. Sign in again.") from error
        except jwt.PyJWTError as error:
            log.info("A token was refused: %s", type(error).__name__)
            raise Unauthorized("The token does not hold. Sign in again.") from error
        subject = claims["sub"]
        if not 0 < len(subject) <= SUBJECT_MAX or "\x00" in subject:
            raise Unauthorized("The token names no usable user.")
        return User(subject, token)


class SigningKeys:
    """The issuer's public keys, cached for five minutes; an unknown one is looked up, within a cool-down."""

    def __init__(self, url: str, cooldown_seconds: float) -> None:
        self._client = jwt.PyJWKClient(url, lifespan=300, timeout=5, cooldown_duration=cooldown_seconds)

    async def key_for(self, kid: str) -> PyJWK:
        """The key named `kid`; raises PyJWT's errors."""
        known = self._cached(kid)
        # The client fetches with blocking I/O. What is known already is not worth a thread for each request.
        return known if known is not None else await run_in_threadpool(self._client.get_signing_key, kid)

    def _cached(self, kid: str) -> PyJWK | None:
        cache = self._client.jwk_set_cache
        known = cache.get() if cache is not None else None
        if known is None:
            return None
        return self._client.match_kid([key for key in known.keys if key.public_key_use in {"sig", None}], kid)


def make_verifier(settings: Settings) -> TokenVerifier:
    """The verifier the settings ask for: a shared secret for HS256, else the issuer's JWKS."""
    issuer, algorithm = settings.better_auth_url, settings.better_auth_algorithm
    if algorithm == "HS256" and settings.better_auth_secret is not None:
        secret = settings.better_auth_secret.get_secret_value()

        async def shared(_kid: str) -> str:
            return secret

        return TokenVerifier(issuer, algorithm, shared)
    keys = SigningKeys(settings.jwks_url, settings.jwks_refresh_cooldown_seconds)
    return TokenVerifier(issuer, algorithm, keys.key_for)


async def current_user(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
) -> User:
    """The user whose token the request carries."""
    if credentials is None:
        raise Unauthorized("Send `Authorization: Bearer <token>`.")
    verifier: TokenVerifier = request.app.state.verifier
    return await verifier.verify(credentials.credentials)


CurrentUser = Annotated[User, Depends(current_user)]
