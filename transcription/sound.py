"""What a recording holds, by its sound alone: a voice, or silence, noise, music, a fax or another tone.

A Meter is fed the samples while they are transcribed and keeps a few numbers for each 32 ms, so memory is
flat (an hour is 5 MB). The verdict is a measure, not a recognition: engine lets confident words overrule it.
Never raises.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["empty", "silence", "fax", "tone", "noise", "music", "voice"]
Floats = NDArray[np.float32]

FRAME_S = 0.032
_GULP_S = 8.0  # numpy is asked once for 250 frames: one by one it would cost more than the decoding
_SILENCE_DB = -52.0  # below full scale; a telephone line's own hiss lies at -55 to -65
_FAX_HZ = (1100.0, 2100.0)  # ITU-T T.30: CNG of the calling, CED of the answering machine
_RUMBLE_HZ = 130.0  # wind, a car, the hum of the mains: no music comes through a telephone so low
_WORD_S = 0.25  # what is shorter is a click, not a word
_BURST_S = 0.4  # CNG lasts 0.5 s and returns every 3.5 s


@dataclass(frozen=True, slots=True)
class Sound:
    """Measures of a whole recording; levels in dB below full scale.

    active_share: frames within 30 dB of the loudest; spread_db: how much their level varies (speech 6 to 12,
    noise under 2); tonal_share: energy of the two strongest lines of the mean spectrum; held_share: active
    frames whose strongest line is where it was 0.1 s before (music, tones); fax_share: active frames that
    are a fax tone.
    """

    kind: Kind
    duration_s: float
    level_db: float
    active_share: float
    spread_db: float
    tonal_share: float
    held_share: float
    fax_share: float


class Meter:
    """Measures samples (16 bit, mono, at rate) as they come."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._size = max(64, int(rate * FRAME_S))
        self._window = np.hanning(self._size).astype(np.float32)
        self._gulp = int(_GULP_S * rate) * 2
        self._waiting = bytearray()
        self._samples = 0
        self._rows: list[tuple[Floats, Floats, Floats]] = []
        self._spectrum = np.zeros(self._size // 2 + 1, dtype=np.float64)

    def add(self, block: bytes) -> None:
        """Take further samples, s16le."""
        self._samples += len(block) // 2
        self._waiting += block
        if len(self._waiting) >= self._gulp:
            self._digest()

    def measure(self) -> Sound:
        """The verdict on all samples so far."""
        self._digest()
        duration_s = self._samples / self._rate
        if not self._rows:
            return Sound("empty", duration_s, -120.0, 0.0, 0.0, 0.0, 0.0, 0.0)
        levels, peaks, shares = (np.concatenate(column) for column in zip(*self._rows, strict=True))
        return _verdict(duration_s, levels, peaks, shares, _two_lines(self._spectrum))

    def _digest(self) -> None:
        count = len(self._waiting) // 2 // self._size
        if count == 0:
            return
        used = count * self._size * 2
        frames = np.frombuffer(bytes(self._waiting[:used]), dtype="<i2").astype(np.float32)
        del self._waiting[:used]
        frames = frames.reshape(count, self._size) / np.float32(32768.0)
        frames -= frames.mean(axis=1, keepdims=True)
        power = np.abs(np.fft.rfft(frames * self._window, axis=1)).astype(np.float32) ** 2
        levels = 10 * np.log10(np.mean(frames * frames, axis=1) + np.float32(1e-12))
        strongest = power[:, 2:-2].argmax(axis=1) + 2
        rows = np.arange(count)
        around = sum(power[rows, strongest + step] for step in (-2, -1, 0, 1, 2))
        self._spectrum += power.sum(axis=0)
        peaks = strongest.astype(np.float32) * np.float32(self._rate / self._size)
        self._rows.append((levels, peaks, around / (power.sum(axis=1) + np.float32(1e-12))))


def _two_lines(spectrum: NDArray[np.float64]) -> float:
    """Share of the two strongest lines (each five bins wide) in all energy."""
    left, total, lines = spectrum.copy(), float(spectrum.sum()), 0.0
    if total <= 0:
        return 0.0
    for _ in range(2):
        at = int(left.argmax())
        near = slice(max(0, at - 2), at + 3)
        lines += float(left[near].sum())
        left[near] = 0.0
    return lines / total


def _verdict(duration_s: float, levels: Floats, peaks: Floats, shares: Floats, tonal: float) -> Sound:
    loudest = float(np.percentile(levels, 99))
    active = levels > max(loudest - 30.0, _SILENCE_DB - 10.0)
    count = max(1, int(active.sum()))
    spread = float(levels[active].std()) if active.any() else 0.0
    fax = active & (shares > 0.7) & np.any([np.abs(peaks - hz) < 45.0 for hz in _FAX_HZ], axis=0)
    both = active[3:] & active[:-3]
    moved = np.abs(peaks[3:] - peaks[:-3])
    held = both & (moved < 1.0) & (peaks[3:] > _RUMBLE_HZ)
    # two tones 40 Hz apart, as while it rings, take turns in front
    near = both & (moved < 1.6 / FRAME_S) & (peaks[3:] > _RUMBLE_HZ)
    fax_share, held_share = float(fax.sum()) / count, float(held.sum()) / count
    kind: Kind = "voice"
    if loudest < _SILENCE_DB or count * FRAME_S < _WORD_S:
        kind = "silence"
    elif fax_share > 0.6 and float(fax.sum()) * FRAME_S >= _BURST_S:
        kind = "fax"
    elif tonal > 0.85 and float(near.sum()) / count > 0.6:
        kind = "tone"
    elif spread < 4.5 and held_share < 0.3:
        kind = "noise"  # speech at its flattest spreads 6 dB, pink noise over a telephone band 3.4
    elif held_share > 0.35 and spread < 6.0 and float(active.mean()) > 0.7:
        kind = "music"
    return Sound(kind, duration_s, loudest, float(active.mean()), spread, tonal, held_share, fax_share)
