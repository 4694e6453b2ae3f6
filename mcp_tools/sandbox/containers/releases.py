"""Releases of the todo backend that are not as good as the others: each has one flaw of its program."""

from __future__ import annotations

from dataclasses import replace

from mcp_tools.sandbox.containers.behaviours import Behaviour, End

_IMPORT = (
    "Traceback (most recent call last):",
    '  File "/app/src/main.py", line 9, in <module>',
    "    from src.routers import tasks",
    '  File "/app/src/routers/tasks.py", line 4, in <module>',
    "    from src.services.recurrence import expand_rule",
    "ModuleNotFoundError: No module named 'src.services.recurrence'",
)
_DISK = (
    "Traceback (most recent call last):",
    '  File "/app/src/cache.py", line 40, in warm_up',
    "    handle.write(chunk)",
    "OSError: [Errno 28] No space left on device: '/tmp/cache.bin'",
)
_FLAP = (
    "Traceback (most recent call last):",
    '  File "/app/src/jobs/digest.py", line 77, in run',
    "    rows = page[cursor]",
    "IndexError: list index out of range",
)


def of_backend(good: Behaviour) -> dict[str, Behaviour]:
    """By tag."""
    quiet = replace(good, opening=(), traffic="", connects=(), boot=60.0)
    return {
        "1.2.0": replace(quiet, end=End(0.6, 1, lines=_IMPORT)),
        "1.2.1": replace(good, leak=True, end=End(25.0, 137, "OOMKilled")),
        "1.2.2": replace(good, end=End(8.0, 139, "Error", ("Fatal Python error: Segmentation fault",))),
        "1.2.3": replace(good, boot=95.0),
        "1.2.4": replace(good, status=500),
        "1.2.5": replace(good, end=End(45.0, 1, lines=_FLAP)),
        "1.2.6": replace(quiet, end=End(2.0, 1, lines=_DISK)),
        "1.2.7": replace(good, fills=6.0),
        "1.2.8": replace(good, load=0.99),
        "1.2.9": replace(good, end=End(12.0, 143, "Error", ("INFO: received SIGTERM from the watchdog, exiting",))),
        "1.2.10": replace(good, status=0),
        "1.1.0-arm64": replace(quiet, end=End(0.05, 255, lines=("exec /usr/local/bin/uvicorn: exec format error",))),
    }
