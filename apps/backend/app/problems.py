"""Errors as RFC 9457 problem documents.

::

    Problem            any status
    ├── NotFound       404  no such thing, or it is somebody else's
    ├── Unauthorized   401  no token, or one that does not hold
    ├── Malformed      422  the body is not what it should be
    ├── NotSupported   501  a part of a protocol that the backend leaves out
    └── Unavailable    503  something the backend needs does not answer; try again
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any, ClassVar

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):
    """An error that the caller is told about; `detail` is its one sentence."""

    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR
    headers: ClassVar[dict[str, str]] = {}

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class NotFound(Problem):
    """No such thing, or it is somebody else's: the two look the same on purpose."""

    status = HTTPStatus.NOT_FOUND


class Unauthorized(Problem):
    """No token, or one that does not hold."""

    status = HTTPStatus.UNAUTHORIZED
    headers: ClassVar[dict[str, str]] = {"WWW-Authenticate": 'Bearer error="invalid_token"'}


class Malformed(Problem):
    """The body is not what it should be."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY


class NotSupported(Problem):
    """A part of a protocol that the backend leaves out."""

    status = HTTPStatus.NOT_IMPLEMENTED


class Unavailable(Problem):
    """Something the backend needs does not answer; trying again helps."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    headers: ClassVar[dict[str, str]] = {"Retry-After": "5"}


class FieldProblem(BaseModel):
    """One field that was refused."""

    field: str
    message: str


class ProblemDocument(BaseModel):
    """The body of every error."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] | None = None


def problem_response(
    status: HTTPStatus, detail: str, headers: dict[str, str] | None = None, errors: list[FieldProblem] | None = None
) -> JSONResponse:
    """The response that says what went wrong."""
    document = ProblemDocument(title=status.phrase, status=status, detail=detail, errors=errors)
    return JSONResponse(document.model_dump(exclude_none=True), status, headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Let `app` answer every error as a problem document, and say so in its OpenAPI document."""

    @app.exception_handler(Problem)
    async def known(_request: Request, error: Problem) -> JSONResponse:
        return problem_response(error.status, error.detail, error.headers)

    @app.exception_handler(HTTPException)
    async def from_the_framework(_request: Request, error: HTTPException) -> JSONResponse:
        headers = dict(error.headers) if error.headers else None
        return problem_response(HTTPStatus(error.status_code), str(error.detail), headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        errors = [
            FieldProblem(field=".".join(str(part) for part in entry["loc"]), message=entry["msg"])
            for entry in error.errors()
        ]
        detail = "The request does not fit the schema: " + "; ".join(f"{e.field}: {e.message}" for e in errors)
        return problem_response(HTTPStatus.UNPROCESSABLE_ENTITY, detail, errors=errors)

    @app.exception_handler(PoolTimeout)
    @app.exception_handler(OperationalError)
    async def no_database(_request: Request, error: Exception) -> JSONResponse:
        # The driver's text names hosts and users: it belongs in the log, not in the answer.
        log.error("The database does not answer: %s", cause(error))
        return problem_response(
            HTTPStatus.SERVICE_UNAVAILABLE, "The database does not answer. Try again soon.", Unavailable.headers
        )

    _describe(app)


def cause(error: Exception) -> str:
    """The driver's own first line, without the statement and its parameters."""
    origin = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return (str(origin).strip().splitlines() or [type(origin).__name__])[0]


def _describe(app: FastAPI) -> None:
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = generate()
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            problem = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(problem.pop("$defs"))
            schemas["ProblemDocument"] = problem
            for name in ("HTTPValidationError", "ValidationError"):
                schemas.pop(name, None)
            content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}}
            for path in document["paths"].values():
                for operation in path.values():
                    operation["responses"].pop("422", None)
                    operation["responses"]["default"] = {"description": "What went wrong", "content": content}
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
