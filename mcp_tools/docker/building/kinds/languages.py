"""What Cargo, Go, Maven, Gradle, compilers and test programs say."""

from __future__ import annotations

from mcp_tools.docker.building.model import Case, Told, explains


@explains("tests-failed")
def tests_failed(case: Case) -> Told:
    """A build that tests itself does what it is for."""
    first = (
        case.also(r"^FAILED (?P<name>\S+)")
        or case.also(r"^--- FAIL: (?P<name>\S+)")
        or case.also(r"^test (?P<name>\S+) \.\.\. FAILED")
    )
    name = f" ({first['name']})" if first else ""
    return Told(
        f"The tests that the build runs fail{name}",
        "Correct what they found; a stage of their own (--target test) keeps them out of the image.",
    )


@explains("assertion")
def assertion(case: Case) -> Told | None:
    """What a program says of itself; the builder's own words tell only that it ended."""
    if case.text in {case.log.error, case.log.failed.error if case.log.failed else ""}:
        return None
    return Told(
        f"The command fails: {case.group('what')}",
        "Run it in the image before: docker build --target, or docker run on the last good layer.",
    )
