"""What the documents tell a reader to type that wants Helm or a Docker engine."""

from __future__ import annotations

import re
import shutil
import socket
import uuid
from typing import TYPE_CHECKING

import pytest
import registry
from needs import missing
from typist import OF_A_BROKEN_BUILD, REGISTRY, failures, make_the_world, named, said
from written import PAGES, blocks

if TYPE_CHECKING:
    from pathlib import Path

    from reader import Reader

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(500)]
CHECKOUT = {
    "blog/Chart.yaml": "apiVersion: v2\nname: blog\nversion: 1.3.0\n",
    "blog/templates/settings.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: blog}\n",
    "values-prod.yaml": "replicas: 3\n",
    "apps/backend/.env": "DATABASE_URL=postgresql://todo:todo@db.example.com/todo?sslmode=require\n",
    "apps/frontend/.env": f"BETTER_AUTH_SECRET={'for-a-test-' * 4}\n",
}
"""What they are about on this machine: a chart, values, and settings for an environment that is not for development."""
BROKEN_BUILD = {
    "apps/backend/.dockerignore": "",
    "apps/backend/Dockerfile": "FROM busybox:latest\nWORKDIR /srv\nCOPY start.sh ./\nRUN ./start.sh\n",
    "apps/backend/start.sh": "#!/bin/sh\necho started\n",
}
"""A program that may not be executed: its mode is that of a file."""


@pytest.mark.parametrize("page", [page for page in PAGES if any(b.how == "cluster" for b in blocks(page))], ids=named)
def test_the_commands_with_helm_and_docker_do_what_they_say(
    reader: Reader, page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [block for block in blocks(page) if block.how == "cluster"]
    for needed in ("helm", "docker"):
        if needed in str(found) and shutil.which(needed) is None:
            missing(f"no {needed} on the PATH: install it")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        monkeypatch.setenv("TODO_PORT", str(probe.getsockname()[1]))
    # A project, a port and tags of its own: what else runs on the engine is left alone.
    own = f"docs-{uuid.uuid4().hex[:6]}"
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", f"todo-{own}")
    monkeypatch.setenv("TODO_VERSION", own)
    pushed = registry.Registry()
    try:
        with registry.serve(pushed):
            failed = failures(reader, found, pushed.address)
    finally:
        for image in pushed.tags:
            reader.shell(f"docker image rm {pushed.address}/{image}")
        if "docker compose" in str(found):
            reader.shell("docker compose down --volumes")
            reader.shell(f"docker image rm todo-mcp-server:{own} todo-backend:{own} todo-frontend:{own}")
    assert not failed, "\n\n".join(map(str, failed))
    told = {one.replace(f"{REGISTRY}/", "") for block in found for one in re.findall(r"docker push (\S+)", block.text)}
    assert pushed.tags == told


def test_every_sentence_for_helm_and_docker_can_be_done(reader: Reader) -> None:
    for needed in ("helm", "docker"):
        if shutil.which(needed) is None:
            missing(f"no {needed} on the PATH: install it")
    make_the_world(reader)
    for name, text in CHECKOUT.items():
        (reader.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (reader.folder / name).write_text(text)
    reader.shell("docker run --detach --name web --stop-timeout 0 busybox:latest sleep 600")
    try:
        ends = said(reader, programs={"helm", "docker"})
    finally:
        reader.shell("docker rm --force web")
    assert len(ends) > 5
    failed = [f"{page}: {end}" for page, end in ends if end.code]
    assert not failed, "\n\n".join(failed)


def test_every_sentence_about_a_build_that_fails_can_be_done(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("docker") is None:
        missing("no docker on the PATH: install it")
    elsewhere = reader.folder.parent / "broken"
    for name, text in BROKEN_BUILD.items():
        (elsewhere / name).parent.mkdir(parents=True, exist_ok=True)
        (elsewhere / name).write_text(text)
    monkeypatch.chdir(elsewhere)
    ends = said(reader, programs={"a broken build"})
    assert {end.command.split("'")[1] for _, end in ends} == set(OF_A_BROKEN_BUILD)
    assert [str(end) for _, end in ends if end.code or "start.sh" not in end.said] == []
