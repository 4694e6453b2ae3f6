"""Small images made here, a Docker engine that serves them over HTTP, and databases in the forms that images have."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import sqlite3
import struct
import tarfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import docker
import zstandard

CREATED = "2026-11-01T10:20:30.5Z"


@dataclass(frozen=True)
class File:
    """An entry of a layer; `kind` is tarfile's."""

    path: str
    content: bytes | str = b""
    mode: int = 0o644
    kind: bytes = tarfile.REGTYPE
    link: str = ""
    pax: dict[str, str] = field(default_factory=dict)


def layer(*files: File) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for file in files:
            entry = tarfile.TarInfo(file.path)
            entry.mode, entry.type, entry.linkname, entry.pax_headers = file.mode, file.kind, file.link, file.pax
            content = file.content.encode() if isinstance(file.content, str) else file.content
            entry.size = len(content) if file.kind == tarfile.REGTYPE else 0
            archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


@dataclass(frozen=True)
class Built:
    id: str
    saved: bytes


def image(*layers: bytes, packed: str = "", legacy: bool = False, **settings: Any) -> Built:
    """An image as `docker save` writes it, in an OCI layout or the legacy one; what orders the layers comes last."""
    history = settings.pop("history", [{"created_by": f"COPY step{number} /"} for number in range(1, len(layers) + 1)])
    config = {
        "created": settings.pop("created", CREATED),
        "architecture": "amd64",
        "os": "linux",
        "config": settings,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{_digest(one)}" for one in layers]},
        "history": history,
    }
    content = json.dumps(config).encode()
    files: dict[str, bytes] = {}
    links: dict[str, str] = {}
    names = []
    for number, one in enumerate(layers):
        blob = {"gzip": gzip.compress, "zstd": zstandard.compress}[packed](one) if packed else one
        name = f"{number}{_digest(one)[1:]}/layer.tar" if legacy else f"blobs/sha256/{_digest(blob)}"
        same = next((known for known, value in files.items() if legacy and value == blob), None)
        if same:
            links[name] = f"../{same}"
        else:
            files[name] = blob
        names.append(name)
    name = f"{_digest(content)}.json" if legacy else f"blobs/sha256/{_digest(content)}"
    files[name] = content
    files["manifest.json"] = json.dumps([{"Config": name, "RepoTags": None, "Layers": names}]).encode()
    entries = [File(path, files[path]) for path in sorted(files)]
    entries += [File(path, kind=tarfile.SYMTYPE, link=target) for path, target in links.items()]
    return Built(f"sha256:{_digest(content)}", layer(*entries))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@contextmanager
def engine(images: dict[str, Built]) -> Iterator[docker.DockerClient]:
    """A client of an engine that has some images; the dictionary may still be filled."""

    def answer(path: str) -> tuple[int, bytes]:
        name = unquote(path).partition("/images/")[2]
        if name == "json":
            return 200, json.dumps([{"Id": one.id, "RepoTags": [tag]} for tag, one in images.items()]).encode()
        name, _, what = name.rpartition("/")
        found = images.get(name) or next((one for one in images.values() if one.id == name), None)
        if found is None:
            return 404, json.dumps({"message": f"No such image: {name}"}).encode()
        tags = [tag for tag, one in images.items() if one is found]
        return 200, found.saved if what == "get" else json.dumps({"Id": found.id, "RepoTags": tags}).encode()

    with serving(answer) as port:
        client = docker.DockerClient(f"tcp://127.0.0.1:{port}", version="1.41")
        yield client
        client.close()


