"""A user's tasks over REST."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

TODAY = dt.datetime.now(dt.UTC).date()


def add(api: httpx2.Client, title: str, **fields: Any) -> dict[str, Any]:
    response = api.post("/api/tasks", json={"title": title, **fields})
    assert response.status_code == 201, response.text
    task: dict[str, Any] = response.json()
    return task


def titles(api: httpx2.Client, **query: Any) -> list[str]:
    response = api.get("/api/tasks", params=query)
    assert response.status_code == 200, response.text
    return [task["title"] for task in response.json()["items"]]


def complete(api: httpx2.Client, task: dict[str, Any], *, completed: bool = True) -> dict[str, Any]:
    response = api.post(f"/api/tasks/{task['id']}/complete", json={"completed": completed})
    assert response.status_code == 200, response.text
    done: dict[str, Any] = response.json()
    return done


def open_tasks(api: httpx2.Client) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = api.get("/api/tasks", params={"status": "open"}).json()["items"]
    return items


def test_a_task_is_added_read_changed_and_removed(api: httpx2.Client) -> None:
    task = add(api, "  Buy milk ", tags=["home", "home", " shop "], due_date="2031-05-06", priority="high")
    assert task["title"] == "Buy milk"
    assert task["tags"] == ["home", "shop"]
    assert (task["completed"], task["completed_at"], task["recurrence"]) == (False, None, "none")
    url = f"/api/tasks/{task['id']}"
    assert api.get(url).json() == task
    changed = api.patch(url, json={"title": "Buy oat milk", "due_date": None}).json()
    assert changed == task | {"title": "Buy oat milk", "due_date": None, "updated_at": changed["updated_at"]}
    assert changed["updated_at"] > task["updated_at"]
    assert api.delete(url).status_code == 204
    assert api.get(url).status_code == 404


def test_done_and_open_again_keeps_the_moment_it_was_done(api: httpx2.Client) -> None:
    task = add(api, "Call")
    done = complete(api, task)
    assert done["completed"]
    assert done["completed_at"] is not None
    assert complete(api, task) == done
    again = complete(api, task, completed=False)
    assert (again["completed"], again["completed_at"]) == (False, None)


def test_tasks_are_searched_filtered_and_sorted(api: httpx2.Client) -> None:
    add(api, "beta", description="the 100% plan", priority="low", due_date="2031-01-02")
    add(api, "Alpha", tags=["work"], priority="high", due_date="2031-01-03")
    complete(api, add(api, "gamma_ray", tags=["work", "home"]))
    assert titles(api) == ["gamma_ray", "Alpha", "beta"]
    assert titles(api, sort="title", order="asc") == ["Alpha", "beta", "gamma_ray"]
    assert titles(api, sort="priority") == ["Alpha", "gamma_ray", "beta"]
    assert titles(api, sort="due", order="asc") == ["beta", "Alpha", "gamma_ray"]
    assert titles(api, sort="due") == ["Alpha", "beta", "gamma_ray"]
    assert titles(api, search="PLAN the") == ["beta"]
    assert titles(api, search="%") == ["beta"]
    assert titles(api, search="_") == ["gamma_ray"]
    assert titles(api, tag="work", status="open") == ["Alpha"]
    assert titles(api, status="done") == ["gamma_ray"]
    assert titles(api, priority="low") == ["beta"]
    assert titles(api, due_before="2031-01-03") == ["beta"]
    assert titles(api, due_after="2031-01-02") == ["Alpha"]
    assert titles(api, search="", tag="", priority="", due_before="", due_after="") == ["gamma_ray", "Alpha", "beta"]


def test_pages_hold_each_task_once(api: httpx2.Client) -> None:
    for number in range(7):
        add(api, f"t{number}", priority="low")
    pages = [api.get("/api/tasks", params={"sort": "priority", "page": p, "page_size": 3}).json() for p in (1, 2, 3, 4)]
    assert [len(page["items"]) for page in pages] == [3, 3, 1, 0]
    assert {page["total"] for page in pages} == {7}
    assert len({task["id"] for page in pages for task in page["items"]}) == 7


def test_one_user_never_reaches_anothers_task(api: httpx2.Client, other: httpx2.Client) -> None:
    task = add(api, "Mine alone")
    url = f"/api/tasks/{task['id']}"
    answers = [
        other.get(url),
        other.patch(url, json={"title": "stolen"}),
        other.post(f"{url}/complete", json={"completed": True}),
        other.delete(url),
        other.get("/api/tasks/00000000-0000-4000-8000-000000000000"),
    ]
    assert [answer.status_code for answer in answers] == [404] * 5
    # What exists and is not yours cannot be told from what does not exist.
    assert len({answer.text for answer in answers}) == 1
    assert titles(other, search="Mine alone") == []
    assert api.get(url).json() == task


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"title": " "}, "body.title"),
        ({"title": "x" * 201}, "body.title"),
        ({"title": "a\x00b"}, "body.title"),
        ({}, "body.title"),
        ({"title": "x", "priority": "urgent"}, "body.priority"),
        ({"title": "x", "due_date": "31.12.2030"}, "body.due_date"),
        ({"title": "x", "due_date": 0}, "body.due_date"),
        ({"title": "x", "due_date": "2030-12-31T00:00:00Z"}, "body.due_date"),
        ({"title": "x", "tags": ["t"] * 21}, "body.tags"),
        ({"title": "x", "user_id": "somebody-else"}, "body.user_id"),
    ],
)
def test_a_bad_task_is_refused_as_a_problem_that_names_the_field(
    api: httpx2.Client, body: dict[str, Any], field: str
) -> None:
    response = api.post("/api/tasks", json=body)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == 422
    assert [error["field"] for error in problem["errors"]] == [field]


@pytest.mark.parametrize("field", ["title", "description", "priority", "tags", "recurrence", "completed"])
def test_a_field_that_cannot_be_empty_is_not_emptied(api: httpx2.Client, field: str) -> None:
    task = add(api, "Keep me")
    assert api.patch(f"/api/tasks/{task['id']}", json={field: None}).status_code == 422


@pytest.mark.parametrize(
    ("recurrence", "due", "expected"),
    [
        ("daily", "2099-12-31", "2100-01-01"),
        ("weekly", "2099-02-25", "2099-03-04"),
        ("monthly", "2099-01-31", "2099-02-28"),
        ("monthly", "2099-12-05", "2100-01-05"),
    ],
)
def test_a_recurring_task_comes_back(api: httpx2.Client, recurrence: str, due: str, expected: str) -> None:
    task = add(api, "Water plants", recurrence=recurrence, due_date=due, tags=["home"], priority="high")
    complete(api, task)
    (following,) = open_tasks(api)
    assert following["due_date"] == expected
    kept = ("title", "description", "priority", "tags", "recurrence")
    assert {name: following[name] for name in kept} == {name: task[name] for name in kept}


def test_the_31st_stays_the_31st_after_a_short_month(api: httpx2.Client) -> None:
    add(api, "Rent", recurrence="monthly", due_date="2099-01-31")
    days = []
    for _ in range(3):
        (task,) = open_tasks(api)
        complete(api, task)
        days.append(open_tasks(api)[0]["due_date"])
    assert days == ["2099-02-28", "2099-03-31", "2099-04-30"]


def test_a_neglected_series_goes_on_after_today(api: httpx2.Client) -> None:
    complete(api, add(api, "Stretch", recurrence="weekly", due_date="2020-01-01"))
    due = dt.date.fromisoformat(open_tasks(api)[0]["due_date"])
    assert TODAY < due <= TODAY + dt.timedelta(days=8)
    assert due.weekday() == dt.date(2020, 1, 1).weekday()


def test_a_series_at_the_end_of_time_ends(api: httpx2.Client) -> None:
    complete(api, add(api, "Last day", recurrence="daily", due_date="9999-12-31"))
    assert open_tasks(api) == []


def test_completing_at_once_from_many_places_makes_one_next_occurrence(api: httpx2.Client) -> None:
    task = add(api, "Backup", recurrence="daily", due_date="2099-01-01")
    with ThreadPoolExecutor(12) as pool:
        done = list(pool.map(lambda _: complete(api, task), range(24)))
    assert len({str(answer) for answer in done}) == 1
    assert [each["due_date"] for each in open_tasks(api)] == ["2099-01-02"]
    complete(api, task, completed=False)
    complete(api, task)
    assert len(open_tasks(api)) == 1


def test_changes_of_different_fields_at_once_are_all_kept(api: httpx2.Client) -> None:
    task = add(api, "Shared")
    url = f"/api/tasks/{task['id']}"
    final = {"title": "New", "description": "d", "priority": "high", "tags": ["t"], "due_date": "2099-01-01"}
    changes = [{name: value} for name, value in final.items()]
    for _ in range(5):
        with ThreadPoolExecutor(5) as pool:
            answers = list(pool.map(lambda change: api.patch(url, json=change).status_code, changes))
        assert answers == [200] * 5
        assert final.items() <= api.get(url).json().items()
        api.patch(url, json={"title": "Shared", "description": "", "priority": "low", "tags": [], "due_date": None})
