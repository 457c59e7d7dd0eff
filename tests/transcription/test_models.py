"""Models from folders, archives and a server that breaks off; archives that would do harm."""

from __future__ import annotations

import hashlib
import http.server
import io
import os
import shutil
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.transcription.recordings import TINY
from transcription import fetch, models, unpack
from transcription.errors import ModelError, ModelUnverified

FILES = {path.relative_to(TINY): path.read_bytes() for path in TINY.rglob("*") if path.is_file()}


def zip_of(root: str = "vosk-model-tiny-test") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as out:
        for path, data in FILES.items():
            out.writestr(f"{root}/{path}" if root else str(path), data)
    return file.getvalue()


def tar_of(root: str, mode: str) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as out:
        for path, data in FILES.items():
            info = tarfile.TarInfo(f"{root}/{path}")
            info.size = len(data)
            out.addfile(info, io.BytesIO(data))
    return file.getvalue()


ARCHIVE = zip_of()
SUM = hashlib.sha256(ARCHIVE).hexdigest()


def whole(model: Path) -> bool:
    return all((model / path).read_bytes() == data for path, data in FILES.items())


class Server(http.server.ThreadingHTTPServer):
    """Serves one file; breaks off after `limit` bytes of an answer as often as `breaks` says."""

    data, tag, breaks, limit = ARCHIVE, '"one"', 0, 300_000
    seen: list[tuple[str, str]]


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        start, status = 0, 200
        wanted, tag = self.headers.get("Range", ""), self.headers.get("If-Range", "")
        self.server.seen.append((wanted, tag))
        if self.path.endswith("missing.zip"):
            self.send_error(404)
            return
        if wanted and tag == self.server.tag:
            start, status = int(wanted.removeprefix("bytes=").rstrip("-")), 206
        body = self.server.data[start:]
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", self.server.tag)
        if status == 206:
            self.send_header(
                "Content-Range", f"bytes {start}-{len(self.server.data) - 1}/{len(self.server.data)}"
            )
        self.end_headers()
        if self.server.breaks:
            self.server.breaks -= 1
            body = body[: self.server.limit]
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[Server]:
    one = Server(("127.0.0.1", 0), Handler)
    one.seen = []
    thread = threading.Thread(target=one.serve_forever, daemon=True)
    thread.start()
    yield one
    one.shutdown()
    one.server_close()


def url(server: Server) -> str:
    return f"http://127.0.0.1:{server.server_port}/models"


def test_a_folder_is_copied(tmp_path: Path) -> None:
    receipt = models.install(str(TINY), tmp_path)
    assert whole(tmp_path / TINY.name)
    assert receipt.verified == ""
    assert (receipt.model.language, receipt.model.rate) == ("en", 8000)
    assert [one.name for one in models.installed(tmp_path)] == [TINY.name]
    assert sorted(path.name for path in tmp_path.iterdir()) == [TINY.name]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("vosk-model-small-en-us-0.15.zip", ARCHIVE),
        ("flat.zip", zip_of("")),
        ("deep.zip", zip_of("release/vosk-model-tiny-test")),
        ("model.tar.gz", tar_of("vosk-model-tiny-test", "w:gz")),
        ("model.tar.xz", tar_of("vosk-model-tiny-test", "w:xz")),
        ("model.tar", tar_of("vosk-model-tiny-test", "w:")),
    ],
)
def test_an_archive_is_installed(name: str, data: bytes, tmp_path: Path) -> None:
    archive = tmp_path / name
    archive.write_bytes(data)
    receipt = models.install(str(archive), tmp_path / "models", sha256=hashlib.sha256(data).hexdigest())
    assert receipt.model.name == ("flat" if name == "flat.zip" else "vosk-model-tiny-test")
    assert whole(receipt.model.path)
    assert receipt.verified
    assert [path.name for path in (tmp_path / "models").iterdir()] == [receipt.model.name]


def test_a_wrong_checksum_installs_nothing(tmp_path: Path) -> None:
    archive = tmp_path / "model.zip"
    archive.write_bytes(ARCHIVE)
    with pytest.raises(ModelUnverified, match=f"its SHA-256 is {SUM}, wanted is {'0' * 64}"):
        models.install(str(archive), tmp_path / "models", sha256="0" * 64)
    with pytest.raises(ModelError, match="64 hexadecimal digits"):
        models.install(str(archive), tmp_path / "models", sha256="abc")
    assert list((tmp_path / "models").iterdir()) == []


def test_a_pinned_name_is_checked_without_being_asked(tmp_path: Path) -> None:
    archive = tmp_path / "vosk-model-small-en-us-0.15.zip"
    archive.write_bytes(ARCHIVE)
    with pytest.raises(ModelUnverified):
        models.install(str(archive), tmp_path / "models")


def test_an_installed_model_is_replaced_only_by_force(tmp_path: Path) -> None:
    models.install(str(TINY), tmp_path)
    (tmp_path / TINY.name / "README").write_text("changed")
    with pytest.raises(ModelError, match="already installed"):
        models.install(str(TINY), tmp_path)
    models.install(str(TINY), tmp_path, replace=True)
    assert whole(tmp_path / TINY.name)


