"""Alembic's entry: runs on the connection that app.migrate holds."""

from __future__ import annotations

from alembic import context
from sqlmodel import SQLModel

from app.chat import model as _chat
from app.tasks import model as _tasks

assert _chat, _tasks  # noqa: S101 - imported for their tables


def ours(name: str | None, kind: str, _parents: object) -> bool:
    """Whether a thing in the database belongs to the backend; Better Auth's tables live there too."""
    return kind != "table" or name in SQLModel.metadata.tables


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    version_table="backend_migrations",
    include_name=ours,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
