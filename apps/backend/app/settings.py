"""What the environment sets, checked once at the start."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

HS256_SECRET_BYTES = 32


class BadSettings(Exception):
    """The environment cannot be used; the message is one line that names each setting."""


def _http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be a URL such as https://todo.example.com")
    return value


def _postgres_url(value: SecretStr) -> SecretStr:
    try:
        url = make_url(value.get_secret_value())
    except ArgumentError:
        url = None
    if url is None or url.get_backend_name() not in {"postgresql", "postgres"} or not url.database:
        raise ValueError("must be a URL such as postgresql://user:password@host/database?sslmode=require")
    return value


HttpUrl = Annotated[str, AfterValidator(_http_url)]


class Settings(BaseSettings):
    """The backend's settings; every field is the environment variable of its name in capitals."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    database_url: Annotated[SecretStr, AfterValidator(_postgres_url)]
    database_pool_size: int = Field(default=10, ge=1, le=100)
    migrate_on_start: bool = False

    better_auth_url: HttpUrl
    better_auth_jwks_url: HttpUrl | None = None
    better_auth_algorithm: Literal["EdDSA", "ES256", "ES512", "RS256", "PS256", "HS256"] = "EdDSA"
    better_auth_secret: SecretStr | None = None
    jwks_refresh_cooldown_seconds: float = Field(default=10, ge=0, le=300)

    mcp_server_url: HttpUrl = "http://mcp-server:8001"

    gemini_api_key: SecretStr | None = None
    gemini_base_url: HttpUrl = "https://generativelanguage.googleapis.com/v1beta/openai/"
    openai_api_key: SecretStr | None = None
    openai_base_url: HttpUrl = "https://api.openai.com/v1/"
    chat_model: str | None = None

    events_sink: Literal["off", "log"] = "off"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    host: str = "0.0.0.0"  # noqa: S104 - the service is reached from outside its container
    port: int = Field(default=8000, ge=1, le=65535)
    drain_seconds: float = Field(default=5, ge=0, le=300)
    shutdown_seconds: int = Field(default=8, ge=1, le=300)

    @model_validator(mode="after")
    def _secret_signs(self) -> Settings:
        if self.better_auth_algorithm == "HS256":
            secret = self.better_auth_secret
            if secret is None or len(secret.get_secret_value().encode()) < HS256_SECRET_BYTES:
                raise ValueError(
                    f"BETTER_AUTH_SECRET: must have {HS256_SECRET_BYTES} bytes or more for BETTER_AUTH_ALGORITHM=HS256"
                )
        return self

    @property
    def jwks_url(self) -> str:
        """Where the issuer's public keys are fetched."""
        return self.better_auth_jwks_url or self.better_auth_url.rstrip("/") + "/api/auth/jwks"

    @property
    def sqlalchemy_url(self) -> URL:
        """DATABASE_URL for SQLAlchemy, with psycopg 3 as its driver."""
        return make_url(self.database_url.get_secret_value()).set(drivername="postgresql+psycopg")


def load_settings() -> Settings:
    """Read the environment (and a `.env` beside it).

    Raises:
        BadSettings: A setting is missing or malformed.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise BadSettings("; ".join(_sentences(error))) from None


def _sentences(error: ValidationError) -> list[str]:
    said = []
    for entry in error.errors(include_url=False, include_input=False):
        name = "_".join(str(part) for part in entry["loc"]).upper()
        if entry["type"] == "missing":
            said.append(f"{name} is not set")
        else:
            message = entry["msg"].removeprefix("Value error, ")
            said.append(f"{name}: {message}" if name else message)
    return said
