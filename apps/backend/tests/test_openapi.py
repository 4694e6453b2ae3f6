"""The OpenAPI document, held against the running service."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from issuer import Issuer
from process import Service
from schemathesis.checks import CHECKS
from schemathesis.generation import GenerationMode

# The answers of the chat are streams, tested in test_chat.py and test_chatkit.py. Readiness fails here, as no MCP
# server runs.
ELSEWHERE = "^/(chat|health/ready)"


@pytest.fixture(scope="session")
def operations(backend: Service) -> dict[str, schemathesis.schemas.APIOperation]:
    schema = schemathesis.openapi.from_url(f"{backend.url}/openapi.json").exclude(path_regex=ELSEWHERE)
    # Each request carries a good token: the bad ones are test_auth.py's.
    schema.config.generation.update(with_security_parameters=False)
    found = [result.ok() for result in schema.get_all_operations()]
    return {operation.label: operation for operation in found}


OPERATIONS = [
    "GET /api/tasks",
    "POST /api/tasks",
    "GET /api/tasks/{task_id}",
    "PATCH /api/tasks/{task_id}",
    "DELETE /api/tasks/{task_id}",
    "POST /api/tasks/{task_id}/complete",
    "GET /health/live",
    "GET /metrics",
]


def test_no_operation_is_left_out(operations: dict[str, schemathesis.schemas.APIOperation]) -> None:
    assert sorted(operations) == sorted(OPERATIONS)


# What takes no parameters cannot be asked wrongly.
CASES = [(label, GenerationMode.POSITIVE) for label in OPERATIONS] + [
    (label, GenerationMode.NEGATIVE) for label in OPERATIONS if "/api/" in label
]


@pytest.mark.parametrize(("label", "mode"), CASES, ids=str)
def test_every_answer_is_one_the_document_promises(
    operations: dict[str, schemathesis.schemas.APIOperation], issuer: Issuer, label: str, mode: GenerationMode
) -> None:
    operation = operations[label]
    authorization = {"Authorization": f"Bearer {issuer.token('schemathesis')}"}
    # An id that no task has is good data, and 404 its answer.
    excluded = CHECKS.get_by_names(["positive_data_acceptance"]) if "{task_id}" in label else []

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=80,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    def holds(case: schemathesis.Case) -> None:
        case.call_and_validate(headers=authorization, excluded_checks=excluded)

    holds()