def test_a_download_is_verified_and_leaves_nothing_behind(server: Server, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    name = f"{url(server)}/vosk-model-tiny-test.zip"
    receipt = models.install(
        name, tmp_path, sha256=SUM, progress=lambda done, total: steps.append((done, total))
    )
    assert whole(receipt.model.path)
    assert receipt.verified == SUM
    assert (len(ARCHIVE), len(ARCHIVE)) in steps
    assert [path.name for path in tmp_path.iterdir()] == ["vosk-model-tiny-test"]


def test_a_line_that_breaks_is_resumed(server: Server, tmp_path: Path) -> None:
    server.breaks = 3
    target = fetch.download(f"{url(server)}/a.zip", tmp_path / "a.part")
    assert target.read_bytes() == ARCHIVE
    assert [wanted for wanted, _ in server.seen] == ["", "bytes=300000-", "bytes=600000-", "bytes=900000-"]


def test_the_next_command_goes_on_where_the_last_stopped(server: Server, tmp_path: Path) -> None:
    server.breaks, server.limit = 5, 0
    with pytest.raises(ModelError, match="the same command goes on from where it stopped"):
        fetch.download(f"{url(server)}/a.zip", tmp_path / "a.part")
    (tmp_path / "a.part").write_bytes(ARCHIVE[:1000])
    server.seen.clear()
    assert fetch.download(f"{url(server)}/a.zip", tmp_path / "a.part").read_bytes() == ARCHIVE
    assert server.seen == [("bytes=1000-", '"one"')]


def test_a_file_that_changed_meanwhile_is_begun_anew(server: Server, tmp_path: Path) -> None:
    server.breaks, server.limit = 5, 0
    with pytest.raises(ModelError):
        fetch.download(f"{url(server)}/a.zip", tmp_path / "a.part")
    (tmp_path / "a.part").write_bytes(b"x" * 1000)
    server.tag = '"two"'
    assert fetch.download(f"{url(server)}/a.zip", tmp_path / "a.part").read_bytes() == ARCHIVE


def test_a_model_that_is_not_on_the_server(server: Server, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be had: 404"):
        models.install(f"{url(server)}/missing.zip", tmp_path)


def test_a_mirror_without_the_right_archive_is_caught(server: Server, tmp_path: Path) -> None:
    with pytest.raises(ModelUnverified):
        models.install("vosk-model-small-en-us-0.15", tmp_path, base_url=url(server))
    assert list(tmp_path.iterdir()) == []  # what is wrong is not resumed


def test_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be downloaded"):
        fetch.download("http://127.0.0.1:1/a.zip", tmp_path / "a.part", timeout_s=1.0)
    with pytest.raises(ModelError, match="no http or https address"):
        fetch.download("file:///etc/passwd", tmp_path / "a.part")


def harmful(name: str) -> bytes:
    file = io.BytesIO()
    if name.startswith("zip"):
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as out:
            if name == "zip bomb":
                out.writestr("model/am/final.mdl", b"\0" * (80 * 1024 * 1024))
            elif name == "zip link":
                info = zipfile.ZipInfo("model/am")
                info.external_attr = 0o120777 << 16
                out.writestr(info, "/etc")
            elif name == "zip twice":
                out.writestr("model/a", "1")
                with pytest.warns(UserWarning, match="Duplicate"):
                    out.writestr("model/a", "2")
            else:
                out.writestr(
                    {"zip up": "../../evil", "zip root": "/tmp/evil", "zip dos": "..\\evil"}[name], "x"
                )
        return file.getvalue()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        info = tarfile.TarInfo({"tar up": "../evil"}.get(name, "model/am"))
        info.type = {
            "tar link": tarfile.SYMTYPE,
            "tar hard": tarfile.LNKTYPE,
            "tar fifo": tarfile.FIFOTYPE,
        }.get(name, tarfile.REGTYPE)
        info.linkname = "/etc/passwd"
        tar.addfile(info)
    return file.getvalue()


HARMFUL = ["zip bomb", "zip link", "zip twice", "zip up", "zip root", "zip dos"]
HARMFUL += ["tar up", "tar link", "tar hard", "tar fifo"]


@pytest.mark.parametrize("name", HARMFUL)
def test_a_harmful_archive_is_refused(name: str, tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    archive.write_bytes(harmful(name))
    target = tmp_path / "in" / "out"
    target.mkdir(parents=True)
    with pytest.raises(ModelError, match=r"refused|grows beyond"):
        unpack.unpack(archive, target)
    assert not list(tmp_path.rglob("evil"))
    assert not any(path.is_symlink() for path in tmp_path.rglob("*"))


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 no zip", b"\x1f\x8b no gzip", ARCHIVE[:500_000]])
def test_a_damaged_archive_is_said_so(data: bytes, tmp_path: Path) -> None:
    archive = tmp_path / "model.zip"
    archive.write_bytes(data)
    with pytest.raises(ModelError) as caught:
        models.install(str(archive), tmp_path / "models")
    assert "\n" not in str(caught.value)
    assert list((tmp_path / "models").iterdir()) == []


def test_an_archive_without_a_model(tmp_path: Path) -> None:
    archive = tmp_path / "other.zip"
    with zipfile.ZipFile(archive, "w") as out:
        out.writestr("readme.txt", "hello")
    with pytest.raises(ModelError, match=r"there is no am/final\.mdl in it"):
        models.install(str(archive), tmp_path / "models")


def test_finding_a_model(tmp_path: Path) -> None:
    assert models.find("tiny", None) == TINY
    assert models.find(str(TINY), None) == TINY
    shutil.copytree(TINY, tmp_path / "mine")
    assert models.find("mine", tmp_path) == tmp_path / "mine"
    with pytest.raises(ModelError, match=r"mailbridge model install vosk-model-small-de-0\.15"):
        models.find("vosk-model-small-de-0.15", tmp_path)
    with pytest.raises(ModelError, match="mailbridge model list"):
        models.find("../mine", tmp_path / "mine")


def test_the_catalogue_is_sound() -> None:
    assert len({one.name for one in models.CATALOGUE}) == len(models.CATALOGUE)
    for one in models.CATALOGUE:
        assert one.language == models.language(one.name)
        assert one.sha256 == "" or len(bytes.fromhex(one.sha256)) == 32
        assert os.fspath(one.file) == one.name + ".zip"
