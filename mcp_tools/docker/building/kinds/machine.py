"""What the machine, its network or a registry lacks: it explains whatever a tool says of it."""

from __future__ import annotations

import re

from mcp_tools.diagnosis.names import near
from mcp_tools.docker.building.model import Case, Told, explains, swapped
from mcp_tools.docker.dockerfile.bases import base_of


@explains("out-of-memory")
def out_of_memory(case: Case) -> Told:
    """Exit code 137 is signal 9, which is what the kernel sends when memory ends."""
    parallel = re.search(r"make .*-j|cargo build|ninja|next build|npm run build", case.command)
    fewer = " or let it do less at once (make -j2, cargo build -j1)" if parallel else ""
    return Told("The command was killed: memory ran out", f"Give the engine more memory{fewer}.")


@explains("registry-dns")
def registry_dns(case: Case) -> Told:
    """The engine's own name server, not that of the build."""
    return Told(
        f"The engine cannot resolve {case.group('host')}, which it pulls from",
        "Check the machine's DNS and network; behind a proxy, give the engine HTTPS_PROXY.",
    )


@explains("dns")
def dns(case: Case) -> Told | None:
    """A pip that tried again and got through has no such failure: its last try tells."""
    if re.search(r"Retry\(total=[1-9]", case.text) and not case.also(r"Retry\(total=0"):
        return None
    host = case.group("host") or _host(case)
    what = f"{host} cannot be resolved" if host else "Names cannot be resolved"
    return Told(
        f"{what} inside of the build",
        "Check the engine's DNS (`dns` in daemon.json) and network; try docker build --network=host.",
    )


def _host(case: Case) -> str:
    found = case.also(r"host='(?P<host>[\w.-]+)'") or case.also(r"https?://(?P<host>[\w.-]+)")
    return found["host"] if found else ""


@explains("certificate")
def certificate(case: Case) -> Told:
    """A company's proxy that opens TLS, or an image without root certificates."""
    missing = case.family == "debian" and re.search(r"curl|git|wget", case.command) and case.look is not None
    expired = "has expired" in case.text
    if expired:
        return Told("A certificate has expired", "Check the machine's clock, and the server's certificate.")
    if case.log.failed is None or case.log.failed.title.startswith(("FROM", "load metadata")):
        return Told(
            "The engine does not trust the registry's certificate",
            "Put the CA into /etc/docker/certs.d/HOST/ca.crt, or the machine's store.",
        )
    more = " (slim images lack the package ca-certificates)" if missing else ""
    return Told(
        f"A server's certificate is signed by nobody that the image trusts{more}",
        "Copy the CA to /usr/local/share/ca-certificates/ and run update-ca-certificates (npm: NODE_EXTRA_CA_CERTS, "
        "pip: PIP_CERT). Do not switch the check off.",
    )


@explains("image-unknown")
def image_unknown(case: Case) -> Told | None:
    """The repository is there, the tag is not."""
    name = case.group("name").removeprefix("docker.io/").removeprefix("library/").removesuffix(" not found")
    if case.log.failed and case.log.failed.title.startswith(("RUN", "COPY", "ADD")):
        return None
    bases = [one.base for one in case.look.layout.stages if one.base and not one.parent] if case.look else []
    name = name or (bases[0] if len(set(bases)) == 1 else "the base image")
    line = (
        next(
            (one.opening.line for one in case.look.layout.stages if one.opening and base_of(one.base) == base_of(name)),
            None,
        )
        if case.look
        else None
    )
    there = (
        [image for image in case.look.sizes if base_of(image).repository == base_of(name).repository]
        if case.look
        else []
    )
    meant = near(name, there, 0.6)
    also = f"; on this machine there is {meant}" if meant else ""
    edits = (
        swapped(case, name, meant, [one.opening for one in case.look.layout.stages if one.opening])
        if meant and case.look
        else ()
    )
    return Told(
        f"There is no image {name}{also}",
        "Correct its tag: the registry's page lists those that there are.",
        edits,
        line,
    )
