"""What the engine's things take on the disk, and what of it nobody uses: the preview of a prune."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcp_tools.docker.engine import engine
from mcp_tools.reads.answer import Answer, count

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from mcp_tools.docker.engine import Api

KINDS = ("containers", "images", "networks", "volumes", "build_cache")
USUAL = ("containers", "images", "networks", "build_cache")
"""What `docker system prune` takes away: volumes hold data, and are named if they are meant."""
OURS = frozenset({"bridge", "host", "none", "ingress", "docker_gwbridge"})
MIB = 1024**2
SHOWN = 50


@dataclass(frozen=True, slots=True)
class Unused:
    """One thing that nobody uses. `size` is in bytes, 0 where it is not known."""

    kind: str
    id: str
    name: str
    size: int
    why: str
    labels: Mapping[str, str]

    def told(self) -> dict[str, Any]:
        """As it is shown."""
        return {"kind": self.kind, "name": self.name, "size_mib": round(self.size / MIB, 1), "why": self.why}


def disk_usage() -> Answer:
    """What is on the disk by kind, and what a prune would take away.

    Returns:
        `usage` by kind: `number`, `size_mib`, `unused`, `unused_mib`; `would_go` (at most 50): `kind`, `name`,
        `size_mib`, `why`.

    Raises:
        NoEngine, ApiError: As `engine`.
    """
    with engine(60) as api:
        there = read_disk(api)
        found = unused(api, KINDS, there)
    usage = {}
    for kind in KINDS:
        of_it = [one for one in found if one.kind == kind]
        number, size = _all(there, kind)
        usage[kind] = {
            "number": number,
            "size_mib": round(size / MIB, 1),
            "unused": len(of_it),
            "unused_mib": round(sum(one.size for one in of_it) / MIB, 1),
        }
    usage["networks"] = {"unused": sum(one.kind == "networks" for one in found)}
    whole = sum(part.get("size_mib", 0.0) for part in usage.values())
    goes = sum(one.size for one in found if one.kind in USUAL) / MIB
    data = sum(one.size for one in found if one.kind == "volumes") / MIB
    kept = f" Unused volumes hold {data:,.1f} MiB more; they go only when they are named." if data else ""
    summary = f"Docker's images, containers, volumes and build cache take {whole:,.1f} MiB; a prune would free "
    return Answer(
        f"{summary}{goes:,.1f} MiB ({count(sum(one.kind in USUAL for one in found), 'thing')}).{kept}",
        {"usage": usage, "would_go": [one.told() for one in found[:SHOWN]], "more": max(0, len(found) - SHOWN)},
    )


def unused(api: Api, kinds: Collection[str], there: Mapping[str, Any] | None = None) -> list[Unused]:
    """What nobody uses, as `docker system prune --volumes` would choose it.

    These are containers that ended, images without a name, networks and anonymous volumes of no container, and build
    cache that no build holds.

    Args:
        there: What `read_disk` gave, where it was read already.
    """
    there = there if there is not None else read_disk(api)
    containers = there.get("Containers") or []
    found: list[Unused] = []
    if "containers" in kinds:
        found += [_container(one) for one in containers if one.get("State") in {"exited", "created", "dead"}]
    if "images" in kinds:
        found += [_image(one) for one in there.get("Images") or [] if _is_dangling(one)]
    if "networks" in kinds:
        attached = {name for one in containers for name in ((one.get("NetworkSettings") or {}).get("Networks") or {})}
        found += [
            Unused("networks", one["Id"], one["Name"], 0, "no container is attached", one.get("Labels") or {})
            for one in api.networks()
            if one["Name"] not in OURS | attached and one.get("Scope", "local") == "local"
        ]
    if "volumes" in kinds:
        found += [_volume(one) for one in there.get("Volumes") or [] if _is_loose(one)]
    if "build_cache" in kinds:
        found += [
            _cache(one) for one in there.get("BuildCache") or [] if not one.get("InUse") and not one.get("Shared")
        ]
    return found


def read_disk(api: Api) -> dict[str, Any]:
    """`GET /system/df` in the shape of before API 1.52, which parted it by kind."""
    raw = dict(api.df())
    for key, kind in (("Images", "Image"), ("Containers", "Container"), ("Volumes", "Volume"), ("BuildCache",) * 2):
        if raw.get(key) is None:
            raw[key] = (raw.get(f"{kind}Usage") or raw.get(f"{key}DiskUsage") or {}).get("Items") or []
    return raw


def _all(there: Mapping[str, Any], kind: str) -> tuple[int, int]:
    match kind:
        case "images":
            return len(there["Images"]), int(there.get("LayersSize") or sum(one["Size"] for one in there["Images"]))
        case "containers":
            return len(there["Containers"]), sum(int(one.get("SizeRw") or 0) for one in there["Containers"])
        case "volumes":
            return len(there["Volumes"]), sum(_volume(one).size for one in there["Volumes"])
        case "build_cache":
            return len(there["BuildCache"]), sum(_cache(one).size for one in there["BuildCache"])
    return 0, 0


def _container(one: Mapping[str, Any]) -> Unused:
    name = one["Names"][0].removeprefix("/") if one.get("Names") else one["Id"][:12]
    why = (one.get("Status") or one["State"]).lower()
    return Unused("containers", one["Id"], name, int(one.get("SizeRw") or 0), why, one.get("Labels") or {})


def _is_dangling(one: Mapping[str, Any]) -> bool:
    tags = [tag for tag in one.get("RepoTags") or [] if tag != "<none>:<none>"]
    digests = [digest for digest in one.get("RepoDigests") or [] if not digest.startswith("<none>")]
    return not tags and not digests and not one.get("Containers")


def _image(one: Mapping[str, Any]) -> Unused:
    shared = max(0, int(one.get("SharedSize") or 0))
    name = one["Id"].removeprefix("sha256:")[:12]
    return Unused("images", one["Id"], name, max(0, int(one["Size"]) - shared), "has no name", one.get("Labels") or {})


def _is_loose(one: Mapping[str, Any]) -> bool:
    anonymous = "com.docker.volume.anonymous" in (one.get("Labels") or {}) or len(one["Name"]) == 64  # noqa: PLR2004
    return anonymous and (one.get("UsageData") or {}).get("RefCount", 1) == 0


def _volume(one: Mapping[str, Any]) -> Unused:
    size = max(0, int((one.get("UsageData") or {}).get("Size") or 0))
    return Unused("volumes", one["Name"], one["Name"], size, "anonymous, of no container", one.get("Labels") or {})


def _cache(one: Mapping[str, Any]) -> Unused:
    name = " ".join(str(one.get("Description") or one["ID"]).split())[:80]
    return Unused("build_cache", one["ID"], name, int(one.get("Size") or 0), "no build holds it", {})
