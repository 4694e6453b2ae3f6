"""Which backend an Ingress sends a request to: the tables of the Kubernetes documentation."""

from __future__ import annotations

from typing import Any

import pytest

from mcp_tools.diagnosis.network.services import host_matches, path_matches, route


# https://kubernetes.io/docs/concepts/services-networking/ingress/#examples
@pytest.mark.parametrize(
    ("kind", "pattern", "path", "matches"),
    [
        ("Prefix", "/", "/anything", True),
        ("Exact", "/foo", "/foo", True),
        ("Exact", "/foo", "/bar", False),
        ("Exact", "/foo", "/foo/", False),
        ("Exact", "/foo/", "/foo", False),
        ("Prefix", "/foo", "/foo/", True),
        ("Prefix", "/foo/", "/foo", True),
        ("Prefix", "/aaa/bb", "/aaa/bbb", False),
        ("Prefix", "/aaa/bbb", "/aaa/bbb/ccc", True),
        ("Prefix", "/aaa/bbb", "/aaa/bbbxyz", False),
    ],
)
def test_a_path_matches_as_documented(kind: str, pattern: str, path: str, *, matches: bool) -> None:
    assert path_matches(kind, pattern, path) is matches


@pytest.mark.parametrize(
    ("rule", "host", "matches"),
    [
        ("*.foo.com", "bar.foo.com", True),
        ("*.foo.com", "baz.bar.foo.com", False),
        ("*.foo.com", "foo.com", False),
        ("foo.com", "FOO.com", True),
        ("", "any.example.com", True),
    ],
)
def test_a_host_matches_as_documented(rule: str, host: str, *, matches: bool) -> None:
    assert host_matches(rule, host) is matches


def test_the_most_exact_host_and_then_the_longest_path_win() -> None:
    def rule(host: str, *paths: tuple[str, str, str]) -> dict[str, Any]:
        items = [{"pathType": kind, "path": path, "backend": {"service": {"name": to}}} for kind, path, to in paths]
        return {"host": host, "http": {"paths": items}}

    spec = {
        "defaultBackend": {"service": {"name": "rest"}},
        "rules": [
            rule("*.shop.com", ("Prefix", "/", "wild")),
            rule("www.shop.com", ("Prefix", "/", "site"), ("Prefix", "/api", "api"), ("Exact", "/api", "index")),
        ],
    }

    def to(host: str, path: str) -> str:
        found = route(spec, host, path)
        assert found is not None
        return str(found[1]["service"]["name"])

    assert to("www.shop.com", "/about") == "site"
    assert to("www.shop.com", "/api/1") == "api"
    assert to("www.shop.com", "/api") == "index"
    assert to("old.shop.com", "/api") == "wild"
    assert to("example.com", "/") == "rest"
