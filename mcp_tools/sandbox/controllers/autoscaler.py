"""HorizontalPodAutoscalers (kubernetes/pkg/controller/podautoscaler)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_tools import quantity
from mcp_tools.sandbox.controllers.base import Controller, Key, is_ready, key_of
from mcp_tools.sandbox.objects.errors import Refused
from mcp_tools.sandbox.objects.registry import WriteOptions
from mcp_tools.sandbox.objects.selectors import label_selector

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_tools.sandbox.controllers.base import Cluster
    from mcp_tools.sandbox.objects.kinds import Kind
    from mcp_tools.sandbox.objects.store import Change, Object

    Usage = Callable[[Object, Object], tuple[int, int]]

SOURCE = "horizontal-pod-autoscaler"
_PERIOD = 15.0
_TOLERANCE = 0.1
_DOWN_WINDOW = 300.0
_UP_PODS, _UP_FACTOR = 4, 2


class _Unmeasurable(Exception):
    """A metric cannot be had; the arguments are the condition's reason and the message."""


@dataclass(frozen=True, slots=True)
class _Measured:
    """What one metric says."""

    replicas: int
    status: Object
    name: str


class AutoscalerController(Controller):
    """Scales targets by what their pods use.

    Args:
        cluster: What it sees.
        usage: From a pod and one of its containers to CPU in thousandths and memory in bytes.
        served: Whether the metrics API answers; a text says why not.
    """

    watches = ("HorizontalPodAutoscaler",)

    def __init__(self, cluster: Cluster, usage: Usage, served: Callable[[], str]) -> None:
        super().__init__(cluster)
        self._usage = usage
        self._unserved = served
        self._wishes: dict[str, list[tuple[float, int]]] = {}

    def keys(self, change: Change) -> Iterable[Key]:
        """A new or changed autoscaler; its own status does not count."""
        before = change.before or {}
        return [key_of(change.obj)] if change.obj["spec"] != before.get("spec") else []

    def reconcile(self, key: Key) -> float | None:
        """One round for one autoscaler."""
        scaler = self.cluster.get("HorizontalPodAutoscaler", *key)
        if scaler is None:
            return None
        conditions = {found["type"]: found for found in (scaler.get("status") or {}).get("conditions") or ()}
        try:
            kind, target = self._target(scaler)
        except Refused as error:
            self.cluster.events.warning(scaler, "FailedGetScale", error.message, SOURCE)
            message = f"the HPA controller was unable to get the target's current scale: {error.message}"
            self._set(conditions, "AbleToScale", "False", "FailedGetScale", message)
            self._write(scaler, conditions, scaler.get("status") or {})
            return _PERIOD
        self._set(
            conditions,
            "AbleToScale",
            "True",
            "SucceededGetScale",
            "the HPA controller was able to get the target's current scale",
        )
        self._round(scaler, kind, target, conditions)
        return _PERIOD

    def _target(self, scaler: Object) -> tuple[Kind, Object]:
        wanted = scaler["spec"].get("scaleTargetRef") or {}
        kind = self.cluster.registry.kinds.of(wanted.get("apiVersion", "apps/v1"), wanted.get("kind", ""))
        if kind is None or "scale" not in kind.subresources:
            group = str(wanted.get("apiVersion", "")).partition("/")[0]
            message = f'no matches for kind "{wanted.get("kind")}" in group "{group}"'
            raise Refused(404, "NotFound", message)
        return kind, self.cluster.registry.get(kind, scaler["metadata"]["namespace"], wanted.get("name", ""))

    def _round(self, scaler: Object, kind: Kind, target: Object, conditions: dict[str, Object]) -> None:
        spec = scaler["spec"]
        current = target["spec"].get("replicas", 1)
        least, most = spec.get("minReplicas", 1), spec["maxReplicas"]
        status = dict(scaler.get("status") or {})
        status |= {
            "currentReplicas": current,
            "desiredReplicas": current,
            "observedGeneration": scaler["metadata"].get("generation", 1),
        }
        if current == 0 and least != 0:
            self._set(
                conditions,
                "ScalingActive",
                "False",
                "ScalingDisabled",
                "scaling is disabled since the replica count of the target is zero",
            )
            self._write(scaler, conditions, {**status, "desiredReplicas": 0})
            return
        if not least <= current <= most:
            desired = min(max(current, least), most)
            reason = (
                "Current number of replicas below Spec.MinReplicas"
                if current < least
                else "Current number of replicas above Spec.MaxReplicas"
            )
            self._rescale(scaler, (kind, target), desired, reason, conditions)
            self._write(scaler, conditions, {**status, "desiredReplicas": desired, "lastScaleTime": self.cluster.now()})
            return
        try:
            best = max(self._measure(scaler, target, current), key=lambda found: found.replicas)
        except _Unmeasurable as error:
            reason, message = error.args
            total = len(spec["metrics"])
            self.cluster.events.warning(scaler, reason, message, SOURCE)
            start = f"invalid metrics ({total} invalid out of {total}), first error is"
            first = f"{start}: failed to get {self._first(scaler)} resource metric value: {message}"
            self.cluster.events.warning(scaler, "FailedComputeMetricsReplicas", first, SOURCE)
            words = f"the HPA was unable to compute the replica count: {message}"
            self._set(conditions, "ScalingActive", "False", reason, words)
            self._write(scaler, conditions, status)
            return
        words = f"the HPA was able to successfully calculate a replica count from {best.name}"
        self._set(conditions, "ScalingActive", "True", "ValidMetricFound", words)
        desired = self._bounded(scaler, current, self._stable(scaler, current, best.replicas, conditions), conditions)
        status["currentMetrics"] = [best.status]
        status["desiredReplicas"] = desired
        if desired != current:
            side = "above target" if desired > current else "below target"
            reason = f"{best.name} {side}" if desired > current else "All metrics below target"
            self._rescale(scaler, (kind, target), desired, reason, conditions)
            status["lastScaleTime"] = self.cluster.now()
        self._write(scaler, conditions, status)

    def _first(self, scaler: Object) -> str:
        return str((scaler["spec"]["metrics"][0].get("resource") or {}).get("name", ""))

    def _measure(self, scaler: Object, target: Object, current: int) -> list[_Measured]:
        picks = label_selector(target["spec"].get("selector"))
        pods = [
            pod
            for pod in self.cluster.all_of("Pod", scaler["metadata"]["namespace"])
            if picks(pod["metadata"].get("labels") or {}) and not pod["metadata"].get("deletionTimestamp")
        ]
        found = []
        for metric in scaler["spec"]["metrics"]:
            if metric.get("type") != "Resource":
                message = "unable to get metric: no metrics returned from custom metrics API"
                raise _Unmeasurable("FailedGetPodsMetric", message)
            found.append(self._resource(metric["resource"], pods, current))
        return found

    def _resource(self, metric: Object, pods: list[Object], current: int) -> _Measured:
        name, wanted = metric["name"], metric["target"]
        start = f"failed to get {name} utilization: "
        if why := self._unserved():
            text = (
                f"unable to get metrics for resource {name}: unable to fetch metrics from resource metrics API: {why}"
            )
            raise _Unmeasurable("FailedGetResourceMetric", start + text)
        running = [pod for pod in pods if is_ready(pod)]
        if not running:
            text = f"unable to get metrics for resource {name}: no metrics returned from resource metrics API"
            raise _Unmeasurable("FailedGetResourceMetric", start + text)
        index = 0 if name == "cpu" else 1
        used = requested = 0
        for pod in running:
            for container in pod["spec"]["containers"]:
                asked = ((container.get("resources") or {}).get("requests") or {}).get(name)
                if asked is None and wanted.get("type") == "Utilization":
                    text = (
                        f"missing request for {name} in container {container['name']} of Pod {pod['metadata']['name']}"
                    )
                    raise _Unmeasurable("FailedGetResourceMetric", start + text)
                requested += (quantity.millis(asked) if name == "cpu" else quantity.whole(asked)) if asked else 0
                used += self._usage(pod, container)[index]
        average = used // len(running)
        shown = f"{average}m" if name == "cpu" else str(average)
        level: Object = {"averageValue": shown}
        if wanted.get("type") == "Utilization":
            percent = used * 100 // max(1, requested)
            ratio = percent / wanted["averageUtilization"]
            level["averageUtilization"] = percent
            words = f"{name} resource utilization (percentage of request)"
        else:
            goal = wanted.get("averageValue", "1")
            ratio = average / max(1, quantity.millis(goal) if name == "cpu" else quantity.whole(goal))
            words = f"{name} resource"
        replicas = current if abs(ratio - 1) <= _TOLERANCE else math.ceil(ratio * len(running))
        return _Measured(replicas, {"type": "Resource", "resource": {"name": name, "current": level}}, words)

    def _stable(self, scaler: Object, current: int, wish: int, conditions: dict[str, Object]) -> int:
        """Scale down to no less than what was wished for within the last minutes."""
        now = self.cluster.clock.now()
        behaviour = (scaler["spec"].get("behavior") or {}).get("scaleDown") or {}
        window = float(behaviour.get("stabilizationWindowSeconds", _DOWN_WINDOW))
        known = [item for item in self._wishes.get(scaler["metadata"]["uid"], []) if item[0] > now - window]
        self._wishes[scaler["metadata"]["uid"]] = [*known, (now, wish)]
        stable = max([wish, *(min(current, old) for _, old in known)]) if wish < current else wish
        if stable != wish:
            words = "recent recommendations were higher than current one, applying the highest recent recommendation"
            self._set(conditions, "AbleToScale", "True", "ScaleDownStabilized", words)
        else:
            words = "recommended size matches current size"
            self._set(conditions, "AbleToScale", "True", "ReadyForNewScale", words)
        return stable

    def _bounded(self, scaler: Object, current: int, wish: int, conditions: dict[str, Object]) -> int:
        spec = scaler["spec"]
        fastest = max(current + _UP_PODS, current * _UP_FACTOR)
        for value, beyond, reason, words in (
            (spec["maxReplicas"], wish > spec["maxReplicas"], "TooManyReplicas", "more than the maximum replica count"),
            (
                spec.get("minReplicas", 1),
                wish < spec.get("minReplicas", 1),
                "TooFewReplicas",
                "less than the minimum replica count",
            ),
            (fastest, wish > fastest, "ScaleUpLimit", "increasing faster than the maximum scale rate"),
        ):
            if beyond:
                self._set(conditions, "ScalingLimited", "True", reason, f"the desired replica count is {words}")
                return int(value)
        words = "the desired count is within the acceptable range"
        self._set(conditions, "ScalingLimited", "False", "DesiredWithinRange", words)
        return wish

    def _rescale(
        self, scaler: Object, found: tuple[Kind, Object], desired: int, reason: str, conditions: dict[str, Object]
    ) -> None:
        kind, target = found

        def change(draft: Object) -> None:
            draft["spec"]["replicas"] = desired

        namespace, name = key_of(target)
        self.cluster.registry.modify(
            kind, namespace, name, change, WriteOptions("kube-controller-manager", subresource="scale")
        )
        self.cluster.events.normal(scaler, "SuccessfulRescale", f"New size: {desired}; reason: {reason}", SOURCE)
        words = f"the HPA controller was able to update the target scale to {desired}"
        self._set(conditions, "AbleToScale", "True", "SucceededRescale", words)

    def _set(self, conditions: dict[str, Object], kind: str, status: str, reason: str, message: str) -> None:
        known = conditions.get(kind)
        same = known is not None and known["status"] == status
        moment = known["lastTransitionTime"] if known is not None and same else self.cluster.now()
        conditions[kind] = {
            "type": kind,
            "status": status,
            "lastTransitionTime": moment,
            "reason": reason,
            "message": message,
        }

    def _write(self, scaler: Object, conditions: dict[str, Object], status: Object) -> None:
        order = [name for name in ("AbleToScale", "ScalingActive", "ScalingLimited") if name in conditions]
        status = {"currentReplicas": 0, "desiredReplicas": 0, "currentMetrics": None, **status}
        self.cluster.set_status(scaler, {**status, "conditions": [conditions[name] for name in order]})
