"""Names of images: pulled from a registry, and given to what is here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from mcp_tools.changes.model import ABSENT, FieldChange, ObjectRef, Phase, Progress
from mcp_tools.changes.outside import Work, heeding
from mcp_tools.docker.engine import Api, context_name, engine
from mcp_tools.docker.images import find_image
from mcp_tools.errors import ApiError, NotFound, ShipmateError, UsageError

if TYPE_CHECKING:
    from mcp_tools.changes.model import Reporter

PULL_SECONDS = 600.0
SHORT = 19
NO_IMAGE = "Check the name, whether its registry answers, and `docker login`."
_TAGGED = re.compile(r"[^\s@]*:[\w][\w.-]{0,127}|\S+@sha256:[0-9a-f]{64}")
_REFERENCE = re.compile(
    r"[a-z0-9][a-z0-9._-]*(?::\d+)?(?:/[a-z0-9][a-z0-9._-]*)*(?::[\w][\w.-]{0,127})?(?:@sha256:\w+)?"
)


class PullFailed(ShipmateError):
    """A registry did not give an image."""

    code: ClassVar[str] = "pull_failed"


def full_name(name: str) -> str:
    """The name with its tag, `latest` where none is said; ids stay as they are.

    Raises:
        UsageError: It is none.
    """
    name = name.strip()
    if re.fullmatch(r"sha256:[0-9a-f]{64}", name):
        return name
    if not _REFERENCE.fullmatch(name):
        raise UsageError(f"{name!r} is no name of an image.", "Give it as repository:tag, in small letters.")
    return name if _TAGGED.fullmatch(name.rpartition("/")[2]) else f"{name}:latest"


def pull(name: str) -> Work:
    """Plan to pull an image.

    Raises:
        UsageError: It is no name of an image.
        NoEngine, ApiError: As `engine`.
    """
    name = full_name(name)
    with engine() as api:
        before = _id(api, name)

    def carry_out(reporter: Reporter) -> None:
        fetch(name, reporter)

    return Work(
        "docker_pull",
        f"Pull image {name}",
        context_name(),
        _reference(name),
        (FieldChange(("image id",), before[:SHORT] if before else ABSENT, "what the registry has"),),
        exists=before is not None,
        carry_out=heeding(carry_out),
        arguments={"image": name},
        back={"do": "name", "name": name, "before": before},
    )


def tag(source: str, name: str) -> Work:
    """Plan to give an image that is here another name.

    Raises:
        NotFound: There is no such image.
        UsageError: It is no name of an image.
        NoEngine, ApiError: As `engine`.
    """
    name = full_name(name)
    with engine() as api:
        image = find_image(api, source)["Id"]
        before = _id(api, name)

    def carry_out(_: Reporter) -> None:
        with engine() as api:
            give_name(api, image, name)

    old = before[:SHORT] if before else ABSENT
    return Work(
        "docker_tag",
        f"Tag image {source} as {name}",
        context_name(),
        _reference(name),
        () if before == image else (FieldChange(("image id",), old, image[:SHORT]),),
        exists=before is not None,
        carry_out=heeding(carry_out),
        arguments={"image": source, "name": name},
        back={"do": "name", "name": name, "before": before, "after": image},
    )


def name_back(name: str, before: str | None) -> Work:
    """Plan to let a name lead to the image that it led to before, or to none; for an undo.

    Raises:
        NotFound: That image is gone.
        NoEngine, ApiError: As `engine`.
    """
    with engine() as api:
        now = _id(api, name)
        if before:
            find_image(api, before)

    def carry_out(_: Reporter) -> None:
        with engine() as api:
            if before:
                give_name(api, before, name)
            else:
                api.remove_image(name)

    new = before[:SHORT] if before else ABSENT
    changes = () if now == before else (FieldChange(("image id",), now[:SHORT] if now else ABSENT, new),)
    return Work("undo", "", context_name(), _reference(name), changes, exists=True, carry_out=heeding(carry_out))


def fetch(name: str, reporter: Reporter) -> None:
    """Pull an image, telling how it goes.

    Raises:
        PullFailed: The registry did not give it.
        ShipmateError: As `engine`.
    """
    message = f"pulling {name}"
    reporter(Progress(Phase.PREPARING, message))
    try:
        with engine(PULL_SECONDS) as api:
            for line in api.pull(name, stream=True, decode=True):
                if "error" in line:
                    raise PullFailed(f"{name} cannot be pulled: {line['error'].rstrip('.')}.", NO_IMAGE)
                if status := line.get("status"):
                    detail = " ".join(part for part in (line.get("id", ""), status) if part)
                    reporter(Progress(Phase.PREPARING, message, detail=detail))
    except (ApiError, NotFound) as error:
        raise PullFailed(f"{name} cannot be pulled: {error.message.rstrip('.')}.", NO_IMAGE) from error


def give_name(api: Api, image: str, name: str) -> None:
    """Let a name lead to an image; errors as `engine`."""
    repository, _, tag = name.rpartition(":")
    api.tag(image, repository, tag)


def _id(api: Api, name: str) -> str | None:
    try:
        return str(find_image(api, name)["Id"])
    except NotFound:
        return None


def _reference(name: str) -> ObjectRef:
    return ObjectRef("docker", "Image", "images", name, None)
