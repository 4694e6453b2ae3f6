"""What is known against an image's packages: each ecosystem's versions, one vulnerability of many ids, the gate."""

from __future__ import annotations

import json
import zipfile
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sarif_pydantic import Sarif
from scanning_helpers import (
    Built,
    File,
    advisory,
    database,
    dist_info,
    dpkg,
    engine,
    go_program,
    image,
    layer,
    os_release,
    rpmdb,
    serving,
)

from mcp_tools.docker.scanning.report import as_json
from mcp_tools.docker.scanning.sarif import as_sarif
from mcp_tools.docker.scanning.scan import examine, scan
from mcp_tools.docker.scanning.versions import sort_key
from mcp_tools.errors import ShipmateError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import docker

BAD = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"  # 9.8
MIDDLING = "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:N/I:N/A:H"  # 5.5
FROM_0 = {"introduced": "0"}
RIGHT: dict[str, Any] = {"User": "10001", "Healthcheck": {"Test": ["CMD", "x"]}}


def _worst() -> Built:
    """An image that has everything against it, with names as long as they come."""
    long = "x" * 90
    packages = [
        File(f"app/node_modules/{long}{n}/package.json", json.dumps({"name": f"{long}{n}", "version": f"1.0.0-{long}"}))
        for n in range(20)
    ]
    keys = [File(f"{n}/{long}/{long}.key", f"-----BEGIN RSA {'PRIVATE'} KEY-----") for n in range(20)]
    programs = [File(f"bin/{name}", "x", mode=0o6777) for name in ("sh", "gcc", "curl", long)]
    history = [{"created_by": f"RUN DB_PASSWORD={long}{n} {long} curl https://x.test/{long} | sh"} for n in range(6)]
    layers = [layer(*packages, *programs), *(layer(one) for one in keys)]
    environment = [f"{long}{n}_PASSWORD={long}" for n in range(6)]
    return image(*layers, Env=environment, ExposedPorts={"22/tcp": {}, "80/tcp": {}}, history=history)


def cvss(vector: str) -> list[dict[str, str]]:
    return [{"type": "CVSS_V3", "score": vector}]


def until(version: str) -> dict[str, str]:
    return {"fixed": version}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[docker.DockerClient]:
    apk = "P:libcrypto3\nV:3.1.4-r5\nA:x86_64\no:openssl\n\n"
    lodash = File("app/node_modules/lodash/package.json", '{"name": "lodash", "version": "4.17.20"}')
    program = File("app/tool", go_program("go1.22.1", ("golang.org/x/net", "v0.17.0")), mode=0o755)
    python = dist_info("PyYAML", "5.3", "usr/lib/python3/dist-packages")
    owner = File("var/lib/dpkg/info/python3-yaml.list", f"/.\n/{python.path}\n")
    debian = dpkg(("libssl3", "3.0.11-1~deb12u1", "openssl"), ("tar", "1.34+dfsg-1.2"), ("python3-yaml", "5.3-1"))
    rpm = rpmdb(tmp_path_factory.mktemp("rpm"), ("openssl", "3.0.7", "24.el9", 1))
    images: dict[str, Built] = {
        "debian:1": image(layer(os_release("debian", "12"), debian, python, owner), **RIGHT),
        "alpine:1": image(layer(os_release("alpine", "3.19.1"), File("lib/apk/db/installed", apk)), **RIGHT),
        "rocky:1": image(layer(os_release("rocky", "9.3"), File("var/lib/rpm/rpmdb.sqlite", rpm)), **RIGHT),
        "languages:1": image(layer(lodash, program, dist_info("Flask_Login", "0.6.3rc1")), **RIGHT),
        "bad:1": _worst(),
        "none:1": image(layer(File("app/main", "x")), **RIGHT),
    }
    with engine(images) as made:
        yield made


def known(client: docker.DockerClient, name: str, path: Path, **options: Any) -> list[tuple[str, str, str, str]]:
    report = examine(client, name, database=path, scanners=False, **options)
    return [(one.id, one.package.name, one.severity.label, one.fixed) for one in report.vulnerabilities]


