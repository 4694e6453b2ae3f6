"""The chart rendered, and the images; both with the programs that users have."""

from __future__ import annotations

import json
import shutil

import pytest
import yaml
from needs import missing
from stack_helpers import CHART, Object, Render, ok, run


@pytest.fixture(scope="session")
def helm() -> str:
    if (found := shutil.which("helm")) is None:
        missing("no helm on the PATH: install it")
    return found or ""


@pytest.fixture(scope="session")
def render(helm: str) -> Render:
    """What the chart makes of `values-<name>.yaml` and `--set`s, the tests that come with it left out."""

    def rendering(name: str, *sets: str) -> list[Object]:
        values = [f"--values={CHART / f'values-{name}.yaml'}", *(f"--set={one}" for one in sets)]
        text = ok(helm, "template", "todo", str(CHART), "--namespace=todo-app", "--skip-tests", *values)
        return [one for one in yaml.safe_load_all(text) if one]

    return rendering


@pytest.fixture(scope="session")
def images() -> dict[str, Object]:
    """The images of the three programs, as Docker describes them."""
    if shutil.which("docker") is None or run("docker", "info").returncode:
        missing("no Docker engine answers: start one")
    found = {}
    for name in ("frontend", "backend", "mcp-server"):
        image = f"todo-{name}:1.0.0"
        inspected = run("docker", "image", "inspect", image)
        if inspected.returncode:
            missing(f"no image {image}: run `docker compose build`")
        found[name] = json.loads(inspected.stdout)[0]
    return found
