"""Run the backend: `python -m app`."""

from __future__ import annotations

import sys

import uvicorn
from sqlalchemy.exc import OperationalError

from app import logs
from app.drain import Drain, DrainingServer
from app.main import create_app
from app.migrate import migrate
from app.problems import cause
from app.settings import BadSettings, load_settings


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
            migrate(settings)
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


if __name__ == "__main__":
    sys.exit(main())