@pytest.mark.parametrize(
    ("name", "ecosystem", "package", "events", "fixed"),
    [
        ("debian:1", "Debian:12", "openssl", [FROM_0, until("3.0.15-1~deb12u1")], "3.0.15-1~deb12u1"),
        ("debian:1", "Debian:12", "openssl", [FROM_0, until("3.0.11-1~deb12u1")], None),
        ("debian:1", "Debian:12", "openssl", [FROM_0, until("3.0.11-1")], "3.0.11-1"),
        ("debian:1", "Debian:12", "openssl", [FROM_0, until("1:0.1")], "1:0.1"),
        ("debian:1", "Debian:11", "openssl", [FROM_0, until("3.0.15-1")], None),
        ("debian:1", "Debian:12", "libssl3", [FROM_0], None),
        ("debian:1", "Debian:12", "tar", [FROM_0], ""),
        ("debian:1", "PyPI", "pyyaml", [FROM_0, until("5.4")], None),
        ("alpine:1", "Alpine:v3.19", "openssl", [FROM_0, until("3.1.4-r6")], "3.1.4-r6"),
        ("alpine:1", "Alpine:v3.19", "openssl", [FROM_0, until("3.1.4_git2024-r0")], "3.1.4_git2024-r0"),
        ("alpine:1", "Alpine:v3.19", "openssl", [FROM_0, until("3.1.4-r5")], None),
        ("alpine:1", "Alpine:v3.18", "openssl", [FROM_0, until("3.1.4-r6")], None),
        ("rocky:1", "Rocky Linux:9", "openssl", [FROM_0, until("1:3.0.7-25.el9_3")], "1:3.0.7-25.el9_3"),
        ("rocky:1", "Rocky Linux:9", "openssl", [FROM_0, until("0:9-1")], None),
        ("languages:1", "PyPI", "flask-login", [FROM_0, until("0.6.3")], "0.6.3"),
        ("languages:1", "PyPI", "flask-login", [{"introduced": "0.6.3"}], None),
        ("languages:1", "npm", "lodash", [FROM_0, until("4.17.21")], "4.17.21"),
        ("languages:1", "npm", "lodash", [FROM_0, until("4.9.0"), {"introduced": "4.17.3"}, until("5.0.0")], "5.0.0"),
        ("languages:1", "npm", "lodash", [FROM_0, {"last_affected": "4.17.20"}], ""),
        ("languages:1", "npm", "lodash", [FROM_0, {"last_affected": "4.17.19"}], None),
        ("languages:1", "Go", "golang.org/x/net", [FROM_0, until("0.23.0")], "0.23.0"),
        ("languages:1", "Go", "stdlib", [{"introduced": "1.22.0-0"}, until("1.22.2")], "1.22.2"),
        ("languages:1", "Go", "stdlib", [{"introduced": "1.22.1-rc.1"}, until("1.22.1")], None),
    ],
)
def test_a_version_is_affected_by_the_rules_of_its_ecosystem(
    client: docker.DockerClient,
    tmp_path: Path,
    name: str,
    ecosystem: str,
    package: str,
    events: list[dict[str, str]],
    fixed: str | None,
) -> None:
    path = database(tmp_path / "osv", [advisory("CVE-2026-1", ecosystem, package, *events)])
    assert [one[3] for one in known(client, name, path)] == ([] if fixed is None else [fixed])


def test_a_listed_version_is_affected_and_a_withdrawn_record_is_not_told(
    client: docker.DockerClient, tmp_path: Path
) -> None:
    path = database(
        tmp_path / "osv",
        [
            advisory("MAL-2026-1", "npm", "lodash", affected={"versions": ["4.17.20"]}),
            advisory("GHSA-gone", "npm", "lodash", FROM_0, withdrawn="2026-01-01T00:00:00Z"),
        ],
    )
    assert known(client, "languages:1", path) == [("MAL-2026-1", "lodash", "critical", "")]