@contextmanager
def serving(answer: Any) -> Iterator[int]:
    """The port of a server on loopback; `answer` makes a status and a body of a path."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answer(urlsplit(self.path).path)
            self.send_response(status)
            kind = "application/json" if body[:1] in {b"{", b"["} else "application/x-tar"
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def os_release(name: str, version: str) -> File:
    return File("etc/os-release", f'ID={name}\nVERSION_ID="{version}"\nPRETTY_NAME="{name.title()} {version}"\n')


def dpkg(*packages: tuple[str, str] | tuple[str, str, str]) -> File:
    """`/var/lib/dpkg/status` with packages of name, version and source as it stands there, and one that was removed."""
    paragraphs = ["Package: gone\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 1.0"]
    for name, version, *source in packages:
        lines = [f"Package: {name}", "Status: install ok installed", "Architecture: amd64", f"Version: {version}"]
        paragraphs.append("\n".join([*lines, *(f"Source: {one}" for one in source), "Description: some\n thing"]))
    return File("var/lib/dpkg/status", "\n\n".join(paragraphs) + "\n")


def dist_info(name: str, version: str, folder: str = "usr/local/lib/python3.13/site-packages", extra: str = "") -> File:
    text = f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n{extra}\nVersion: of the description\n"
    return File(f"{folder}/{name.replace('-', '_')}-{version}.dist-info/METADATA", text)


def rpmdb(tmp: Path, *packages: tuple[str, str, str, int], file_of_each: str = "usr/share/x") -> bytes:
    """An rpm database with packages of name, version, release and epoch, in the journal mode that rpm uses."""
    folder, _, basename = file_of_each.rpartition("/")
    file = tmp / "rpmdb.sqlite"
    database = sqlite3.connect(file)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)")
    for name, version, release, epoch in packages:
        strings = {1000: name, 1001: version, 1002: release, 1014: "MIT", 1022: "x86_64"}
        strings[1044] = f"{name}-{version}-{release}.src.rpm"
        store, index = b"", b""
        for tag, value in strings.items():
            index += struct.pack(">IIII", tag, 6, len(store), 1)
            store += value.encode() + b"\0"
        for tag, text in {1117: basename, 1118: f"/{folder}/"}.items():
            index += struct.pack(">IIII", tag, 8, len(store), 1)
            store += text.encode() + b"\0"
        store += b"\0" * (-len(store) % 4)
        index += struct.pack(">IIII", 1116, 4, len(store), 1)
        store += struct.pack(">I", 0)
        index += struct.pack(">IIII", 1003, 4, len(store), 1)
        store += struct.pack(">I", epoch)
        header = struct.pack(">II", len(index) // 16, len(store)) + index + store
        database.execute("INSERT INTO Packages (blob) VALUES (?)", (header,))
    database.commit()
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return file.read_bytes()


def go_program(version: str, *modules: tuple[str, str]) -> bytes:
    """What debug/buildinfo describes, as large as a Go program: the header, then two strings after their lengths."""
    listing = "path\texample.test/tool\nmod\texample.test/tool\t(devel)\t\n"
    listing += "".join(f"dep\t{name}\t{number}\th1:sum=\n" for name, number in modules)
    marked = b"0" * 16 + listing.encode() + b"0" * 16
    info = b"\xff Go buildinf:" + bytes([8, 2]) + b"\0" * 16
    for text in (version.encode(), marked):
        length = len(text)
        while length >= 0x80:
            info += bytes([length & 0x7F | 0x80])
            length >>= 7
        info += bytes([length]) + text
    # Across the border of two blocks that are read apart.
    return b"\x7fELF".ljust(1024 * 1024 - 8, b"\x01") + info + b"\x02" * 4096


def advisory(name: str, ecosystem: str, package: str, *events: dict[str, str], **fields: Any) -> dict[str, Any]:
    """An OSV record about one package, with one range."""
    kind = "SEMVER" if ecosystem in {"npm", "Go"} else "ECOSYSTEM"
    affected: dict[str, Any] = {"package": {"ecosystem": ecosystem, "name": package}}
    if events:
        affected["ranges"] = [{"type": kind, "events": list(events)}]
    affected |= fields.pop("affected", {})
    return {"id": name, "modified": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", "affected": [affected], **fields}


def database(folder: Path, records: Sequence[dict[str, Any]]) -> Path:
    folder.mkdir(exist_ok=True)
    for record in records:
        (folder / f"{record['id']}.json").write_text(json.dumps(record), encoding="utf-8")
    return folder
