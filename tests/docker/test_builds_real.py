"""Builds that really fail are told right, patches really build, and what is measured is what Docker has."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from dockerfile_helpers import make
from needs import missing

from mcp_tools.docker.building.explaining import explain
from mcp_tools.docker.building.measuring import How, start
from mcp_tools.docker.building.optimising import Optimised, optimise
from mcp_tools.docker.building.trying import try_fix
from mcp_tools.docker.dockerfile.context import read_context

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]
BUSYBOX, PYTHON, NODE = "busybox:latest", "python:3.13-slim", "node:20-alpine"
TAG = "shipmate-test-never-made"
SCRIPT = "#!/bin/sh\necho built\n"
FAILURES: dict[str, tuple[str, str, dict[str, str], int | None]] = {
    # The kind, the Dockerfile, files, the line.
    "program": ("program-missing", f"FROM {BUSYBOX}\nRUN echo a\nRUN echo b && nosuch --x\n", {}, 3),
    "instruction": ("unknown-instruction", f"FROM {BUSYBOX}\nRUNN true\n", {}, 2),
    "copy": ("copy-missing", f"FROM {BUSYBOX}\nCOPY requirments.txt ./\n", {"requirements.txt": ""}, 2),
    "ignored": ("copy-ignored", f"FROM {BUSYBOX}\nCOPY dist /srv\n", {"dist/a": "", ".dockerignore": "dist\n"}, 2),
    "user": ("user-unknown", f"FROM {BUSYBOX}\nUSER app\nRUN true\n", {}, 3),
    "arg": ("missing-arg", f"ARG BASE_IMAGE={BUSYBOX}\nFROM ${{BASE}}\nRUN true\n", {}, 2),
    "stage": ("unknown-stage", f"FROM {BUSYBOX} AS made\nFROM {BUSYBOX}\nCOPY --from=mad /a /b\n", {}, 3),
    "executable": ("not-executable", f"FROM {BUSYBOX}\nCOPY go.sh /\nRUN /go.sh\n", {"go.sh": SCRIPT}, 3),
    "permission": ("permission", f"FROM {BUSYBOX}\nUSER 10001\nRUN touch /new\n", {}, 3),
    "manager": ("wrong-package-manager", f"FROM {BUSYBOX}\nRUN apk add curl\n", {}, 2),
    "killed": ("out-of-memory", f"FROM {BUSYBOX}\nRUN sh -c 'kill -9 $$'; exit $?\n", {}, 2),
    "full": ("no-space", f"FROM {BUSYBOX}\nRUN echo x > /dev/full\n", {}, 2),
    "refused": ("connection", f"FROM {BUSYBOX}\nRUN wget http://127.0.0.1:1/\n", {}, 2),
    "name": ("dns", f"FROM {BUSYBOX}\nRUN wget http://shop.invalid/\n", {}, 2),
    "syntax": ("shell-syntax", f"FROM {BUSYBOX}\nRUN if true; echo a\n", {}, 2),
    "sum": ("checksum", f"FROM {BUSYBOX}\nRUN echo 'aa  /etc/passwd' | sha256sum -c\n", {}, 2),
    "list": ("pip-list-missing", f"FROM {PYTHON}\nRUN pip install -r requirements.txt\n", {}, 2),
    "package": ("pip-package-unknown", f"FROM {PYTHON}\nRUN pip install --no-index reqeusts\n", {}, 2),
    "module": ("python-module", f"FROM {PYTHON}\nRUN python -c 'import shop'\n", {}, 2),
    "script": (
        "npm-script",
        f"FROM {NODE}\nCOPY package.json /\nRUN npm run biuld\n",
        {"package.json": '{"scripts": {"build": "true"}}'},
        3,
    ),
    "lock": (
        "npm-lock-missing",
        f"FROM {NODE}\nWORKDIR /a\nCOPY package.json ./\nRUN npm ci\n",
        {"package.json": '{"dependencies": {"a": "1"}}'},
        4,
    ),
}
CLASSIC = ("program", "ignored", "executable", "killed", "instruction")


def run(*words: str, buildkit: str = "1") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DOCKER_BUILDKIT": buildkit}
    return subprocess.run(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=300, env=environment
    )


@pytest.fixture(scope="module", autouse=True)
def engine() -> None:
    lacking = [] if shutil.which("docker") and run("docker", "info").returncode == 0 else ["a Docker engine"]
    lacking = lacking or [one for one in (BUSYBOX, PYTHON, NODE) if run("docker", "image", "inspect", one).returncode]
    if lacking:
        words = f"needs {', '.join(lacking)}: start Docker, and pull them"
        missing(words)


@pytest.mark.parametrize(
    ("name", "buildkit"), [*((name, "1") for name in FAILURES), *((name, "0") for name in CLASSIC)]
)
def test_a_build_that_really_fails_is_told_right(name: str, buildkit: str, tmp_path: Path) -> None:
    kind, dockerfile, files, line = FAILURES[name]
    make(tmp_path, {"dockerfile": dockerfile, "files": files})
    progress = ["--progress=plain"] if buildkit == "1" else []
    done = run("docker", "build", *progress, "--tag", TAG, str(tmp_path), buildkit=buildkit)
    assert done.returncode != 0
    told = explain(done.stdout, tmp_path).data
    assert (told["kind"], told["line"]) == (kind, line), done.stdout
    assert told["builder"] in ({"buildkit", "unknown"} if buildkit == "1" else {"classic", "unknown"})


def test_a_container_that_does_not_start_is_told_right(tmp_path: Path) -> None:
    make(tmp_path, {"dockerfile": f'FROM {BUSYBOX}\nUSER 1\nCMD ["gunicorn", "app:app"]\n'})
    done = run("docker", "run", "--rm", "--name", TAG, BUSYBOX, "gunicorn", "app:app")
    told = explain(done.stdout, tmp_path).data
    assert (told["kind"], told["line"]) == ("entrypoint-missing", 3), done.stdout


def test_patches_are_tried_until_it_builds_and_nothing_of_the_user_s_is_changed(tmp_path: Path) -> None:
    text = f"FROM {BUSYBOX}\nCOPY gos.sh /go.sh\nRUN /go.sh\n"
    make(tmp_path, {"dockerfile": text, "files": {"go.sh": SCRIPT}})
    fix = try_fix("", tmp_path, lambda *_: None)
    answer = fix.answer()
    assert fix.builds, answer
    assert [one.kind.id for one in fix.failures if one.kind] == ["copy-missing", "not-executable"]
    assert fix.after == {"Dockerfile": f"FROM {BUSYBOX}\nCOPY --chmod=755 go.sh /go.sh\nRUN /go.sh\n"}
    assert "with the patch it builds" in answer.summary
    assert (tmp_path / "Dockerfile").read_text() == text
    assert "shipmate-trial" not in run("docker", "image", "ls").stdout


def test_a_failure_without_a_patch_is_said_to_have_none(tmp_path: Path) -> None:
    make(tmp_path, {"dockerfile": f"FROM {BUSYBOX}\nRUN exit 9\n"})
    fix = try_fix("", tmp_path, lambda *_: None)
    assert not fix.builds
    assert "no patch" in fix.answer().summary


IGNORE = """
# a comment
*
!src
!*.md
**/*.log
src/**/tmp
!src/a/tmp/keep.txt
/src/b
src/?.bin
!src/[ab].bin
READ*.md
!README.md
"""
NAMES = (
    *("README.md", "READTHIS.md", "notes.md", "Makefile", ".env", "src/main.py", "src/x.log", "src/a/x.log"),
    *("src/a/tmp/keep.txt", "src/a/tmp/gone.txt", "src/a/c/tmp/gone.txt", "src/b/one", "src/b.bin", "src/c.bin"),
    *("docs/notes.md", "src/tmp/x"),
)


def test_what_dockerignore_leaves_out_is_what_docker_leaves_out(tmp_path: Path) -> None:
    text = f"FROM {BUSYBOX}\nCOPY . /c\nRUN find /c -type f | sort > /list; cat /list\n"
    make(tmp_path, {"dockerfile": text, "files": {**dict.fromkeys(NAMES, "x"), ".dockerignore": IGNORE}})
    done = run("docker", "build", "--no-cache", "--progress=plain", str(tmp_path))
    theirs = {word.partition("/c/")[2] for word in done.stdout.split() if word.startswith("/c/")}
    ours = {path for path, one in read_context(tmp_path).files.items() if not one.ignored}
    assert ours == theirs


SERVER = """
import http.server, pathlib
pathlib.Path("/app/started").write_text("only root may")
http.server.ThreadingHTTPServer(("", 8000), http.server.SimpleHTTPRequestHandler).serve_forever()
"""


def test_an_image_is_measured_before_and_after_and_a_patch_that_breaks_it_is_given_up(tmp_path: Path) -> None:
    dockerfile = f"FROM {PYTHON}\nWORKDIR /app\nCOPY . .\nEXPOSE 8000\nCMD python main.py\n"
    files = {"main.py": SERVER, ".git/pack": "x*3000000"}
    make(tmp_path, {"dockerfile": dockerfile, "files": files})
    found: Optimised = optimise(tmp_path, lambda *_: None, smoke=["python", "-c", "print(1)"], ready_seconds=20)
    told: dict[str, Any] = found.answer().data
    assert told["proposed"], told
    assert [one["code"] for one in told["given_up"]] == ["root-user"]
    assert {one["code"] for one in told["applied"]} == {"context", "shell-form", "healthcheck"}
    assert 2_900_000 < found.before.size - found.after.size < 3_200_000
    assert found.after.starts is not None
    assert found.after.warm is not None
    assert told["table"][0]["what"] == "image"
    assert "USER" not in found.improved.after["Dockerfile"]
    assert (tmp_path / "Dockerfile").read_text() == dockerfile


def test_a_patch_that_breaks_the_build_is_given_up_alone(tmp_path: Path) -> None:
    dockerfile = f"FROM {BUSYBOX}\nCOPY . /app\nRUN cat /app/node_modules/needed\nCMD sleep 60\n"
    make(tmp_path, {"dockerfile": dockerfile, "files": {"node_modules/needed": "x"}})
    found = optimise(tmp_path, lambda *_: None, without=["unpinned-base"])
    (given_up,) = found.given_up
    assert given_up[0].code == "context"
    assert "can't open '/app/node_modules/needed'" in given_up[1]
    assert {one.code for one in found.improved.applied} == {"root-user", "shell-form"}
    assert found.better


def test_a_port_that_only_docker_s_proxy_answers_is_no_start() -> None:
    config = {"ExposedPorts": {"8000/tcp": {}}, "Cmd": ["sh"]}
    # The engine publishes the port, and nobody in the container listens on it.
    ready, seen = start("busybox:latest", config, How({}, ready_seconds=3, command=("sleep", "60")))
    assert ready is None
    assert "port 8000 does not answer" in seen
