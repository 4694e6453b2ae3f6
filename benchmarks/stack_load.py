"""The todo stack on a real cluster, under load: `python -m benchmarks.stack_load`, with KUBECONFIG.

Needs wrk, helm, kubectl, metrics-server, the three images and postgres:17-alpine on a node that this machine reaches.
Prints the rows of docs/deploy-measured.md; takes about seven minutes, and deletes the namespace that it makes. The exit
status tells whether the targets are met.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import wrk
from benchmarks.stack_release import COMPONENTS, ROOT, Release, release, run
from benchmarks.stack_users import Answers, Users, sign_up

POSTGRES = ROOT / "manifests/development/postgres.yaml"
ORIGIN = "http://todo.local"
USERS = 50
PAUSE_SECONDS = 1.0
WARM_UP_SECONDS = 10
CALM_SECONDS = 30
MEGABYTES = {"frontend": 200, "backend": 500, "mcp-server": 500}
P95_MS = 500
READY_SECONDS = 30
UPGRADE_SECONDS = 300
MEMORY_PERCENT = 80
MOST_REPLICAS = 5


@dataclass
class Table:
    """Rows as Markdown, each with its target and whether it is met."""

    rows: list[tuple[str, str, str, bool]] = field(default_factory=list)

    def add(self, what: str, measured: str, target: str, *, met: bool) -> None:
        said = f"{what}: {measured} (target {target}){'' if met else ' MISSED'}"
        print(said, file=sys.stderr)
        self.rows.append((what, measured, target, met))

    def show(self) -> None:
        print("| what | measured | target | |\n|---|---|---|---|")
        for what, measured, target, met in self.rows:
            print(f"| {what} | {measured} | {target} | {'met' if met else 'missed'} |")


class Measuring:
    """One release, its users, and what was seen of its memory meanwhile."""

    def __init__(self, stack: Release, users: Users, table: Table) -> None:
        self.stack = stack
        self.users = users
        self.table = table
        self.memory: dict[str, float] = {}

    async def under_load(self, what: str, change: Callable[[], Awaitable[str]]) -> None:
        """A change with users on the stack from before its begin until after its end: no request may fail."""
        async with self.users.working(USERS, PAUSE_SECONDS) as answers:
            await asyncio.sleep(5)
            said = await change()
            await asyncio.sleep(10)
            await self.look()
        self._lost(f"{what}{said}", answers)

    async def look(self) -> None:
        for name, percent in (await asyncio.to_thread(self.stack.memory)).items():
            self.memory[name] = max(percent, self.memory.get(name, 0))

    async def calm(self, folder: Path) -> None:
        """By wrk, which leaves the cores to the stack: what its own users take would be in each answer's time."""
        headers = [f"Cookie: {cookie}" for cookie in self.users.cookies]
        found = await asyncio.to_thread(
            wrk.drive, self.users.url, headers, folder,
            users=USERS, warm_up=WARM_UP_SECONDS, seconds=CALM_SECONDS, pause=PAUSE_SECONDS,
        )  # fmt: skip
        await self.look()
        what = f"{USERS} users who rest {PAUSE_SECONDS:g} s"
        self.table.add(
            f"API through the frontend, {what}",
            f"p50 {found.p50:.0f} ms, p95 {found.p95:.0f} ms",
            f"p95 < {P95_MS} ms",
            met=found.p95 < P95_MS,
        )
        lost = f"{found.failed} of {found.requests + found.lost:,}"
        self.table.add("requests failed: the same", lost, "0", met=found.failed == 0)

    async def rolling_upgrade(self) -> str:
        seconds, well = await self.stack.upgrade("config.LOG_LEVEL=WARNING")
        self.table.add(
            "`helm upgrade` that makes every pod anew",
            f"{seconds:.0f} s",
            f"< {UPGRADE_SECONDS} s",
            met=well and seconds < UPGRADE_SECONDS,
        )
        return ""

    async def delete_pods(self) -> str:
        """One pod of each component, one after the other, as a drained node or an impatient operator does."""
        for name in COMPONENTS:
            pod = self.stack.objects("pods", f"--selector=app.kubernetes.io/name={name}")[0]["metadata"]["name"]
            await asyncio.to_thread(self.stack.kubectl, "delete", "pod", pod)
            await self.until(self.stack.pods_ready, 60)
        return ""

    async def bad_release(self) -> str:
        _, well = await self.stack.upgrade(
            "config.LOG_LEVEL=WARNING", "image.tag=no-such-tag", patience="20s", flags=("--rollback-on-failure",)
        )
        images = self.stack.kubectl("get", "deployments", "--output=jsonpath={..image}")
        back = not well and "no-such-tag" not in images
        self.table.add("bad release taken back by `--rollback-on-failure`", "yes" if back else "no", "yes", met=back)
        return ""

    async def autoscale(self) -> None:
        """From two replicas to five, under users who do not rest."""
        await self.stack.upgrade("config.LOG_LEVEL=WARNING", "autoscaling.enabled=true")
        began = time.perf_counter()
        async with self.users.working(USERS, 0) as answers:
            grown = await self.until(self._grown, 150)
            seconds = time.perf_counter() - began
            await asyncio.sleep(20)
            await self.look()
        most = self.stack.replicas()
        reached = ", ".join(f"{name} {most[name]}" for name in ("frontend", "backend"))
        measured = f"{reached} after {seconds:.0f} s"
        self.table.add(f"replicas by the autoscaler, {USERS} users who never rest", measured, "2 to 5", met=grown)
        rate = answers.total / (seconds + 20)
        print(f"under that load p95 {answers.percentile_ms(95):.0f} ms, {rate:.0f} requests/s", file=sys.stderr)
        self._lost("growing from 2 to 5 under that load", answers)

    def _grown(self) -> bool:
        replicas = self.stack.replicas()
        return all(replicas[name] >= MOST_REPLICAS for name in ("frontend", "backend"))

    @staticmethod
    async def until(holds: Callable[[], bool], seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not (held := await asyncio.to_thread(holds)) and time.monotonic() < deadline:  # noqa: ASYNC110 - asks the cluster
            await asyncio.sleep(1)
        return held

    def _lost(self, what: str, answers: Answers) -> None:
        why = "".join(f", {number} {name}" for name, number in answers.failures.items())
        measured = f"{answers.failed} of {answers.total:,}{why}"
        self.table.add(f"requests failed: {what}", measured, "0", met=answers.failed == 0)


async def measure(table: Table) -> None:
    """Install, load and change; each step adds its rows."""
    with release() as stack:
        began = time.perf_counter()
        stack.kubectl("apply", f"--filename={POSTGRES}")
        installing = asyncio.create_task(stack.upgrade())
        await asyncio.sleep(1)
        ready = await Measuring.until(stack.pods_ready, 120)
        seconds = time.perf_counter() - began
        await installing
        table.add(
            "from apply until every pod is Ready, PostgreSQL too",
            f"{seconds:.0f} s",
            f"< {READY_SECONDS} s",
            met=ready and seconds < READY_SECONDS,
        )
        it = Measuring(stack, await asyncio.to_thread(sign_up, stack.frontend(), ORIGIN), table)
        with tempfile.TemporaryDirectory() as folder:
            await it.calm(Path(folder))
        await it.under_load("rolling upgrade", it.rolling_upgrade)
        await it.under_load("a pod of each component deleted", it.delete_pods)
        await it.under_load("bad release and its rollback", it.bad_release)
        await it.autoscale()
        used = " / ".join(f"{it.memory.get(name, 0):.0f}" for name in COMPONENTS)
        high = max(it.memory.values(), default=float("inf"))
        table.add(
            f"most memory under load, of the limit: {' / '.join(COMPONENTS)}",
            f"{used} %",
            f"< {MEMORY_PERCENT} %",
            met=high < MEMORY_PERCENT and it.memory.keys() == set(COMPONENTS),
        )


def image_sizes(table: Table) -> None:
    """Where a Docker engine has the images."""
    for name, most in MEGABYTES.items():
        try:
            size = int(run("docker", "image", "inspect", "--format={{.Size}}", f"todo-{name}:1.0.0")) / 1e6
        except (RuntimeError, OSError) as error:
            print(f"not measured: {error}", file=sys.stderr)
            continue
        table.add(f"image `todo-{name}`", f"{size:.0f} MB", f"< {most} MB", met=size < most)


def main() -> int:
    """Measure and print."""
    table = Table()
    load = os.getloadavg()[0]
    version = subprocess.run(["kubectl", "version"], capture_output=True, text=True, check=True).stdout.split()[-1]
    image_sizes(table)
    asyncio.run(measure(table))
    now = f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC"
    print(f"{now}, {os.cpu_count()} cores, load {load:.1f} before the start, Kubernetes {version}\n")
    table.show()
    return 0 if all(met for *_, met in table.rows) else 1


if __name__ == "__main__":
    sys.exit(main())
