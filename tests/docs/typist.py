"""The documents' commands and sentences, typed by a reader."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from written import PAGES, ROOT, Block, sentences

from assistant.offline.model import ToolCall
from assistant.offline.planner import plan

if TYPE_CHECKING:
    from reader import Done, Reader

ENDLESS = re.compile(r"^(logs -f|forward) ")
"""Sentences that go on until Ctrl-C; tests/faces/test_following.py runs them."""
NOT_HERE = {
    "export OPENAI_API_KEY=…": "wants a key",
    "shipmate --model ollama:llama3.1": "wants a server of models; tests/assistant/test_agent.py has one",
}
"""Commands in blocks that are run otherwise, and why not these."""
OF_A_BROKEN_BUILD = ("why did the build of backend fail?", "fix the build of backend")
REGISTRY = "ghcr.io"
BY_CI = {"make demo", "make test"}
"""Steps of .ci/run."""
WORLD = Path(__file__).with_name("world.yaml")


def named(page: Path) -> str:
    """A page as it is told of."""
    return str(page.relative_to(ROOT))


def program(sentence: str) -> str:
    """The program of the user's that a sentence needs; empty for none."""
    step = plan(sentence)
    arguments = step.arguments if isinstance(step, ToolCall) else {}
    if arguments.get("minikube"):
        return "minikube"
    if sentence in OF_A_BROKEN_BUILD:
        return "a broken build"
    if arguments.get("how") == "compose" or (isinstance(step, ToolCall) and step.name.endswith("_docker")):
        return "docker"
    helm = isinstance(step, ToolCall) and (step.name == "change_release" or "upgrading" in sentence)
    return "helm" if helm or arguments.get("how") == "helm" else ""


def failures(reader: Reader, found: list[Block], registry: str = REGISTRY) -> list[Done]:
    """Every command of the blocks, in order, with another registry where one is given; the failures."""
    ends = []
    for block in found:
        for command in block.commands:
            if command in BY_CI | NOT_HERE.keys():
                continue
            typed = command.replace(REGISTRY, registry)
            ends.append(reader.until(block.why, typed) if block.how == "until" else reader(typed))
    return [end for end in ends if end.code]


def make_the_world(reader: Reader) -> None:
    """What the sentences are about."""
    for command in (
        'shipmate ask "upgrade the todo stack"',
        'shipmate ask "scale mcp-server to 2"',
        f"kubectl apply -f {shlex.quote(str(WORLD))}",
        "kubectl wait --for=condition=available deployment --all --timeout=60s",
    ):
        end = reader(command)
        assert end.code == 0, str(end)


def said(reader: Reader, *, programs: set[str]) -> list[tuple[str, Done]]:
    """Every sentence of the documents that needs one of these programs, with its page and how it ended."""
    return [
        (named(page), reader(f"shipmate ask {shlex.quote(sentence)} --dry-run"))
        for page in PAGES
        for sentence in sentences(page)
        if program(sentence) in programs and not ENDLESS.match(sentence)
    ]
