"""The todo stack's programs under 50 users: `TODO_PYTHON benchmarks/apps_load.py [SECONDS]`.

Needs the Python of the backend's tests, PostgreSQL, wrk, Node and the frontend's production build (`npm run build`).
Everything, wrk and PostgreSQL too, shares the machine's cores: they are part of what is measured.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "apps/backend/tests")]

import httpx2  # noqa: E402
import issuer as issuers  # noqa: E402
import postgres  # noqa: E402
import process  # noqa: E402
import psycopg  # noqa: E402

from benchmarks import wrk  # noqa: E402

USERS = 50
TARGET_MS = 500
FRONTEND = ROOT / "apps/frontend/.next/standalone"


def main(seconds: int) -> int:
    """Measure and print; the exit status tells whether the targets are met."""
    load = os.getloadavg()[0]
    print(f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M}, {os.cpu_count()} cores, load {load:.1f} before the start")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="todo-load-")))
        server = stack.enter_context(postgres.cluster())
        met = [backend_alone(server, folder, seconds), through_the_frontend(server, folder, seconds)]
        met.append(stop_under_load(server, folder))
    return 0 if all(met) else 1


def backend_alone(server: str, folder: Path, seconds: int) -> bool:
    database = postgres.new_database(server)
    with issuers.serve() as issuer, backend(folder, database, BETTER_AUTH_URL=issuer.url) as service:
        tokens = [f"Authorization: Bearer {issuer.token(f'user-{number}')}" for number in range(USERS)]
        return drive("backend", service.url, tokens, folder, seconds) and no_leak(database, service)


def through_the_frontend(server: str, folder: Path, seconds: int) -> bool:
    database = postgres.new_database(server)
    backend_port = postgres.free_port()
    with frontend(folder, database, f"http://127.0.0.1:{backend_port}") as url:
        cookies = [f"Cookie: {sign_up(url, number)}" for number in range(USERS)]
        with backend(folder, database, PORT=str(backend_port), BETTER_AUTH_URL=url) as service:
            return drive("frontend", url, cookies, folder, seconds) and no_leak(database, service)


def stop_under_load(server: str, folder: Path) -> bool:
    """One of two replicas is stopped; the users go to those that say that they are ready, as a Service sends them."""
    database = postgres.new_database(server)
    with (
        issuers.serve() as issuer,
        backend(folder, database, BETTER_AUTH_URL=issuer.url, DRAIN_SECONDS="2") as stopping,
        backend(folder, database, BETTER_AUTH_URL=issuer.url) as staying,
    ):
        tokens = [issuer.token(f"user-{number}") for number in range(USERS)]
        answered, failures = asyncio.run(_stop(stopping, staying, tokens))
        # uvicorn ends with the signal that it was sent, once all is done.
        ended = stopping.process.wait(timeout=30) in {0, -signal.SIGTERM}
    print(
        f"SIGTERM to one of two replicas: {answered:,} requests, {failures} failed, {'' if ended else 'not '}ended well"
    )
    return failures == 0 and ended


async def _stop(stopping: process.Service, staying: process.Service, tokens: list[str]) -> tuple[int, int]:
    ready = {stopping.url, staying.url}
    answered = failures = 0
    over = asyncio.Event()

    async def watch() -> None:
        async with httpx2.AsyncClient() as client:
            while (await client.get(f"{stopping.url}/health/live")).json()["status"] == "ok" and not over.is_set():
                answer = await client.get(f"{stopping.url}/health/ready")
                if answer.json()["status"] == "draining":
                    ready.discard(stopping.url)
                    return
                await asyncio.sleep(0.1)

    async def user(number: int) -> None:
        nonlocal answered, failures
        headers = {"Authorization": f"Bearer {tokens[number]}"}
        async with httpx2.AsyncClient(headers=headers, timeout=30) as client:
            while not over.is_set():
                url = sorted(ready)[number % len(ready)]
                try:
                    answer = await client.post(f"{url}/api/tasks", json={"title": "Buy milk"})
                    failures += answer.status_code != 201
                except httpx2.TransportError:
                    failures += 1
                answered += 1

    users = [asyncio.create_task(user(number)) for number in range(USERS)]
    watching = asyncio.create_task(watch())
    await asyncio.sleep(3)
    stopping.process.send_signal(signal.SIGTERM)
    await asyncio.to_thread(stopping.process.wait, 30)
    await asyncio.sleep(1)
    over.set()
    await asyncio.gather(*users, watching)
    return answered, failures


def drive(name: str, url: str, credentials: list[str], folder: Path, seconds: int) -> bool:
    """Load `url` with wrk, after a warm-up."""
    measured = wrk.drive(url, credentials, folder, users=USERS, warm_up=3, seconds=seconds)
    print(
        f"{name}: p50 {measured.p50:.0f} ms, p95 {measured.p95:.0f} ms, p99 {measured.p99:.0f} ms, "
        f"{measured.requests / measured.seconds:.0f} requests/s, {measured.refused} refused, {measured.lost} lost"
    )
    return measured.p95 < TARGET_MS and measured.failed == 0


def no_leak(database: str, service: process.Service) -> bool:
    """Whether all connections are back in the pool and none is inside a transaction."""
    with service.client() as client, psycopg.connect(database) as connection:
        process.eventually(lambda: "database_connections_in_use 0.0" in client.get("/metrics").text)
        query = """
            SELECT state, count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid() GROUP BY state
        """
        states = dict(connection.execute(query).fetchall())
    print(f"connections afterwards: {states}, none in use")
    return set(states) <= {"idle"}


@contextmanager
def backend(folder: Path, database: str, **settings: str) -> Iterator[process.Service]:
    settings |= {"DATABASE_URL": database, "MIGRATE_ON_START": "true"}
    settings.setdefault("DRAIN_SECONDS", "0")
    with (
        process.serve("todo_mcp", process.MCP_SERVER, folder, "/health") as mcp_server,
        process.serve("app", process.BACKEND, folder, "/health/live", MCP_SERVER_URL=mcp_server.url, **settings) as it,
    ):
        yield it


@contextmanager
def frontend(folder: Path, database: str, backend_url: str) -> Iterator[str]:
    port = str(postgres.free_port())
    url = f"http://localhost:{port}"
    environment = process.environment(
        NODE_ENV="production",
        HOSTNAME="127.0.0.1",
        PORT=port,
        DATABASE_URL=database,
        BETTER_AUTH_SECRET="only-for-measuring-and-long-enough-to-pass",
        BETTER_AUTH_URL=url,
        NEXT_PUBLIC_API_URL=backend_url,
        NEXT_PUBLIC_MCP_URL="http://127.0.0.1:9",
    )
    with (folder / "frontend.log").open("wb") as log:
        running = subprocess.Popen(["node", "server.js"], cwd=FRONTEND, env=environment, stdout=log, stderr=log)
        try:
            process.eventually(lambda: _answers(f"{url}/api/health"))
            yield url
        finally:
            running.terminate()
            running.wait(timeout=30)


def sign_up(url: str, number: int) -> str:
    """Make an account; gives the session's cookie."""
    account = {"name": "Ada", "email": f"ada-{number}@example.com", "password": "correct horse battery"}
    # Better Auth limits sign-ups by address; each user comes from an address of their own.
    headers = {"Origin": url, "X-Forwarded-For": f"10.0.0.{number + 1}"}
    answer = httpx2.post(f"{url}/api/auth/sign-up/email", json=account, headers=headers, timeout=30)
    answer.raise_for_status()
    return answer.headers["set-cookie"].split(";", 1)[0]


def _answers(url: str) -> bool:
    try:
        return httpx2.get(url).status_code == 200
    except httpx2.TransportError:
        return False


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20))
