"""What the chart renders and the plain manifests, against the schemas of every Kubernetes that the chart promises."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator

import kubernetes_validate
import pytest
import yaml
from kubernetes_validate import utils
from stack_helpers import CHART, ROOT, Object, Render

pytestmark = pytest.mark.cluster

OLDEST = (1, 28)
SECRET = ("secret.existingSecret=", "secret.databaseUrl=postgresql://a@b/c", f"secret.betterAuthSecret={'x' * 32}")


def minor(version: str) -> tuple[int, int]:
    major, minor, *_ = version.split(".")
    return int(major), int(minor)


VERSIONS = sorted({minor(version) for version in utils.all_versions() if minor(version) >= OLDEST})


@pytest.fixture(scope="module")
def objects(render: Render) -> list[Object]:
    """Each object once, the manifests' and those of every values file."""
    paths = [*sorted((ROOT / "manifests").glob("*.yaml")), *(ROOT / "manifests/development").glob("*.yaml")]
    found = [one for path in paths for one in yaml.safe_load_all(path.read_text())]
    found += [one for name in ("dev", "staging", "prod", "doks") for one in render(name)]
    found += render("dev", *SECRET)
    found += render("dev", "monitor.enabled=true")
    found += render("dev", "monitor.enabled=true", "monitor.allNamespaces=true", "monitor.stateClaim=kept")
    return list({json.dumps(one, sort_keys=True): one for one in found}.values())


@pytest.fixture(scope="module", autouse=True)
def each_schema_read_once() -> Iterator[None]:
    """The library reads a megabyte of JSON for every object."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(utils, "schema_contents", functools.cache(utils.schema_contents))
        yield


@pytest.mark.parametrize("version", [f"{major}.{minor}" for major, minor in VERSIONS])
def test_every_object_is_valid_in_every_kubernetes(objects: list[Object], version: str) -> None:
    for one in objects:
        kubernetes_validate.validate(one, version, strict=True)


def test_the_chart_asks_for_the_oldest_of_them() -> None:
    wanted = yaml.safe_load((CHART / "Chart.yaml").read_text())["kubeVersion"]
    assert wanted == f">={OLDEST[0]}.{OLDEST[1]}.0-0"
    assert VERSIONS[0] == OLDEST
