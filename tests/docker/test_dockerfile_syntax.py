"""A Dockerfile is read as BuildKit's own parser reads it, and nothing of it is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from dockerfile_helpers import read_by_buildkit
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mcp_tools.docker.dockerfile.expand import expand
from mcp_tools.docker.dockerfile.stages import stages_of
from mcp_tools.docker.dockerfile.syntax import Instruction, parse

ROOT = Path(__file__).parents[2]
LINES = st.sampled_from(
    [
        *("# syntax=docker/dockerfile:1", "# escape=`", "# a comment", "", "  ", "\t# indented"),
        *("FROM busybox", "FROM --platform=linux/amd64 busybox:${TAG} AS one", "from busybox as two", "ARG TAG=1.36"),
        *("RUN echo a \\", "RUN echo a `", "  && echo b \\  ", "  && echo c", "RUN echo \\\\", "\\", "`"),
        *("RUN --mount=type=cache,target=/x --network=none pip install x", "RUN -- --odd", 'RUN ["a", "b c"]'),
        *("RUN <<EOF", "RUN cat <<-'A' <<\"B\" > /x", "EOF", "\tA", "B", "RUN echo 'a <<EOF b'", "COPY <<EOF /x"),
        *("COPY --from=one --chown=1:1 a b ./", 'COPY ["a b", "c"]', "ENV A=1 B='x y' C=\"z\"", "ENV A b c"),
        *("HEALTHCHECK --interval=5s CMD wget -q x", "HEALTHCHECK NONE", "ONBUILD RUN echo <<EOF", "CMD ['a']"),
        *("EXPOSE 80/tcp 443", "USER 1", "WORKDIR /a b", "CMD echo $HOME # no comment", "RUNN x", "LABEL a=\\"),
    ]
)


@st.composite
def files(draw: st.DrawFn) -> str:
    ends = draw(st.sampled_from(["\n", "\r\n"]))
    lines = draw(st.lists(LINES, max_size=12))
    return ends.join(lines) + draw(st.sampled_from(["", ends]))


@settings(max_examples=400, deadline=None)
@given(st.one_of(files(), st.text(st.characters(codec="utf-8"), max_size=80)))
@example("\ufeffFROM x\n")
@example("FROM x\x0cRUN y\u2028z\n")
def test_a_file_is_its_pieces_put_together(text: str) -> None:
    read = parse(text)
    assert read.write() == text
    for found in read.instructions:
        assert text[found.start : found.end] == found.text
        assert all(text[place] == letter for place, letter in zip(found.value.places, found.value.text, strict=True))
        assert found.line == text.count("\n", 0, found.start) + 1


@settings(max_examples=600, deadline=None)
@given(files())
def test_buildkit_reads_the_same(text: str) -> None:
    theirs = read_by_buildkit(text)
    if theirs is None:
        return
    ours = [found for found in parse(text).instructions if found.keyword]
    assert [told(found) for found in ours] == [
        (
            found.cmd.upper(),
            found.flags,
            found.start_line,
            [(one.name, one.content) for one in found.heredocs],
        )
        for found in theirs
    ]
    for mine, found in zip(ours, theirs, strict=True):
        if found.cmd.upper() == "RUN":
            assert found.value == (mine.json if found.json else (mine.value.text,))


def told(found: Instruction) -> object:
    flags = tuple(found.text_of(flag) for flag in found.flags)
    # Of ONBUILD the binding does not tell the heredocs.
    heredocs = found.heredocs if found.keyword != "ONBUILD" else ()
    return found.keyword, flags, found.line, [(one.name, one.content) for one in heredocs]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$A-$B", "one.tar.gz-"),
        ("${B:-x$A}", "xone.tar.gz"),
        ("${EMPTY-x}${EMPTY:-y}", "y"),
        ("${A:+set}${B+unset}", "set"),
        ("${A%.*} ${A%%.*}", "one.tar one"),
        ("${A#*.} ${A##*.}", "tar.gz gz"),
        ("${A/./-} ${A//./-}", "one-tar.gz one-tar-gz"),
        ("'$A' \"$A\" \\$A", "$A one.tar.gz $A"),
        ("a${", "a${"),
    ],
)
def test_variables_are_replaced_as_buildkit_does(text: str, value: str) -> None:
    assert expand(text, {"A": "one.tar.gz", "EMPTY": ""}) == value


def test_an_arg_before_from_holds_in_no_stage_that_does_not_name_it() -> None:
    layout = stages_of(
        parse(
            "ARG V=1\nARG BASE=python:3.$V\nFROM ${BASE} AS build\nENV X=a$V\nARG V\nENV Y=b$V V=2\n"
            "FROM build\nLABEL z=$Y$V\nUSER ${NOBODY:-7}\n"
        )
    )
    build, final = layout.stages
    assert (build.base, final.parent, final.root) == ("python:3.1", build, "python:3.1")
    assert final.said(final.body[0]) == "z=b12"
    assert final.said(final.body[1]) == "7"
    assert [build.said(one) for one in build.body if one.keyword == "ENV"] == ["X=a", "Y=b1 V=2"]


@pytest.mark.parametrize("program", ["backend", "frontend", "mcp-server"])
def test_the_stack_s_own_files_are_read_to_the_last_stage(program: str) -> None:
    read = parse((ROOT / "apps" / program / "Dockerfile").read_text("utf-8"))
    final = stages_of(read).final
    assert final is not None
    assert not read.problems
    assert final.name == "runtime"
    assert final.base in {"python:3.13-slim", "node:20-alpine"}
    assert final.last("CMD").json  # type: ignore[union-attr]
