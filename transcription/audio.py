"""Any recording as one bounded stream of samples: 16 bit, little-endian, mono, at the rate the model wants.

decode() promises blocks of a quarter of a second, flat memory, and an end: bytes, decoded seconds and time
are bounded, and what was cut or damaged stands in notes. libav gets the bytes, one demuxer chosen by sniff,
a short list of decoders, and nothing else: it can open no file, no address and no playlist. The only error is
AudioUnreadable, one sentence. A decoder that hangs inside libav is the business of pool, which kills the
process.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer

from transcription.errors import AudioUnreadable
from transcription.sniff import G726, G726_BIG, Container, not_audio, sniff

BLOCK_S = 0.25  # Vosk likes 0.2 to 0.5 s
_CODEC_NAMES = """
pcm_s16le pcm_s16be pcm_s8 pcm_u8 pcm_s24le pcm_s24be pcm_s32le pcm_s32be pcm_f32le pcm_f32be pcm_f64le
pcm_f64be pcm_mulaw pcm_alaw gsm gsm_ms adpcm_ima_wav adpcm_ima_qt adpcm_ms adpcm_yamaha g726 g726le
adpcm_g726 adpcm_g726le g722 adpcm_g722 g723_1 g729 truespeech mp1 mp1float mp2 mp2float mp3 mp3float vorbis
opus libopus speex flac alac aac aac_fixed wmav1 wmav2 wmavoice amrnb amrwb amr_nb amr_wb libopencore_amrnb
libopencore_amrwb
"""
_CODECS = frozenset(_CODEC_NAMES.split())
_RATES = range(1000, 384_001)  # outside of these a header lies, and resampling would blow up memory
_DAMAGED_PACKETS = 200


@dataclass(frozen=True, slots=True)
class AudioLimits:
    """Bounds of one recording: what is longer in bytes is refused, in seconds is cut, in time is cut."""

    max_bytes: int = 256 * 1024 * 1024
    max_seconds: float = 3600.0
    max_time_s: float = 300.0


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """What the container says of itself; duration_s is None where it says nothing, and may be a lie."""

    container: str
    codec: str
    rate: int
    channels: int
    duration_s: float | None


class Audio:
    """One opened recording; iterate it once for its blocks. seconds and notes are complete after the last
    one.
    """

    def __init__(self, data: bytes, rate: int, limits: AudioLimits, container: Container) -> None:
        self._rate, self._limits = rate, limits
        self._libav = _open(data, container)
        self._stream = _first_audio(self._libav)
        self.info = _info(self._libav, self._stream, container)
        self.notes: list[str] = []
        self.samples = 0
        self._damaged = 0
        self._resampler: AudioResampler | None = None

    @property
    def seconds(self) -> float:
        """Seconds decoded so far."""
        return self.samples / self._rate

    def __iter__(self) -> Iterator[bytes]:
        """Blocks of BLOCK_S, the last one shorter. Raises AudioUnreadable where nothing at all can be
        decoded.
        """
        size = max(2, int(self._rate * BLOCK_S) * 2)
        most = int(self._limits.max_seconds * self._rate) * 2
        started, gathered, given = time.monotonic(), bytearray(), 0
        for piece in self._pieces():
            gathered += piece
            while len(gathered) >= size and given < most:
                block = bytes(gathered[: min(size, most - given)])
                del gathered[:size]
                given += len(block)
                self.samples = given // 2
                yield block
            if given >= most:
                self._cut(f"cut after {_minutes(self._limits.max_seconds)}: the rest was not listened to")
                return
            if time.monotonic() - started > self._limits.max_time_s:
                self._cut(f"cut, since reading it took longer than {self._limits.max_time_s:g} seconds")
                return
        rest = bytes(gathered[: most - given])
        self.samples = (given + len(rest)) // 2
        self._finish()
        if rest:
            yield rest

    def _cut(self, note: str) -> None:
        self.notes.append(note)
        self._libav.close()

    def _finish(self) -> None:
        self._libav.close()
        if self._damaged and not self.samples:
            raise AudioUnreadable(
                f"the recording ({self.info.codec}) is damaged: nothing in it can be decoded"
            )
        if self._damaged:
            self.notes.append("damaged in places: what could be read was listened to")

    def _pieces(self) -> Iterator[memoryview]:
        for frame in self._frames():
            for converted in self._convert(frame):
                yield _bytes(converted)
        if self._resampler is not None:
            for converted in self._resampler.resample(None):
                yield _bytes(converted)

    def _frames(self) -> Iterator[AudioFrame]:
        """Decoded frames; a damaged packet is stepped over, a few hundred of them end the recording."""
        packets = self._libav.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except (av.FFmpegError, ValueError, OverflowError):
                self._damaged += 1
                return
            if packet is None:
                return
            try:
                frames = packet.decode()
            except (av.FFmpegError, ValueError, OverflowError):
                self._damaged += 1
                if self._damaged > _DAMAGED_PACKETS:
                    return
                continue
            yield from frames

    def _convert(self, frame: AudioFrame) -> list[AudioFrame]:
        if frame.sample_rate not in _RATES:
            self._damaged += 1
            return []
        if self._resampler is None:
            if (
                frame.sample_rate == self._rate
                and frame.format.name == "s16"
                and frame.layout.nb_channels == 1
            ):
                return [frame]  # what telephone systems send needs no libav filter: half the time
            self._resampler = self._new_resampler()
        frame.pts = None
        try:
            return self._resampler.resample(frame)
        except ValueError:
            # A hostile or spliced file changes its shape half-way, which one libav resampler refuses.
            before, self._resampler = self._resampler, self._new_resampler()
            return [*before.resample(None), *self._resampler.resample(frame)]

    def _new_resampler(self) -> AudioResampler:
        # Whole blocks: a thousand small frames a minute would cost more in calls than in arithmetic.
        size = int(self._rate * BLOCK_S)
        return AudioResampler(format="s16", layout="mono", rate=self._rate, frame_size=size)


def decode(
    data: bytes, rate: int, limits: AudioLimits | None = None, *, declared_type: str = "", name: str = ""
) -> Audio:
    """Open a recording for reading at rate (Hz).

    declared_type (MIME) and name help only with formats that have no magic number. Raises AudioUnreadable
    with one sentence that says what the bytes are instead, where that is known.
    """
    limits = limits or AudioLimits()
    if len(data) > limits.max_bytes:
        raise AudioUnreadable(
            f"the recording has {len(data)} bytes, more than the {limits.max_bytes} allowed"
        )
    container = sniff(data, declared_type, name)
    if container is None:
        _refuse(data)
    if container is G726:
        container = _g726_order(data)
    return Audio(data, rate, limits, container)


def probe(data: bytes, *, declared_type: str = "", name: str = "") -> AudioInfo:
    """What a recording says of itself, without decoding it. Raises AudioUnreadable."""
    return decode(data, 8000, declared_type=declared_type, name=name).info


def _refuse(data: bytes) -> NoReturn:
    if not data:
        raise AudioUnreadable("the recording is empty: it has no bytes at all")
    what = not_audio(data)
    if what:
        raise AudioUnreadable(f"this is {what}, not a recording")
    raise AudioUnreadable(f"this is no known audio format (it begins with {data[:8].hex(' ')})")


def _no_other_file(_url: str, _flags: int, _options: dict[str, str]) -> NoReturn:
    raise PermissionError("a recording may not name other files")


def _open(data: bytes, container: Container) -> InputContainer:
    options = {**container.settings, "protocol_whitelist": "none"}
    if container.demuxer == "wav":
        # Half a second of a telephone call a packet, not a fifteenth; and no search for S/PDIF in 16-bit
        # samples, which takes longer than decoding them.
        options |= {"max_size": "4096", "max_probe_packets": "1"}
    try:
        return av.open(
            io.BytesIO(data),
            mode="r",
            format=container.demuxer,
            container_options=options,
            metadata_errors="replace",
            io_open=_no_other_file,
        )
    except (av.FFmpegError, ValueError, OverflowError, MemoryError) as error:
        raise AudioUnreadable(f"the {container.name} recording is cut off or damaged at its start") from error


def _first_audio(libav: InputContainer) -> AudioStream:
    streams = libav.streams.audio
    if not streams:
        raise AudioUnreadable("the file has no sound in it")
    stream = streams[0]
    codec: AudioCodecContext | None = stream.codec_context
    if codec is None or codec.name not in _CODECS:
        known = codec.name if codec is not None else "unknown"
        raise AudioUnreadable(f"the sound is in a form ({known}) that is not read here")
    if stream.rate not in _RATES or not 1 <= stream.channels <= 16:
        raise AudioUnreadable(f"the header lies: {stream.rate} samples a second, {stream.channels} channels")
    return stream


def _info(libav: InputContainer, stream: AudioStream, container: Container) -> AudioInfo:
    duration = libav.duration / av.time_base if libav.duration and libav.duration > 0 else None
    return AudioInfo(container.name, stream.codec_context.name, stream.rate, stream.channels, duration)


def _bytes(frame: AudioFrame) -> memoryview:
    return memoryview(frame.planes[0])[: frame.samples * 2]  # a plane is padded beyond its samples


def _g726_order(data: bytes) -> Container:
    """Gateways pack G.726 in either order of nibbles; the wrong one turns speech into hiss."""
    head = data[:40_000]
    return min((G726, G726_BIG), key=lambda container: _roughness(head, container))


def _roughness(data: bytes, container: Container) -> float:
    """Energy of the steps from sample to sample over the energy: near 2 for hiss, far below for speech."""
    import numpy as np  # here, as only this rare format needs it while decoding

    raw = b"".join(Audio(data, 8000, AudioLimits(max_seconds=10.0), container))
    samples = np.frombuffer(raw, dtype="<i2").astype(np.float64)
    energy = float(np.dot(samples, samples))
    steps = np.diff(samples)
    return float(np.dot(steps, steps)) / energy if energy else 2.0


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:g} minutes" if seconds >= 120 else f"{seconds:g} seconds"
