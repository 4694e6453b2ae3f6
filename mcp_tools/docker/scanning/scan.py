"""The questions: is this image safe, what is in it.

For the tool that asks them: `scan` is the answer in the chat; `examine` gives what it is made from, of which `as_json`
(`report.py`) and `as_sarif` (`sarif.py`) write the whole; `sbom` gives a document to write to a file.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mcp_tools.docker.scanning.advisories import read_advisories
from mcp_tools.docker.scanning.configuration import configuration_findings
from mcp_tools.docker.scanning.gate import accepted, decide, threshold_of
from mcp_tools.docker.scanning.inventory import take_inventory
from mcp_tools.docker.scanning.matching import match, merge
from mcp_tools.docker.scanning.model import Coverage
from mcp_tools.docker.scanning.report import Report, answer
from mcp_tools.docker.scanning.scanners import run_scanners
from mcp_tools.errors import UsageError
from mcp_tools.redaction import redact_text

if TYPE_CHECKING:
    from mcp_tools.reads.answer import Answer

Format = Literal["cyclonedx", "spdx"]


def scan(
    client: Any,
    image: str,
    *,
    database: str | Path | None = None,
    fail_on: str | None = None,
    ignore: Collection[str] = (),
    only_fixable: bool = False,
    scanners: bool = True,
) -> Answer:
    """Whether an image is safe: the worst, counts by severity, what to take, then its configuration.

    Args:
        client: A `docker.APIClient` or `docker.DockerClient`, with a timeout of minutes: an engine may gather all of an
            image before it sends the first byte.
        image: A tag, a digest or an id; the engine must have it.
        database: Vulnerability data in the OSV format: a file, a folder, an `all.zip`, or an http(s) address. Nothing
            is fetched unless an address is given.
        fail_on: The least severity that fails a gate (`critical`, `high`, `medium`, `low`, `negligible`); the answer's
            `gate.exit_code` is 0 passed, 1 failed, 2 not to be judged for want of data.
        ignore: What is accepted: ids of vulnerabilities, codes of findings.
        only_fixable: Vulnerabilities without a fix do not fail the gate.
        scanners: Ask Trivy and Grype too where they are on the PATH.

    Returns:
        At most about 1,500 tokens. `vulnerabilities` counts by severity, and is null where there is no data.

    Raises:
        NotFound: The engine has no such image.
        UsageError: The database or the severity is none.
        ShipmateError: The engine, the image or the address failed.
    """
    return answer(
        examine(
            client,
            image,
            database=database,
            fail_on=fail_on,
            ignore=ignore,
            only_fixable=only_fixable,
            scanners=scanners,
        )
    )


def examine(
    client: Any,
    image: str,
    *,
    database: str | Path | None = None,
    fail_on: str | None = None,
    ignore: Collection[str] = (),
    only_fixable: bool = False,
    scanners: bool = True,
) -> Report:
    """What `scan` answers from, whole; its arguments and errors are those of `scan`."""
    threshold = threshold_of(fail_on)
    held = take_inventory(client, image)
    coverage = Coverage(problems=list(held.incomplete))
    advisories = read_advisories(database, coverage) if database else ()
    matches = match(advisories, held.packages, held.distribution, coverage)
    if database:
        coverage.sources.append(f"OSV, {redact_text(str(database))}")
    if scanners:
        matches += run_scanners(held.id, held.packages, coverage)
    everything, all_findings = merge(matches), configuration_findings(held)
    vulnerabilities, findings = accepted(everything, all_findings, ignore)
    return Report(
        held,
        vulnerabilities,
        findings,
        coverage,
        decide(threshold, vulnerabilities, findings, coverage, only_fixable=only_fixable),
        len(everything) - len(vulnerabilities) + len(all_findings) - len(findings),
    )


def sbom(client: Any, image: str, format: Format = "cyclonedx") -> str:  # noqa: A002  the field's word
    """An image's bill of materials as JSON: CycloneDX 1.6 or SPDX 2.3, the same bytes for the same image.

    Args:
        client: A `docker.APIClient` or `docker.DockerClient`, with a timeout of minutes: an engine may gather all of an
            image before it sends the first byte.
        image: A tag, a digest or an id; the engine must have it.
        format: `cyclonedx` or `spdx`.

    Raises:
        NotFound: The engine has no such image.
        UsageError: There is no such format.
        ShipmateError: The engine or the image failed.
    """
    if format not in {"cyclonedx", "spdx"}:
        raise UsageError(f"There is no bill of materials in the format {format}.", "Say cyclonedx or spdx.")
    held = take_inventory(client, image)
    if format == "spdx":
        from mcp_tools.docker.scanning.sbom.spdx import spdx

        return spdx(held)
    from mcp_tools.docker.scanning.sbom.cyclonedx import cyclonedx

    return cyclonedx(held)
