"""`python -m assistant.cli` is `shipmate`."""

from __future__ import annotations

from assistant.cli.main import main

main()
