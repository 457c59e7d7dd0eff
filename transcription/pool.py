"""Recordings transcribed in processes of their own, which may hang, crash or leak without harm to the caller.

A thread holds each process: it hands over one recording, waits at most timeout_s, and replaces the process
when it died (TranscriberCrashed), hung (TranscriberTimeout, after SIGKILL), grew too big or did recycle_after
recordings (Vosk does not give memory back). A recording is never tried twice here: its caller has the durable
row and decides. Processes are started by exec, not fork, so a pool works from any thread of any programme.
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from transcription.engine import Hints, Transcript
from transcription.errors import (
    AudioUnreadable,
    ModelError,
    PoolClosed,
    TranscriberCrashed,
    TranscriberFailed,
    TranscriberTimeout,
    TranscriptionError,
)
from transcription.pipe import Channel, Head
from transcription.worker import BACKGROUND, NORMAL, head_of

# Two processes on two cores must not start four threads of linear algebra.
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
# Vosk reads its model here and there: with pages of 2 MB, where Linux has some, it is 1 to 2 % faster.
_HUGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}


@dataclass(frozen=True, slots=True)
class PoolStats:
    """Counts since the pool began; waiting is those handed in and not yet begun."""

    done: int
    failed: int
    started: int
    waiting: int


@dataclass(frozen=True, slots=True)
class _Job:
    job_id: str
    source: bytes | Path
    hints: Hints
    model: str
    future: Future[Transcript]


class Pool:
    """Up to `processes` transcribing processes, each with one model, started when there is work.

    background: they take only processor time that nobody else wants, since mail comes first; False where
    somebody waits for the words.
    """

    def __init__(
        self,
        model: Path | str,
        processes: int = 1,
        timeout_s: float = 1800.0,
        *,
        start_timeout_s: float = 300.0,
        recycle_after: int = 200,
        max_rss_bytes: int | None = None,
        background: bool = True,
    ) -> None:
        self._model = str(model)
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._closed = False
        self._counts = {"done": 0, "failed": 0}
        self._slots = [
            _Slot(timeout_s, start_timeout_s, recycle_after, max_rss_bytes, background)
            for _ in range(max(1, processes))
        ]
        self._threads = [
            threading.Thread(target=self._serve, args=(slot,), name=f"transcriber-{n}", daemon=True)
            for n, slot in enumerate(self._slots)
        ]
        for thread in self._threads:
            thread.start()

    def submit(
        self,
        job_id: str,
        source: bytes | Path,
        hints: Hints | None = None,
        *,
        model: Path | str | None = None,
    ) -> Future[Transcript]:
        """Hand in a recording as bytes or as the path of its file; another model than the pool's for this
        one.

        The future gives a Transcript, or raises AudioUnreadable, ModelError, TranscriberTimeout,
        TranscriberCrashed, TranscriberFailed or PoolClosed. Raises PoolClosed itself after close().
        """
        future: Future[Transcript] = Future()
        with self._lock:
            if self._closed:
                raise PoolClosed("the pool is closed and takes no more recordings")
            self._queue.put(_Job(job_id, source, hints or Hints(), str(model or self._model), future))
        return future

    def use_model(self, model: Path | str) -> None:
        """Recordings handed in from now on are heard by another model; no restart is needed."""
        with self._lock:
            self._model = str(model)

    def pids(self) -> tuple[int, ...]:
        """Process ids of the transcribers that run now."""
        return tuple(slot.pid for slot in self._slots if slot.pid)

    def stats(self) -> PoolStats:
        """What the pool did so far."""
        with self._lock:
            started = sum(slot.started for slot in self._slots)
            return PoolStats(self._counts["done"], self._counts["failed"], started, self._queue.qsize())

    def close(self, wait_s: float = 0.0) -> None:
        """Take no more; give those under way wait_s seconds, then kill. What is undone raises PoolClosed."""
        with self._lock:
            self._closed = True
        self._empty()
        for _ in self._threads:
            self._queue.put(None)
        deadline = time.monotonic() + wait_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        for slot in self._slots:
            slot.close()
        for thread in self._threads:
            thread.join(10.0)

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _empty(self) -> None:
        while True:
            try:
                job = self._queue.get_nowait()
            except queue.Empty:
                return
            if job is not None and job.future.set_running_or_notify_cancel():
                job.future.set_exception(PoolClosed("the pool was closed before this recording had its turn"))

    def _serve(self, slot: _Slot) -> None:
        while (job := self._queue.get()) is not None:
            if not job.future.set_running_or_notify_cancel():
                continue
            try:
                transcript = slot.run(job)
            except TranscriptionError as error:
                self._count("failed")
                job.future.set_exception(error)
            except Exception as error:  # noqa: BLE001 - a thread that dies would leave its jobs waiting forever
                self._count("failed")
                slot.stop()
                job.future.set_exception(TranscriberFailed(f"{job.job_id}: {type(error).__name__}: {error}"))
            else:
                self._count("done")
                job.future.set_result(transcript)
        slot.stop()

    def _count(self, what: str) -> None:
        with self._lock:
            self._counts[what] += 1


class _Slot:
    """One place for a process. Used by its one thread; close() alone may come from another."""

    def __init__(
        self,
        timeout_s: float,
        start_timeout_s: float,
        recycle_after: int,
        max_rss_bytes: int | None,
        background: bool,
    ) -> None:
        self._timeout_s, self._start_timeout_s = timeout_s, start_timeout_s
        self._recycle_after, self._max_rss_bytes = recycle_after, max_rss_bytes
        self._standing = BACKGROUND if background else NORMAL
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: Channel | None = None
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the slot
        self._model, self._runs, self.started = "", 0, 0
        self._closing = False

    @property
    def pid(self) -> int:
        """Of the running process, or 0."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else 0

    def run(self, job: _Job) -> Transcript:
        """Transcribe one recording in the process, which is started or replaced as needed."""
        channel = self._ready(job.model)
        path = job.source if isinstance(job.source, Path) else None
        body = b"" if isinstance(job.source, Path) else job.source
        deadline = time.monotonic() + self._timeout_s
        try:
            channel.send(head_of(job.hints, path), body, deadline)
            answer = channel.receive(deadline)
        except TimeoutError as error:
            self.stop()
            raise TranscriberTimeout(
                f"{job.job_id}: the transcriber took longer than {self._timeout_s:g} seconds and was replaced"
            ) from error
        except (EOFError, ValueError) as error:
            raise self._crashed(job.job_id) from error
        self._runs += 1
        self._retire(answer)
        return _transcript(job.job_id, answer)

    def close(self) -> None:
        """End the process at once; the recording under way fails with PoolClosed."""
        self._closing = True
        process = self._process
        if process is not None:
            process.kill()

    def stop(self) -> None:
        """Kill and forget the process."""
        process, self._process, self._channel = self._process, None, None
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()

    def _ready(self, model: str) -> Channel:
        if self._closing:
            raise PoolClosed("the pool is closed")
        if self._channel is not None and self._model == model and self.pid:
            return self._channel
        self.stop()
        self._start(model)
        assert self._channel is not None
        return self._channel

    def _start(self, model: str) -> None:
        root = str(Path(__file__).resolve().parent.parent)
        paths = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH", ""))))
        self._errors.truncate(0)
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module, no shell
            [sys.executable, "-P", "-m", "transcription.worker", model, self._standing],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**_HUGE_PAGES, **os.environ, **_ONE_THREAD, "PYTHONPATH": paths},
        )
        assert process.stdin is not None
        assert process.stdout is not None
        self._process, self._model, self._runs = process, model, 0
        self.started += 1
        self._channel = Channel(process.stdin.fileno(), process.stdout.fileno())
        self._greet(self._channel, model)

    def _greet(self, channel: Channel, model: str) -> None:
        try:
            hello = channel.receive(time.monotonic() + self._start_timeout_s)
        except TimeoutError as error:
            self.stop()
            raise ModelError(
                f"loading the speech model {model} took longer than {self._start_timeout_s:g} s"
            ) from error
        except (EOFError, ValueError) as error:
            crashed = self._crashed("loading the speech model")
            raise ModelError(str(crashed)) if not self._closing else crashed from error
        if not hello.get("ready"):
            self.stop()
            raise ModelError(str(hello.get("message")))

    def _crashed(self, job_id: str) -> TranscriptionError:
        process = self._process
        if process is not None:
            try:
                process.wait(5.0)
            except subprocess.TimeoutExpired:
                process.kill()
        code = process.wait() if process is not None else 0
        self.stop()
        if self._closing:
            return PoolClosed(f"{job_id}: the pool was closed")
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return TranscriberCrashed(
            f"{job_id}: the transcriber crashed ({how}) and was replaced{self._last_words()}"
        )

    def _last_words(self) -> str:
        """The last line the process wrote to standard error, for the log."""
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, size - 4096))
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        return f"; its last words: {lines[-1][:200]}" if lines else ""

    def _retire(self, answer: Head) -> None:
        too_big = self._max_rss_bytes is not None and int(answer.get("rss_bytes", 0)) > self._max_rss_bytes
        if self._runs >= self._recycle_after or too_big:
            self.stop()


def _transcript(job_id: str, answer: Head) -> Transcript:
    if "transcript" in answer:
        return Transcript.from_json(answer["transcript"])
    if answer.get("error") == "unreadable":
        raise AudioUnreadable(str(answer.get("message")))
    raise TranscriberFailed(f"{job_id}: {answer.get('message', 'no answer')}")
