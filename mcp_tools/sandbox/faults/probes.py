"""Probes that ask the wrong question, or too soon."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tools.sandbox.faults.model import Cause, Symptom, fault

if TYPE_CHECKING:
    from mcp_tools.sandbox.faults.injector import Injector

_SPEC = "spec.template.spec.containers[0]"


@fault(
    "readiness-500",
    25,
    Cause("Deployment", "backend", f"{_SPEC}.image", "release 1.2.4 answers 500"),
    Symptom("Pod", "backend", "probe failed with statuscode: 500"),
)
def readiness_500(box: Injector) -> None:
    """A release that answers 500."""
    box.patch(
        "Deployment",
        "backend",
        {
            "spec": {
                "template": {
                    "spec": {
                        "containers": [
                            {
                                "name": "backend",
                                "image": "todo-backend:1.2.4",
                                "startupProbe": None,
                                "livenessProbe": None,
                            }
                        ]
                    }
                }
            }
        },
    )


@fault(
    "probe-port",
    26,
    Cause(
        "Deployment",
        "backend",
        f"{_SPEC}.readinessProbe.httpGet.port",
        "the probe asks port 8080, the program listens on 8000",
    ),
    Symptom("Pod", "backend", ":8080/health/ready"),
)
def probe_port(box: Injector) -> None:
    """A readiness probe on the wrong port."""
    box.container("backend", readinessProbe={"httpGet": {"port": 8080}})


@fault(
    "probe-path",
    27,
    Cause("Deployment", "backend", f"{_SPEC}.readinessProbe.httpGet.path", "the program has no such path"),
    Symptom("Pod", "backend", "Readiness probe failed: HTTP probe failed with statuscode: 404"),
)
def probe_path(box: Injector) -> None:
    """A readiness probe for a path that the program does not have."""
    box.container("backend", readinessProbe={"httpGet": {"path": "/healthcheck"}})


@fault(
    "liveness-loop",
    28,
    Cause("Deployment", "backend", f"{_SPEC}.livenessProbe.httpGet.path", "the program has no such path"),
    Symptom("Pod", "backend", "failed liveness probe, will be restarted"),
)
def liveness_loop(box: Injector) -> None:
    """A liveness probe that kills a healthy program again and again."""
    box.container("backend", livenessProbe={"httpGet": {"path": "/alive"}, "periodSeconds": 3})


@fault(
    "startup-budget",
    29,
    Cause(
        "Deployment",
        "backend",
        f"{_SPEC}.startupProbe.failureThreshold",
        "release 1.2.3 boots for 95 s, the probe gives it 60 s",
    ),
    Symptom("Pod", "backend", "failed startup probe, will be restarted"),
)
def startup_budget(box: Injector) -> None:
    """A release that boots for longer than its start-up probe allows."""
    box.container("backend", image="todo-backend:1.2.3")


@fault(
    "readiness-gate",
    30,
    Cause("Deployment", "backend", "spec.template.spec.readinessGates", "nobody sets the condition of the gate"),
    Symptom("Pod", "backend", "ReadinessGatesNotReady"),
)
def readiness_gate(box: Injector) -> None:
    """A readiness gate that nobody opens."""
    box.pod("backend", readinessGates=[{"conditionType": "lb.example.com/attached"}])
