"""Requests that the API server passes on to pods, Services and nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sandbox_helpers import Client

SPACE = "/api/v1/namespaces/todo-app"


def backend(api: Client) -> str:
    pods = api("GET", f"{SPACE}/pods?labelSelector=app.kubernetes.io/name%3Dbackend").body["items"]
    return str(pods[0]["metadata"]["name"])


@pytest.mark.parametrize("name", ["backend:8000", "backend:http", "http:backend:http"])
def test_a_service_answers_through_the_api_server(api: Client, name: str) -> None:
    answer = api("GET", f"{SPACE}/services/{name}/proxy/health")
    assert (answer.status, answer.body) == (200, {"status": "ok"})


def test_a_pod_answers_on_its_first_port(api: Client) -> None:
    assert api("GET", f"{SPACE}/pods/{backend(api)}/proxy/health").body == {"status": "ok"}


def test_a_path_without_its_slash_is_sent_there(api: Client) -> None:
    answer = api("GET", f"{SPACE}/services/frontend:80/proxy?a=b", redirect=False)
    assert (answer.status, answer.headers["Location"]) == (301, f"{SPACE}/services/frontend:80/proxy/?a=b")


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("services/none:80/proxy/", 404, 'services "none" not found'),
        ("services/backend:99/proxy/", 503, 'no service port 99 found for service "backend"'),
        ("services/backend/proxy/", 503, 'no endpoints available for service "backend"'),
        ("services/a:b:c:d/proxy/", 400, 'invalid service request "a:b:c:d"'),
        ("pods/none/proxy/", 404, 'pods "none" not found'),
    ],
)
def test_what_nobody_answers_is_told(api: Client, path: str, status: int, message: str) -> None:
    answer = api("GET", f"{SPACE}/{path}")
    assert (answer.status, answer.message) == (status, message)


def test_a_port_on_which_nothing_listens_refuses(api: Client) -> None:
    answer = api("GET", f"{SPACE}/pods/{backend(api)}:1/proxy/")
    assert answer.status == 503
    assert answer.message.startswith("error trying to reach service: dial tcp 10.")
    assert answer.message.endswith(":1: connect: connection refused")


def test_a_pod_without_an_address_is_not_reached(api: Client, space: str) -> None:
    path = f"/api/v1/namespaces/{space}/pods"
    spec = {"schedulerName": "nobody", "containers": [{"name": "app", "image": "nginx:1.27"}]}
    api("POST", path, {"metadata": {"name": "waits"}, "spec": spec})
    answer = api("GET", f"{path}/waits/proxy/")
    assert (answer.status, answer.message) == (400, "address not allowed")


def test_a_node_shows_its_pods_and_what_they_use(api: Client) -> None:
    node = api("GET", "/api/v1/nodes").body["items"][0]["metadata"]["name"]
    path = f"/api/v1/nodes/{node}/proxy"
    assert api("GET", f"{path}/healthz").body == b"ok"
    pods = api("GET", f"{path}/pods").body["items"]
    assert {pod["spec"]["nodeName"] for pod in pods} == {node}
    assert len(api("GET", f"{path}/stats/summary").body["pods"]) == len(pods)
    assert api("GET", f"{path}/nothing").status == 404
