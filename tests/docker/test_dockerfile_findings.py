"""Of each Dockerfile of `dockerfiles/` is said what is written beside it, no more and no less, with the patch."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from dockerfile_helpers import HERE, make, read_by_buildkit
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_tools.docker.dockerfile.advising import advise, findings_of, improve, look_at
from mcp_tools.docker.dockerfile.context import Context, read_context
from mcp_tools.docker.dockerfile.model import Look
from mcp_tools.docker.dockerfile.rules import all_rules
from mcp_tools.docker.dockerfile.rules.caching import HOME
from mcp_tools.docker.dockerfile.syntax import parse
from mcp_tools.errors import NotFound, UsageError

ROOT = Path(__file__).parents[2]
CASES = sorted((HERE / "dockerfiles").glob("*.toml"))


def case(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text("utf-8").replace("{home}", HOME))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_what_is_found_and_patched_is_what_is_written_beside_it(path: Path, tmp_path: Path) -> None:
    wanted = case(path)
    make(tmp_path, wanted)
    look = look_at(tmp_path)
    found = findings_of(look)
    assert sorted(f"{one.code}:{one.line}" for one in found) == sorted(wanted["find"]), [one.reason for one in found]
    if "bytes" in wanted:
        assert sum(one.bytes or 0 for one in found) == wanted["bytes"]
    improved = improve(look)
    after = improved.after.get("Dockerfile", look.file.text)
    assert not parse(after).problems
    if wanted.get("patched") == "same":
        assert after == look.file.text
    elif "patched" in wanted:
        assert after == wanted["patched"].lstrip("\n")
    if "patched_ignore" in wanted:
        assert improved.after[".dockerignore"] == wanted["patched_ignore"]
    # What is patched is not found again, and nothing else appears.
    assert not {one.code for one in improved.left if one.edits}
    assert {one.code for one in improved.left} <= {one.code for one in found}


def test_every_rule_has_a_file_that_it_finds_something_in_and_some_files_are_clean() -> None:
    cases = [case(path) for path in CASES]
    found = {one.partition(":")[0] for wanted in cases for one in wanted["find"]}
    assert found == {one.code for one in all_rules()}
    assert sum(not wanted["find"] for wanted in cases) >= 8


@pytest.mark.parametrize("program", ["backend", "frontend", "mcp-server"])
def test_nothing_is_said_against_the_stack_s_own_images(program: str) -> None:
    assert findings_of(look_at(ROOT / "apps" / program)) == []


def test_the_answer_is_bounded_and_shows_no_secret(tmp_path: Path) -> None:
    lines = ["FROM python:3.13-slim", *(f"ENV PASSWORD_{number}_TOKEN=topsecret{number}" for number in range(40))]
    (tmp_path / "Dockerfile").write_text("\n".join(lines))
    answer = advise(tmp_path, with_hadolint=False)
    assert len(answer.data["findings"]) == 20
    assert answer.data["more"] == 21
    assert "topsecret" not in str(answer)
    assert answer.summary.startswith("41 findings")


def test_a_script_is_patched_beside_the_dockerfile(tmp_path: Path) -> None:
    make(tmp_path, case(HERE / "dockerfiles" / "entry_points.toml"))
    improved = improve(look_at(tmp_path))
    assert improved.after["entrypoint.sh"].endswith('mkdir -p /tmp/work\nexec "$@"\n')
    assert '"$@"' in (tmp_path / "entrypoint.sh").read_text()


def test_what_is_no_dockerfile_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        advise(tmp_path)
    (tmp_path / "notes.txt").write_text("RUN for your life\n")
    with pytest.raises(UsageError):
        advise(tmp_path / "notes.txt")


def test_hadolint_is_asked_where_it_is_and_says_nothing_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # As hadolint 2.12 writes it: one finding that ours has too, and one of its own.
    told = """[
      {"code": "DL3019", "column": 1, "file": "-", "level": "info", "line": 2, "message": "Use the switch"},
      {"code": "DL3018", "column": 1, "file": "-", "level": "warning", "line": 2, "message": "Pin versions in apk add."}
    ]"""
    program = tmp_path / "bin" / "hadolint"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ncat >/dev/null\ncat <<'END'\n{told}\nEND\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    (tmp_path / "Dockerfile").write_text('FROM alpine:3.21\nRUN apk add git\nUSER 1\nCMD ["git"]\n')
    answer = advise(tmp_path)
    assert [(one["code"], one["line"]) for one in answer.data["findings"]] == [("apk-cache", 2), ("DL3018", 2)]
    assert answer.data["findings"][1]["source"] == "hadolint"
    assert answer.data["hadolint"] is True


LINES = st.sampled_from(
    [
        *("RUN apt-get update", "RUN apt-get update && apt-get install git", "RUN apt install -y curl \\\n  wget"),
        *(
            "RUN apk add curl",
            "RUN pip install -r requirements.txt",
            "RUN pip install --no-cache-dir flask && rm -rf /x",
        ),
        *(
            "COPY . .",
            "COPY --chown=1:1 . /app/",
            'COPY ["a b", "./"]',
            "ADD x.tar.gz /",
            "ADD a b",
            "COPY a.sh /\\\n# x\n",
        ),
        *(
            "RUN npm install",
            "RUN npm ci \\\n\n  && npm run build",
            "RUN cd /tmp && make",
            "RUN cd /tmp",
            "RUN sudo ls",
        ),
        *(
            "RUN <<EOF\napt-get update\napt-get install git\nEOF",
            "RUN chown -R 1:1 /app",
            'RUN ["pip", "install", "x"]',
        ),
        *(
            "USER root",
            "USER nobody",
            "WORKDIR app",
            "WORKDIR /app",
            "EXPOSE 80",
            "EXPOSE 8000/tcp 70000",
            "ENV PORT=9",
        ),
        *("ENV API_TOKEN=abcdef", "ARG TOKEN", "ARG V=$V", "LABEL a=$V b=$TARGETARCH", 'MAINTAINER a "b"'),
        *("CMD npm start", "CMD ['a', 'b']", "CMD exec x", "CMD python -m http.server 127.0.0.1", "ENTRYPOINT a && b"),
        *(
            'ENTRYPOINT ["/a.sh"]',
            "HEALTHCHECK CMD true",
            "HEALTHCHECK NONE",
            "FROM node",
            "FROM python:3.12 AS b",
            "FROM b",
        ),
        *(
            "RUN curl x | sh",
            "RUN rm -rf /var/lib/apt/lists/*",
            "RUN chmod 777 /x",
            "ONBUILD RUN x",
            "# hadolint ignore=DL3020",
        ),
        *(
            'SHELL ["powershell"]',
            "RUN dnf install -y x",
            "RUN go build . && cargo build",
            "STOPSIGNAL 9",
            "\tRUN echo $V",
        ),
    ]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(LINES, max_size=9), st.booleans())
def test_a_patched_file_is_one_that_buildkit_reads_and_that_is_patched_no_further(
    empty_context: Context, lines: list[str], ended: bool
) -> None:
    text = "\n".join(["ARG V=1", "FROM python:3.13", *lines]) + ("\n" if ended else "")
    look = Look(parse(text), empty_context)
    improved = improve(look)
    after = improved.after.get("Dockerfile", text)
    assert read_by_buildkit(after)
    assert improve(Look(parse(after), empty_context, ignore_text=improved.after.get(".dockerignore"))).after == {}
    # Nothing that a program does is lost: what was run is run.
    for word in ("make", "echo", "chmod", "dnf"):
        assert after.count(word) >= text.count(word) - text.count(f"sudo {word}")


@pytest.fixture(scope="module")
def empty_context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    root = tmp_path_factory.mktemp("context")
    make(
        root,
        {
            "files": {
                "requirements.txt": "flask==3\n",
                "package.json": "{}",
                "package-lock.json": "{}",
                "a.sh": "exec x\n",
            }
        },
    )
    return read_context(root)
