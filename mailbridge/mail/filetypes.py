"""What an attachment is: a safe name, its type by its bytes, and whether staff should keep their hands off.

A safe name has no folder, control, bidirectional override or reserved device name, fits in 200 bytes of UTF-8
and keeps its extension. Archives are listed by their directory records, never unpacked.
"""

from __future__ import annotations

import re
import unicodedata

_MAX_BYTES = 200
_BAD = re.compile(r'[<>:"|?*\x00-\x1f\x7f-\x9f]')
# Bidirectional controls turn "gpj.exe" into "exe.jpg" on the screen.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)
_RESERVED = re.compile(r"^(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)", re.I)
_EXTENSIONS = {
    "text/plain": ".txt", "text/html": ".html", "text/calendar": ".ics", "text/csv": ".csv",
    "text/vcard": ".vcf",
    "text/x-vcard": ".vcf", "text/rtf": ".rtf", "text/xml": ".xml", "application/pdf": ".pdf",
    "application/json": ".json", "application/xml": ".xml", "application/zip": ".zip",
    "application/rtf": ".rtf",
    "application/msword": ".doc", "application/pkcs7-signature": ".p7s",
    "application/x-pkcs7-signature": ".p7s",
    "application/pkcs7-mime": ".p7m", "application/x-pkcs7-mime": ".p7m", "application/pgp-signature": ".asc",
    "application/pgp-keys": ".asc", "application/pgp-encrypted": ".pgp", "application/ms-tnef": ".dat",
    "application/ogg": ".ogg", "image/jpeg": ".jpg", "image/jpg": ".jpg", "image/png": ".png",
    "image/gif": ".gif",
    "image/bmp": ".bmp", "image/tiff": ".tif", "image/webp": ".webp", "image/svg+xml": ".svg",
    "image/heic": ".heic",
    "audio/mpeg": ".mp3", "audio/mp3": ".mp3", "audio/x-mp3": ".mp3", "audio/wav": ".wav",
    "audio/x-wav": ".wav",
    "audio/wave": ".wav", "audio/vnd.wave": ".wav", "audio/ogg": ".ogg", "audio/opus": ".opus",
    "audio/mp4": ".m4a",
    "audio/x-m4a": ".m4a", "audio/aac": ".aac", "audio/amr": ".amr", "audio/basic": ".au",
    "audio/x-gsm": ".gsm",
    "audio/gsm": ".gsm", "audio/x-ms-wma": ".wma", "audio/wma": ".wma", "audio/flac": ".flac",
    "audio/3gpp": ".3gp",
    "audio/32kadpcm": ".726", "video/mp4": ".mp4", "video/quicktime": ".mov", "message/rfc822": ".eml",
    "message/global": ".eml", "message/delivery-status": ".txt", "text/rfc822-headers": ".txt",
}  # fmt: skip


def safe_name(name: str, content_type: str, part: str) -> str:
    """A name fit to show and to write; made from the part's path where the sender gives none.
    Deterministic."""
    name = unicodedata.normalize("NFC", name[:2000]).replace("\\", "/").rstrip("/")
    name = _BAD.sub("_", _INVISIBLE.sub("", name.rpartition("/")[2]))
    name = re.sub(r"\s+", " ", name).strip(". ")
    if not name.strip("_. "):
        return f"part-{part}{_EXTENSIONS.get(content_type.lower(), '.bin')}"
    if _RESERVED.match(name):
        name = "_" + name
    return _shorten(name)


def _shorten(name: str) -> str:
    if len(name.encode("utf-8", "ignore")) <= _MAX_BYTES:
        return name
    stem, dot, extension = name.rpartition(".")
    if not dot or len(extension) > 10:
        stem, extension = name, ""
    tail = f".{extension}" if extension else ""
    room = _MAX_BYTES - len(tail.encode())
    return stem.encode()[:room].decode("utf-8", "ignore").rstrip(". ") + tail


