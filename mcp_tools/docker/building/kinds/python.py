"""What pip, uv and Poetry say."""

from __future__ import annotations

import re

from mcp_tools.diagnosis.names import near
from mcp_tools.docker.building.model import Case, Told, explains, swapped
from mcp_tools.docker.dockerfile.edits import Edit
from mcp_tools.docker.dockerfile.model import line_before

KNOWN = (
    *(
        "requests",
        "flask",
        "django",
        "fastapi",
        "uvicorn",
        "gunicorn",
        "numpy",
        "pandas",
        "scipy",
        "sqlalchemy",
        "pydantic",
    ),
    *(
        "celery",
        "redis",
        "psycopg2",
        "psycopg2-binary",
        "boto3",
        "pytest",
        "httpx",
        "aiohttp",
        "beautifulsoup4",
        "pillow",
    ),
    *("scikit-learn", "matplotlib", "cryptography", "jinja2", "click", "rich", "alembic", "pyyaml", "lxml", "openai"),
    *(
        "python-dotenv",
        "starlette",
        "asyncpg",
        "tensorflow",
        "torch",
        "transformers",
        "opencv-python",
        "setuptools",
        "wheel",
    ),
)
OTHER = {
    "sklearn": "scikit-learn",
    "cv2": "opencv-python",
    "PIL": "pillow",
    "yaml": "pyyaml",
    "bs4": "beautifulsoup4",
    "dotenv": "python-dotenv",
    "pil": "pillow",
}


def _in_list(case: Case, old: str, new: str) -> tuple[Edit, ...]:
    """The name replaced in the RUN, or in the list of the context that has it."""
    here = swapped(case, old, new)
    if here or case.look is None:
        return here
    for path in case.look.context.files:
        if re.search(r"(?:^|/)requirements[^/]*\.(?:txt|in)$", path):
            text = case.look.context.text(path)
            found = re.search(rf"^{re.escape(old)}(?=[\s=<>!~;\[]|$)", text, re.MULTILINE)
            if found:
                return (Edit(path, found.start(), found.end(), new),)
    return ()


@explains("pip-list-missing")
def list_missing(case: Case) -> Told:
    """Misspelt, or there and not copied before it is read."""
    name = case.group("name")
    nowhere = Told(
        f"{name} is not in the image when pip reads it",
        "COPY it before this line, to the folder that WORKDIR names.",
    )
    if case.look is None or case.instruction is None:
        return nowhere
    there = [one.path for one in case.look.context.files.values() if not one.ignored and "/" not in one.path]
    if name in there:
        return Told(
            f"{name} is in the build context, and not in the image when pip reads it",
            f"COPY {name} before this line.",
            (line_before(case.instruction, f"COPY {name} ."),),
        )
    meant = near(name, there, 0.8)
    if not meant:
        return nowhere
    return Told(f"There is no {name}; there is {meant}", f"Write {meant}.", swapped(case, name, meant))


@explains("pip-python-version")
def python_version(case: Case) -> Told:
    """The base image's Python is too old or too new."""
    told = case.also(r"Requires-Python (?P<want>[^;\s]+)")
    want = case.group("want") or (told["want"] if told else "another")
    name = case.group("name") or "A package"
    have = f", and there is {case.group('have')}" if case.group("have") else ""
    return Told(
        f"{name} wants Python {want}{have}", "Take a base with such a Python, or a version of the package for this one."
    )


@explains("pip-no-wheel")
def no_wheel(case: Case) -> Told:
    """Musl (Alpine), ARM, or a Python that came after the package."""
    name = case.group("name")
    if case.family == "alpine":
        return Told(
            f"{name} has no wheel for Alpine's musl",
            "Take a -slim base instead of -alpine: wheels for glibc are there for most packages.",
        )
    what = "another platform" if name.endswith(".whl") else "this platform, or this version of Python"
    return Told(
        f"{name} is {'made for' if name.endswith('.whl') else 'not made for'} {what}",
        "Choose a version that has a wheel for it, or another Python or platform.",
    )


@explains("pip-version-unknown")
def version_unknown(case: Case) -> Told:
    """The name is right, the version is not: never made, taken back, or for another Python."""
    versions = [one.strip() for one in case.group("versions").split(",")]
    name, pin = case.group("name"), case.group("pin")
    asked = re.sub(r"^[=<>~!]+", "", pin)
    closest = near(asked, [one for one in versions if one.split(".")[0] == asked.split(".")[0]], 0.5) or versions[-1]
    edits = _in_list(case, f"{name}{pin}", f"{name}=={closest}")
    return Told(
        f"{name} has no version {asked}; the nearest is {closest}, the newest {versions[-1]}",
        f"Write {name}=={closest}, or take a Python that the version is made for.",
        edits,
    )


@explains("pip-package-unknown")
def package_unknown(case: Case) -> Told:
    """Misspelt, or of an index that pip is not told of."""
    name = case.group("name")
    meant = OTHER.get(name) or near(name.lower(), KNOWN, 0.8)
    if meant and meant != name.lower():
        return Told(f"There is no package {name}; there is {meant}", f"Write {meant}.", _in_list(case, name, meant))
    return Told(
        f"pip finds no package {name} for this Python",
        "Correct its name; if it is your own, name its index (--extra-index-url, or PIP_INDEX_URL as a build secret).",
    )
