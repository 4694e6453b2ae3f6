"""What is read of an image: its packages, its layers, its configuration; and what a hostile one achieves."""

from __future__ import annotations

import json
import struct
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from scanning_helpers import Built, File, advisory, dist_info, dpkg, engine, go_program, image, layer, os_release, rpmdb

from mcp_tools.docker.scanning.archive import UnreadableImage
from mcp_tools.docker.scanning.inventory import take_inventory
from mcp_tools.docker.scanning.report import as_json
from mcp_tools.docker.scanning.sarif import as_sarif
from mcp_tools.docker.scanning.scan import examine, scan
from mcp_tools.errors import NotFound, ShipmateError, UsageError

if TYPE_CHECKING:
    import docker

    from mcp_tools.docker.scanning.model import Finding

SECRET = "s3cr3t-Zq9x7Lw2"
KEY = "-----BEGIN OPENSSH " + "PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n"


@pytest.fixture(scope="module")
def images() -> dict[str, Built]:
    return {}


@pytest.fixture(scope="module")
def client(images: dict[str, Built]) -> Iterator[docker.DockerClient]:
    with engine(images) as made:
        yield made


def packages(client: docker.DockerClient, name: str = "app:1") -> dict[str, tuple[str, int]]:
    return {one.name: (one.version, one.layer) for one in take_inventory(client, name).packages}


def findings(client: docker.DockerClient, name: str = "app:1") -> dict[str, Finding]:
    return {one.code: one for one in examine(client, name, scanners=False).findings}


@pytest.mark.parametrize("form", [{}, {"packed": "gzip"}, {"packed": "zstd"}, {"legacy": True}], ids=str)
def test_every_package_is_told_with_the_layer_that_brought_it(
    client: docker.DockerClient, images: dict[str, Built], form: dict[str, Any]
) -> None:
    base = layer(os_release("debian", "12"), dpkg(("libc6", "2.36-9", "glibc"), ("curl", "7.88.1-10")))
    upgraded = layer(dpkg(("libc6", "2.36-9", "glibc"), ("curl", "7.88.1-10+deb12u5"), ("git", "1:2.39.2-1.1")))
    ours = layer(
        dist_info("Flask-Login", "0.6.3"),
        File("app/node_modules/@scope/thing/package.json", '{"name": "@scope/thing", "version": "2.0.0"}'),
    )
    images["app:1"] = image(base, upgraded, ours, **form)
    assert packages(client) == {
        "libc6": ("2.36-9", 1),
        "curl": ("7.88.1-10+deb12u5", 2),
        "git": ("1:2.39.2-1.1", 2),
        "Flask-Login": ("0.6.3", 3),
        "@scope/thing": ("2.0.0", 3),
    }


def test_a_layer_that_is_there_twice_is_read_as_two(client: docker.DockerClient, images: dict[str, Built]) -> None:
    adds, removes = layer(dist_info("six", "1.16.0")), layer(File("usr/local/lib/.wh.python3.13"))
    images["app:1"] = image(adds, removes, adds, legacy=True)
    assert packages(client) == {"six": ("1.16.0", 3)}


def test_what_a_later_layer_removes_is_not_installed(client: docker.DockerClient, images: dict[str, Built]) -> None:
    site = "usr/local/lib/python3.13/site-packages"
    below = layer(*(dist_info(name, "1.0") for name in ("pip", "wheel", "attrs")), dist_info("old", "1.0", "opt/venv"))
    above = layer(
        File(f"{site}/.wh.pip-1.0.dist-info"),
        File(f"{site}/wheel-1.0.dist-info/.wh..wh..opq"),
        File("opt/venv", kind=tarfile.SYMTYPE, link="/srv"),
        dist_info("new", "2.0"),
    )
    images["app:1"] = image(below, above)
    assert packages(client) == {"attrs": ("1.0", 1), "new": ("2.0", 2)}
    images["app:1"] = image(below, layer(File(".wh..wh..opq"), dist_info("last", "3.0")))
    assert packages(client) == {"last": ("3.0", 2)}


