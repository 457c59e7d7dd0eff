"""Every format that telephone systems and people send, made here from known speech and read back to its
words.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.needs import need_program
from tests.transcription.recordings import RATE, encode, reference, sample, samples, wav
from transcription.audio import AudioLimits, decode, probe
from transcription.engine import Engine, Hints
from transcription.errors import AudioUnreadable
from transcription.evaluate import errors

# container, codec, rate, bit rate; the words of vm13 must come back with few more errors than from the
# original.
FORMATS = {
    "wav pcm 8 kHz": ("wav", "pcm_s16le", 8000, 0),
    "wav pcm 8 bit": ("wav", "pcm_u8", 8000, 0),
    "wav pcm 24 bit 48 kHz": ("wav", "pcm_s24le", 48000, 0),
    "wav float 44.1 kHz": ("wav", "pcm_f32le", 44100, 0),
    "wav mu-law": ("wav", "pcm_mulaw", 8000, 0),
    "wav A-law": ("wav", "pcm_alaw", 8000, 0),
    "wav IMA ADPCM": ("wav", "adpcm_ima_wav", 8000, 0),
    "wav MS ADPCM": ("wav", "adpcm_ms", 8000, 0),
    "wav G.726": ("wav", "g726", 8000, 32000),
    "wav mp3": ("wav", "libmp3lame", 16000, 32000),
    "mp3 MPEG-1": ("mp3", "libmp3lame", 44100, 64000),
    "mp3 MPEG-2": ("mp3", "libmp3lame", 16000, 32000),
    "mp3 MPEG-2.5": ("mp3", "libmp3lame", 8000, 16000),
    "ogg Opus": ("ogg", "libopus", 16000, 24000),
    "ogg FLAC": ("ogg", "flac", 8000, 0),
    "flac": ("flac", "flac", 16000, 0),
    "amr": ("amr", "libopencore_amrnb", 8000, 12200),
    "m4a": ("ipod", "aac", 16000, 48000),
    "aac": ("adts", "aac", 16000, 48000),
    "3gp amr": ("3gp", "libopencore_amrnb", 8000, 12200),
    "wma": ("asf", "wmav2", 16000, 48000),
    "au mu-law": ("au", "pcm_mulaw", 8000, 0),
    "au pcm": ("au", "pcm_s16be", 16000, 0),
    "aiff": ("aiff", "pcm_s16be", 16000, 0),
    "caf": ("caf", "pcm_s16le", 16000, 0),
    "webm Opus": ("webm", "libopus", 16000, 24000),
    "11 kHz": ("wav", "pcm_s16le", 11025, 0),
    "22 kHz": ("wav", "pcm_s16le", 22050, 0),
}
RAW = {  # formats without magic number: declared by type or name alone
    "audio/32KADPCM": ("g726le", "g726le", "audio/32KADPCM", "msg"),
    "audio/32KADPCM, nibbles swapped": ("g726", "g726", "audio/32KADPCM", "msg"),
    ".g726": ("g726le", "g726le", "application/octet-stream", "msg0001.g726"),
    ".ulaw": ("mulaw", "pcm_mulaw", "", "msg0001.ulaw"),
    "audio/basic": ("mulaw", "pcm_mulaw", "Audio/BASIC", "msg0001"),
    ".alaw": ("alaw", "pcm_alaw", "", "msg0001.ALAW"),
    ".sln": ("s16le", "pcm_s16le", "", "msg0001.sln"),
}


def wrong(engine: Engine, data: bytes, hints: Hints | None = None) -> float:
    """Word error rate on vm13."""
    said = reference("vm13")
    return errors(said, engine.transcribe(data, hints).text.split()) / len(said)


@pytest.mark.parametrize("form", FORMATS)
def test_speech_comes_back_from(form: str, engine: Engine) -> None:
    container, codec, rate, bit_rate = FORMATS[form]
    data = encode(container, codec, samples(rate, "vm13"), rate, bit_rate=bit_rate)
    assert wrong(engine, data) <= 0.15
    # Neither name nor type is believed.
    assert wrong(engine, data, Hints(declared_type="audio/x-gsm", name="message.gsm")) <= 0.15


@pytest.mark.parametrize("form", RAW)
def test_speech_comes_back_from_raw(form: str, engine: Engine) -> None:
    container, codec, declared, name = RAW[form]
    data = encode(container, codec, samples(RATE, "vm13"), RATE, bit_rate=32000 if "726" in codec else 0)
    assert wrong(engine, data, Hints(declared_type=declared, name=name)) <= 0.15


@pytest.mark.parametrize("codec", ["-e gsm-full-rate -t wav", "-t gsm", "-t vorbis"])
def test_speech_comes_back_from_sox(codec: str, engine: Engine, tmp_path: Path) -> None:
    """GSM 6.10 (wav49 and raw) and Vorbis, which libav here reads but does not write well."""
    sox = need_program("sox")
    source, target = tmp_path / "in.wav", tmp_path / "out"
    source.write_bytes(wav(samples(RATE, "vm13")))
    done = subprocess.run([sox, str(source), *codec.split(), str(target)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert wrong(engine, target.read_bytes()) <= 0.15


def test_wav49_of_the_samples_is_read() -> None:
    info = probe(sample("vm03"))
    assert (info.container, info.codec, info.rate) == ("WAV", "gsm_ms", 8000)


def test_stereo_is_mixed() -> None:
    mono = samples(RATE, "vm14")
    both = np.stack([mono, np.zeros_like(mono)], axis=1).reshape(-1)
    audio = decode(wav(both, channels=2), RATE)
    mixed = np.frombuffer(b"".join(audio), dtype="<i2").astype(float)
    assert audio.info.channels == 2
    assert np.corrcoef(mixed, mono[: len(mixed)])[0, 1] > 0.99


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFFFFF])
def test_a_length_that_was_never_written_is_not_believed(size: int, engine: Engine) -> None:
    data = bytearray(wav(samples(RATE, "vm13")))
    data[4:8] = data[40:44] = size.to_bytes(4, "little")
    assert wrong(engine, bytes(data)) <= 0.1


def test_half_a_file_gives_half_the_words(engine: Engine) -> None:
    data = sample("vm13")
    said = engine.transcribe(data[: len(data) // 2])
    assert said.state == "speech"
    assert said.duration_s == pytest.approx(engine.transcribe(data).duration_s / 2, abs=0.1)


@pytest.mark.parametrize("name", ["vm05", "vm06", "vm03"])
def test_damage_in_the_middle_does_not_end_it(name: str) -> None:
    data = bytearray(sample(name))
    middle = len(data) // 2
    data[middle : middle + 2000] = np.random.default_rng(5).bytes(2000)
    whole = sum(map(len, decode(sample(name), RATE)))
    assert sum(map(len, decode(bytes(data), RATE))) > 0.7 * whole


def test_hours_from_a_small_file_are_cut_and_said() -> None:
    quiet = np.zeros(RATE * 60, dtype=np.int16)
    piece = encode("ogg", "libopus", quiet, RATE, bit_rate=6000)
    audio = decode(piece, RATE, AudioLimits(max_seconds=10.0))
    assert sum(map(len, audio)) == 10 * RATE * 2
    assert audio.seconds == 10.0
    assert audio.notes == ["cut after 10 seconds: the rest was not listened to"]


def test_a_rate_of_one_hertz_is_a_lie_and_not_a_gigabyte() -> None:
    data = bytearray(wav(np.ones(100_000, dtype=np.int16)))
    data[24:28] = (1).to_bytes(4, "little")
    with pytest.raises(AudioUnreadable, match="the header lies"):
        list(decode(bytes(data), RATE))


def test_too_many_bytes_are_refused_before_they_are_read() -> None:
    with pytest.raises(AudioUnreadable, match="more than the 1000 allowed"):
        decode(sample("vm14"), RATE, AudioLimits(max_bytes=1000))


def test_time_is_bounded() -> None:
    audio = decode(sample("vm10"), RATE, AudioLimits(max_time_s=0.0))
    assert sum(map(len, audio)) < 10 * RATE * 2
    assert "longer than 0 seconds" in audio.notes[0]


def test_an_empty_recording_has_no_samples() -> None:
    empty = wav(np.zeros(0, dtype=np.int16))
    assert len(empty) == 44
    assert b"".join(decode(empty, RATE)) == b""


NOT_AUDIO = {
    b"": "empty",
    b"%PDF-1.7 ...": "a PDF document",
    b"II*\0 a fax": "as a fax",
    b"<html><body>voicemail</body></html>": "a web page",
    b"\xef\xbb\xbf  <!DOCTYPE html>": "a web page",
    b"#EXTM3U\nhttp://127.0.0.1/a.mp3\n": "never followed",
    b"PK\x03\x04": "a ZIP archive",
    b"RIFF\x24\0\0\0WAVE": "WAV recording is cut off",
    b"OggS" + b"\0" * 60: "Ogg recording is cut off",
    b"\0\0\0\x20ftypM4A " + b"\1" * 200: "M4A or 3GP recording is cut off",
    b"ID3\x04\0\0\0\0\0\0" + b"\0" * 500: "MP3 recording is cut off",
    b"hello, this is not audio at all": "no known audio format",
}


@pytest.mark.parametrize("data", NOT_AUDIO, ids=lambda data: data[:12].hex())
def test_what_is_no_audio_is_said_in_a_sentence(data: bytes) -> None:
    with pytest.raises(AudioUnreadable, match=NOT_AUDIO[data]) as caught:
        list(decode(data, RATE, declared_type="audio/wav", name="msg0001.wav"))
    assert "\n" not in str(caught.value)


def test_a_playlist_in_the_clothes_of_audio_opens_nothing(tmp_path: Path) -> None:
    secret = tmp_path / "secret.wav"
    secret.write_bytes(wav(samples()))
    for text in (
        f"#EXTM3U\n{secret}\n",
        f"ffconcat version 1.0\nfile {secret}\n",
        f"<smil><audio src='{secret}'/>",
    ):
        with pytest.raises(AudioUnreadable):
            decode(text.encode(), RATE, declared_type="audio/mpeg", name="message.mp3")


SEEDS = range(12)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_bytes_never_raise_anything_else(seed: int) -> None:
    chance = np.random.default_rng(seed)
    heads = [
        b"",
        b"RIFF\xff\xff\xff\xffWAVEfmt ",
        b"OggS\0\2",
        b"fLaC\0\0\0\x22",
        b"\0\0\0\x1cftypM4A ",
        b"#!AMR\n",
    ]
    heads += [
        b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\0\xaa\0\x62\xce\x6c",
        b".snd",
        b"ID3\4\0\0\0\0\0\0",
        b"caff",
    ]
    for head in heads:
        data = head + chance.bytes(int(chance.integers(0, 20_000)))
        for declared in ("", "audio/x-gsm", "audio/32KADPCM"):
            try:
                total = sum(
                    map(len, decode(data, RATE, AudioLimits(max_seconds=60.0), declared_type=declared))
                )
            except AudioUnreadable:
                continue
            assert total <= 60 * RATE * 2


@pytest.mark.parametrize("name", ["vm01", "vm03", "vm05", "vm06", "vm04"])
def test_flipped_bytes_never_raise_anything_else(name: str) -> None:
    chance = np.random.default_rng(7)
    for _ in range(25):
        data = bytearray(sample(name)[:20_000])
        for at in chance.integers(0, 200, size=6):
            data[at] = int(chance.integers(0, 256))
        try:
            total = sum(map(len, decode(bytes(data), RATE, AudioLimits(max_seconds=120.0))))
        except AudioUnreadable:
            continue
        assert total <= 120 * RATE * 2