_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"%PDF-", "application/pdf"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (0, b"BM", "image/bmp"),
    (0, b"II*\0", "image/tiff"),
    (0, b"MM\0*", "image/tiff"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"BZh", "application/x-bzip2"),
    (0, b"\xfd7zXZ\0", "application/x-xz"),
    (0, b"MSCF", "application/vnd.ms-cab-compressed"),
    (0, b"\x7fELF", "application/x-elf"),
    (0, b"\xca\xfe\xba\xbe", "application/java-vm"),
    (0, b"\xcf\xfa\xed\xfe", "application/x-mach-binary"),
    (0, b"L\0\0\0\x01\x14\x02\0", "application/x-ms-shortcut"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (0, b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d", "application/onenote"),
    (0, b"{\\rtf", "application/rtf"),
    (0, b"\x78\x9f\x3e\x22", "application/ms-tnef"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"#!AMR", "audio/amr"),
    (0, b"fLaC", "audio/flac"),
    (0, b".snd", "audio/basic"),
    (0, b"MThd", "audio/midi"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "audio/x-ms-wma"),
    (0, b"%!PS", "application/postscript"),
    (0, b"-----BEGIN PGP", "application/pgp-encrypted"),
    (0, b"BEGIN:VCALENDAR", "text/calendar"),
    (0, b"BEGIN:VCARD", "text/vcard"),
    (0, b"#!", "text/x-script"),
    (257, b"ustar", "application/x-tar"),
    (32769, b"CD001", "application/x-iso9660-image"),
)
_FTYP = {b"M4A ": "audio/mp4", b"M4B ": "audio/mp4", b"qt  ": "video/quicktime", b"heic": "image/heic",
         b"mif1": "image/heif", b"avif": "image/avif"}  # fmt: skip
_HTML = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.{0,400}?-->\s*)?<(!doctype html|html|head|body|script|svg)\b",
    re.I | re.S,
)


def sniff(data: bytes) -> str:
    """Media type that the first bytes prove, or "" where they prove nothing."""
    head = data[:4096]
    if head.startswith(b"RIFF") and len(head) >= 12:
        return {b"WAVE": "audio/wav", b"WEBP": "image/webp", b"AVI ": "video/x-msvideo"}.get(head[8:12], "")
    if head.startswith(b"FORM") and head[8:12] in (b"AIFF", b"AIFC"):
        return "audio/aiff"
    if head.startswith(b"OggS"):
        return "video/ogg" if b"theora" in head[:200] else "audio/ogg"
    if head[4:8] == b"ftyp":
        return _FTYP.get(head[8:12], "audio/3gpp" if head[8:11] == b"3gp" else "video/mp4")
    if head.startswith(b"MZ") and len(data) >= 64:
        return "application/x-msdownload"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_kind(data)
    for offset, magic, kind in _MAGIC:
        if data[offset : offset + len(magic)] == magic:
            return kind
    if (
        len(head) > 3
        and head[0] == 0xFF
        and head[1] & 0xE6 in (0xE2, 0xE4, 0xE6)
        and head[2] & 0xF0 not in (0, 0xF0)
    ):
        return "audio/mpeg"
    html = _HTML.match(head)
    if html:
        return "image/svg+xml" if html[1].lower() == b"svg" else "text/html"
    return ""


def _zip_names(data: bytes) -> list[tuple[str, bool]]:
    """(name, encrypted) of the entries, by their central directory records; at most 500."""
    names: list[tuple[str, bool]] = []
    position = data.find(b"PK\x01\x02")
    while position >= 0 and len(names) < 500:
        length = int.from_bytes(data[position + 28 : position + 30], "little")
        name = data[position + 46 : position + 46 + min(length, 400)].decode("utf-8", "ignore")
        names.append((name, bool(data[position + 8 : position + 9] and data[position + 8] & 1)))
        position = data.find(b"PK\x01\x02", position + 46)
    return names


def _zip_kind(data: bytes) -> str:
    names = {name for name, _ in _zip_names(data)}
    if "[Content_Types].xml" in names:
        base = "application/vnd.openxmlformats-officedocument."
        for folder, kind in (
            ("word/", "wordprocessingml.document"),
            ("xl/", "spreadsheetml.sheet"),
            ("ppt/", "presentationml.presentation"),
        ):
            if any(name.startswith(folder) for name in names):
                return base + kind
    if "META-INF/MANIFEST.MF" in names:
        return "application/java-archive"
    if data[30:38] == b"mimetype":
        length = int.from_bytes(data[18:22], "little")
        kind = data[38 : 38 + min(length, 100)].decode("ascii", "ignore").strip()
        if re.fullmatch(r"application/[\w.+-]+", kind):
            return kind
    return "application/zip"