def test_packages_of_alpine_distroless_go_and_a_lock_file_are_read(
    client: docker.DockerClient, images: dict[str, Built]
) -> None:
    installed = "P:libssl3\nV:3.1.4-r5\nA:x86_64\no:openssl\nL:Apache-2.0\nF:lib\nR:x.so\n\nP:musl\nV:1.2.4-r2\n"
    lock = {
        "packages": {
            "": {"name": "app", "version": "1.0.0"},
            "node_modules/left-pad": {"version": "1.3.0"},
            "node_modules/jest": {"version": "29.0.0", "dev": True},
        }
    }
    images["app:1"] = image(
        layer(
            os_release("alpine", "3.19.1"),
            File("lib/apk/db/installed", installed),
            File("var/lib/dpkg/status.d/base", "Package: base-files\nVersion: 12.4\nArchitecture: amd64\n"),
            File("var/lib/dpkg/status.d/base.md5sums", "abc  etc/passwd\n"),
            File("usr/bin/tool", go_program("go1.22.1", ("golang.org/x/net", "v0.17.0")), mode=0o755),
            File("app/package-lock.json", json.dumps(lock)),
        )
    )
    assert packages(client) == {
        "libssl3": ("3.1.4-r5", 1),
        "musl": ("1.2.4-r2", 1),
        "base-files": ("12.4", 1),
        "stdlib": ("1.22.1", 1),
        "golang.org/x/net": ("v0.17.0", 1),
        "left-pad": ("1.3.0", 1),
    }


def test_rpm_packages_are_read_from_sqlite_and_an_older_database_is_said_to_be_unread(
    client: docker.DockerClient, images: dict[str, Built], tmp_path: Path
) -> None:
    held = rpmdb(tmp_path, ("openssl", "3.0.7", "24.el9", 1), ("gpg-pubkey", "1", "2", 0))
    images["app:1"] = image(layer(os_release("rocky", "9.3"), File("var/lib/rpm/rpmdb.sqlite", held)))
    assert packages(client) == {"openssl": ("1:3.0.7-24.el9", 1)}
    (tmp_path / "osv.json").write_text(json.dumps(advisory("CVE-2026-1", "npm", "lodash")), encoding="utf-8")
    images["app:1"] = image(layer(os_release("centos", "7"), File("var/lib/rpm/Packages", b"\0" * 4096)))
    answer = scan(client, "app:1", fail_on="critical", database=tmp_path / "osv.json", scanners=False)
    said = answer.summary
    assert answer.data["gate"]["exit_code"] == 2
    assert "Berkeley DB file, which is not read" in said


@pytest.mark.parametrize("kind", ["deb", "apk", "rpm"])
def test_what_a_distributions_package_installed_is_not_one_of_its_own(
    client: docker.DockerClient, images: dict[str, Built], tmp_path: Path, kind: str
) -> None:
    theirs = dist_info("six", "1.16.0", "usr/lib/python3/site-packages")
    folder, _, name = theirs.path.rpartition("/")
    database = {
        "deb": [dpkg(("python3-six", "1.16.0-4")), File("var/lib/dpkg/info/python3-six.list", f"/.\n/{theirs.path}\n")],
        "apk": [File("lib/apk/db/installed", f"P:py3-six\nV:1.16.0-r9\nF:{folder}\nR:{name}\n")],
        "rpm": [
            File(
                "usr/lib/sysimage/rpm/rpmdb.sqlite",
                rpmdb(tmp_path, ("python3-six", "1.16.0", "1", 0), file_of_each=theirs.path),
            )
        ],
    }
    images["app:1"] = image(layer(*database[kind], theirs, dist_info("attrs", "1.0")))
    owned = {one.name: one.owned for one in take_inventory(client, "app:1").packages if one.type == "pypi"}
    assert owned == {"six": True, "attrs": False}


