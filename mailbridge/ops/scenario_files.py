"""Small real files that simulations and the demo attach."""

from __future__ import annotations

import io
import wave


def recording_of_silence(seconds: float = 1.0) -> bytes:
    """A WAV file, 8 kHz 16-bit mono, as a telephone system would send it."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\x00\x00" * int(8000 * seconds))
    return out.getvalue()
