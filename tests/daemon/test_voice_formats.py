"""Every format, the whole way: made from known speech, mailed with any type and name, read on its case.

Each third format in short; MAILBRIDGE_TEST_FORMATS=all takes all of them.
"""

from __future__ import annotations

import os
import struct
import subprocess
from pathlib import Path

import numpy as np

from mailbridge.work.listen import Listener
from tests.daemon.voice import MODEL, call, incoming, sample, take, voice_desk
from tests.needs import need_program
from tests.transcription.recordings import RATE, encode, reference, samples, wav
from tests.transcription.test_audio import FORMATS, RAW
from transcription.evaluate import errors
from transcription.pool import Pool

Mailed = dict[str, tuple[bytes, str, str]]
"""What it is -> its bytes, the name and the type that its mail gives it."""

LIES = (
    ("msg0001.wav", "audio/x-wav"),
    ("msg0001.WAV", "application/octet-stream"),
    ("voicemail.mp3", "audio/mpeg"),
    ("vmail1.wav", "Audio/BASIC"),
    ("voicemail", "application/octet-stream"),
    ("msg0001.ogg", "application/ogg"),
)


def made(folder: Path) -> Mailed:
    """vm13 in all formats; types and names lie by turns."""
    found: Mailed = {}
    for number, (form, (container, codec, rate, bit_rate)) in enumerate(FORMATS.items()):
        data = encode(container, codec, samples(rate, "vm13"), rate, bit_rate=bit_rate)
        found[form] = (data, *LIES[number % len(LIES)])
    for form, (container, codec, declared, name) in RAW.items():
        data = encode(container, codec, samples(RATE, "vm13"), RATE, bit_rate=32000 if "726" in codec else 0)
        found[f"raw {form}"] = (data, name, declared or "application/octet-stream")
    plain = wav(samples(RATE, "vm13"))
    source = folder / "in.wav"
    source.write_bytes(plain)
    for codec, name in (
        ("-e gsm-full-rate -t wav", "msg.WAV"),
        ("-t gsm", "msg.gsm"),
        ("-t vorbis", "msg.ogg"),
    ):
        target = folder / "out"
        subprocess.run([need_program("sox"), str(source), *codec.split(), str(target)], check=True)
        found[f"sox {codec}"] = (
            target.read_bytes(),
            name,
            "audio/x-gsm" if name == "msg.gsm" else "audio/wav",
        )
    for size in (0, 0xFFFFFFFF):
        unfinished = plain[:4] + struct.pack("<I", size) + plain[8:40] + struct.pack("<I", size) + plain[44:]
        found[f"RIFF size {size:x}"] = (unfinished, "msg0001.wav", "audio/x-wav")
    both = np.repeat(samples(RATE, "vm13"), 2)
    found["stereo"] = (wav(both, channels=2), "msg0001.wav", "audio/x-wav")
    every = 1 if os.environ.get("MAILBRIDGE_TEST_FORMATS") == "all" else 3
    return {form: mail for number, (form, mail) in enumerate(found.items()) if number % every == 0}


def test_every_format_is_read_on_its_case(tmp_path: Path, pool: Pool) -> None:
    said, bad = reference("vm13"), []
    with voice_desk(tmp_path) as desk:
        mailed = made(tmp_path)
        for number, (data, name, kind) in enumerate(mailed.values(), start=1):
            take(desk, call(number, data, caller=f"20255501{number:02d}", file=name, kind=kind))
        Listener(desk, pool).drain()
        for number, what in enumerate(mailed, start=1):
            (message,) = incoming(desk, number)
            heard = message["transcript"] or {"state": "none", "words": []}
            words = [word["word"] for word in heard["words"]]
            if heard["state"] != "speech" or errors(said, words) / len(said) > 0.15:
                bad.append((what, mailed[what][1:], heard["state"]))
    assert bad == []


def test_what_is_too_much_is_cut_or_kept_and_said_in_words(tmp_path: Path, pool: Pool) -> None:
    with voice_desk(tmp_path, "max_seconds = 3\nmax_mb = 1\n") as desk:
        take(desk, call(1, sample("vm13")), pool)
        (message,) = incoming(desk, 1)
        assert message["transcript"]["duration"] == 3.0
        assert any("cut" in note or "first" in note for note in message["transcript"]["notes"])
        hours = encode("ogg", "libopus", np.zeros(16000 * 1200, dtype=np.int16), 16000, bit_rate=6000)
        assert len(hours) < 1 << 20
        take(desk, call(2, hours, caller="3035550177"), pool)
        (message,) = incoming(desk, 2)
        assert message["transcript"]["state"] == "silence"
        assert message["transcript"]["duration"] == 3.0
        take(desk, call(3, wav(np.zeros(700_000)), caller="3035550178"), pool)
        (message,) = incoming(desk, 3)
        assert message["transcript"]["state"] == "unreadable"
        assert "cannot be read" in message["text"]
        assert message["attachments"][0]["size"] > 1 << 20


def test_the_words_are_those_of_bare_vosk_on_the_case(tmp_path: Path, pool: Pool) -> None:
    """The whole way loses nothing: the words of the case are those of the model."""
    with voice_desk(tmp_path) as desk:
        take(desk, call(1, sample("vm02")), pool)
        (message,) = incoming(desk, 1)
        assert message["transcript"]["model"] == MODEL.name
        heard = pool.submit("bare", sample("vm02")).result(60)
        assert [word["word"] for word in message["transcript"]["words"]] == heard.text.split()
