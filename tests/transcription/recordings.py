"""The sample recordings, the tiny model, and their sound in any other format, made by libav in memory."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from transcription.audio import decode

HERE = Path(__file__).resolve().parent
SAMPLES = HERE / "samples"
TINY = HERE.parents[1] / "transcription" / "data" / "vosk-model-tiny-en-voicemail"
RATE = 8000


def sample(name: str) -> bytes:
    """The bytes of a recording, by the beginning of its name ("vm01")."""
    return next(path for path in SAMPLES.glob(f"{name}*") if path.suffix != ".txt").read_bytes()


def reference(name: str) -> list[str]:
    """What is said in it."""
    return next(SAMPLES.glob(f"{name}*.txt")).read_text().split()


def samples(rate: int = RATE, name: str = "vm14") -> NDArray[np.int16]:
    """Decoded samples of a recording."""
    return np.frombuffer(b"".join(decode(sample(name), rate)), dtype="<i2")


def wav(sound: NDArray[np.int16] | NDArray[np.float64], rate: int = RATE, channels: int = 1) -> bytes:
    """A PCM WAV file of the samples."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(np.clip(sound, -32768, 32767).astype("<i2").tobytes())
    return file.getvalue()


def encode(
    container: str,
    codec: str,
    sound: NDArray[np.int16],
    rate: int,
    *,
    layout: str = "mono",
    bit_rate: int = 0,
) -> bytes:
    """The samples (at rate) in another format."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream = out.add_stream(codec, rate=rate, layout=layout)
        if bit_rate:
            stream.bit_rate = bit_rate
        formats = [form.name for form in stream.codec.audio_formats or []]
        resampler = av.AudioResampler(format=formats[0], layout=layout, rate=rate)
        fifo = av.AudioFifo()
        given = av.AudioFrame.from_ndarray(sound.reshape(1, -1), format="s16", layout="mono")
        given.sample_rate = rate
        for frame in [*resampler.resample(given), *resampler.resample(None)]:
            frame.pts = None
            fifo.write(frame)
        stream.open() if hasattr(stream, "open") else stream.codec_context.open()
        size = stream.codec_context.frame_size or 320
        at = 0
        while frame := fifo.read(size, partial=True):
            frame.pts = at
            at += frame.samples
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return file.getvalue()
