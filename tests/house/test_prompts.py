"""The prompts of the phase, and the agents and skills for coding assistants."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from assistant.offline.model import Refuse
from assistant.offline.planner import plan

ROOT = Path(__file__).resolve().parents[2]
PROMPTS = ROOT / "prompts"
AGENTS = ("aiops-helm-builder", "devops-kubernetes-builder", "docker-containerization-builder")
SKILLS = ("aiops-gordon", "docker-setup", "helm-charts-setup", "kubernetes-deployment", "minikube-setup")
FILES = [
    *(ROOT / ".claude" / "agents" / f"{name}.md" for name in AGENTS),
    *(ROOT / ".claude" / "skills" / name / "SKILL.md" for name in SKILLS),
]
TOOLS = {"Read", "Edit", "Write", "Grep", "Glob", "Bash"}
LONGEST = 60
"""Lines: who reads one has the whole of it in the context."""


def front_matter(file: Path) -> dict[str, str]:
    head = re.match(r"---\n(.*?)\n---\n\n", file.read_text(encoding="utf-8"), re.DOTALL)
    assert head, "no front matter"
    found = yaml.safe_load(head[1])
    assert isinstance(found, dict)
    return found


def test_each_line_of_the_definition_of_done_names_a_test_that_exists() -> None:
    text = (PROMPTS / "plan-prompt-phase-4.md").read_text(encoding="utf-8")
    lines = [line for line in text.partition("## Definition of done")[2].splitlines() if line.startswith("- ")]
    assert len(lines) > 15
    for line in lines:
        proofs = re.findall(r"\[(tests/\S+\.py)::(test_\w+)\]\(\.\./(\S+)\)", line)
        assert proofs, line
        for file, name, target in proofs:
            assert file == target
            assert re.search(rf"^(?:async )?def {name}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE), (
                line
            )


@pytest.mark.parametrize(
    ("name", "subjects"),
    [
        (
            "constitution",
            "Infrastructure as code|Multi-stage|Limits|Probes|Service discovery|Secrets|Immutable infrastructure|AIOps",
        ),
        ("spec", "Try it on one machine|Deploy to Minikube|Release|Scale|Find the cause|Keep secrets"),
        (
            "plan",
            "three containers|NodePort|LoadBalancer|GHCR|## Sequence|## Risks|## Requirements|## Definition of done",
        ),
    ],
)
def test_a_prompt_of_the_phase_holds_its_subjects(name: str, subjects: str) -> None:
    text = (PROMPTS / f"{name}-prompt-phase-4.md").read_text(encoding="utf-8")
    assert [subject for subject in subjects.split("|") if subject not in text] == []


def test_only_the_assistants_own_prompt_ships_with_the_program() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"]
    shipped = [source for source in wheel["wheel"]["force-include"] if source.startswith("prompts")]
    assert shipped == ["prompts/assistant"]
    assert [file.name for file in (PROMPTS / "assistant").iterdir()] == ["system.md"]


def test_there_are_these_agents_and_skills_and_no_others() -> None:
    assert sorted(FILES) == sorted([*ROOT.glob(".claude/agents/*"), *ROOT.glob(".claude/skills/*/*")])


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT / ".claude")))
def test_an_agent_or_skill_is_named_as_its_file_says_when_to_use_it_and_is_short(file: Path) -> None:
    found = front_matter(file)
    skill = file.name == "SKILL.md"
    assert found.keys() == ({"name", "description"} if skill else {"name", "description", "tools"})
    assert found["name"] == (file.parent.name if skill else file.stem)
    assert re.fullmatch(r"[a-z0-9-]{1,64}", found["name"])
    assert "Use " in found["description"]
    assert len(found["description"]) <= 1024
    assert set(found.get("tools", "Read").split(", ")) <= TOOLS
    assert len(file.read_text(encoding="utf-8").splitlines()) <= LONGEST


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT / ".claude")))
def test_what_an_agent_or_skill_names_exists(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    for sentence in re.findall(r'shipmate ask "([^"]+)"', text):
        assert not isinstance(plan(sentence), Refuse), sentence
    named = re.findall(r"`((?:prompts|manifests|helm|apps|tests|docs)/[\w./-]*)`", text)
    named += [path for command in re.findall(r"`pytest ([^`]+?) -q`", text) for path in command.split()]
    assert [path for path in named if not (ROOT / path).exists()] == []
    skills = re.search(r"Skills: (.*)\.", text)
    assert {name.strip("`") for name in skills[1].split(", ")} <= set(SKILLS) if skills else True
