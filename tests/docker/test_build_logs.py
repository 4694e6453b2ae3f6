"""Each failure of `builds/` is told as written beside it: its kind, the line, the evidence, the patch."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from dockerfile_helpers import HERE, make

from mcp_tools.docker.building.explaining import explain, failure_in
from mcp_tools.docker.building.kinds import all_kinds
from mcp_tools.docker.dockerfile.advising import files_of, look_at
from mcp_tools.docker.dockerfile.edits import apply
from mcp_tools.docker.dockerfile.syntax import Instruction, parse

CASES = [
    (path.stem, number, case)
    for path in sorted((HERE / "builds").glob("*.toml"))
    for number, case in enumerate(tomllib.loads(path.read_text("utf-8"))["case"], start=1)
]
PRINTED = [
    (*case, builder) for case in CASES for builder in (["as it is"] if "log" in case[2] else ["buildkit", "classic"])
]


def whole(case: dict[str, Any]) -> dict[str, Any]:
    """The case with its Dockerfile: two lines where it has none of its own."""
    if "dockerfile" in case or "run" not in case:
        return case
    return {**case, "dockerfile": f"FROM {case.get('base', 'python:3.13-slim')}\nRUN {case['run']}\n", "line": 2}


def as_buildkit(failed: Instruction, output: str, code: int) -> str:
    run = failed.value.text
    end = f'process "/bin/sh -c {run}" did not complete successfully: exit code: {code}'
    title = f"[stage-0 2/2] RUN {run}"
    lines = output.strip("\n").split("\n")
    return "\n".join(
        [
            '#0 building with "default" instance using docker driver',
            "#1 [internal] load build definition from Dockerfile\n#1 DONE 0.0s\n",
            "#4 [stage-0 1/2] FROM docker.io/library/base\n#4 CACHED\n",
            f"#5 {title}",
            *(f"#5 1.203 {line}" for line in lines),
            f"#5 ERROR: {end}",
            f"------\n > {title}:",
            *(f"1.203 {line}" for line in lines[-8:]),
            f"------\nERROR: failed to solve: {end}\n",
        ]
    )


def as_classic(file: str, failed: Instruction, output: str, code: int) -> str:
    lines = ["Sending build context to Docker daemon  2.048kB"]
    all_of_it = parse(file).instructions
    for number, one in enumerate(all_of_it, start=1):
        lines += [f"Step {number}/{len(all_of_it)} : {one.keyword} {one.value.text}", " ---> Running in 389ba69b238e"]
        if one.start == failed.start:
            lines += [output.strip("\n"), f"The command '/bin/sh -c {one.value.text}' returned a non-zero code: {code}"]
            break
        lines += [" ---> 5f348d32df70"]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("family", "number", "case", "builder"),
    PRINTED,
    ids=[f"{one[0]}-{one[1]}-{one[2]['kind']}-{one[3]}" for one in PRINTED],
)
def test_a_failure_is_told_as_written_beside_it(
    family: str, number: int, case: dict[str, Any], builder: str, tmp_path: Path
) -> None:
    case = whole(case)
    root = tmp_path / "shop"
    root.mkdir()
    look = None
    if "dockerfile" in case:
        make(root, case)
        look = look_at(root, demanding=False)
    if "log" in case:
        log = case["log"].lstrip("\n")
    else:
        assert look is not None
        failed = next(one for one in look.file.instructions if one.keyword == "RUN" and one.end_line >= case["line"])
        code = case.get("code", 1)
        text = look.file.text
        log = (
            as_buildkit(failed, case["output"], code)
            if builder == "buildkit"
            else as_classic(text, failed, case["output"], code)
        )
    failure = failure_in(log, look)
    assert failure is not None
    assert (failure.kind.id if failure.kind else "") == case["kind"], failure
    assert case.get("cause", "") in failure.told.cause
    assert case.get("evidence", "") in failure.evidence[0]
    if "line" in case:
        assert failure.line == case["line"]
    if "changed" in case:
        assert look is not None
        before = files_of(look, failure.told.edits)
        after = apply(before, failure.told.edits)
        wanted = {name: text.lstrip("\n") if name == "Dockerfile" else text for name, text in case["changed"].items()}
        assert {name: text for name, text in after.items() if text != before.get(name)} == wanted
    answer = explain(log, root if look else None)
    assert answer.data["kind"] == case["kind"]
    assert failure.told.cause[:40] in answer.summary or "[redacted]" in answer.summary


def test_every_kind_has_a_failure_that_shows_it_and_there_are_at_least_forty() -> None:
    shown = {case["kind"] for _, _, case in CASES} - {""}
    known = {kind.id for kind in all_kinds()}
    assert shown == known
    assert len(shown) >= 40


def test_an_answer_without_the_sources_is_as_good_as_the_log(tmp_path: Path) -> None:
    case = next(case for _, _, case in CASES if case["kind"] == "header-missing" and "output" in case)
    file = parse(case["dockerfile"].lstrip("\n"))
    answer = explain(as_buildkit(file.instructions[3], case["output"], 1))
    assert answer.data["kind"] == "header-missing"
    assert answer.data["line"] is None
    assert "patch" not in answer.data
    assert answer.data["exit_code"] == 1


def test_a_build_that_went_well_is_no_failure() -> None:
    good = "#5 [2/2] RUN echo error: none\n#5 0.2 error: none\n#5 DONE 0.3s\n#6 exporting to image\n#6 DONE 0.1s\n"
    assert failure_in(good) is None
    classic = "Step 1/1 : FROM busybox\n ---> 5f\nSuccessfully built 5f\nSuccessfully tagged x:latest\n"
    assert failure_in(classic) is None
    assert explain(good).data["kind"] == ""


def test_what_another_step_printed_is_no_cause() -> None:
    log = (
        "#5 [a 2/2] RUN one\n#5 0.2 npm error code ENOSPC\n"
        "#5 0.2 fatal error: Python.h: No such file or directory\n#5 DONE 0.3s\n"
        "#6 [b 2/2] RUN two\n#6 0.3 /bin/sh: two: not found\n"
        '#6 ERROR: process "/bin/sh -c two" did not complete successfully: exit code: 127\n'
        "#5 ERROR: context canceled\n------\n > [b 2/2] RUN two:\n0.3 /bin/sh: two: not found\n------\n"
        'ERROR: failed to solve: process "/bin/sh -c two" did not complete successfully: exit code: 127\n'
    )
    failure = failure_in(log)
    assert failure is not None
    assert failure.kind is not None
    assert (failure.kind.id, failure.evidence[0]) == ("program-missing", "/bin/sh: two: not found")


def test_an_answer_is_bounded_and_shows_no_secret(tmp_path: Path) -> None:
    noise = "\n".join(f"#5 0.2 line {number} {'x' * 500}" for number in range(5000))
    log = (
        f"#5 [2/2] RUN fetch\n{noise}\n"
        "#5 0.3 fatal: Authentication failed for 'https://shop:hunter2secret@git.example.com/shop.git'\n"
        '#5 ERROR: process "/bin/sh -c fetch" did not complete successfully: exit code: 128\n'
        'ERROR: failed to solve: process "/bin/sh -c fetch --token=abcdefsecret" did not complete: exit code: 128\n'
    )
    answer = explain(log)
    assert answer.data["kind"] == "git-login"
    assert "secret" not in str(answer).replace("build secret", "").replace("type=secret", "")
    assert len(str(answer)) < 3000
