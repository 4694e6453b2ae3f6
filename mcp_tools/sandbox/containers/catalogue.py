"""The images that exist in the sandbox's world, and what pulling any other answers."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from mcp_tools.sandbox.containers import releases
from mcp_tools.sandbox.containers.behaviours import Behaviour, End

_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?P<name>(?:[a-zA-Z0-9.-]+(?::[0-9]+)?/)?{_PART}(?:/{_PART})*)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?",
    re.ASCII,
)
_BUILT = re.compile(r"(?P<tag>.+)-[0-9a-f]{8}")
_TODO_TAGS = ("1.0.0", "1.0.1", "1.1.0", "latest")


@dataclass(frozen=True, slots=True)
class Image:
    """An image of the catalogue.

    Attributes:
        tags: That exist.
        size: In bytes.
        pull: Seconds that a pull takes.
        behaviour: Of a container without a command of its own.
        loaded: Is on every node from the start, as after `minikube image load`.
        releases: The behaviour of tags that have one of their own.
    """

    tags: tuple[str, ...]
    size: int
    behaviour: Behaviour
    pull: float = 0.4
    loaded: bool = False
    releases: Mapping[str, Behaviour] = field(default_factory=dict)

    def behaviour_of(self, tag: str) -> Behaviour:
        """The behaviour of a tag: some releases are not as good as the others."""
        return self.releases.get(tag, self.behaviour)


_ENDS = Behaviour(boot=0.05, end=End(0.1, 0, "Completed"))
_BACKEND_OPENING = (
    '{"ts":"@","level":"info","logger":"app","msg":"database connection pool ready","size":5}',
    '{"ts":"@","level":"info","logger":"app","msg":"application startup complete","version":"1.0.0"}',
    '{"ts":"@","level":"info","logger":"uvicorn.error","msg":"Uvicorn running on http://0.0.0.0:8000"}',
)
_MCP_OPENING = (
    '{"ts":"@","level":"info","logger":"mcp","msg":"registered 5 tools"}',
    '{"ts":"@","level":"info","logger":"uvicorn.error","msg":"Uvicorn running on http://0.0.0.0:8001"}',
)
_FRONTEND_OPENING = (
    "   ▲ Next.js 16.4.0",
    "   - Local:        http://localhost:3000",
    "   - Network:      http://0.0.0.0:3000",
    " ✓ Starting...",
    " ✓ Ready in 284ms",
)
_POSTGRES_OPENING = (
    "PostgreSQL Database directory appears to contain a database; Skipping initialization",
    "@ UTC [1] LOG:  starting PostgreSQL 17.6 on x86_64-pc-linux-musl, compiled by gcc (Alpine 14.2.0) 14.2.0, 64-bit",
    '@ UTC [1] LOG:  listening on IPv4 address "0.0.0.0", port 5432',
    "@ UTC [1] LOG:  database system is ready to accept connections",
)
_DNS_OPENING = (
    ".:53",
    "[INFO] plugin/reload: Running configuration SHA512 = 591cf328cccc12bc490481273e738df5",
    "CoreDNS-1.12.1",
)
_NGINX_OPENING = (
    "/docker-entrypoint.sh: Configuration complete; ready for start up",
    '@ [notice] 1#1: using the "epoll" event method',
    "@ [notice] 1#1: start worker processes",
)

_BACKEND = Behaviour(
    0.5,
    (8000,),
    opening=_BACKEND_OPENING,
    traffic="backend",
    period=4.0,
    needs=("DATABASE_URL", "BETTER_AUTH_SECRET"),
    connects=("DATABASE_URL",),
    calls=("MCP_SERVER_URL",),
    paths=("/", "/health", "/health/live", "/health/ready", "/healthz", "/docs"),
    user=10001,
    writes=("/tmp",),  # noqa: S108  where the program keeps uploads
    memory=40 * 2**20,
)
_MCP = Behaviour(
    0.4,
    (8001,),
    opening=_MCP_OPENING,
    traffic="mcp",
    period=9.0,
    user=10001,
    writes=("/tmp",),  # noqa: S108
    memory=24 * 2**20,
)
_FRONTEND = Behaviour(
    0.6,
    (3000,),
    opening=_FRONTEND_OPENING,
    traffic="frontend",
    period=6.0,
    calls=("NEXT_PUBLIC_API_URL",),
    user=10001,
    voice="node",
    memory=48 * 2**20,
)

IMAGES: dict[str, Image] = {
    "todo-backend": Image(_TODO_TAGS, 184_216_064, _BACKEND, loaded=True, releases=releases.of_backend(_BACKEND)),
    "todo-mcp-server": Image(_TODO_TAGS, 171_442_176, _MCP, loaded=True),
    "todo-frontend": Image(_TODO_TAGS, 268_435_456, _FRONTEND, loaded=True),
    "python": Image(("3.13-slim", "3.12-slim", "3.13", "latest"), 45_613_056, _ENDS),
    "node": Image(("20-alpine", "22-alpine", "20", "22", "latest"), 46_137_344, _ENDS),
    "postgres": Image(
        ("17-alpine", "16-alpine", "17", "16", "latest"),
        110_100_480,
        Behaviour(
            0.5,
            (5432,),
            opening=_POSTGRES_OPENING,
            needs=("POSTGRES_PASSWORD",),
            voice="postgres",
            writes=("/var/lib/postgresql/data",),
        ),
    ),
    "nginx": Image(
        (
            "latest",
            "alpine",
            "stable",
            "stable-alpine",
            "1.25",
            "1.26",
            "1.27",
            "1.27-alpine",
            "1.28",
            "1.28-alpine",
            "1.29",
            "1.29-alpine",
        ),
        72_351_744,
        Behaviour(
            0.2, (80,), opening=_NGINX_OPENING, traffic="nginx", period=7.0, voice="nginx", writes=("/var/cache/nginx",)
        ),
    ),
    "registry.k8s.io/coredns/coredns": Image(
        ("v1.12.1",),
        22_384_805,
        Behaviour(0.3, (53, 8080, 8181, 9153), opening=_DNS_OPENING, memory=20 * 2**20),
        loaded=True,
    ),
    "redis": Image(
        ("latest", "alpine", "7", "7-alpine", "8", "8-alpine"),
        41_943_040,
        Behaviour(0.2, (6379,), opening=("1:M @ * Ready to accept connections tcp",)),
    ),
    "busybox": Image(("latest", "1.36", "1.37"), 2_202_009, _ENDS),
}


@dataclass(frozen=True, slots=True)
class Reference:
    """An image's name, taken apart and made complete."""

    repository: str
    tag: str

    @property
    def full(self) -> str:
        """With registry and tag: `docker.io/library/nginx:latest`."""
        return f"{self.repository}:{self.tag}"

    @property
    def short(self) -> str:
        """The repository without Docker Hub's prefix."""
        host, _, rest = self.repository.partition("/")
        return rest if host in _PRIVATE else self.repository.removeprefix("docker.io/").removeprefix("library/")

    @property
    def digest(self) -> str:
        """A stand-in for the content's digest, the same for the same image."""
        return "sha256:" + "".join(f"{zlib.crc32(f'{self.full}{part}'.encode()):08x}" for part in range(8))


