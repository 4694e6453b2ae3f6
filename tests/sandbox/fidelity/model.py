"""Cases, and how one is put to two servers and compared."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from differences import differences, normal

from fidelity.known import why

if TYPE_CHECKING:
    from sandbox_helpers import Client

JSON = "application/json"
DRY = "?dryRun=All"


@dataclass(frozen=True)
class Step:
    """One request.

    `{ns}` stands for the namespace; `{version}`, `{continue}` and `{uid}` for what the answer before brought.
    """

    method: str
    path: str
    body: Any = None
    media: str = JSON
    accept: str = JSON


@dataclass(frozen=True)
class Case:
    """Requests that follow each other."""

    name: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Area:
    """A field of requests.

    Attributes:
        make: Makes so many cases from a source of chance.
        prepare: What both servers are given first.
        share: Of all cases, the part that belongs here.
    """

    name: str
    make: Callable[[Random, int], Iterator[Case]]
    prepare: tuple[Step, ...] = ()
    share: float = 1.0


@dataclass
class Tally:
    """What came of an area: requests, and the differences by request."""

    requests: int = 0
    differing: list[tuple[str, list[str]]] = field(default_factory=list)

    @property
    def agreement(self) -> float:
        return 1 - len(self.differing) / self.requests if self.requests else 1.0

    @property
    def unlisted(self) -> list[tuple[str, list[str]]]:
        """Those with a difference that is not a known one, and these differences."""
        left = ((what, [line for line in found if not why(line)]) for what, found in self.differing)
        return [(what, found) for what, found in left if found]


_SLOTS = re.compile(r"\{(ns|version|continue|uid|name)\}")


class Speaker:
    """One server, and what its last answer brought."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._client = client
        self._slots = {"ns": namespace, "version": "", "continue": "", "uid": "", "name": ""}

    def ask(self, step: Step) -> dict[str, Any]:
        body = None if step.body is None else step.body if isinstance(step.body, bytes) else self._filled(step.body)
        path = self._filled(step.path)
        options = {"media": step.media} if body is not None else {}
        answer = self._client(step.method, path, body, accept=step.accept, **options)
        seen = answer.body
        if isinstance(seen, bytes):
            lines = seen.decode("utf-8", "replace").splitlines()
            seen = [json.loads(line) for line in lines] if lines and lines[0].startswith("{") else lines
        if isinstance(seen, dict) and isinstance(seen.get("metadata"), dict):
            meta = seen["metadata"]
            fresh = {"version": "resourceVersion", "continue": "continue", "uid": "uid", "name": "name"}
            self._slots |= {slot: str(meta[key]) for slot, key in fresh.items() if meta.get(key)}
            if "continue" not in meta:
                self._slots["continue"] = ""
        return {"code": answer.status, "body": seen, "warning": answer.headers.get("Warning", "")}

    def _filled(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {self._filled(key): self._filled(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._filled(item) for item in value]
        if isinstance(value, str) and "{" in value:
            return _SLOTS.sub(lambda found: self._slots[found[1]], value)
        return value


_INTERNAL = re.compile(r"\n@@ -\d")  # a comparison of the API server's internal structs, in Go's names
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*-----END CERTIFICATE-----\n?", re.DOTALL)
_SHOWN = re.compile(r'(?<=Invalid value: )"\{(?:[^"\\]|\\.)*\}"')


def _canonical(shown: re.Match[str]) -> str:
    """An object within a message: its fields may come in any order."""
    try:
        found = normal(json.loads(json.loads(shown[0])), "{ns}")
    except ValueError:
        return shown[0]
    return json.dumps(found, sort_keys=True)


def settled(value: Any) -> Any:
    """Without what no two servers share beyond what `normal` takes out."""
    if isinstance(value, dict):
        return {key: "-" if key == "continue" else settled(item) for key, item in value.items()}
    if isinstance(value, list):
        items = [settled(item) for item in value]
        # Several managers' conflicts come in the order of a Go map: any.
        mixed = any(isinstance(item, dict) and item.get("reason") == "FieldManagerConflict" for item in items)
        return sorted(items, key=repr) if mixed else items
    if isinstance(value, str):
        value = _INTERNAL.split(value)[0]
        value = _CERTIFICATE.sub("CERTIFICATE", value)
        value = _SHOWN.sub(_canonical, value)
        value = re.sub(r"resource version: \d+ \(\d+\)", "resource version: OLD (NEW)", value)
        value = re.sub(r"\b\d+s\b", "AGE", value) if len(value) < 6 else value
        if found := re.search(r" is forbidden: \[(.*)\]$", value):  # limits, in the order of a Go map: any
            value = value[: found.start(1)] + ", ".join(sorted(found[1].split(", "))) + "]"
        value = re.sub(r"(?<=current: )\d+", "VERSION", value)
        value = re.sub(r"in record \(\d+\)", "in record (VERSION)", value)
        value = re.sub(r"resourceVersion:\"?\d+|UID in precondition: \S+", "VERSION", value)
    return value


def compare(theirs: dict[str, Any], ours: dict[str, Any], namespace: str) -> list[str]:
    """Where two answers differ."""
    left, right = (_unordered(settled(normal(answer, namespace))) for answer in (theirs, ours))
    if left["code"] != right["code"]:
        return [f"answer: real {_short(left)}, sandbox {_short(right)}"]
    return differences(left, right)


def _unordered(answer: dict[str, Any]) -> dict[str, Any]:
    """Several causes of one refusal may come in any order; the message, which repeats them, keeps its beginning."""
    body = answer["body"]
    causes = ((body.get("details") or {}).get("causes") or []) if isinstance(body, dict) else []
    if len(causes) < 2 or body.get("reason") != "Invalid":
        return answer
    details = {**body["details"], "causes": sorted(causes, key=repr)}
    return {**answer, "body": {**body, "details": details, "message": body["message"].partition(" is invalid: ")[0]}}


def _short(answer: dict[str, Any]) -> str:
    body = answer["body"]
    return f"{answer['code']} {body.get('message', body.get('kind')) if isinstance(body, dict) else body!r}"


def run(area: Area, clients: tuple[Client, Client], namespace: str, random: Random, cases: int) -> Tally:
    """Put an area's cases to both servers: first the real one."""
    speakers = [Speaker(client, namespace) for client in clients]
    tally = Tally()
    for step in area.prepare:
        for speaker in speakers:
            answer = speaker.ask(step)
            assert answer["code"] < 300, (step, answer)
    for case in area.make(random, cases):
        for number, step in enumerate(case.steps):
            theirs, ours = (speaker.ask(step) for speaker in speakers)
            tally.requests += 1
            if found := compare(theirs, ours, namespace):
                what = (
                    f"{case.name}, request {number + 1}: {step.method} {step.path} {json.dumps(step.body, default=str)}"
                )
                tally.differing.append((what, found))
    return tally
