"""The plugin that CI loads against tests that are skipped in silence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SKIPPED = "import pytest\n{mark}\ndef test_a():\n    pytest.skip('not there')\n"
MODULE = "import pytest\npytest.importorskip('no_such_module')\n"
CLUSTER = "@pytest.mark.cluster"


@pytest.mark.parametrize(
    ("module", "promised", "code"),
    [
        pytest.param(SKIPPED.format(mark=""), "", 1, id="a test without a reason to be skipped"),
        pytest.param(MODULE, "", 1, id="a module whose library is not there"),
        pytest.param(SKIPPED.format(mark=CLUSTER), "1", 1, id="a cluster test where a cluster was promised"),
        pytest.param(SKIPPED.format(mark=CLUSTER), "", 0, id="a cluster test where there is none"),
    ],
)
def test_a_skipped_test_fails_the_run_unless_nothing_was_promised(
    tmp_path: Path, module: str, promised: str, code: int
) -> None:
    (tmp_path / "test_it.py").write_text(module)
    (tmp_path / "test_passes.py").write_text("def test_b(): pass\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = cluster\n")
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parent),
        "PYTEST_ADDOPTS": "",
        "SHIPMATE_CI_CLUSTER": promised,
    }
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "skips", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert ("may not be here" in done.stdout) is bool(code)
