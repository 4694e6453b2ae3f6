"""What the environment sets, checked once at the start."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


class BadSettings(Exception):
    """The environment cannot be used; the message is one line that names each setting."""


def _http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be a URL such as http://backend:8000")
    return value


class Settings(BaseSettings):
    """The server's settings; every field is the environment variable of its name in capitals."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    backend_url: Annotated[str, AfterValidator(_http_url)] = "http://backend:8000"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    host: str = "0.0.0.0"  # noqa: S104 - the service is reached from outside its container
    port: int = Field(default=8001, ge=1, le=65535)
    drain_seconds: float = Field(default=5, ge=0, le=300)
    shutdown_seconds: int = Field(default=8, ge=1, le=300)


def load_settings() -> Settings:
    """Read the environment (and a `.env` beside it).

    Raises:
        BadSettings: A setting is malformed.
    """
    try:
        return Settings()
    except ValidationError as error:
        said = [
            f"{'_'.join(map(str, entry['loc'])).upper()}: {entry['msg'].removeprefix('Value error, ')}"
            for entry in error.errors(include_url=False, include_input=False)
        ]
        raise BadSettings("; ".join(said)) from None
