"""Speech models: which there are in the world, which lie on this machine, and how one gets here.

install() promises that a model appears under its name whole or not at all, its checksum verified where one
is known (pinned here, or given); where none is, the answer says so. Everything raises ModelError with one
sentence; OSError where a disk does not let us write.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from transcription import fetch, unpack
from transcription.engine import check_model, model_rate
from transcription.errors import ModelError, ModelUnverified

BASE_URL = "https://alphacephei.com/vosk/models/"
TINY = "vosk-model-tiny-en-voicemail"
SHIPPED = Path(__file__).resolve().parent / "data" / TINY
Progress = Callable[[int, int], None]  # bytes so far, bytes in all (0 where unknown)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")
_LANGUAGE = re.compile(r"vosk-model-(?:small-|big-|tiny-|spk-)?([a-z]{2}(?:-[a-z]{2})?)(?=-)")
_READ = 1 << 20


@dataclass(frozen=True, slots=True)
class Known:
    """A published model. sha256 is of its ZIP archive, "" where no sum is known for certain."""

    name: str
    language: str
    size_mb: int
    good_for: str
    sha256: str = ""

    @property
    def file(self) -> str:
        return f"{self.name}.zip"


@dataclass(frozen=True, slots=True)
class Installed:
    """A model on this machine; rate in Hz is what its recordings are resampled to."""

    name: str
    path: Path
    language: str
    size_bytes: int
    rate: int
    good_for: str


_SMALL = "fair on clear calls; 300 MB of memory, faster than real time on any machine"
_BIG = "the best, for servers; several GB of memory, about real time"

CATALOGUE: tuple[Known, ...] = (
    Known(
        "vosk-model-small-en-us-0.15",
        "en-us",
        40,
        _SMALL,
        "30f26242c4eb449f948e42cb302dd7a686cb29a3423a8367f99ff41780942498",
    ),
    Known(
        "vosk-model-en-us-0.22-lgraph",
        "en-us",
        128,
        "good on calls, and takes domain words; 500 MB of memory",
        "d9838b4aaa82a75c4a17f5aca300eaca129aaab2a7cbf951bafbb500eb9c4334",
    ),
    Known("vosk-model-en-us-0.22", "en-us", 1800, _BIG),
    Known("vosk-model-small-en-in-0.4", "en-in", 36, _SMALL),
    Known("vosk-model-en-in-0.5", "en-in", 1000, _BIG),
    Known("vosk-model-small-de-0.15", "de", 45, _SMALL),
    Known("vosk-model-de-0.21", "de", 1900, _BIG),
    Known("vosk-model-small-fr-0.22", "fr", 41, _SMALL),
    Known("vosk-model-fr-0.22", "fr", 1400, _BIG),
    Known("vosk-model-small-es-0.42", "es", 39, _SMALL),
    Known("vosk-model-es-0.42", "es", 1400, _BIG),
    Known("vosk-model-small-it-0.22", "it", 48, _SMALL),
    Known("vosk-model-it-0.22", "it", 1200, _BIG),
    Known("vosk-model-small-pt-0.3", "pt", 31, _SMALL),
    Known("vosk-model-small-nl-0.22", "nl", 39, _SMALL),
    Known("vosk-model-small-pl-0.22", "pl", 50, _SMALL),
    Known("vosk-model-small-ru-0.22", "ru", 45, _SMALL),
    Known("vosk-model-ru-0.42", "ru", 1800, _BIG),
    Known("vosk-model-small-tr-0.3", "tr", 35, _SMALL),
    Known("vosk-model-small-cn-0.22", "cn", 42, _SMALL),
    Known("vosk-model-cn-0.22", "cn", 1300, _BIG),
    Known("vosk-model-small-ja-0.22", "ja", 48, _SMALL),
    Known("vosk-model-small-ko-0.22", "ko", 82, _SMALL),
    Known("vosk-model-small-hi-0.22", "hi", 42, _SMALL),
    Known("vosk-model-small-vn-0.4", "vn", 32, _SMALL),
    Known("vosk-model-small-ca-0.4", "ca", 42, _SMALL),
    Known("vosk-model-small-cs-0.4-rhasspy", "cs", 44, _SMALL),
)


def known(name: str) -> Known | None:
    """The catalogue's entry of that name."""
    return next((one for one in CATALOGUE if one.name == name), None)


def installed(folder: Path) -> list[Installed]:
    """The models below a folder, by name. A folder that is not there holds none."""
    if not folder.is_dir():
        return []
    found = []
    for path in sorted(folder.iterdir()):
        try:
            if path.is_dir() and not path.name.startswith("."):
                found.append(describe(path))
        except ModelError:
            continue
    return found


def describe(path: Path) -> Installed:
    """What a model's folder says of it. Raises ModelError where it is none."""
    check_model(path)
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    entry = known(path.name)
    good_for = entry.good_for if entry else ""
    if path.name == TINY:
        good_for = "tests and the demo only: 1,815 words, never heard a human"
    return Installed(path.name, path, language(path.name), size, model_rate(path), good_for)


def language(name: str) -> str:
    """Language of a model by its name ("en-us", "de"), "" where it does not say."""
    entry, match = known(name), _LANGUAGE.match(name)
    return entry.language if entry else match.group(1) if match else ""


