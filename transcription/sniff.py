"""Which audio container bytes are in, by their own witness.

Type and name of an attachment lie (Audio/BASIC that is RIFF, application/ogg, octet-stream), so they are
asked only for formats without any magic number: raw GSM, G.726 of RFC 3802, headerless G.711. The answer
names one demuxer of libav, so that libav itself never guesses and never meets a playlist. Never raises: None
means that nothing is known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

_EMPTY: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Container:
    """name for people, demuxer and settings for libav; raw means that only the declared type or name says
    so.
    """

    name: str
    demuxer: str
    settings: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    raw: bool = False


WAV = Container("WAV", "wav")
MP3 = Container("MP3", "mp3")
OGG = Container("Ogg", "ogg")
GSM = Container("raw GSM 6.10", "gsm", raw=True)
AAC = Container("AAC", "aac")
# RFC 3802 section 4: the first code word lies in the low bits, which libav calls g726le.
G726 = Container(
    "G.726 32 kbit/s", "g726le", MappingProxyType({"sample_rate": "8000", "code_size": "4"}), raw=True
)
G726_BIG = Container(
    "G.726 32 kbit/s", "g726", MappingProxyType({"sample_rate": "8000", "code_size": "4"}), raw=True
)
_RATE8 = MappingProxyType({"sample_rate": "8000"})
MULAW = Container("raw mu-law", "mulaw", _RATE8, raw=True)
ALAW = Container("raw A-law", "alaw", _RATE8, raw=True)
SLIN = Container("raw 16-bit samples", "s16le", _RATE8, raw=True)
SLIN16 = Container("raw 16-bit samples", "s16le", MappingProxyType({"sample_rate": "16000"}), raw=True)
G722 = Container("G.722", "g722", raw=True)

_MAGIC: tuple[tuple[int, bytes, Container], ...] = (
    (0, b"OggS", OGG),
    (0, b"fLaC", Container("FLAC", "flac")),
    (0, b".snd", Container("AU", "au")),
    (0, b"#!AMR", Container("AMR", "amr")),
    (0, b"caff", Container("CAF", "caf")),
    (0, b"\x1a\x45\xdf\xa3", Container("WebM or Matroska", "matroska,webm")),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", Container("WMA", "asf")),
    (4, b"ftyp", Container("M4A or 3GP", "mov,mp4,m4a,3gp,3g2,mj2")),
)
_NOT_AUDIO: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF document"),
    (b"II*\0", "a TIFF picture, as a fax"),
    (b"MM\0*", "a TIFF picture, as a fax"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"MThd", "a MIDI score"),
    (b"#EXTM3U", "a playlist, which is never followed"),
    (b"[playlist]", "a playlist, which is never followed"),
    (b"<", "a web page or other markup"),
)
_BY_TYPE: Mapping[str, Container] = MappingProxyType(
    {
        "audio/gsm": GSM,
        "audio/x-gsm": GSM,
        "audio/32kadpcm": G726,
        "audio/x-32kadpcm": G726,
        "audio/g726": G726,
        "audio/g726-32": G726,
        "audio/x-g726": G726,
        "audio/basic": MULAW,  # RFC 2046 section 4.3: headerless 8 kHz mu-law
        "audio/pcmu": MULAW,
        "audio/x-mulaw": MULAW,
        "audio/pcma": ALAW,
        "audio/x-alaw": ALAW,
        "audio/g722": G722,
    }
)
_BY_SUFFIX: Mapping[str, Container] = MappingProxyType(
    {
        "gsm": GSM,
        "g726": G726,
        "32k": G726,
        "adpcm": G726,
        "ulaw": MULAW,
        "mulaw": MULAW,
        "ul": MULAW,
        "pcm": MULAW,  # Asterisk's format "pcm" is mu-law
        "alaw": ALAW,
        "al": ALAW,
        "sln": SLIN,
        "sln16": SLIN16,
        "g722": G722,
    }
)


def sniff(data: bytes, declared_type: str = "", name: str = "") -> Container | None:
    """The container of data, or None. declared_type (MIME) and name count only where the bytes say
    nothing.
    """
    found = _by_magic(data)
    if found is not None:
        return found
    if data[:12].strip() and not_audio(data):
        return None
    if _gsm_frames(data, at_least=10):
        return GSM
    declared = _declared(declared_type, name)
    if declared is GSM and not _gsm_frames(data, at_least=1):
        return None
    return declared


def not_audio(data: bytes) -> str:
    """What well-known thing that is no audio data is, in words, or ""."""
    start = data[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    return next((words for magic, words in _NOT_AUDIO if start.startswith(magic)), "")


def _by_magic(data: bytes) -> Container | None:
    if data[:4] in (b"RIFF", b"RIFX", b"RF64") and data[8:12] == b"WAVE":
        return _wav(data)
    if data[:4] == b"FORM" and data[8:12] in (b"AIFF", b"AIFC"):
        return Container("AIFF", "aiff")
    for offset, magic, container in _MAGIC:
        if data[offset : offset + len(magic)] == magic:
            return container
    return _by_frames(data)


def _wav(data: bytes) -> Container:
    """A WAV whose data chunk was never given its length (streamed, cut off) is read to its end."""
    at = data.find(b"data", 12, 4096)
    if at < 0:
        return WAV
    size = int.from_bytes(data[at + 4 : at + 8], "little")
    if size == 0 or size > len(data) - at - 8:
        return Container("WAV", "wav", MappingProxyType({"ignore_length": "1"}))
    return WAV


def _by_frames(data: bytes) -> Container | None:
    """MP3 and AAC have only a sync word, which random bytes have as well: three frames in a row are asked."""
    start = 0
    if data[:3] == b"ID3" and len(data) >= 10:
        start = 10 + sum(
            (byte & 0x7F) << shift for byte, shift in zip(data[6:10], (21, 14, 7, 0), strict=True)
        )
    for offset in range(start, min(start + 4096, len(data))):
        if data[offset] != 0xFF:
            continue
        if _chained(data, offset, _adts_size):
            return AAC
        if _chained(data, offset, _mp3_size):
            return MP3
    return MP3 if data[:3] == b"ID3" else None


def _chained(data: bytes, offset: int, size_of: Callable[[bytes], int]) -> bool:
    for count in range(3):
        size = size_of(data[offset : offset + 7])
        if size == 0:
            return count > 0 and offset == len(data)
        offset += size
    return True


_MP3_BITRATES = {
    (3, 3): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (3, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (3, 1): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 3): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 1): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_MP3_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}


def _mp3_size(head: bytes) -> int:
    """Bytes of the MPEG audio frame that begins with head, 0 for none. Version 0 is MPEG-2.5: 8 kHz
    telephony.
    """
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return 0
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    bitrate_at, rate_at, padding = head[2] >> 4, head[2] >> 2 & 3, head[2] >> 1 & 1
    if version == 1 or layer == 0 or bitrate_at in (0, 15) or rate_at == 3:
        return 0
    rates = _MP3_BITRATES.get((3 if version == 3 else 2, layer), _MP3_BITRATES[2, 1])
    kbits, rate = rates[bitrate_at], _MP3_RATES[version][rate_at]
    if layer == 3:
        return (12000 * kbits // rate + padding) * 4
    return (144000 if version == 3 or layer == 2 else 72000) * kbits // rate + padding


def _adts_size(head: bytes) -> int:
    """Bytes of the ADTS frame (AAC) that begins with head, 0 for none."""
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0:
        return 0
    size = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    return size if size > 7 else 0


def _gsm_frames(data: bytes, at_least: int) -> bool:
    """Whether all of the first frames of 33 bytes open with GSM 6.10's signature nibble 0xD."""
    frames = min(len(data) // 33, 50)
    return frames >= at_least and all(data[33 * n] >> 4 == 0xD for n in range(frames))


def _declared(declared_type: str, name: str) -> Container | None:
    by_type = _BY_TYPE.get(declared_type.partition(";")[0].strip().lower())
    return by_type or _BY_SUFFIX.get(name.rpartition(".")[2].strip().lower() if "." in name else "")
