"""Bills of materials are what their specifications ask for, hold everything, and are the same every time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from scanning_helpers import CREATED, Built, File, dist_info, dpkg, engine, go_program, image, layer, os_release

from mcp_tools.docker.scanning.scan import sbom
from mcp_tools.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import docker

NAME = "shop/api:1.2"
URLS = {
    "pkg:apk/debian/musl@1.2.4-r2?arch=x86_64&distro=debian-12",
    "pkg:deb/debian/libssl3@3.0.11-1~deb12u1?arch=amd64&distro=debian-12&upstream=openssl",
    "pkg:golang/golang.org/x/net@v0.17.0",
    "pkg:golang/stdlib@1.22.1",
    "pkg:npm/%40scope/thing@2.0.0",
    "pkg:pypi/flask-login@0.6.3",
}


@pytest.fixture(scope="module")
def client() -> Iterator[docker.DockerClient]:
    base = layer(os_release("debian", "12"), dpkg(("libssl3", "3.0.11-1~deb12u1", "openssl")))
    ours = layer(
        dist_info("Flask_Login", "0.6.3", extra="License-Expression: MIT\n"),
        File("usr/bin/tool", go_program("go1.22.1", ("golang.org/x/net", "v0.17.0")), mode=0o755),
        File(
            "app/node_modules/@scope/thing/package.json",
            '{"name": "@scope/thing", "version": "2.0.0", "license": "Our own"}',
        ),
        File("lib/apk/db/installed", "P:musl\nV:1.2.4-r2\nA:x86_64\nL:MIT AND BSD-2-Clause\n"),
    )
    images: dict[str, Built] = {NAME: image(base, ours), "empty:1": image(layer(File("a", "x")), created=None)}
    with engine(images) as made:
        yield made


def test_cyclonedx_is_valid_whole_and_the_same_every_time(client: docker.DockerClient) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    validator = JsonStrictValidator(SchemaVersion.V1_6)
    for name in (NAME, "empty:1"):
        assert validator.validate_str(sbom(client, name)) is None
    text = sbom(client, NAME)
    assert text == sbom(client, NAME)
    document: dict[str, Any] = json.loads(text)
    components = {one.get("purl"): one for one in document["components"]}
    assert set(components) == {*URLS, None}
    properties = {one["name"]: one["value"] for one in components["pkg:pypi/flask-login@0.6.3"]["properties"]}
    assert properties["shipmate:layer"] == "2"
    assert components["pkg:pypi/flask-login@0.6.3"]["licenses"] == [{"license": {"id": "MIT"}}]
    assert document["metadata"]["component"]["name"] == NAME
    assert document["metadata"]["timestamp"].startswith(CREATED[:19])


def test_spdx_is_valid_whole_and_the_same_every_time(client: docker.DockerClient, tmp_path: Path) -> None:
    from spdx_tools.spdx.parser.parse_anything import parse_file
    from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

    for name in (NAME, "empty:1"):
        text = sbom(client, name, "spdx")
        assert text == sbom(client, name, "spdx")
        file = tmp_path / "bom.spdx.json"
        file.write_text(text, encoding="utf-8")
        assert validate_full_spdx_document(parse_file(str(file)), "SPDX-2.3") == []
    document: dict[str, Any] = json.loads(sbom(client, NAME, "spdx"))
    packages = {
        one["externalRefs"][0]["referenceLocator"]: one for one in document["packages"] if "externalRefs" in one
    }
    assert set(packages) == URLS
    assert {one["externalRefs"][0]["referenceCategory"] for one in packages.values()} == {"PACKAGE-MANAGER"}
    assert packages["pkg:npm/%40scope/thing@2.0.0"]["licenseDeclared"] == "NOASSERTION"
    assert packages["pkg:pypi/flask-login@0.6.3"]["licenseDeclared"] == "MIT"
    assert packages["pkg:pypi/flask-login@0.6.3"]["sourceInfo"].startswith("layer 2, /usr/local/lib/")


def test_another_format_is_an_error_that_names_those_there_are(client: docker.DockerClient) -> None:
    with pytest.raises(UsageError, match="cyclonedx or spdx"):
        sbom(client, NAME, "swid")  # type: ignore[arg-type]
