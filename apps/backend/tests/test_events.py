"""What is told about tasks."""

from __future__ import annotations

import json
from typing import Any

import process
from conftest import Start
from issuer import Issuer
from jsonschema import Draft202012Validator, FormatChecker


def test_each_change_is_told_as_the_schema_says(start: Start, issuer: Issuer) -> None:
    with start(EVENTS_SINK="log") as backend:
        with backend.client(issuer.token("ada")) as api:
            body = {"title": "Water", "recurrence": "daily", "due_date": "2099-01-01"}
            task = api.post("/api/tasks", json=body).json()
            api.patch(f"/api/tasks/{task['id']}", json={"due_date": None})
            api.post(f"/api/tasks/{task['id']}/complete", json={"completed": True})
            api.delete(f"/api/tasks/{task['id']}")
        lines = [json.loads(line) for line in backend.log.read_text().splitlines()]
    events: list[dict[str, Any]] = [line["event"] for line in lines if "event" in line]
    schema = json.loads((process.BACKEND / "events.schema.json").read_text())
    validator = Draft202012Validator(schema, format_checker=FormatChecker())
    for event in events:
        validator.validate(event)
    whole = [event for event in events if event["topic"] == "task-events"]
    actions = [(event["action"], event["task_id"] == task["id"]) for event in whole]
    assert actions[:3] == [("created", True), ("updated", True), ("completed", True)]
    assert actions[3:] == [("created", False), ("deleted", True)]
    mine = [event for event in events if event["topic"] == "reminders" and event["task_id"] == task["id"]]
    assert [event["remind_on"] for event in mine] == ["2099-01-01", None, None, None]
    assert {event["user_id"] for event in events} == {"ada"}


def test_the_schema_in_the_tree_is_the_one_the_code_prints(tmp_path: Any) -> None:
    printed = process.run("app.events", folder=tmp_path).stdout
    assert printed == (process.BACKEND / "events.schema.json").read_text()


def test_nothing_is_told_unless_it_is_asked_for(backend: process.Service, api: Any) -> None:
    api.post("/api/tasks", json={"title": "A quiet title"})
    assert "A quiet title" not in backend.log.read_text()