def test_what_several_databases_say_is_one_vulnerability_and_a_bulletin_of_two_is_two(
    client: docker.DockerClient, tmp_path: Path
) -> None:
    two = ["CVE-2026-10", "CVE-2026-11"]
    path = database(
        tmp_path / "osv",
        [
            advisory("PYSEC-1", "PyPI", "flask-login", FROM_0, until("0.6.4"), aliases=["GHSA-aaaa"]),
            advisory(
                "GHSA-aaaa", "PyPI", "flask-login", FROM_0, until("0.6.5"), aliases=["CVE-2026-1"], severity=cvss(BAD)
            ),
            advisory("GHSA-bbbb", "PyPI", "flask-login", FROM_0, database_specific={"severity": "MODERATE"}),
            advisory(
                "DEBIAN-CVE-2026-10", "Debian:12", "openssl", FROM_0, upstream=["CVE-2026-10"], severity=cvss(BAD)
            ),
            advisory("DSA-1-1", "Debian:12", "openssl", FROM_0, until("3.0.15-1"), upstream=two),
        ],
    )
    assert known(client, "languages:1", path) == [
        ("CVE-2026-1", "Flask_Login", "critical", "0.6.5"),
        ("GHSA-bbbb", "Flask_Login", "medium", ""),
    ]
    report = examine(client, "debian:1", database=path, scanners=False)
    told = [(one.id, one.severity.label, one.fixed, one.aliases) for one in report.vulnerabilities]
    assert told == [
        ("CVE-2026-10", "critical", "3.0.15-1", ("DEBIAN-CVE-2026-10", "DSA-1-1")),
        ("CVE-2026-11", "unknown", "3.0.15-1", ("DSA-1-1",)),
    ]


