"""Processes that are killed, hang, leak or have a broken model; none of it reaches the caller but as an
error.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.transcription.recordings import RATE, TINY, sample, wav
from transcription.engine import Engine, Hints
from transcription.errors import (
    AudioUnreadable,
    ModelError,
    PoolClosed,
    TranscriberCrashed,
    TranscriberTimeout,
)
from transcription.pool import Pool

LONG = wav(np.random.default_rng(1).standard_normal(RATE * 1200) * 2000)  # takes far longer than a test waits


@pytest.fixture
def pool() -> Iterator[Pool]:
    with Pool(TINY, timeout_s=60.0) as one:
        yield one


def until(true: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait for what another process does; never a fixed time."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never happened"
        threading.Event().wait(0.01)


def test_the_words_are_those_of_the_engine(pool: Pool, engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "message"
    file.write_bytes(sample("vm13"))
    by_bytes, by_path = pool.submit("1", sample("vm13")), pool.submit("2", file, Hints(words=("Roberts",)))
    assert by_bytes.result(60) == engine.transcribe(sample("vm13"))
    assert by_path.result(60).state == "speech"
    assert pool.stats().started == 1


@pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="SCHED_IDLE is Linux's")
def test_it_takes_only_the_processor_time_that_nobody_else_wants(pool: Pool) -> None:
    """Mail comes first, even where the cores are few; who waits for the words asks for them at once."""
    pool.submit("warm", sample("vm14")).result(60)
    (pid,) = pool.pids()
    assert os.sched_getscheduler(pid) == os.SCHED_IDLE
    assert os.getpriority(os.PRIO_PROCESS, pid) == 19
    with Pool(TINY, background=False) as quick:
        quick.submit("warm", sample("vm14")).result(60)
        (pid,) = quick.pids()
        assert os.sched_getscheduler(pid) == os.sched_getscheduler(0)
        assert os.getpriority(os.PRIO_PROCESS, pid) == os.getpriority(os.PRIO_PROCESS, 0)


def test_a_recording_that_is_none_does_not_disturb_the_next(pool: Pool) -> None:
    bad, missing, good = (
        pool.submit("1", b"%PDF-1"),
        pool.submit("2", Path("/nowhere/x")),
        pool.submit("3", sample("vm14")),
    )
    with pytest.raises(AudioUnreadable, match="a PDF document"):
        bad.result(60)
    with pytest.raises(AudioUnreadable, match="cannot be read"):
        missing.result(60)
    assert good.result(60).text == "thank you"
    assert pool.stats().started == 1


def test_a_killed_transcriber_is_replaced(pool: Pool) -> None:
    assert pool.submit("warm", sample("vm14")).result(60).text == "thank you"
    doomed, after = pool.submit("doomed", LONG), pool.submit("after", sample("vm14"))
    until(lambda: doomed.running())
    os.kill(pool.pids()[0], signal.SIGKILL)
    with pytest.raises(
        TranscriberCrashed, match=r"doomed: the transcriber crashed \(signal 9\) and was replaced"
    ):
        doomed.result(60)
    assert after.result(60).text == "thank you"
    assert pool.stats().started == 2


def test_a_hanging_transcriber_is_killed_and_replaced() -> None:
    with Pool(TINY, timeout_s=1.0) as pool:
        assert pool.submit("warm", sample("vm14")).result(60).text == "thank you"
        stopped = pool.pids()[0]
        os.kill(stopped, signal.SIGSTOP)
        # More bytes than a pipe holds: neither writing to it nor reading from it may block for good.
        hanging, after = pool.submit("hanging", sample("vm10")), pool.submit("after", sample("vm14"))
        with pytest.raises(TranscriberTimeout, match=r"hanging: .* longer than 1 seconds"):
            hanging.result(60)
        assert after.result(60).text == "thank you"
        assert stopped not in pool.pids()
        with pytest.raises(ProcessLookupError):
            os.kill(stopped, 0)


def test_a_recording_that_takes_too_long_is_given_up() -> None:
    with Pool(TINY, timeout_s=0.5) as pool, pytest.raises(TranscriberTimeout):
        pool.submit("long", LONG).result(60)


def test_it_is_recycled_before_it_leaks_too_much() -> None:
    with Pool(TINY, recycle_after=2) as pool:
        for number in range(5):
            assert pool.submit(str(number), sample("vm14")).result(60).text == "thank you"
        assert pool.stats().started == 3
    with Pool(TINY, max_rss_bytes=1) as pool:
        for number in range(2):
            pool.submit(str(number), sample("vm14")).result(60)
        assert pool.stats().started == 2


def test_a_model_that_is_none_fails_each_recording_with_its_reason(tmp_path: Path) -> None:
    with Pool(tmp_path / "missing") as pool:
        for number in range(2):
            with pytest.raises(ModelError, match="no speech model folder"):
                pool.submit(str(number), sample("vm14")).result(60)
        pool.use_model(TINY)
        assert pool.submit("3", sample("vm14")).result(60).text == "thank you"


def test_a_damaged_model_is_an_error_not_a_traceback(tmp_path: Path) -> None:
    for name in ("am/final.mdl", "conf/mfcc.conf", "graph/HCLG.fst"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"--sample-frequency=8000\n" if "conf" in name else b"damaged")
    with Pool(tmp_path) as pool, pytest.raises(ModelError) as caught:
        pool.submit("1", sample("vm14")).result(60)
    assert "\n" not in str(caught.value)


def test_closing_ends_what_waits_and_what_runs() -> None:
    pool = Pool(TINY)
    pool.submit("warm", sample("vm14")).result(60)
    running, waiting = pool.submit("running", LONG), pool.submit("waiting", LONG)
    until(lambda: running.running())
    pool.close()
    for future in (running, waiting):
        with pytest.raises(PoolClosed):
            future.result(60)
    assert pool.pids() == ()
    with pytest.raises(PoolClosed):
        pool.submit("late", sample("vm14"))


def test_closing_may_wait_for_what_runs() -> None:
    pool = Pool(TINY)
    pool.submit("warm", sample("vm14")).result(60)
    running = pool.submit("running", sample("vm01"))
    until(lambda: running.running() or running.done())
    pool.close(wait_s=60.0)
    assert running.result(0).state == "speech"


def test_a_cancelled_recording_is_never_begun(pool: Pool) -> None:
    first, second = pool.submit("1", sample("vm01")), pool.submit("2", sample("vm14"))
    assert second.cancel()
    assert first.result(60).state == "speech"
    assert pool.submit("3", sample("vm14")).result(60).text == "thank you"
    assert pool.stats().done == 2


def test_two_processes_share_the_work() -> None:
    with Pool(TINY, processes=2) as pool:
        futures = [pool.submit(str(number), sample("vm13")) for number in range(6)]
        assert len({future.result(60).text for future in futures}) == 1
        assert pool.stats().started == 2


def test_it_works_from_a_thread_of_an_asyncio_programme() -> None:
    async def main() -> str:
        with Pool(TINY) as pool:
            return (await asyncio.wait_for(asyncio.wrap_future(pool.submit("1", sample("vm14"))), 60)).text

    answers: list[str] = []
    thread = threading.Thread(target=lambda: answers.append(asyncio.run(main())), daemon=True)
    thread.start()
    thread.join(90)
    assert answers == ["thank you"]


def test_transcribers_end_with_their_parent() -> None:
    """A daemon killed by -9 leaves no process behind that still listens to an hour of audio."""
    code = (
        "import sys; from pathlib import Path; from transcription.pool import Pool\n"
        "pool = Pool(sys.argv[1]); pool.submit('1', Path(sys.argv[2])).result(60)\n"
        "print(pool.pids()[0], flush=True); sys.stdin.read()\n"
    )
    file = next((Path(__file__).parent / "samples").glob("vm14*.wav"))
    root = str(Path(__file__).resolve().parents[2])
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(TINY), str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": root},
    )
    assert parent.stdout is not None
    assert parent.stdin is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdin.close()
    parent.stdout.close()

    def gone() -> bool:
        try:
            return "(zombie)" in Path(f"/proc/{child}/status").read_text()
        except FileNotFoundError:
            return True

    until(gone)
