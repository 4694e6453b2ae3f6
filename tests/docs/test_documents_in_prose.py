"""What the documents' running text calls a command or a sentence is one."""

from __future__ import annotations

import re
import shlex
import shutil
from typing import TYPE_CHECKING

import pytest
from needs import missing
from typist import make_the_world, named, program
from written import PAGES, PROSE, ROOT, prose

from assistant.offline.model import Heal, Reply, Several, ToolCall
from assistant.offline.planner import plan

if TYPE_CHECKING:
    from reader import Reader

ANYWHERE, WITH_DOCKER_AND_HELM = {"shipmate", "kubectl"}, {"docker", "helm"}
PYTHON = {"python", "pytest"}
ELSEWHERE = {"make": "tests/house", "minikube": "not here; tests/stack/test_stack_minikube.py has a recorded one"}
OF_OTHERS = re.compile(r"^(kubectl-ai|docker (ai|scout|sbom)|trivy|grype|uv|apt-get|openssl|eval|lint-imports)( |$)")
"""Other people's programs, named for comparison or to be installed."""
FORM = re.compile(r"^--|\b[A-Z]{3,}\b|[=\[{(]|: |^(apply -k|POST .*|127\..*)$")
"""Options, settings and forms with places to fill in: no sentence."""
LOOKS = re.compile(
    r"^(shipmate (doctor|diagnose|history|sandbox (list|kubeconfig))|kubectl (-n \S+ )?(get|describe|logs|top) )"
)


def spans(*pages: object) -> list[tuple[str, str]]:
    """Every code span of several words, with its page."""
    return [(named(page), span) for page in PROSE for span in prose(page) if not pages or page in pages]


def commands(programs: set[str]) -> list[tuple[str, str]]:
    found = [(page, span) for page, span in spans() if span.split()[0] in programs and not OF_OTHERS.match(span)]
    assert found
    return found


def asked() -> dict[str, str]:
    """Sentences, typed in the chat or after `shipmate ask`; with the page that has them."""
    known = ANYWHERE | WITH_DOCKER_AND_HELM | PYTHON | ELSEWHERE.keys()
    found = {span: page for page, span in spans(*PAGES) if span.split()[0] not in known}
    typed = {span: page for span, page in found.items() if not FORM.search(span) and not OF_OTHERS.match(span)}
    given = {
        words[2]: page
        for page, span in commands({"shipmate"})
        if len(words := shlex.split(span)) > 2 and words[1] == "ask"
    }
    return typed | given


def refused(reader: Reader, programs: set[str]) -> list[str]:
    """The commands of which their program does not know the name or an option."""
    failed = []
    for page, command in commands(programs):
        words = [word for word in shlex.split(command) if word != "…"]
        end = reader(f"{shlex.join(words)} --help")
        name = " ".join([words[0], *[word for word in words[1:] if re.fullmatch(r"[a-z]+", word)][:1]])
        if end.code or (not command.startswith("shipmate") and name not in end.said):
            failed.append(f"{page}: {end}")
    return failed


def test_every_command_is_known_to_its_program_with_its_options(reader: Reader) -> None:
    assert refused(reader, ANYWHERE) == []


def test_every_sentence_is_understood() -> None:
    found = asked()
    assert len(found) > 15
    assert [sentence for sentence in found if not isinstance(plan(sentence), ToolCall | Several | Reply | Heal)] == []


def test_what_looks_is_typed_and_every_sentence_tried_out(reader: Reader) -> None:
    make_the_world(reader)
    typed = {span: page for page, span in spans() if LOOKS.match(span) and not FORM.search(span)}
    tried = {f"shipmate ask {shlex.quote(one)} --dry-run": page for one, page in asked().items() if not program(one)}
    assert len(typed) > 10
    ends = [(page, reader(command)) for command, page in (typed | tried).items()]
    assert [f"{page}: {end}" for page, end in ends if end.code] == []


def test_every_module_and_test_that_is_named_exists() -> None:
    for page, command in commands(PYTHON):
        places = (ROOT, (ROOT / page).parent)
        for word in re.findall(r"tests/\S+|(?<=-m )\S+", command):
            path = word if "/" in word else word.replace(".", "/")
            assert any((place / (path + end)).exists() for place in places for end in ("", ".py")), f"{page}: {command}"


@pytest.mark.cluster
def test_every_command_of_helm_and_docker_is_known_to_them_with_its_options(reader: Reader) -> None:
    for needed in WITH_DOCKER_AND_HELM:
        if shutil.which(needed) is None:
            missing(f"no {needed} on the PATH: install it")
    assert refused(reader, WITH_DOCKER_AND_HELM) == []