def find(name: str, folder: Path | None) -> Path:
    """The folder of a model: a path, the name of an installed one, or "tiny" for the shipped one.

    Raises ModelError that says what to do.
    """
    if name in ("tiny", TINY):
        return SHIPPED
    here = folder / name if folder is not None and _NAME.match(name) else None
    for path in (Path(name), here):
        if path is not None and path.is_dir():
            check_model(path)
            return path
    hint = f"mailbridge model install {name}" if known(name) else "mailbridge model list"
    raise ModelError(f"there is no speech model {name}; try: {hint}")


@dataclass(frozen=True, slots=True)
class Receipt:
    """What install did; verified is the SHA-256 that was checked, "" where there was none to check."""

    model: Installed
    verified: str


def install(
    source: str,
    folder: Path,
    *,
    sha256: str = "",
    base_url: str = BASE_URL,
    replace: bool = False,
    progress: Progress | None = None,
) -> Receipt:
    """Install a model into folder from a name of the catalogue, an http(s) address, an archive or a folder.

    sha256 is that of the archive, in hex; it goes before the pinned one. A download that broke off is
    resumed by the next call. Raises ModelError; OSError where folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path, entry = Path(source), known(source)
    if path.is_dir():
        if sha256:
            raise ModelError(f"{source} is a folder, and a SHA-256 belongs to an archive")
        return _place(path, path.resolve().name, folder, "", replace=replace)
    if path.is_file():
        _refuse_existing(folder, _stem(path.name), replace=replace)
        verified = _verify(path, sha256 or _pinned(path.name))
        return _unpacked(path, _stem(path.name), folder, verified, replace=replace, progress=progress)
    url = source if source.startswith(("http://", "https://")) else ""
    if not url and entry is None:
        raise ModelError(f"{source} is neither a file, a folder, an address nor a model that is known here")
    url = url or base_url.rstrip("/") + "/" + (entry.file if entry else "")
    name = _stem(url.rpartition("/")[2])
    _refuse_existing(folder, name, replace=replace)
    part = fetch.download(url, folder / f".{name}.part", progress)
    try:
        verified = _verify(part, sha256 or (entry.sha256 if entry else _pinned(url.rpartition("/")[2])))
    except ModelUnverified:
        fetch.forget(part)  # resuming what is wrong would never end
        raise
    receipt = _unpacked(part, name, folder, verified, replace=replace, progress=progress)
    fetch.forget(part)
    return receipt


def _stem(file: str) -> str:
    name = re.sub(
        r"\.(zip|tar|tgz|tar\.(gz|bz2|xz)|tbz2|txz)$", "", file.partition("?")[0], flags=re.IGNORECASE
    )
    if not _NAME.match(name):
        raise ModelError(
            f"{file[:60]!r} gives no name for a model: letters, digits, dots and dashes are wanted"
        )
    return name


def _pinned(file: str) -> str:
    return next((one.sha256 for one in CATALOGUE if one.file == file), "")


def _refuse_existing(folder: Path, name: str, *, replace: bool) -> None:
    if (folder / name).exists() and not replace:
        raise ModelError(f"the model {name} is already installed in {folder}; --force puts it there anew")


def _verify(archive: Path, sha256: str) -> str:
    wanted = sha256.strip().lower()
    if not wanted:
        return ""
    if not re.fullmatch(r"[0-9a-f]{64}", wanted):
        raise ModelError("a SHA-256 has 64 hexadecimal digits")
    digest = hashlib.sha256()
    with archive.open("rb") as file:
        while piece := file.read(_READ):
            digest.update(piece)
    if digest.hexdigest() != wanted:
        raise ModelUnverified(
            f"{archive.name.strip('.')} is not the archive that was promised: its SHA-256 is"
            f" {digest.hexdigest()}, wanted is {wanted}"
        )
    return wanted


def _unpacked(
    archive: Path, name: str, folder: Path, verified: str, *, replace: bool, progress: Progress | None
) -> Receipt:
    with tempfile.TemporaryDirectory(prefix=".unpack-", dir=folder) as scratch:
        unpack.unpack(archive, Path(scratch), progress)
        root = _root(Path(scratch))
        own = root.name if root != Path(scratch) and _NAME.match(root.name) else name
        return _place(root, own, folder, verified, replace=replace, move=True)


def _root(scratch: Path) -> Path:
    """The folder with the model in it: archives have it at their top or one or two folders down."""
    for depth in ("", "*", "*/*"):
        for path in sorted(scratch.glob(depth)) if depth else [scratch]:
            if path.is_dir() and any((path / mdl).is_file() for mdl in ("am/final.mdl", "final.mdl")):
                return path
    raise ModelError("the archive holds no Vosk speech model: there is no am/final.mdl in it")


def _place(
    source: Path, name: str, folder: Path, verified: str, *, replace: bool, move: bool = False
) -> Receipt:
    """Put a model under its name, whole or not at all."""
    check_model(source)
    if not _NAME.match(name):
        raise ModelError(f"{name[:60]!r} is no name for a model: letters, digits, dots and dashes are wanted")
    target = folder / name
    if target.exists() and target.resolve() == source.resolve():
        return Receipt(describe(target), verified)
    _refuse_existing(folder, name, replace=replace)
    with tempfile.TemporaryDirectory(prefix=".install-", dir=folder) as scratch:
        ready = Path(scratch) / name
        if move:
            source.rename(ready)
        else:
            shutil.copytree(source, ready, symlinks=False)
        if target.exists():
            target.rename(Path(scratch) / "old")
        ready.rename(target)
    return Receipt(describe(target), verified)
