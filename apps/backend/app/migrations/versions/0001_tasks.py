"""Tasks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "task",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("user_id", sa.String(255), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("priority", sa.String(16), nullable=False),
        sa.Column("tags", postgresql.ARRAY(sa.String(50)), nullable=False),
        sa.Column("due_date", sa.Date()),
        sa.Column("recurrence", sa.String(16), nullable=False),
        sa.Column("series_start", sa.Date()),
        sa.Column("previous_id", sa.Uuid()),
        sa.Column("completed", sa.Boolean(), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True)),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["previous_id"], ["task.id"], ondelete="SET NULL", name="fk_task_previous"),
        sa.UniqueConstraint("previous_id"),
        sa.CheckConstraint("priority IN ('low', 'medium', 'high')", name="ck_task_priority"),
        sa.CheckConstraint("recurrence IN ('none', 'daily', 'weekly', 'monthly')", name="ck_task_recurrence"),
        sa.CheckConstraint("completed = (completed_at IS NOT NULL)", name="ck_task_completed_at"),
    )
    op.create_index("ix_task_user_created", "task", ["user_id", "created_at"])
    op.create_index("ix_task_user_due", "task", ["user_id", "due_date"])
    op.create_index("ix_task_tags", "task", ["tags"], postgresql_using="gin")


def downgrade() -> None:
    op.drop_table("task")