def test_a_database_may_be_a_file_a_folder_an_archive_or_an_address(
    client: docker.DockerClient, tmp_path: Path
) -> None:
    record = advisory("CVE-2026-1", "npm", "lodash", FROM_0, until("4.17.21"), severity=cvss(MIDDLING))
    folder = database(tmp_path / "osv", [record])
    forms = {
        "one.json": json.dumps(record),
        "several.json": json.dumps([record, {**record, "id": "CVE-2026-2"}]),
        "answer.json": json.dumps({"vulns": [record]}),
        "lines.jsonl": json.dumps(record) + "\n\n" + json.dumps(record) + "\n",
    }
    for name, text in forms.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    with zipfile.ZipFile(tmp_path / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("CVE-2026-1.json", json.dumps(record))
    wanted = ("CVE-2026-1", "lodash", "medium", "4.17.21")
    for path in (folder, *(tmp_path / name for name in (*forms, "all.zip"))):
        assert wanted in known(client, "languages:1", path), path
    with serving(lambda _: (200, (tmp_path / "all.zip").read_bytes())) as port:
        assert known(client, "languages:1", f"http://127.0.0.1:{port}/npm/all.zip") == [wanted]
    with serving(lambda _: (503, b"later")) as port, pytest.raises(ShipmateError, match="503"):
        scan(client, "languages:1", database=f"http://127.0.0.1:{port}/all.zip")


def test_what_is_no_database_is_an_error_and_a_damaged_part_is_told(
    client: docker.DockerClient, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="no vulnerability database"):
        scan(client, "none:1", database=tmp_path / "absent.zip")
    (tmp_path / "other.json").write_text('{"name": "something"}', encoding="utf-8")
    with pytest.raises(UsageError, match="no advisory"):
        scan(client, "none:1", database=tmp_path / "other.json")
    folder = database(tmp_path / "osv", [advisory("CVE-2026-1", "npm", "lodash", FROM_0, until("1.0.0"))])
    (folder / "half.json").write_text('{"id": "CVE-2', encoding="utf-8")
    answer = scan(client, "languages:1", database=folder, fail_on="high", scanners=False)
    assert "half.json is no OSV record" in answer.summary
    assert answer.data["gate"]["exit_code"] == 2


def test_without_data_nothing_is_called_safe_or_counted(client: docker.DockerClient, tmp_path: Path) -> None:
    answer = scan(client, "debian:1", fail_on="critical", scanners=False)
    assert answer.summary.startswith("Whether debian:1 is safe cannot be said. There is no vulnerability data")
    assert answer.data["vulnerabilities"] is None
    assert answer.data["gate"]["exit_code"] == 2
    path = database(tmp_path / "osv", [advisory("CVE-2026-1", "npm", "lodash", FROM_0, until("1.0.0"))])
    assert scan(client, "debian:1", database=path, scanners=False).data["vulnerabilities"] is None
    partly = scan(client, "languages:1", database=path, fail_on="critical", scanners=False)
    assert "No known vulnerability in the 1 package compared with 1 advisory" in partly.summary
    assert "No data for 2 packages of Go, 1 package of PyPI" in partly.summary
    assert "the part of languages:1 that could be checked" in partly.summary
    assert partly.data["vulnerabilities"] == {}
    assert partly.data["gate"]["exit_code"] == 2


def test_data_that_ends_long_ago_is_told_to_be_old(client: docker.DockerClient, tmp_path: Path) -> None:
    record = {**advisory("CVE-2024-1", "Alpine:v3.19", "zlib", FROM_0), "modified": "2024-10-10T17:22:00Z"}
    path = database(tmp_path / "osv", [record])
    assert "its newest advisory is of 2024-10-10" in scan(client, "alpine:1", database=path, scanners=False).summary


def test_a_gate_passes_fails_and_takes_what_was_accepted(client: docker.DockerClient, tmp_path: Path) -> None:
    path = database(
        tmp_path / "osv",
        [advisory("CVE-2026-1", "Alpine:v3.19", "openssl", FROM_0, severity=cvss(BAD), aliases=["GHSA-aaaa"])],
    )

    def code(**options: Any) -> int:
        answer = scan(client, "alpine:1", database=path, scanners=False, **options)
        return int(answer.data["gate"]["exit_code"])

    assert code(fail_on="critical") == 1
    assert code(fail_on="Critical", only_fixable=True) == 0
    assert code(fail_on="critical", ignore=["ghsa-AAAA"]) == 0
    path = database(tmp_path / "unrated", [advisory("GHSA-bbbb", "Alpine:v3.19", "openssl", FROM_0)])
    assert code(fail_on="critical") == 2
    assert code(fail_on="critical", ignore=["GHSA-bbbb"]) == 0
    with pytest.raises(UsageError, match="severe"):
        scan(client, "alpine:1", fail_on="severe")
    assert "gate" not in scan(client, "alpine:1", database=path, scanners=False).data


def test_the_answer_names_the_worst_the_counts_and_what_to_take(client: docker.DockerClient, tmp_path: Path) -> None:
    path = database(
        tmp_path / "osv",
        [
            advisory("CVE-2026-1", "Debian:12", "openssl", FROM_0, until("3.0.15-1"), severity=cvss(BAD)),
            advisory("CVE-2026-2", "Debian:12", "openssl", FROM_0, until("3.0.16-1"), severity=cvss(MIDDLING)),
            advisory("CVE-2026-3", "Debian:12", "tar", FROM_0, affected={"ecosystem_specific": {"urgency": "low"}}),
        ],
    )
    answer = scan(client, "debian:1", database=path, scanners=False)
    assert answer.summary == (
        "debian:1 is not safe: critical CVE-2026-1 in libssl3 3.0.11-1~deb12u1 (take 3.0.15-1). "
        "Known vulnerabilities: 1 critical, 1 medium, 1 low, in 2 packages. 2 can be fixed: take openssl 3.0.16-1. "
        "Its configuration is in order."
    )
    assert answer.data["vulnerabilities"] == {"critical": 1, "medium": 1, "low": 1}
    assert answer.data["upgrades"] == [{"package": "openssl", "from": "3.0.11-1~deb12u1", "to": "3.0.16-1", "fixes": 2}]


def test_hundreds_of_vulnerabilities_are_a_bounded_answer_and_a_whole_report(
    client: docker.DockerClient, tmp_path: Path
) -> None:
    records = [
        advisory(f"CVE-2026-{n}", "npm", "lodash", FROM_0, until("4.17.21"), severity=cvss(BAD), summary="long " * 90)
        for n in range(400)
    ]
    records += [advisory(f"CVE-2025-{n}", "npm", f"{'x' * 90}{n}", FROM_0, until("9.9.9")) for n in range(20)]
    path = database(tmp_path / "osv", records)
    for name in ("languages:1", "bad:1"):
        answer = scan(client, name, database=path, fail_on="low", scanners=False)
        # A token is three to four bytes of such JSON.
        assert len(answer.summary) + len(json.dumps(answer.data)) <= 1_500 * 3.2, name
    report = examine(client, "languages:1", database=path, scanners=False)
    assert len(json.loads(as_json(report))["vulnerabilities"]) == 400
    document = json.loads(as_sarif(report))
    Sarif.model_validate(document)
    run = document["runs"][0]
    assert {one["ruleId"] for one in run["results"]} == {one["id"] for one in run["tool"]["driver"]["rules"]}
    assert len(run["results"]) == 400


TRIVY = {
    "SchemaVersion": 2,
    "Results": [
        {
            "Target": "debian:1 (debian 12.4)",
            "Type": "debian",
            "Vulnerabilities": [
                {
                    "VulnerabilityID": "CVE-2026-1",
                    "PkgName": "libssl3",
                    "InstalledVersion": "3.0.11-1~deb12u1",
                    "FixedVersion": "3.0.14-1, 3.0.15-1",
                    "Severity": "HIGH",
                    "Title": "openssl: something",
                }
            ],
        },
        {"Target": "Python", "Type": "python-pkg"},
    ],
}
GRYPE = {
    "matches": [
        {
            "vulnerability": {
                "id": "GHSA-aaaa",
                "severity": "Critical",
                "fix": {"versions": ["3.0.15-1"], "state": "fixed"},
            },
            "relatedVulnerabilities": [{"id": "CVE-2026-1"}],
            "artifact": {"name": "libssl3", "version": "3.0.11-1~deb12u1", "type": "deb"},
        }
    ]
}


def test_trivy_and_grype_are_asked_where_installed_and_merged_by_alias(
    client: docker.DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, report in {"trivy": TRIVY, "grype": GRYPE}.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(report), encoding="utf-8")
        program = tmp_path / name
        program.write_text(
            f'#!/bin/sh\necho "$0 $@ $GRYPE_DB_AUTO_UPDATE" >> {tmp_path}/asked\ncat {tmp_path}/{name}.json\n'
        )
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    report = examine(client, "debian:1", fail_on="critical")
    told = [(one.id, one.severity.label, one.fixed, one.sources, one.package.layer) for one in report.vulnerabilities]
    assert told == [("CVE-2026-1", "critical", "3.0.15-1", ("Grype", "Trivy"), 1)]
    assert report.gate.exit_code == 1
    asked = (tmp_path / "asked").read_text(encoding="utf-8")
    assert "--skip-db-update" in asked
    assert asked.rstrip().endswith("false")
    (tmp_path / "trivy").write_text(
        "#!/bin/sh\necho 'FATAL --skip-db-update cannot be specified on the first run' >&2\nexit 1\n"
    )
    (tmp_path / "grype").unlink()
    answer = scan(client, "debian:1")
    assert answer.data["vulnerabilities"] is None
    assert "trivy image --download-db-only" in answer.summary


@pytest.mark.parametrize(
    ("kind", "ascending"),
    [
        # deb-version(7): a tilde is before everything, even the end.
        ("deb", "0.9 1.0~~ 1.0~rc1 1.0 1.0-1~deb12u1 1.0-1 1.0-1+b2 1.0a 1.0+dfsg-1 1.0.1 1.10 1:0.9"),
        # apk-version(5): suffixes before and after a release, a letter, decimals after a leading zero.
        (
            "apk",
            "1.02 1.1 1.9 1.10_alpha 1.10_beta2 1.10_rc1 1.10 1.10-r1 1.10_git20240101 1.10_p1 1.10a 1.10.1 2",
        ),
        ("rpm", "1.0~rc1-1 1.0-1 1.0-2.el9 1.0-10.el9 1.0.1-1 1.10-1 1:0.1-1"),
        ("pypi", "1.0.dev1 1.0a1 1.0rc1 1.0 1.0.post1 1.1 1!0.1"),
        ("npm", "1.0.0-alpha 1.0.0-alpha.1 1.0.0-beta.2 1.0.0-beta.11 1.0.0 1.0.1 1.10.0"),
        ("golang", "0.0.0-20230101000000-abcdefabcdef 0.1.0 1.21.0 1.22rc1 1.22 1.22.1 v2.0.0+incompatible"),
    ],
)
def test_versions_are_in_the_order_of_their_ecosystem(kind: str, ascending: str) -> None:
    keys = [sort_key(kind, version) for version in ascending.split()]
    assert [(older < newer, newer < older) for older, newer in pairwise(keys)] == [(True, False)] * (len(keys) - 1)
