"""A custom resource with a bit of everything that structural schemas can say."""

from __future__ import annotations

from typing import Any

import yaml

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_TEXT = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: widgets, kind: Widget, shortNames: [wd], categories: [all]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources:
      status: {}
      scale:
        specReplicasPath: .spec.replicas
        statusReplicasPath: .status.replicas
        labelSelectorPath: .status.selector
    additionalPrinterColumns:
    - {name: Size, type: integer, jsonPath: .spec.size, description: how big}
    - {name: Color, type: string, jsonPath: .spec.color, priority: 1}
    - {name: Age, type: date, jsonPath: .metadata.creationTimestamp}
    schema:
      openAPIV3Schema:
        type: object
        required: [spec]
        properties:
          spec:
            type: object
            required: [size]
            properties:
              size: {type: integer, minimum: 1, maximum: 10}
              color: {type: string, enum: [red, blue], default: red}
              replicas: {type: integer}
              name: {type: string, pattern: "^[a-z]+$", maxLength: 5}
              tags: {type: array, maxItems: 2, items: {type: string}}
              labels: {type: object, additionalProperties: {type: string}}
              free: {type: object, x-kubernetes-preserve-unknown-fields: true}
              port: {x-kubernetes-int-or-string: true}
              parts:
                type: array
                x-kubernetes-list-type: map
                x-kubernetes-list-map-keys: [name]
                items:
                  type: object
                  required: [name]
                  properties: {name: {type: string}, v: {type: integer, default: 3}}
          status:
            type: object
            properties: {replicas: {type: integer}, selector: {type: string}}
"""
DEFINITION: dict[str, Any] = yaml.safe_load(_TEXT)


def definition(group: str) -> dict[str, Any]:
    """The definition under another group, so that tests do not meet."""
    spec = {**DEFINITION["spec"], "group": group}
    return {**DEFINITION, "metadata": {"name": f"widgets.{group}"}, "spec": spec}


_RULES = """
type: object
x-kubernetes-validations:
- {rule: has(self.spec)}
- {rule: "self.metadata.name != 'forbidden'", message: that name is taken}
properties:
  spec:
    type: object
    required: [min]
    x-kubernetes-validations:
    - {rule: self.min <= self.max, message: min must not be above max}
    - rule: "!has(self.when) || self.when > timestamp('2020-01-01T00:00:00Z')"
      messageExpression: "self.min > 3 ? 'too early' : 'a bit too early'"
      fieldPath: .when
      reason: FieldValueForbidden
    - {rule: "!has(self.every) || self.every < duration('2h')", reason: FieldValueRequired}
    - {rule: "!has(self.size) || quantity(self.size).isLessThan(quantity('2Gi'))", message: " no more than 2Gi "}
    - {rule: "!has(self.port) || type(self.port) == string || self.port < 100"}
    - {rule: "!has(self.free) || self.free.nothing == 1", message: never}
    - {rule: "!has(self.url) || url(self.url).getHostname() == 'e.com'", message: not there}
    properties:
      min: {type: integer}
      max: {type: integer, default: 5}
      share: {type: number, x-kubernetes-validations: [{rule: self > 0.5 && self < 2}]}
      name:
        type: string
        maxLength: 5
        x-kubernetes-validations: [{rule: self == oldSelf, message: name is immutable}]
      when: {type: string, format: date-time}
      every: {type: string, format: duration}
      size: {type: string, maxLength: 9}
      url: {type: string, maxLength: 40}
      port: {x-kubernetes-int-or-string: true}
      free: {type: object, properties: {something: {type: integer}, nothing: {type: integer}}}
      words:
        type: array
        maxItems: 4
        items: {type: string, maxLength: 9}
        x-kubernetes-validations: [{rule: "self.all(w, w.startsWith('a'))"}]
      parts:
        type: array
        maxItems: 5
        x-kubernetes-list-type: map
        x-kubernetes-list-map-keys: [k]
        items:
          type: object
          required: [k]
          properties: {k: {type: string, maxLength: 5}, v-x: {type: integer}}
          x-kubernetes-validations:
          - {rule: "!has(self.v__dash__x) || self.v__dash__x < 10"}
          - {rule: "!has(oldSelf.v__dash__x) || self.v__dash__x >= oldSelf.v__dash__x", message: may only grow}
      labels:
        type: object
        maxProperties: 5
        additionalProperties: {type: string, maxLength: 9, x-kubernetes-validations: [{rule: "size(self) > 1"}]}
        x-kubernetes-validations: [{rule: "self.all(k, k.size() < 4)"}]
"""


def ruled(group: str, *more: dict[str, Any]) -> dict[str, Any]:
    """A definition with rules in CEL; `more` are rules of its spec."""
    found = definition(group)
    schema = yaml.safe_load(_RULES)
    schema["properties"]["spec"]["x-kubernetes-validations"] += more
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    found["spec"] = {**found["spec"], "versions": [version]}
    return found
