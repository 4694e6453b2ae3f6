"""What those who run the backend rely on: health, logs, metrics, and a stop that loses nothing."""

from __future__ import annotations

import json
import signal
import threading
import time
from typing import Any

import httpx2
import model as models
import postgres
import process
import psycopg
from conftest import Stack, Start
from issuer import Issuer
from model import Model


def log_lines(service: process.Service) -> list[dict[str, Any]]:
    return [json.loads(line) for line in service.log.read_text().splitlines()]


def test_not_ready_says_what_is_missing_and_stays_alive(start: Start) -> None:
    with start(MCP_SERVER_URL="http://127.0.0.1:9") as backend, backend.client() as client:
        answer = client.get("/health/ready")
        assert answer.status_code == 503
        assert answer.json() == {"status": "failed", "checks": {"database": "ok", "mcp_server": "failed"}}
        assert client.get("/health/live").json()["status"] == "ok"


def test_a_database_that_goes_away_is_a_503_without_its_address(start: Start, issuer: Issuer) -> None:
    with postgres.cluster() as url:
        database = postgres.new_database(url)
        serving = start(DATABASE_URL=database)
        backend = serving.__enter__()
    try:
        with backend.client(issuer.token("ada")) as api:
            answer = api.get("/api/tasks")
            assert answer.status_code == 503
            assert answer.json()["detail"] == "The database does not answer. Try again soon."
            assert api.get("/health/ready").json()["checks"]["database"] == "failed"
            assert api.get("/health/live").status_code == 200
    finally:
        serving.__exit__(None, None, None)


def test_what_nobody_foresaw_is_a_500_that_the_log_explains_under_its_id(
    server: str, start: Start, issuer: Issuer
) -> None:
    database = postgres.new_database(server)
    with start(DATABASE_URL=database) as backend, backend.client(issuer.token("ada")) as api:
        with psycopg.connect(database) as connection:
            connection.execute("DROP TABLE task")
        answer = api.post("/api/tasks", json={"title": "A private title"}, headers={"X-Request-ID": "unlucky"})
        assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
        assert answer.headers["x-request-id"] == "unlucky"
        assert "UndefinedTable" not in answer.text
        assert api.get("/health/live").status_code == 200
        (line,) = [line for line in log_lines(backend) if "exception" in line]
        assert line["request_id"] == "unlucky"
        assert "UndefinedTable" in line["exception"]
        assert "A private title" not in backend.log.read_text()


def test_every_line_of_the_log_is_json_with_the_requests_id_and_no_secret(start: Start, issuer: Issuer) -> None:
    token = issuer.token("ada")
    with start(LOG_LEVEL="DEBUG", OPENAI_API_KEY="sk-secret-of-the-tests") as backend:
        with backend.client(token) as api:
            mine = api.get("/api/tasks?search=diary", headers={"X-Request-ID": "from-the-proxy"})
            made = api.get("/api/tasks", headers={"X-Request-ID": "bad id\tof" + "x" * 200})
            api.get("/api/tasks", headers={"Authorization": f"Bearer {token}x"})
        text = backend.log.read_text()
        lines = log_lines(backend)
    assert mine.headers["x-request-id"] == "from-the-proxy"
    assert made.headers["x-request-id"].isalnum()
    (line,) = [line for line in lines if line.get("request_id") == "from-the-proxy" and line["logger"] == "app.access"]
    assert (line["method"], line["path"], line["status"]) == ("GET", "/api/tasks", 200)
    for secret in (token, token.rsplit(".", 1)[1], "sk-secret-of-the-tests", "diary"):
        assert secret not in text


def test_the_metrics_count_by_route_and_not_by_task(backend: process.Service, api: httpx2.Client) -> None:
    task = api.post("/api/tasks", json={"title": "Count me"}).json()
    api.get(f"/api/tasks/{task['id']}")
    api.get("/no/such/path")
    text = api.get("/metrics").text
    assert 'http_requests_total{method="GET",route="/api/tasks/{task_id}",status="200"}' in text
    assert 'http_requests_total{method="GET",route="unmatched",status="404"}' in text
    assert task["id"] not in text
    process.eventually(lambda: "database_connections_in_use 0.0" in api.get("/metrics").text)


def test_what_does_not_exist_is_a_problem_document_too(api: httpx2.Client) -> None:
    missing = api.get("/nowhere")
    wrong = api.put("/api/tasks", json={})
    assert (missing.status_code, wrong.status_code, wrong.headers["allow"]) == (404, 405, wrong.headers["allow"])
    for answer in (missing, wrong):
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_body_past_the_limit_is_refused(api: httpx2.Client) -> None:
    answer = api.post("/api/tasks", json={"title": "x", "description": "y" * 2_000_000})
    assert answer.status_code == 413
    stream = api.post("/api/tasks", content=(b"z" * 65536 for _ in range(32)))
    assert stream.status_code == 413


def test_a_stop_under_load_loses_no_request(start: Start, issuer: Issuer) -> None:
    """Clients stop as a load balancer stops sending to them: when readiness goes off, or draining is answered."""
    token = issuer.token("ada")
    failures: list[str] = []
    answered = [0] * 16
    stop = threading.Event()
    with start(DRAIN_SECONDS="2") as backend:

        def load(worker: int) -> None:
            with backend.client(token) as api:
                while not stop.is_set():
                    try:
                        answer = api.post("/api/tasks", json={"title": f"{worker}-{answered[worker]}"})
                    except httpx2.TransportError as error:
                        failures.append(repr(error))
                        return
                    if answer.status_code != 201:
                        failures.append(answer.text)
                        return
                    answered[worker] += 1

        workers = [threading.Thread(target=load, args=(number,)) for number in range(len(answered))]
        for worker in workers:
            worker.start()
        while min(answered) < 5 and not failures:
            time.sleep(0.01)
        backend.process.send_signal(signal.SIGTERM)
        with backend.client() as client:
            while client.get("/health/ready").json()["status"] != "draining":
                time.sleep(0.01)
            before = sum(answered)
            # Still taken after readiness went off: nobody has looked away yet.
            while sum(answered) < before + 16 and not failures:
                time.sleep(0.01)
            assert client.get("/health/live").headers["connection"] == "close"
        stop.set()
        for worker in workers:
            worker.join()
        backend.process.wait(timeout=30)
        assert failures == []
        assert "Cancel" not in backend.log.read_text()


def test_a_stop_lets_an_answer_that_is_being_streamed_end(
    start: Start, stack: Stack, issuer: Issuer, model: Model
) -> None:
    model.pause = 0.05
    model.script = [models.text(*(f"{number} " for number in range(40)))]
    settings = {"OPENAI_API_KEY": "sk-x", "OPENAI_BASE_URL": model.url, "MCP_SERVER_URL": stack.mcp_server.url}
    with start(**settings) as backend:
        with (
            backend.client(issuer.token("ada")) as client,
            client.stream("POST", "/chat", json={"message": "count"}) as response,
        ):
            lines = response.iter_lines()
            next(lines)
            backend.process.send_signal(signal.SIGTERM)
            last = [line for line in lines if line][-1]
        assert json.loads(last.removeprefix("data: "))["type"] == "done"
        backend.process.wait(timeout=30)
