"""What is built, and does not start."""

from __future__ import annotations

from mcp_tools.docker.building.model import Case, Told, explains


@explains("entrypoint-missing")
def entrypoint_missing(case: Case) -> Told | None:
    """Of `docker run`: misspelt, not copied, or a shell that is not there. A RUN has kinds of its own."""
    if case.log.failed is not None and case.log.failed.title.startswith("RUN"):
        return None
    name = case.group("name")
    if " " in name:
        return Told(
            f"CMD or ENTRYPOINT names one program `{name}`: words and options are one",
            'Write each word by itself: ["node", "server.js"].',
            line=_start(case),
        )
    script = name.endswith(".sh")
    why = ", or its first line names a shell that is not there, or has Windows line ends" if script else ""
    return Told(
        f"{name} is not in the image{why}",
        "Look at COPY, WORKDIR and PATH of the last stage: docker run --entrypoint sh IMAGE -c 'ls -l'.",
        line=_start(case),
    )


def _start(case: Case) -> int | None:
    final = case.look.final if case.look else None
    found = (final.last("ENTRYPOINT") or final.last("CMD")) if final else None
    return found.line if found else None
