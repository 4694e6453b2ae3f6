"""Manifests are read from where a person says, and from nowhere else."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from assistant.manifests import MAX_BYTES, read_manifest
from mcp_tools.errors import NotAllowed, ShipmateError, UsageError

ONE = "kind: ConfigMap\n"


def test_a_folder_is_its_manifests_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name, text in (("02-b.yml", "b: 1\n"), ("01-a.yaml", "a: 1\n"), ("03-c.json", "{}"), ("notes.txt", "no")):
        (tmp_path / name).write_text(text)
    (tmp_path / "below").mkdir()
    assert read_manifest(str(tmp_path)) == "a: 1\n\n---\nb: 1\n\n---\n{}"
    assert read_manifest(str(tmp_path / "02-b.yml")) == "b: 1\n"


def test_standard_input_is_a_manifest_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(ONE))
    assert read_manifest("-") == ONE


def test_what_is_no_manifest_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "rendered").mkdir()
    (tmp_path / "rendered" / "kustomization.yaml").write_text("resources: []")
    (tmp_path / "large.yaml").write_text("a" * (MAX_BYTES + 1))
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    for name, words in (
        ("absent.yaml", "no file"),
        ("empty", "no manifest"),
        ("rendered", "kustomization"),
        ("large.yaml", "larger than"),
        ("binary.yaml", "cannot be read"),
    ):
        with pytest.raises(UsageError, match=words):
            read_manifest(str(tmp_path / name))


def test_an_address_is_read_only_where_the_policy_allows_it() -> None:
    for address in ("https://example.com/a.yaml?token=hunter22", "http://allowed.example/a.yaml", "file:///etc/passwd"):
        with pytest.raises(NotAllowed) as caught:
            read_manifest(address, ["https://allowed.example/*", "http://allowed.example/*"])
        assert "hunter22" not in str(caught.value)
    with pytest.raises(ShipmateError, match="gave no manifest"):
        read_manifest("https://127.0.0.1:1/a.yaml", ["https://127.0.0.1:1/*"])


def test_a_typed_file_is_planned_and_a_piped_one_too(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: typed}\ndata: {a: b}\n")
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
    command = [sys.executable, "-P", "-m", "assistant.cli", "--sandbox", "--model", "offline", "ask", "--dry-run"]

    def ask(sentence: str, given: str = "") -> str:
        done = subprocess.run(
            [*command, sentence], env=environment, input=given, capture_output=True, text=True, cwd=tmp_path, check=True
        )
        return done.stdout

    try:
        assert "apply_plan" in ask("apply one.yaml")
        assert "configmap/piped" in ask(
            "kubectl apply -f -", "kind: ConfigMap\napiVersion: v1\nmetadata: {name: piped}"
        )
    finally:
        stop = [sys.executable, "-P", "-m", "assistant.cli", "sandbox", "stop"]
        subprocess.run(stop, env=environment, check=True, capture_output=True)
