"""Capture the table columns of a real API server: `PYTHONPATH=tests/sandbox python -m fidelity.columns > FILE`.

FILE is mcp_tools/sandbox/api/columns.json: the columns of every built-in kind that the sandbox serves.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from sandbox_helpers import TABLE, Client

from mcp_tools.sandbox.objects.kinds import KINDS

_FIELDS = ("name", "type", "format", "priority", "description")


def capture(client: Client) -> dict[str, list[list[Any]]]:
    """Of every column its name, type, format, priority and description, by the kind's qualified name."""
    found = {}
    for kind in KINDS:
        if "list" in kind.verbs:
            columns = client("GET", kind.path(), accept=TABLE).body["columnDefinitions"] or ()
            found[kind.qualified] = [[column[field] for field in _FIELDS] for column in columns]
    return found


def main() -> None:
    """Write them to stdout, a column a line."""
    client = Client(Path(os.environ["KUBECONFIG"]))
    try:
        found = capture(client)
    finally:
        client.close()
    kinds = [f"{json.dumps(name)}: [\n{_lines(columns)}\n]" for name, columns in sorted(found.items())]
    sys.stdout.write("{\n" + ",\n".join(kinds) + "\n}\n")


def _lines(columns: list[list[Any]]) -> str:
    return ",\n".join(json.dumps(column) for column in columns)


if __name__ == "__main__":
    main()
