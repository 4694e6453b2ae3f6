"""Prints docs/failure-modes.md from the detectors themselves: `make docs`."""

from __future__ import annotations

HEAD = """\
# Failure modes

What `shipmate diagnose` tells apart, and what it looks at to do so. Written by `make docs`, not by
hand. Each detector is one function in a module of `mcp_tools/diagnosis/modes/`; adding a mode is adding one. The
numbers are those of the faults that `shipmate sandbox list` shows; a mode without a number is what is told when no
cause is found behind a symptom.
"""
LAYERS = """
## In a checkout

`shipmate diagnose --path DIR` reads Dockerfiles, charts, manifests and code instead of a cluster. It tells what
Services, Ingresses, NetworkPolicies and addresses would do wrong, as above, and where two layers disagree:
"""


def modes_page() -> str:
    """The whole page."""
    from mcp_tools.diagnosis.layers.checks import MODES
    from mcp_tools.diagnosis.modes import all_detectors, all_modes

    looks = {mode.id: detector.looks_at for detector in all_detectors() for mode in detector.modes}
    lines = [HEAD, "| no. | mode | what is wrong | decided by |", "|---|---|---|---|"]
    for mode in all_modes().values():
        numbers = ", ".join(map(str, mode.numbers))
        lines.append(f"| {numbers} | `{mode.id}` | {mode.title} | {looks[mode.id]} |")
    lines += [LAYERS, "| mode | what is wrong |", "|---|---|"]
    lines += [f"| `{mode.id}` | {mode.title} |" for mode in MODES]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(modes_page(), end="")
