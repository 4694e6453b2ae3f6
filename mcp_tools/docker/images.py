"""The images of the engine by size, and what each layer of one costs."""

from __future__ import annotations

import difflib
import re
import time
from typing import TYPE_CHECKING, Any

from mcp_tools.docker.engine import engine
from mcp_tools.errors import NotFound
from mcp_tools.reads.answer import Answer, clip, count, listed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp_tools.docker.engine import Api

ROWS = 50
WIDTH = 200
MIB = 1024**2
NONE = "<none>:<none>"
_SHELL = re.compile(r"^(?:\|\d+ (?:[^\s=]+=\S* )*)?/bin/sh -c (?:#\(nop\) +)?")
_BUILDKIT = re.compile(r" # buildkit$")


def list_images(*, dangling: bool = False) -> Answer:
    """List the images, the biggest first.

    Args:
        dangling: Only those without a name that no other image is built on.

    Returns:
        `images` (at most 50): `name`, `id`, `size_mib` (layers shared with others included), `age_days`, `containers`
        that were made of it; `total`, `dangling` and `dangling_mib`.

    Raises:
        NoEngine, ApiError: As `engine`.
    """
    with engine() as api:
        there = api.images(filters={"dangling": True} if dangling else None)
        used = [row.get("ImageID") for row in api.containers(all=True)]
    rows = sorted((_row(image, used) for image in there), key=lambda row: (-row["size_mib"], row["name"]))
    nameless = [row for row in rows if row["name"] == NONE]
    lost = round(sum(row["size_mib"] for row in nameless), 1)
    first = rows[0] if rows else {}
    called = first.get("id") if first.get("name") == NONE else first.get("name")
    biggest = f" The biggest is {called} ({first['size_mib']} MiB)." if rows else ""
    waste = f" {len(nameless)} without a name ({lost} MiB)." if nameless and not dangling else ""
    what = "dangling image" if dangling else "image"
    data = {"images": rows[:ROWS], "total": len(rows), "dangling": len(nameless), "dangling_mib": lost}
    return Answer(f"{count(len(rows), what)} on this machine's Docker engine.{biggest}{waste}", data)


def layers(name: str) -> Answer:
    """What each instruction of an image added, the last one first.

    Returns:
        `image`, `size_mib`, `layers`: `instruction`, `size_mib`, `percent`; those that add nothing are counted in
        `empty`.

    Raises:
        NotFound: There is no such image here.
        NoEngine, ApiError: As `engine`.
    """
    with engine() as api:
        found = find_image(api, name)
        history = api.history(found["Id"])
    total = sum(int(layer.get("Size") or 0) for layer in history)
    rows = [
        {
            "instruction": instruction(layer.get("CreatedBy", "")) or layer.get("Comment") or "(not said)",
            "size_mib": round(layer["Size"] / MIB, 2),
            "percent": round(100 * layer["Size"] / total),
        }
        for layer in history
        if layer.get("Size")
    ]
    worst = max(rows, key=lambda row: row["size_mib"], default=None)
    costs = f" Most of it ({worst['percent']} %) is `{clip(worst['instruction'], 80)}`." if worst else ""
    called = (found.get("RepoTags") or [name])[0]
    data = {"image": called, "size_mib": round(total / MIB, 1), "layers": rows, "empty": len(history) - len(rows)}
    return Answer(f"{called} has {count(len(rows), 'layer')} of {data['size_mib']} MiB.{costs}", data)


def find_image(api: Api, name: str) -> dict[str, Any]:
    """The image of a name or id, as the engine describes it.

    Raises:
        NotFound: There is none; carries names that come close.
    """
    from docker.errors import APIError, ImageNotFound

    try:
        return dict(api.inspect_image(name))
    except ImageNotFound as error:
        tags = [tag for image in api.images() for tag in image.get("RepoTags") or []]
        near = tuple(difflib.get_close_matches(name, tags, 5, 0.5)) or tuple(
            tag for tag in tags if tag.partition(":")[0].endswith(name.partition(":")[0])
        )
        hint = f"Close to it: {listed(list(near))}." if near else "`docker images` lists those that are here."
        raise NotFound(f"There is no image {name!r} on this machine's Docker engine.", hint, near[:5]) from error
    except APIError as error:
        if error.is_client_error():
            raise NotFound(f"{name!r} is no name of an image.", "Give it as repository:tag.") from error
        raise


def instruction(created_by: str) -> str:
    """A layer's instruction as a Dockerfile has it."""
    text = _BUILDKIT.sub("", created_by.strip())
    bare = _SHELL.sub("", text)
    if bare != text and not re.match(r"[A-Z]+ ", bare):
        bare = f"RUN {bare}"
    return clip(" ".join(bare.split()), WIDTH)


def _row(image: Mapping[str, Any], used: list[Any]) -> dict[str, Any]:
    tags = [tag for tag in image.get("RepoTags") or [] if tag != NONE]
    digests = [digest.partition("@")[0] for digest in image.get("RepoDigests") or []]
    return {
        "name": tags[0] if tags else f"{digests[0]}@…" if digests and digests[0] != "<none>" else NONE,
        **({"also": tags[1:]} if len(tags) > 1 else {}),
        "id": image["Id"].removeprefix("sha256:")[:12],
        "size_mib": round(int(image.get("Size") or 0) / MIB, 1),
        "age_days": max(0, round((time.time() - int(image.get("Created") or 0)) / 86_400)),
        "containers": used.count(image["Id"]),
    }
