"""Where Shipmate keeps its files: the XDG base directories, made private to the user."""

from __future__ import annotations

from pathlib import Path

from mcp_tools.errors import ShipmateError


def state_dir() -> Path:
    """The directory for the journal, the chat history and the sandbox (`$XDG_STATE_HOME/shipmate`), made if absent.

    Raises:
        ShipmateError: It cannot be made.
    """
    from platformdirs import user_state_path

    return _private(user_state_path("shipmate"))


def config_file() -> Path:
    """The user's settings file (`$XDG_CONFIG_HOME/shipmate/config.toml`); it need not exist."""
    from platformdirs import user_config_path

    return user_config_path("shipmate") / "config.toml"


def _private(path: Path) -> Path:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ShipmateError(
            f"The directory {path} cannot be made: {error.strerror}.",
            "Check its parent's permissions, or set XDG_STATE_HOME to another place.",
        ) from error
    return path