def parse(image: str) -> Reference | None:
    """An image's name as it is resolved; `None` where it is no valid one."""
    found = _REFERENCE.fullmatch(image)
    if not found:
        return None
    name = found["name"]
    host, slash, rest = name.partition("/")
    if not slash:
        name = f"docker.io/library/{name}"
    elif not ("." in host or ":" in host or host == "localhost"):
        name = f"docker.io/{name}"
    elif host == "docker.io" and "/" not in rest:
        name = f"docker.io/library/{rest}"
    return Reference(name, found["tag"] or "latest")


def remote_name(image: str) -> str:
    """The part of an image's name that its registry knows, also where the name is not valid."""
    name = image.partition("@")[0]
    head, _, tail = name.rpartition("/")
    name = f"{head}/{tail.partition(':')[0]}" if head else tail.partition(":")[0]
    host, slash, rest = name.partition("/")
    if slash and ("." in host or ":" in host or host == "localhost"):
        return rest
    return name if slash else f"library/{name}"


def find(reference: Reference) -> Image | None:
    """The image, if it exists. What is on the nodes is also there as built from a checkout: `1.0.0-3f2a9c01`."""
    image = IMAGES.get(reference.short)
    if image is None:
        return None
    built = _BUILT.fullmatch(reference.tag) if image.loaded else None
    tag = built["tag"] if built else reference.tag
    return image if tag in image.tags or tag in image.releases else None


def refusal(reference: Reference, credentials: set[str]) -> str:
    """Why a registry does not give an image that is asked for; empty when it does.

    Args:
        reference: Of the image.
        credentials: The registries for which the asker has some.
    """
    full, host = reference.full, reference.repository.partition("/")[0]
    start = f'failed to pull and unpack image "{full}": failed to resolve reference "{full}": '
    manifest = f"https://{host}/v2/{reference.repository.partition('/')[2]}/manifests/{reference.tag}"
    if host in _PRIVATE and host not in credentials:
        return f"{start}pull access denied, repository does not exist or may require authorization: {_NO_CREDENTIALS}"
    if host in _BUSY:
        words = "429 Too Many Requests - toomanyrequests: You have reached your unauthenticated pull rate limit."
        return f"{start}unexpected status from HEAD request to {manifest}: {words}"
    if host.rpartition(".")[2] in {"invalid", "internal", "local"}:
        lookup = f"dial tcp: lookup {host.partition(':')[0]} on 10.96.0.10:53: no such host"
        return f'{start}failed to do request: Head "{manifest}": {lookup}'
    return "" if find(reference) else missing_message(reference)


_PRIVATE = frozenset({"registry.example.com"})
_BUSY = frozenset({"mirror.example.com"})
_NO_CREDENTIALS = "authorization failed: no basic auth credentials"


def hosts_of(encoded: str) -> set[str]:
    """The registries of a Secret of the type `kubernetes.io/dockerconfigjson`."""
    try:
        document = msgspec.json.decode(base64.b64decode(encoded))
        return set(document.get("auths") or ())
    except (ValueError, AttributeError):
        return set()


def missing_message(reference: Reference) -> str:
    """What the container runtime says about an image that does not exist."""
    full = reference.full
    return (
        f'failed to pull and unpack image "{full}": failed to resolve reference "{full}": {full}: not found: '
        "manifest unknown"
    )
