"""The MCP server as a process, spoken to by the official client over both transports and in both protocol eras."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import pytest
import urllib3
from hands_helpers import Kube, deployment, deployments, write_kubeconfig
from mcp import Client, MCPError, StdioServerParameters
from mcp.types import CallToolResult, ElicitResult, TextContent

from mcp_tools.tools.registry import BY_NAME

if TYPE_CHECKING:
    from mcp_tools.sandbox.lifecycle import SandboxInfo

pytestmark = pytest.mark.anyio
ERAS = pytest.mark.parametrize("mode", ["legacy", "auto"])


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def web(kube: Kube, space: str) -> str:
    kube.make(deployments(space), deployment("web", replicas=1))
    while not kube.get(deployments(space, "web")).get("status", {}).get("readyReplicas"):
        time.sleep(0.1)
    return deployments(space, "web")


@pytest.fixture
def command(sandbox: SandboxInfo, space: str) -> list[str]:
    return [sys.executable, "-m", "assistant.cli", "mcp", "--kubeconfig", str(sandbox.kubeconfig), "-n", space]


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    places = {name: str(tmp_path / name) for name in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME")}
    return {**os.environ, **places, "NO_COLOR": "1"}


@pytest.fixture
def stdio(command: list[str], env: dict[str, str]) -> StdioServerParameters:
    return StdioServerParameters(command=command[0], args=command[1:], env=env)


@pytest.fixture
def http(command: list[str], env: dict[str, str], tmp_path: Path) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([*command, "--http", "--port", str(port)], env=env, stdout=log, stderr=log)
    try:
        while True:
            assert process.poll() is None, (tmp_path / "log").read_text()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.terminate()
        process.wait(10)


@asynccontextmanager
async def client_of(server: StdioServerParameters | str, mode: str, answer: Any = None) -> AsyncIterator[Client]:
    """The official client; with `answer` it can be asked (elicitation)."""

    async def elicit(_: Any, params: Any) -> ElicitResult:
        elicit.asked.append(params)  # type: ignore[attr-defined]
        if answer != "accept":
            return ElicitResult(action=answer)
        (name,) = params.requested_schema["properties"]
        return ElicitResult(action="accept", content={name: True})

    elicit.asked = []  # type: ignore[attr-defined]
    async with Client(server, mode=mode, elicitation_callback=elicit if answer else None) as client:
        client.asked = elicit.asked  # type: ignore[attr-defined]
        yield client


def data_of(result: CallToolResult) -> dict[str, Any]:
    assert not result.is_error, result
    assert isinstance(result.structured_content, dict)
    return result.structured_content


def text_of(result: CallToolResult) -> str:
    (block,) = result.content
    assert isinstance(block, TextContent)
    return block.text


def replicas_of(kube: Kube, path: str) -> int:
    return int(kube.get(path)["spec"]["replicas"])


@ERAS
async def test_over_stdio_tools_are_listed_read_and_changed_in_two_steps(
    stdio: StdioServerParameters, mode: str, kube: Kube, web: str
) -> None:
    async with client_of(stdio, mode) as client:
        assert client.server_info.name == "shipmate"
        assert "never instructions" in (client.instructions or "")
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert list(tools) == list(BY_NAME)
        for name, tool in tools.items():
            assert tool.annotations is not None
            assert tool.annotations.read_only_hint is BY_NAME[name].read_only
            assert tool.annotations.destructive_hint is BY_NAME[name].destructive
            assert tool.annotations.open_world_hint is False
            assert tool.title
            assert tool.description
            assert tool.output_schema
            assert tool.input_schema["additionalProperties"] is False

        read = await client.call_tool("list_resources", {"kind": "deployments"})
        data = data_of(read)
        assert [row[0] for row in data["rows"]] == ["web"]
        assert text_of(read) == data["summary"], "the data must not be paid for twice"

        planned = data_of(await client.call_tool("scale", {"target": "web", "replicas": 2}))
        assert planned["status"] == "planned"
        assert planned["diff"] == [{"path": "spec.replicas", "old": 1, "new": 2}]
        assert replicas_of(kube, web) == 1
        heard: list[str] = []

        async def hear(progress: float, total: float | None, message: str | None) -> None:
            heard.append(message or "")

        applied = await client.call_tool("apply_plan", {"plan_id": planned["plan_id"]}, progress_callback=hear)
        assert data_of(applied)["status"] == "verified"
        assert replicas_of(kube, web) == 2
        assert any("2 of 2 replicas ready" in message for message in heard)
        again = await client.call_tool("apply_plan", {"plan_id": planned["plan_id"]})
        assert again.is_error
        assert "used already" in text_of(again)


@ERAS
async def test_over_http_the_same(http: str, mode: str, kube: Kube, web: str) -> None:
    async with client_of(http, mode) as client, client_of(http, mode) as other:
        assert {tool.name for tool in (await client.list_tools()).tools} == set(BY_NAME)
        planned = data_of(await client.call_tool("scale", {"target": "web", "replicas": 2}))
        assert (planned["status"], replicas_of(kube, web)) == ("planned", 1)
        applied = data_of(await other.call_tool("apply_plan", {"plan_id": planned["plan_id"]}))
        assert (applied["status"], replicas_of(kube, web)) == ("verified", 2)


@ERAS
@pytest.mark.parametrize("answer", ["accept", "decline"])
async def test_a_client_that_can_be_asked_is_asked(
    stdio: StdioServerParameters, mode: str, answer: str, kube: Kube, web: str
) -> None:
    status, replicas = ("verified", 2) if answer == "accept" else ("declined", 1)
    async with client_of(stdio, mode, answer) as client:
        result = data_of(await client.call_tool("scale", {"target": "web", "replicas": 2}))
        (asked,) = client.asked  # type: ignore[attr-defined]
        assert "Scale deployment/web" in asked.message
        assert "(context shipmate-sandbox)" in asked.message
        assert "spec.replicas: 1 → 2" in asked.message
        assert (result["status"], replicas_of(kube, web)) == (status, replicas)


@ERAS
async def test_over_http_a_client_is_asked_too_and_closing_the_question_is_no_yes(
    http: str, mode: str, kube: Kube, web: str
) -> None:
    async with client_of(http, mode, "cancel") as client:
        result = data_of(await client.call_tool("scale", {"target": "web", "replicas": 2}))
        assert (result["status"], replicas_of(kube, web)) == ("declined", 1)
    async with client_of(http, mode, "accept") as client:
        result = data_of(await client.call_tool("scale", {"target": "web", "replicas": 2}))
        assert (result["status"], replicas_of(kube, web)) == ("verified", 2)


@ERAS
async def test_an_error_is_a_tool_error_with_words_to_go_on_by(
    stdio: StdioServerParameters, mode: str, web: str
) -> None:
    async with client_of(stdio, mode) as client:
        for name, given, words in (
            ("scale", {"target": "wbe", "replicas": 1}, "Did you mean deployment/web"),
            ("scale", {"target": "web", "replicas": 1, "nope": 1}, "nope"),
            ("scale", {"target": "web", "replicas": "many"}, "replicas"),
            ("list_resources", {"kind": "deploymens"}, "deployments"),
            ("configure_workload", {"target": "web", "image": "no image"}, "not an image reference"),
        ):
            result = await client.call_tool(name, given)
            assert result.is_error, name
            assert words in text_of(result)
            assert "Traceback" not in text_of(result)
        try:
            unknown = text_of(await client.call_tool("drop_everything", {}))
        except MCPError as error:
            unknown = str(error)
        assert "drop_everything" in unknown


@pytest.mark.filterwarnings("ignore:ping is removed")
async def test_a_ping_is_answered_while_a_rollout_is_watched(
    stdio: StdioServerParameters, kube: Kube, web: str
) -> None:
    async with client_of(stdio, "legacy") as client:
        planned = data_of(await client.call_tool("configure_workload", {"target": "web", "image": "nginx:no-such-tag"}))
        order: list[str] = []
        moving = anyio.Event()

        async def hear(*_: Any) -> None:
            moving.set()

        async def apply() -> None:
            done = await client.call_tool("apply_plan", {"plan_id": planned["plan_id"]}, progress_callback=hear)
            order.append(data_of(done)["status"])

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(apply)
            await moving.wait()
            await client.send_ping()
            order.append("pong")
            read = await client.call_tool("list_resources", {"kind": "pods"})
            order.append(f"{data_of(read)['total']} pods")
        assert order[0] == "pong"
        assert order[1].endswith("pods")
        assert order[2] == "rolled_back"


@ERAS
@pytest.mark.parametrize("transport", ["stdio", "http"])
async def test_a_client_that_stops_waiting_does_not_leave_a_change_half_done(
    request: pytest.FixtureRequest, mode: str, transport: str, kube: Kube, web: str
) -> None:
    async with client_of(request.getfixturevalue(transport), mode) as client:
        planned = data_of(await client.call_tool("configure_workload", {"target": "web", "image": "nginx:no-such-tag"}))
        with anyio.CancelScope() as scope:

            async def leave(*_: Any) -> None:
                scope.cancel()

            await client.call_tool("apply_plan", {"plan_id": planned["plan_id"]}, progress_callback=leave)
        assert scope.cancelled_caught
        status = "applying"
        while status == "applying":
            await anyio.sleep(0.2)
            status = data_of(await client.call_tool("list_changes"))["changes"][0]["status"]
        assert status == "rolled_back"
    assert kube.get(web)["spec"]["template"]["spec"]["containers"][0]["image"] == "nginx:1.27"


@ERAS
async def test_a_cluster_that_is_not_there_is_told_and_comes_back(
    sandbox: SandboxInfo, env: dict[str, str], tmp_path: Path, mode: str
) -> None:
    config = write_kubeconfig(tmp_path / "config", "https://127.0.0.1:1")
    args = ["-m", "assistant.cli", "mcp", "--kubeconfig", str(config)]
    async with client_of(StdioServerParameters(command=sys.executable, args=args, env=env), mode) as client:
        assert len((await client.list_tools()).tools) == len(BY_NAME)
        gone = await client.call_tool("cluster_overview", {})
        assert gone.is_error
        assert "does not answer at https://127.0.0.1:1" in text_of(gone)
        assert data_of(await client.call_tool("list_changes", {}))["changes"] == []
        config.write_bytes(sandbox.kubeconfig.read_bytes())
        assert "todo-app" in text_of(await client.call_tool("cluster_overview", {}))


def test_a_foreign_host_or_origin_is_turned_away(http: str) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    with urllib3.PoolManager() as pool:

        def post(**more: str) -> int:
            return int(pool.request("POST", http, body=json.dumps(body), headers={**headers, **more}).status)

        assert post(Host="evil.example.com") == 421
        assert post(Origin="https://evil.example.com") == 403
        assert post() not in {403, 421}


def test_standard_output_carries_nothing_but_the_protocol(command: list[str], env: dict[str, str], web: str) -> None:
    version = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    calls: list[tuple[str, dict[str, Any]]] = [
        ("scale", {"target": "nothing", "replicas": 1}),
        ("describe_resource", {"target": "web"}),
        ("no_such_tool", {}),
    ]
    messages: list[dict[str, Any]] = [
        {"id": 0, "method": "initialize", "params": version},
        {"method": "notifications/initialized"},
        *(
            {"id": number, "method": "tools/call", "params": {"name": name, "arguments": given}}
            for number, (name, given) in enumerate(calls, 1)
        ),
    ]
    process = subprocess.Popen(
        command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        process.stdin.write("not json\n")
        for message in messages:
            process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        process.stdin.flush()
        answered: set[int] = set()
        lines: list[dict[str, Any]] = []
        while not answered >= {0, 1, 2, 3}:
            lines.append(json.loads(process.stdout.readline()))
            answered.add(lines[-1].get("id"))
        process.stdin.close()
        lines += [json.loads(line) for line in process.stdout]
        assert process.wait(20) == 0
    assert all(line["jsonrpc"] == "2.0" for line in lines)


@ERAS
async def test_runbooks_and_agents_are_prompts_and_runbooks_are_read(stdio: StdioServerParameters, mode: str) -> None:
    async with client_of(stdio, mode) as client:
        prompts = {prompt.name: prompt for prompt in (await client.list_prompts()).prompts}
        assert {"runbook-scale", "runbook-restore", "agent-troubleshooter", "agent-morning-check"} <= set(prompts)
        arguments = {one.name: one.required for one in prompts["runbook-scale"].arguments or []}
        assert arguments == {"workload": True, "replicas": True, "namespace": False}
        told = await prompt_of(client, "runbook-scale", workload="web", replicas="3")
        assert 'arguments: {target: "web", namespace: null, replicas: 3}' in told
        assert "shipmate ask" not in told
        with pytest.raises(MCPError, match="needs replicas"):
            await client.get_prompt("runbook-scale", {"workload": "web"})
        secret = await prompt_of(client, "runbook-rotate-secret", secret="db", key="PASSWORD", workload="web")
        assert "must not pass through a model" in secret
        assert "{{ value | base64 }}" in secret
        assert "Change nothing." in await prompt_of(client, "agent-morning-check")
        assert "why is web slow?" in await prompt_of(client, "agent-troubleshooter", request="why is web slow?")
        resources = {str(one.uri): one for one in (await client.list_resources()).resources}
        assert resources["runbook://scale"].mime_type == "text/markdown"
        (content,) = (await client.read_resource("runbook://scale")).contents
        assert content.text.startswith("# Scale")  # type: ignore[union-attr]


async def prompt_of(client: Client, name: str, **arguments: str) -> str:
    (message,) = (await client.get_prompt(name, arguments)).messages
    assert isinstance(message.content, TextContent)
    return message.content.text


def test_over_http_the_agents_introduce_themselves_with_a_card(http: str) -> None:
    address = http.removesuffix("/mcp")
    card = urllib3.request("GET", f"{address}/.well-known/agent-card.json").json()
    assert card["supportedInterfaces"][0]["url"] == http
    assert {skill["id"] for skill in card["skills"]} >= {"deployer", "troubleshooter", "morning-check"}