_PROGRAM = re.compile(
    r"\.(?:ade|adp|apk|app|appinstaller|application|appref-ms|appx|bas|bat|cer|chm|cmd|com|cpl|crt|csh|deb|der|desktop|diagcab|dll|dmg|drv|exe|fxp|gadget|"
    r"hlp|hta|inf|ins|isp|jar|jnlp|js|jse|ksh|lib|library-ms|lnk|mad|maf|mda|mdb|mde|mdt|mdw|mdz|msc|msi|msix|msp|mst|nsh|ocx|ops|"
    r"osd|pcd|pif|pl|plg|pkg|prf|prg|ps1|ps1xml|ps2|psc1|psd1|psm1|py|pyc|pyw|reg|rpm|run|scf|scr|sct|search-ms|settingcontent-ms|"
    r"sh|shb|shs|sys|theme|url|vb|vba|vbe|vbs|vsmacros|vxd|webloc|website|workflow|ws|wsc|wsf|wsh|xbap|xll|xnk)$",
    re.I,
)  # fmt: skip
_MACRO = re.compile(r"\.(?:docm|dotm|xlsm|xltm|xlam|xlsb|pptm|potm|ppam|ppsm|sldm|one|onepkg|iqy|slk)$", re.I)
_DISK = re.compile(r"\.(?:iso|img|vhd|vhdx|udf|wim)$", re.I)
_PAGE = re.compile(r"\.(?:html?|shtml?|xhtml|mht|mhtml|svg|svgz|xml)$", re.I)
_DOUBLE = re.compile(
    r"\.(?:pdf|docx?|xlsx?|pptx?|jpe?g|png|gif|txt|rtf|mp3|wav|csv|zip)[\s_]*\.[a-z0-9]{1,5}$", re.I
)
_RUNNABLE = {
    "application/x-msdownload": "a Windows program",
    "application/x-elf": "a program",
    "application/x-mach-binary": "a program",
    "application/java-vm": "a Java program",
    "application/java-archive": "a Java program",
    "application/x-ms-shortcut": "a Windows shortcut",
    "text/x-script": "a script",
    "application/onenote": "a OneNote notebook, which can carry programs",
    "application/x-iso9660-image": "a disk image, which hides where its files come from",
}


def danger(raw_name: str, name: str, sniffed: str, data: bytes) -> str:
    """Why staff should not open this file, in words, or "". raw_name is the name as sent, name the safe
    one."""
    if sniffed in _RUNNABLE:
        return f"is {_RUNNABLE[sniffed]} by its content"
    if _PROGRAM.search(name):
        return "can run as a program" + (
            " and hides it behind a second extension" if _DOUBLE.search(name) else ""
        )
    if re.search("[\u202a-\u202e\u2066-\u2069]", raw_name):
        return "has a name written backwards to hide its extension"
    if _MACRO.search(name) or b"vbaProject.bin" in data[-65536:] or b"vbaProject.bin" in data[:65536]:
        return "can carry macros"
    if sniffed == "application/x-ole-storage" and b"_\0V\0B\0A\0_\0P\0R\0O\0J" in data[: 4 * 1024 * 1024]:
        return "carries macros"
    if _DISK.search(name):
        return "is a disk image, which hides where its files come from"
    if sniffed in ("text/html", "image/svg+xml") or _PAGE.search(name):
        return "is a page that can run scripts or ask for passwords"
    return _archive_danger(sniffed, data)


def _archive_danger(sniffed: str, data: bytes) -> str:
    if sniffed != "application/zip":
        return ""
    entries = _zip_names(data)
    program = next((entry for entry, _ in entries if _PROGRAM.search(entry) or _DISK.search(entry)), None)
    if program is not None:
        return "is an archive with a program in it"
    if any(re.match(r"[/\\]|[A-Za-z]:|(?:.*[/\\])?\.\.[/\\]", entry) for entry, _ in entries):
        return "is an archive that would write outside of its folder"
    if any(locked for _, locked in entries):
        return "is an encrypted archive, which no scanner has looked into"
    return ""
