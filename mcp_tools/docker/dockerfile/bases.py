"""What is known of public base images: their families, their slim forms, their users, what they can be asked with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Family = Literal["alpine", "debian", "redhat", "busybox", "distroless", "scratch", "unknown"]

DROPS_ROOT = frozenset(
    {
        *("postgres", "mysql", "mariadb", "mongo", "redis", "valkey", "rabbitmq", "memcached", "elasticsearch"),
        *(
            "cassandra",
            "influxdb",
            "neo4j",
            "zookeeper",
            "nats",
            "grafana/grafana",
            "prom/prometheus",
            "jenkins/jenkins",
        ),
    }
)
"""Images whose entry point leaves root by itself, or that name a user."""
NEEDS_ROOT = frozenset({"nginx", "httpd", "traefik", "haproxy", "php", "wordpress", "nextcloud"})
"""Images whose program begins as root on a port below 1024 and gives the work to another user."""
COMPILERS = frozenset(
    {"golang", "rust", "gcc", "maven", "gradle", "swift", "haskell", "dart", "mcr.microsoft.com/dotnet/sdk"}
)
"""Images that are tools to build with: what they make runs without them."""
USERS = {"node": ("node", "1000:1000"), "": ("nobody", "65534:65534")}
FULL_BYTES = {"python": 1_020_000_000, "node": 1_100_000_000, "ruby": 1_000_000_000}
"""About what the full public images and…"""
SLIM_BYTES = {"python": 125_000_000, "node": 220_000_000, "ruby": 230_000_000}
"""…their `-slim` forms take, unpacked."""
NOT_IN_SLIM = frozenset(
    {
        *("git", "curl", "wget", "gcc", "g++", "cc", "make", "cmake", "pkg-config", "hg", "svn", "bzr", "unzip", "xz"),
        *("python", "python3", "file", "patch", "ssh", "scp", "mysql_config", "pg_config", "convert", "identify"),
    }
)
DEBIAN_WORDS = ("bookworm", "bullseye", "trixie", "buster", "slim", "jammy", "noble", "focal")
_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")


@dataclass(frozen=True, slots=True)
class Base:
    """An image's name in its parts.

    Attributes:
        repository: Without `docker.io/library/`.
        tag: Empty where none is given.
        pinned: A digest stands behind it.
    """

    repository: str
    tag: str
    pinned: bool

    @property
    def program(self) -> str:
        """The last part of the repository."""
        return self.repository.rpartition("/")[2]

    @property
    def is_known(self) -> bool:
        """An official image, or one as well known: it names no user and no health check of its own."""
        return "/" not in self.repository or self.repository.startswith(
            ("mcr.microsoft.com/dotnet", "gcr.io/distroless")
        )

    @property
    def family(self) -> Family:
        """The distribution, as far as its name tells."""
        name, tag = self.repository, self.tag
        if name == "scratch":
            return "scratch"
        if "distroless" in name or name.startswith("cgr.dev/chainguard/"):
            return "distroless"
        if self.program == "busybox":
            return "busybox"
        if self.program == "alpine" or "alpine" in tag:
            return "alpine"
        if self.program in {
            "fedora",
            "centos",
            "rockylinux",
            "almalinux",
            "ubi8",
            "ubi9",
            "amazonlinux",
            "oraclelinux",
        }:
            return "redhat"
        if self.program.startswith("ubi"):
            return "redhat"
        if self.program in {"debian", "ubuntu"} or any(word in tag for word in DEBIAN_WORDS):
            return "debian"
        official = {"python", "node", "ruby", "golang", "rust", "gcc", "php", "perl", "openjdk", "eclipse-temurin"}
        return "debian" if name in official | {"maven", "gradle", "nginx", "httpd", "postgres", "redis"} else "unknown"


def base_of(image: str) -> Base:
    """An image's name taken apart; a port of a registry is no tag."""
    plain = _DIGEST.sub("", image)
    head, _, last = plain.rpartition("/")
    name, _, tag = last.partition(":")
    whole = f"{head}/{name}" if head else name
    short = whole.removeprefix("docker.io/").removeprefix("library/").removeprefix("index.docker.io/library/")
    return Base(short, tag, plain != image)


def probe_of(base: Base, port: int) -> str | None:
    """A HEALTHCHECK that connects to a port with what an image has; None where nothing is known to be there."""
    options = "--interval=10s --timeout=3s --start-period=30s --retries=3"
    python = f"import socket; socket.create_connection(('127.0.0.1', {port}), 2)"
    node = (
        f"require('net').connect({port}, '127.0.0.1')"
        ".on('connect', () => process.exit(0)).on('error', () => process.exit(1))"
    )
    if base.program == "python":
        return f'HEALTHCHECK {options} CMD ["python", "-c", "{python}"]'
    if base.program == "node":
        return f'HEALTHCHECK {options} CMD ["node", "-e", "{node}"]'
    if base.family in {"alpine", "busybox"}:
        return f'HEALTHCHECK {options} CMD ["nc", "-z", "127.0.0.1", "{port}"]'
    return None
