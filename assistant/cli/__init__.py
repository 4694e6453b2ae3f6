"""The command line: one module a command, each of which parses, calls one function, and renders."""

from __future__ import annotations

from assistant.cli.main import main

__all__ = ["main"]