def test_a_secret_is_found_wherever_it_is_and_shown_nowhere(
    client: docker.DockerClient, images: dict[str, Built]
) -> None:
    history = [
        {"created_by": "COPY . /app"},
        {"created_by": f"RUN |1 NPM_TOKEN={SECRET} /bin/sh -c npm ci"},
        {"created_by": "RUN rm /app/.env"},
        {"created_by": f"ENV OLD_PASSWORD=before-{SECRET}", "empty_layer": True},
        {"created_by": f"ENV DB_PASSWORD={SECRET}", "empty_layer": True},
    ]
    images["app:1"] = image(
        layer(
            File("app/.env", f"DB_PASSWORD={SECRET}\n"),
            File("app/.env.example", "DB_PASSWORD=\n"),
            File("home/app/.ssh/id_ed25519", KEY),
            File("etc/ssl/certs/ca.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n"),
            File(f"app/password={SECRET}.key", KEY),
        ),
        layer(File("usr/lib/node/.npmrc", f"//registry.example/:_authToken={SECRET}\n")),
        layer(File("app/.wh..env")),
        history=history,
        Cmd=["server", "--password", SECRET],
        Env=[
            "OLD_PASSWORD=",
            "PATH=/usr/bin",
            f"DB_PASSWORD={SECRET}",
            "GPG_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D",
        ],
    )
    report = examine(client, "app:1", scanners=False)
    found = [(one.code, one.where, one.layer) for one in report.findings if one.severity.label == "high"]
    assert ("secret-in-environment", ("DB_PASSWORD=[redacted]",), 0) in found
    assert [layer_of for code, _, layer_of in found if code == "secret-in-history"] == [0, 2]
    assert ("secret-in-command", ("server --password [redacted]",), 0) in found
    files = {where: one for one in report.findings if one.code == "sensitive-file" for where in one.where}
    assert set(files) == {"/app/.env", "/home/app/.ssh/id_ed25519", "/app/password=[redacted]", "/usr/lib/node/.npmrc"}
    assert "layer 3 removes it, and whoever has the image still reads it" in files["/app/.env"].title
    said = scan(client, "app:1", scanners=False)
    assert said.summary.startswith("app:1 is not safe: ")
    for text in (said.summary, json.dumps(said.data), as_json(report), as_sarif(report)):
        assert SECRET not in text


def test_what_files_may_do_is_told(client: docker.DockerClient, images: dict[str, Built]) -> None:
    raw = struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0).decode("latin-1")
    images["app:1"] = image(
        layer(
            File("bin/su", "x", mode=0o4755),
            File("bin/mount", "x", mode=0o4755),
            File("bin/ping", "x", mode=0o755, pax={"SCHILY.xattr.security.capability": raw}),
            File("app/config.ini", "x", mode=0o666),
            File("tmp", kind=tarfile.DIRTYPE, mode=0o1777),
            File("var/lib/apt/lists/deb.example_dists_Packages", b"x" * 2_000_000),
            File("usr/bin/gcc", "x", mode=0o755),
        ),
        layer(File("bin/mount", "x", mode=0o755)),
    )
    found = findings(client)
    assert (found["setuid-files"].where, found["setuid-files"].count) == (("/bin/su",), 1)
    assert found["world-writable"].where == ("/app/config.ini",)
    assert "cap_net_raw" in found["file-capabilities"].title
    assert found["package-cache"].title == "2 MiB of apt's cache are in layer 1"
    assert found["has-compiler"].where == ("/usr/bin/gcc",)


