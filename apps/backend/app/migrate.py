"""Bring the database's schema up or down: `python -m app.migrate [up|down] [revision]`."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import OperationalError

from app import logs
from app.database import CONNECT_ARGS
from app.problems import cause
from app.settings import BadSettings, Settings, load_settings

log = logging.getLogger(__name__)

LOCK = 0x746F646F  # any number that all replicas share


def alembic_config(connection: Connection | None = None) -> Config:
    """Alembic's configuration, working on `connection`."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def migrate(settings: Settings, direction: str = "up", revision: str | None = None) -> None:
    """Run the migrations in one transaction, alone.

    The lock is held by the transaction, not by the session: that holds behind a transaction pooler too, and replicas
    that start together wait for each other.

    Args:
        settings: Say which database.
        direction: `up` or `down`.
        revision: Where to stop: the newest by default, or `base` on the way down.
    """
    engine = create_engine(settings.sqlalchemy_url, connect_args=CONNECT_ARGS, hide_parameters=True)
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
            config = alembic_config(connection)
            if direction == "up":
                command.upgrade(config, revision or "head")
            else:
                command.downgrade(config, revision or "base")
    finally:
        engine.dispose()
    log.info("Migrated %s to %s", direction, revision or ("head" if direction == "up" else "base"))


def main() -> int:
    """Migrate as the command line says; the exit status is 0 where it went well."""
    parser = argparse.ArgumentParser(prog="python -m app.migrate", description="Migrate the database.")
    parser.add_argument("direction", nargs="?", choices=("up", "down"), default="up")
    parser.add_argument("revision", nargs="?", help="where to stop (default: head, or base on the way down)")
    arguments = parser.parse_args()
    try:
        settings = load_settings()
        logs.configure(settings.log_level)
        migrate(settings, arguments.direction, arguments.revision)
    except BadSettings as error:
        sys.stderr.write(f"backend: {error}\n")
        return 2
    except OperationalError as error:
        sys.stderr.write(f"backend: the database cannot be migrated: {cause(error)}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
