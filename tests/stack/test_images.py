"""The images as they were built."""

from __future__ import annotations

import pytest
from stack_helpers import Object, ok, run

pytestmark = pytest.mark.cluster
MEGABYTES = {"frontend": 200, "backend": 500, "mcp-server": 500}


def test_each_image_is_small_needs_no_root_and_tells_what_it_is(images: dict[str, Object]) -> None:
    for name, image in images.items():
        config = image["Config"]
        assert image["Size"] < MEGABYTES[name] * 1_000_000, name
        assert config["User"] == "10001:10001"
        assert config["Healthcheck"]["Test"]
        assert config["Labels"]["org.opencontainers.image.title"] == f"todo-{name}"


def test_each_image_holds_no_tests_no_settings_and_no_package_installer(images: dict[str, Object]) -> None:
    for name in images:
        listing = ok("docker", "run", "--rm", "--entrypoint=find", f"todo-{name}:1.0.0", "/app", "-name", "*.env*")
        assert listing == ""
    installer = "import importlib.util as u; print(u.find_spec('pip') is not None)"
    for name in ("backend", "mcp-server"):
        assert ok("docker", "run", "--rm", "--read-only", f"todo-{name}:1.0.0", "python", "-c", installer) == "False\n"


def test_a_missing_setting_stops_the_start_with_one_line(images: dict[str, Object]) -> None:
    done = run("docker", "run", "--rm", "--read-only", "todo-backend:1.0.0")
    assert done.returncode == 2
    assert done.stderr.splitlines() == ["backend: DATABASE_URL is not set; BETTER_AUTH_URL is not set"]


def test_no_file_of_ours_bears_the_time_of_the_build(images: dict[str, Object]) -> None:
    """Nor of any in the last ten years, or the same sources would make other layers each time."""
    ours = {"frontend": ["/app"], "backend": ["/venv", "/app"], "mcp-server": ["/venv", "/app"]}
    for name, folders in ours.items():
        find = ("docker", "run", "--rm", "--entrypoint=find", f"todo-{name}:1.0.0", *folders)
        assert ok(*find, "-maxdepth", "2", "-mtime", "-3650") == "", name