def test_an_image_as_it_should_be_has_nothing_against_it(client: docker.DockerClient, images: dict[str, Built]) -> None:
    images["app:1"] = image(
        layer(os_release("debian", "12"), File("app/main", "x", mode=0o755)),
        User="10001:10001",
        Env=["PASSWORD_FILE=/run/secrets/db", "MODE=production"],
        ExposedPorts={"8000/tcp": {}},
        Healthcheck={"Test": ["CMD", "/app/main", "--check"]},
        history=[{"created_by": "RUN --mount=type=secret,id=npm_token npm ci"}],
    )
    assert findings(client) == {}


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"User": "root"}, "runs-as-root"),
        ({"User": "0:0"}, "runs-as-root"),
        ({"User": "app"}, "user-by-name"),
        ({"ExposedPorts": {"22/tcp": {}}}, "administration-port"),
        ({"Healthcheck": {"Test": ["NONE"]}}, "no-healthcheck"),
        ({"history": [{"created_by": "ADD https://example.test/a.tgz /opt/ # buildkit"}]}, "add-from-url"),
        ({"history": [{"created_by": "RUN curl -fsSL https://example.test/x | bash"}]}, "download-to-shell"),
    ],
)
def test_what_a_configuration_says_against_an_image(
    client: docker.DockerClient, images: dict[str, Built], settings: dict[str, object], code: str
) -> None:
    right = {"User": "10001", "Healthcheck": {"Test": ["CMD", "x"]}}
    images["app:1"] = image(layer(File("app/main", "x")), **{**right, **settings})
    assert list(findings(client)) == [code]


def test_the_latest_tag_is_told(client: docker.DockerClient, images: dict[str, Built]) -> None:
    images["app:latest"] = image(layer(File("app/main", "x")))
    assert "latest-tag" in findings(client, "app:latest")


def test_an_image_that_is_not_there_gives_names_that_are(client: docker.DockerClient, images: dict[str, Built]) -> None:
    images["todo-app:1.0.0"] = image(layer(File("a", "x")))
    with pytest.raises(NotFound) as raised:
        scan(client.api, "todo-app:2.0.0")
    assert raised.value.candidates == ("todo-app:1.0.0",)


def test_an_engine_that_does_not_answer_and_a_name_that_is_none_are_told_apart(client: docker.DockerClient) -> None:
    import docker as sdk

    with pytest.raises(UsageError, match="no name of an image"):
        scan(client, "")
    with pytest.raises(ShipmateError, match="does not answer"):
        scan(sdk.DockerClient("tcp://127.0.0.1:9", version="1.41"), "app:1")


def test_names_that_lead_out_links_and_devices_are_data(client: docker.DockerClient, images: dict[str, Built]) -> None:
    images["app:1"] = image(
        layer(
            dist_info("good", "1.0"),
            File("../../etc/cron.d/evil", "x"),
            File("deep/" * 2000 + "setup.dist-info/METADATA", "Name: x\nVersion: 1\n"),
            File("etc/os-release", kind=tarfile.SYMTYPE, link="/etc/shadow"),
            File("var/lib/dpkg/status", kind=tarfile.LNKTYPE, link="etc/passwd"),
            File("dev/sda", kind=tarfile.BLKTYPE),
            File("app/node_modules/broken/package.json", b"\xff\xfe{"),
            File("app/node_modules/deep/package.json", b'{"a":' * 100_000),
            File("usr/lib/sysimage/rpm/rpmdb.sqlite", b"SQLite format 3\0" + b"\xff" * 5000),
        )
    )
    report = examine(client, "app:1", scanners=False)
    assert [one.name for one in report.image.packages] == ["good"]
    said = " ".join(report.image.unread)
    assert "2 entries have names that lead out of the image" in said
    assert "rpm's database is damaged" in said
    assert "var/lib/dpkg/status: it is a hard link" in said
    assert report.image.distribution.id == ""


def damaged(change: str) -> bytes:
    good = layer(dist_info("seen", "1.0"), dist_info("hidden", "1.0"))
    if change == "cut short":
        return good[:1200]
    if change == "a header in the middle":
        return good[:1024] + b"\x01" * 512 + good[1536:]
    return layer(File("app/main", "x", pax={"comment": "x" * 2 * 1024 * 1024}))


@pytest.mark.parametrize("change", ["cut short", "a header in the middle", "a header of megabytes"])
def test_a_damaged_layer_is_an_error_and_not_half_an_answer(
    client: docker.DockerClient, images: dict[str, Built], change: str
) -> None:
    images["app:1"] = image(damaged(change))
    with pytest.raises(UnreadableImage):
        scan(client, "app:1")
