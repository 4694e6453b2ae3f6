"""Users of the todo stack, as a browser's side of it sees them: kept-alive connections, four reads to one write."""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

ACCOUNTS = 10
PATIENCE_SECONDS = 10
TASK = {"title": "Buy milk", "priority": "high", "tags": ["load"]}


@dataclass
class Answers:
    """What the users got.

    Attributes:
        seconds: How long each request took that was answered well.
        failures: How many were answered badly or not at all, by what went wrong.
    """

    seconds: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)

    @property
    def failed(self) -> int:
        return self.failures.total()

    @property
    def total(self) -> int:
        return len(self.seconds) + self.failed

    def percentile_ms(self, percent: int) -> float:
        """Milliseconds within which so many of a hundred were answered; infinite where none was."""
        if not self.seconds:
            return float("inf")
        return sorted(self.seconds)[max(0, -(-len(self.seconds) * percent // 100) - 1)] * 1000


@dataclass(frozen=True)
class Users:
    """People with accounts at a frontend.

    Attributes:
        url: Where the frontend is reached.
        origin: The address that it believes to have in the browser.
    """

    url: str
    origin: str
    cookies: tuple[str, ...]

    @asynccontextmanager
    async def working(self, number: int, pause: float) -> AsyncIterator[Answers]:
        """So many users, each of whom rests about `pause` seconds after each answer, until the block ends.

        The block's end waits for the requests that are under way; they count.
        """
        answers, over = Answers(), asyncio.Event()
        # Made once: to make one takes longer than a request.
        tls = ssl.create_default_context()
        users = [asyncio.create_task(self._use(index, pause, answers, over, tls)) for index in range(number)]
        try:
            yield answers
        finally:
            over.set()
            await asyncio.gather(*users)

    async def _use(self, index: int, pause: float, answers: Answers, over: asyncio.Event, tls: ssl.SSLContext) -> None:
        headers = {"Origin": self.origin, "Cookie": self.cookies[index % len(self.cookies)]}
        turn = index
        async with httpx.AsyncClient(
            base_url=self.url, headers=headers, timeout=PATIENCE_SECONDS, verify=tls
        ) as client:
            while not over.is_set():
                turn += 1
                began = time.perf_counter()
                try:
                    if turn % 5:
                        answer = await client.get("/api/tasks?page_size=20&status=open&sort=due")
                    else:
                        answer = await client.post("/api/tasks", json=TASK)
                except httpx.TransportError as error:
                    answers.failures[type(error).__name__] += 1
                else:
                    if answer.is_success:
                        answers.seconds.append(time.perf_counter() - began)
                    else:
                        answers.failures[str(answer.status_code)] += 1
                # Users who begin together and rest alike would come in one crowd each time.
                await asyncio.sleep(pause * random.uniform(0.5, 1.5))


def sign_up(url: str, origin: str) -> Users:
    """Make accounts.

    Raises:
        httpx.HTTPError: The frontend does not take them.
    """
    cookies = []
    for number in range(ACCOUNTS):
        account = {"name": "Ada", "email": f"ada-{number}@example.com", "password": "correct horse battery"}
        # Better Auth limits sign-ups by address; each user comes from an address of their own.
        headers = {"Origin": origin, "X-Forwarded-For": f"192.0.2.{number + 1}"}
        answer = httpx.post(f"{url}/api/auth/sign-up/email", json=account, headers=headers, timeout=30)
        answer.raise_for_status()
        cookies.append(answer.headers["set-cookie"].split(";", 1)[0])
    return Users(url, origin, tuple(cookies))
