"""ZIP and tar archives of models, unpacked without trust.

Only plain files and folders come out, below the target; a member with a link, a device, "..", an absolute or
a strange name refuses the whole archive, as does one that grows beyond reason. Raises ModelError; OSError
where the disk does not let us write.
"""

from __future__ import annotations

import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from transcription.errors import ModelError

_MOST_FILES = 20_000
_MOST_BYTES = 16 * 1024**3
_MOST_RATIO = 200  # of what comes out to the archive; models reach 3
_FREE_BYTES = 64 * 1024**2  # below this a ratio says nothing
_READ = 1 << 20
_BROKEN = (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, NotImplementedError)


def unpack(archive: Path, target: Path, progress: Callable[[int, int], None] | None = None) -> None:
    """Unpack archive into the folder target; progress gets bytes written and bytes promised (0 where
    unknown).
    """
    budget = _Budget(min(_MOST_BYTES, max(_FREE_BYTES, archive.stat().st_size * _MOST_RATIO)), progress)
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as opened:
                budget.promised = sum(info.file_size for info in opened.infolist())
                _write(_zip_members(opened), target, budget)
        elif tarfile.is_tarfile(archive):
            with tarfile.open(archive) as opened_tar:
                _write(_tar_members(opened_tar), target, budget)
        else:
            raise ModelError(f"{archive.name.strip('.')} is neither a ZIP nor a tar archive")
    except (*_BROKEN, RuntimeError) as error:  # RuntimeError: an encrypted ZIP
        raise ModelError(f"{archive.name.strip('.')} is damaged or not whole: {error}") from error


class _Budget:
    """Counts what is written, and refuses when it is too much."""

    def __init__(self, most: int, progress: Callable[[int, int], None] | None) -> None:
        self._most, self._progress = most, progress
        self._files = self._bytes = self.promised = 0

    def file(self) -> None:
        self._files += 1
        if self._files > _MOST_FILES:
            raise ModelError(f"the archive has more than {_MOST_FILES} files: this is no speech model")

    def spend(self, count: int) -> None:
        self._bytes += count
        if self._bytes > self._most:
            raise ModelError(f"the archive grows beyond {self._most // 1024**2} MB: this is no speech model")
        if self._progress:
            self._progress(self._bytes, self.promised)


def _write(members: Iterator[tuple[str, IO[bytes] | None]], target: Path, budget: _Budget) -> None:
    for name, content in members:
        budget.file()
        try:
            _write_one(target / _safe(name), content, budget)
        except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
            raise ModelError(f"the archive has {name[:80]!r} twice, which is refused") from error


def _write_one(path: Path, content: IO[bytes] | None, budget: _Budget) -> None:
    if content is None:
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with content, path.open("xb") as out:
        while piece := content.read(_READ):
            budget.spend(len(piece))
            out.write(piece)


def _safe(name: str) -> str:
    """The member's path, or ModelError: nothing may land outside of the target."""
    path = PurePosixPath(name)
    bad = path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name
    if bad or not name.isprintable() or len(name) > 500:
        raise ModelError(f"the archive wants to write to {name[:80]!r}, which is refused")
    return str(path)


def _zip_members(archive: zipfile.ZipFile) -> Iterator[tuple[str, IO[bytes] | None]]:
    for info in archive.infolist():
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise ModelError(f"the archive has a link or device {info.filename[:80]!r}, which is refused")
        yield info.filename, None if info.is_dir() else archive.open(info)


def _tar_members(archive: tarfile.TarFile) -> Iterator[tuple[str, IO[bytes] | None]]:
    for member in archive:
        if not (member.isfile() or member.isdir()):
            raise ModelError(f"the archive has a link or device {member.name[:80]!r}, which is refused")
        yield member.name, None if member.isdir() else archive.extractfile(member)
