"""What pods used of late: bounded, and forgotten with the pods."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcp_tools.health.frame import Frame

POINTS = 40
Key = tuple[str, str]


class Trends:
    """The last measurements of each pod that is shown, and of all together."""

    def __init__(self) -> None:
        self._cpu: dict[Key, deque[float]] = {}
        self._memory: dict[Key, deque[float]] = {}
        self.scores: deque[float] = deque(maxlen=POINTS)

    def add(self, frame: Frame) -> None:
        """Remember one moment."""
        shown = {(pod.namespace, pod.name) for pod in frame.pods}
        for kept in (self._cpu, self._memory):
            for gone in kept.keys() - shown:
                del kept[gone]
        for pod in frame.pods:
            key = (pod.namespace, pod.name)
            for kept, used in ((self._cpu, pod.cpu.used), (self._memory, pod.memory.used)):
                if used is not None:
                    kept.setdefault(key, deque(maxlen=POINTS)).append(used)
        score = (frame.health.get("health") or {}).get("score")
        if score is not None:
            self.scores.append(float(score))

    def clear(self) -> None:
        """Forget all: something else is shown."""
        self._cpu.clear()
        self._memory.clear()
        self.scores.clear()

    def cpu(self, namespace: str, name: str) -> list[float]:
        """Cores that a pod used, oldest first."""
        return list(self._cpu.get((namespace, name), ()))

    def memory(self, namespace: str, name: str) -> list[float]:
        """Bytes that a pod used, oldest first."""
        return list(self._memory.get((namespace, name), ()))
