"""Run the backend: `python -m app`."""

from __future__ import annotations

import sys
import time

import uvicorn
from sqlalchemy.exc import OperationalError

from app import logs
from app.drain import Drain, DrainingServer
from app.main import create_app
from app.migrate import migrate
from app.problems import cause
from app.settings import BadSettings, Settings, load_settings

DATABASE_PATIENCE_SECONDS = 30


def main() -> int:
    """Serve until a signal says stop; the exit status is 2 for bad settings."""
    try:
        settings = load_settings()
    except BadSettings as error:
        sys.stderr.write(f"backend: {error}\n")
        return 2
    logs.configure(settings.log_level)
    if settings.migrate_on_start:
        try:
            _migrate_when_it_answers(settings)
        except OperationalError as error:
            sys.stderr.write(f"backend: the database cannot be migrated: {cause(error)}\n")
            return 1
    drain = Drain()
    config = uvicorn.Config(
        create_app(settings, drain),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )
    DrainingServer(config, drain, settings.drain_seconds).run()
    return 0


def _migrate_when_it_answers(settings: Settings) -> None:
    """Migrate; a database that starts at the same time as this process gets a moment."""
    deadline = time.monotonic() + DATABASE_PATIENCE_SECONDS
    while True:
        try:
            return migrate(settings)
        except OperationalError as error:
            if not cause(error).startswith("connection failed") or time.monotonic() > deadline:
                raise
        time.sleep(0.5)


if __name__ == "__main__":
    sys.exit(main())
