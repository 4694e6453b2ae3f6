"""Images of a real engine, read as it saves them, beside what runs in them says of itself."""

from __future__ import annotations

import io
import json
import tarfile
from typing import TYPE_CHECKING

import docker
import pytest
from docker.errors import DockerException, ImageNotFound
from needs import missing

from mcp_tools.docker.scanning.scan import examine, sbom

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.cluster
PYTHON = "python:3.13-slim"
OURS = "shipmate-scanned:1"
SECRET = "s3cr3t-Zq9x7Lw2"
DOCKERFILE = f"""
FROM busybox:latest
COPY os-release /etc/os-release
COPY installed /lib/apk/db/installed
COPY settings /app/.env
RUN rm /app/.env && cp /bin/busybox /bin/raise && chmod 4755 /bin/raise
RUN printf 'P:musl\\nV:1.2.4-r3\\nA:x86_64\\n\\nP:zlib\\nV:1.3.1-r0\\nA:x86_64\\n' > /lib/apk/db/installed
ENV API_TOKEN={SECRET}
USER 10001:10001
"""


@pytest.fixture(scope="module")
def client() -> Iterator[docker.DockerClient]:
    try:
        made = docker.from_env(timeout=300)
        made.images.get(PYTHON)
    except ImageNotFound:
        missing(f"no image {PYTHON}: pull it")
    except DockerException as error:
        missing(f"no Docker engine answers: {error}")
    yield made
    made.close()


@pytest.fixture(scope="module")
def ours(client: docker.DockerClient) -> Iterator[str]:
    files = {
        "Dockerfile": DOCKERFILE,
        "os-release": "ID=alpine\nVERSION_ID=3.19.1\n",
        "installed": "P:musl\nV:1.2.4-r2\nA:x86_64\n",
        "settings": f"DB_PASSWORD={SECRET}\n",
    }
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    context.seek(0)
    client.images.build(fileobj=context, custom_context=True, tag=OURS, rm=True, forcerm=True)
    yield OURS
    client.images.remove(OURS, force=True)


def test_the_inventory_is_what_dpkg_and_pip_say_inside(client: docker.DockerClient) -> None:
    asked = "${db:Status-Status} ${Package} ${Version} ${Architecture}"
    script = f"dpkg-query -W -f '{asked}\\n'; python -m pip list --format=json"
    output = client.containers.run(PYTHON, ["sh", "-c", script], remove=True, network_disabled=True)
    *listed, by_pip = output.decode().strip().splitlines()
    held = examine(client, PYTHON, scanners=False).image
    installed = {tuple(line.split()[1:]) for line in listed if line.startswith("installed ")}
    assert {(one.name, one.version, one.arch) for one in held.packages if one.type == "deb"} == installed
    named = {(one["name"], one["version"]) for one in json.loads(by_pip)}
    assert named <= {(one.name, one.version) for one in held.packages if one.type == "pypi"}
    assert held.distribution.id == "debian"


def test_each_layer_is_told_what_it_brought_and_what_it_only_hides(client: docker.DockerClient, ours: str) -> None:
    report = examine(client, ours, scanners=False)
    steps = {step.number: step.created_by for step in report.image.layers}
    packages = {one.name: one for one in report.image.packages}
    assert packages["musl"].version == "1.2.4-r3"
    assert "1.3.1-r0" in steps[packages["zlib"].layer]
    found = {one.code: one for one in report.findings}
    assert found["sensitive-file"].where == ("/app/.env",)
    assert "/app/.env" in steps[found["sensitive-file"].layer]
    assert "removes it" in found["sensitive-file"].title
    assert found["setuid-files"].where == ("/bin/raise",)
    assert found["secret-in-environment"].where == ("API_TOKEN=[redacted]",)
    assert "runs-as-root" not in found
    assert SECRET not in json.dumps([step.created_by for step in report.image.layers])


def test_a_bill_of_materials_of_a_built_image_names_its_packages(client: docker.DockerClient, ours: str) -> None:
    urls = ["pkg:apk/alpine/musl@1.2.4-r3?arch=x86_64&distro=alpine-3.19.1"]
    urls += ["pkg:apk/alpine/zlib@1.3.1-r0?arch=x86_64&distro=alpine-3.19.1"]
    for form in ("cyclonedx", "spdx"):
        text = sbom(client, ours, form)  # type: ignore[arg-type]
        assert all(url in text for url in urls), form
        assert SECRET not in text
