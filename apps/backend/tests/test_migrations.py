"""The schema, up and down."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import postgres
import process
import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from conftest import Start
from sqlalchemy import create_engine
from sqlmodel import SQLModel

from app.chat import model as _chat  # noqa: F401
from app.migrate import LOCK, alembic_config
from app.tasks import model as _tasks  # noqa: F401


def migrate(database: str, folder: Path, *arguments: str) -> None:
    done = process.run(
        "app.migrate", *arguments, folder=folder, DATABASE_URL=database, BETTER_AUTH_URL="https://t.test"
    )
    assert done.returncode == 0, done.stderr


def tables(database: str) -> set[str]:
    with psycopg.connect(database) as connection:
        found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    return {name for (name,) in found}


def test_up_makes_what_the_models_say_and_down_takes_it_away(empty_database: str, tmp_path: Path) -> None:
    with psycopg.connect(empty_database) as connection:
        connection.execute('CREATE TABLE "user" (id text)')  # Better Auth's, in the same database
    migrate(empty_database, tmp_path)
    engine = create_engine(empty_database.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_name": lambda name, kind, _: kind != "table" or name in SQLModel.metadata.tables,
                "version_table": "backend_migrations",
                "compare_type": True,
            },
        )
        assert compare_metadata(context, SQLModel.metadata) == []
    engine.dispose()
    assert tables(empty_database) == {*SQLModel.metadata.tables, "backend_migrations", "user"}
    migrate(empty_database, tmp_path, "down")
    assert tables(empty_database) == {"backend_migrations", "user"}
    migrate(empty_database, tmp_path)


def test_each_step_goes_down_and_up_again(empty_database: str, tmp_path: Path) -> None:
    from alembic.script import ScriptDirectory

    steps = [script.revision for script in ScriptDirectory.from_config(alembic_config()).walk_revisions()]
    migrate(empty_database, tmp_path)
    for _ in steps:
        migrate(empty_database, tmp_path, "down", "-1")
    for _ in steps:
        migrate(empty_database, tmp_path, "up", "+1")


def test_replicas_that_start_together_wait_for_each_other_and_migrate_once(empty_database: str, tmp_path: Path) -> None:
    settings = process.environment(
        PYTHONPATH=str(process.BACKEND), DATABASE_URL=empty_database, BETTER_AUTH_URL="https://t.test"
    )
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    with psycopg.connect(empty_database) as first, psycopg.connect(empty_database, autocommit=True) as watching:
        first.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        replicas = [
            subprocess.Popen(
                [sys.executable, "-m", "app.migrate"], cwd=tmp_path, env=settings, stderr=subprocess.PIPE, text=True
            )
            for _ in range(3)
        ]
        process.eventually(lambda: watching.execute(waiting).fetchone() == (len(replicas),))
        assert tables(empty_database) == set()
        first.rollback()
        ends = [(replica.communicate(timeout=60)[1], replica.returncode) for replica in replicas]
    assert ends == [("", 0)] * 3
    assert "task" in tables(empty_database)


@pytest.mark.parametrize("module", ["app", "app.migrate"])
def test_a_database_that_does_not_answer_is_said_in_one_line(module: str, tmp_path: Path) -> None:
    done = process.run(
        module,
        folder=tmp_path,
        DATABASE_URL="postgresql://todo:hunter2@127.0.0.1:9/todo",
        BETTER_AUTH_URL="https://t.test",
        MIGRATE_ON_START="true",
    )
    assert done.returncode == 1
    assert done.stderr.startswith("backend: the database cannot be migrated: connection failed:")
    assert done.stderr.count("\n") == 1
    assert "hunter2" not in done.stdout + done.stderr


def test_a_database_that_starts_after_the_backend_is_waited_for(start: Start) -> None:
    port = postgres.free_port()
    serving = start(DATABASE_URL=f"postgresql://todo@127.0.0.1:{port}/postgres")
    with ThreadPoolExecutor() as pool:
        starting = pool.submit(serving.__enter__)
        with postgres.cluster(port):
            with starting.result().client() as client:
                assert client.get("/health/ready").json()["checks"]["database"] == "ok"
            serving.__exit__(None, None, None)
