"""What a wrong environment does to the start."""

from __future__ import annotations

import re
from pathlib import Path

import process
import pytest

from app.settings import Settings

GOOD = {
    "DATABASE_URL": "postgresql://todo:hunter2@db.test/todo?sslmode=require",
    "BETTER_AUTH_URL": "https://todo.test",
}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"DATABASE_URL": ""}, "backend: DATABASE_URL is not set"),
        ({"DATABASE_URL": "", "BETTER_AUTH_URL": ""}, "backend: DATABASE_URL is not set; BETTER_AUTH_URL is not set"),
        (
            {"DATABASE_URL": "mysql://todo:hunter2@db.test/todo"},
            "backend: DATABASE_URL: must be a URL such as postgresql://user:password@host/database?sslmode=require",
        ),
        ({"BETTER_AUTH_URL": "todo.test"}, "backend: BETTER_AUTH_URL: must be a URL such as https://todo.example.com"),
        (
            {"BETTER_AUTH_ALGORITHM": "HS256", "BETTER_AUTH_SECRET": "hunter2"},
            "backend: BETTER_AUTH_SECRET: must have 32 bytes or more for BETTER_AUTH_ALGORITHM=HS256",
        ),
        ({"EVENTS_SINK": "kafka"}, "backend: EVENTS_SINK: Input should be 'off' or 'log'"),
        ({"PORT": "http"}, "backend: PORT: Input should be a valid integer, unable to parse string as an integer"),
    ],
)
def test_a_bad_setting_stops_the_start_with_one_line(changed: dict[str, str], said: str, tmp_path: Path) -> None:
    done = process.run("app", folder=tmp_path, **(GOOD | changed))
    assert (done.returncode, done.stderr, done.stdout) == (2, said + "\n", "")


def test_the_example_names_every_setting_and_is_good_as_it_is(tmp_path: Path) -> None:
    example = process.BACKEND / ".env.example"
    named = set(re.findall(r"^#? ?([A-Z_0-9]+)=", example.read_text(), re.MULTILINE))
    assert named == {name.upper() for name in Settings.model_fields}
    settings = Settings(_env_file=example)
    assert settings.sqlalchemy_url.drivername == "postgresql+psycopg"
