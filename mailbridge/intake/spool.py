"""A watched Asterisk voicemail spool: CONTEXT/MAILBOX/INBOX/msgNNNN.txt with its recording beside it.

Promises: a voicemail is taken once it is complete, never half-written: no lock in its folder, the message
file has its duration (Asterisk writes it last), and all its files had the same size and time at the look
before. It is taken once, also after a restart, because the same voicemail makes the same bytes (voicefile)
and the store knows the digest. What stays incomplete is taken as it is after orphan_s, with a remark. The
spool is only read, or, with move_to, its files are moved away after the commit; links are not followed, sizes
are bounded.
Fails: an error of the store or of a folder is logged, and the voicemail is tried again at the next look.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import shutil
import stat
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mailbridge.clock import Clock, SystemClock
from mailbridge.intake.ports import Writer
from mailbridge.intake.voicefile import FORMATS, compose, read_call
from mailbridge.model.envelope import Envelope, Way

log = logging.getLogger("mailbridge.intake.spool")

_FILE = re.compile(r"(msg\d{4,6})\.([A-Za-z0-9]{2,5})")
_TEXT_LIMIT = 64 << 10
Look = tuple[tuple[str, int, int], ...]  # name, size, time of each file: what makes two looks equal


@dataclass(frozen=True, slots=True)
class Spool:
    """folder holds CONTEXT/MAILBOX. address: whom the voicemail is for. move_to: None leaves the files.

    folders: which of a mailbox's are watched. orphan_s: how old an incomplete voicemail must be to be
    taken as it is; a lock file older than that is a dead one.
    """

    folder: Path
    address: str
    move_to: Path | None = None
    folders: tuple[str, ...] = ("INBOX", "Urgent")
    poll_s: float = 2.0
    orphan_s: float = 600.0
    size_limit_bytes: int = 25 << 20
    commit_s: float = 60.0


class SpoolIntake:
    """Watches one spool. Run `run` in a thread; call `stop` from any other."""

    def __init__(
        self,
        spool: Spool,
        writer: Writer,
        clock: Clock | None = None,
        *,
        on_stored: Callable[[], None] | None = None,
    ) -> None:
        self.spool = spool
        self.trouble = ""
        self._writer = writer
        self._clock = clock or SystemClock()
        self._on_stored = on_stored
        self._stopping = threading.Event()
        self._before: dict[Path, Look] = {}
        self._taken: dict[Path, Look] = {}

    def run(self) -> None:
        """Look every poll_s until `stop`."""
        while not self._stopping.is_set():
            if self.look() and self._on_stored:
                self._on_stored()
            self._stopping.wait(self.spool.poll_s)

    def stop(self) -> None:
        self._stopping.set()

    def look(self) -> int:
        """One look at the spool; how many voicemails were stored that were not known. Raises nothing."""
        seen = {stem: look for folder in self._inboxes() for stem, look in self._voicemails(folder)}
        stored, self.trouble = 0, ""
        for stem, look in seen.items():
            if self._taken.get(stem) == look or self._before.get(stem) != look:
                continue
            try:
                stored += self._take(stem, look)
            except Exception as error:  # noqa: BLE001 - one voicemail must not stop the others; tried again
                self.trouble = f"{stem.name}: {type(error).__name__}: {error}"[:300]
                log.warning("spool_failed voicemail=%s error=%s", stem, self.trouble)
        self._before = seen
        self._taken = {stem: look for stem, look in self._taken.items() if stem in seen}
        return stored

    # --- what is there

    def _inboxes(self) -> Iterator[Path]:
        try:
            for name in self.spool.folders:
                for folder in sorted(self.spool.folder.glob(f"*/*/{name}")):
                    if folder.is_dir() and not folder.is_symlink() and not self._locked(folder):
                        yield folder
        except OSError as error:
            log.warning("spool_failed folder=%s error=%s", self.spool.folder, error)

    def _locked(self, folder: Path) -> bool:
        """Asterisk holds .lock while it writes, moves or renumbers."""
        try:
            return self._age_s((folder / ".lock").lstat().st_mtime) < self.spool.orphan_s
        except OSError:
            return False

    def _age_s(self, at_s: float) -> float:
        return self._clock.now().timestamp() - at_s

    def _voicemails(self, folder: Path) -> Iterator[tuple[Path, Look]]:
        files: dict[str, list[tuple[str, int, int]]] = {}
        try:
            for entry in os.scandir(folder):
                found = _FILE.fullmatch(entry.name)
                if found and entry.is_file(follow_symlinks=False):
                    about = entry.stat(follow_symlinks=False)
                    files.setdefault(found[1], []).append((entry.name, about.st_size, about.st_mtime_ns))
        except OSError as error:
            log.warning("spool_failed folder=%s error=%s", folder, error)
        for stem, look in sorted(files.items()):
            yield folder / stem, tuple(sorted(look))

    # --- taking one

    def _take(self, stem: Path, look: Look) -> int:
        names = {name for name, _, _ in look}
        text = _read(stem.with_suffix(".txt"), _TEXT_LIMIT) if f"{stem.name}.txt" in names else b""
        call = read_call(text or b"")
        suffix = next((each for each in FORMATS if f"{stem.name}.{each}" in names), "")
        whole = call.finished and suffix != ""
        if not whole and self._age_s(max(at for _, _, at in look) / 1e9) < self.spool.orphan_s:
            return 0
        recording = (
            _read(stem.with_name(f"{stem.name}.{suffix}"), self.spool.size_limit_bytes) if suffix else None
        )
        remark = "" if recording is not None else "There is no recording." if not suffix else _TOO_BIG
        raw = compose(call, recording, suffix, self.spool.address, remark)
        stored = self._writer.submit(self._envelope(stem), raw).result(self.spool.commit_s)
        self._taken[stem] = look
        if not stored.duplicate:
            # with spool_after = leave, each start finds all of them again: no news
            log.info("spool_stored message=%d voicemail=%s", stored.message_id, stem)
        if self.spool.move_to is not None and remark != _TOO_BIG:
            self._move(stem, look, stored.digest, self.spool.move_to)
        return 0 if stored.duplicate else 1

    def _envelope(self, stem: Path) -> Envelope:
        return Envelope(
            way=Way.SPOOL,
            mail_from=None,
            rcpt_to=(self.spool.address,),
            received_at=self._clock.now(),
            source=str(stem.relative_to(self.spool.folder)),
        )

    def _move(self, stem: Path, look: Look, digest: str, target: Path) -> None:
        """Move the files away, the message file last, so that a crash leaves what is still a voicemail.

        The digest in the new name keeps apart what Asterisk numbers alike.
        """
        folder = target / stem.parent.relative_to(self.spool.folder)
        folder.mkdir(parents=True, exist_ok=True)
        for name, _, _ in sorted(look, key=lambda file: file[0].endswith(".txt")):
            _move_file(stem.parent / name, folder / f"{digest[:16]}-{name}")


_TOO_BIG = "The recording is too big to be taken; it is still in the spool."


def _move_file(source: Path, target: Path) -> None:
    """Rename, or where that is another file system, copy under another name first: never half a file."""
    try:
        source.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        part = target.with_name(f".{target.name}.part")
        shutil.copy2(source, part)
        part.rename(target)
        source.unlink()


def _read(path: Path, limit_bytes: int) -> bytes | None:
    """The file's bytes; None where it is bigger. Raises OSError, also for all but a plain file."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as stream:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(f"{path.name} is no plain file")
        data = stream.read(limit_bytes + 1)
    return data if len(data) <= limit_bytes else None
