"""An OLE compound file (MS-CFB, version 3) from a tree of names: as much as a reader of .msg files needs."""

from __future__ import annotations

import struct

Tree = dict[str, "bytes | Tree"]
SECTOR, MINI, CUTOFF = 512, 64, 4096
FREE, END, FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def ole(tree: Tree) -> bytes:
    """The file. Streams below 4096 bytes lie in the mini stream, as they must; siblings form a chain."""
    entries: list[bytes] = [b""]
    sectors: list[bytes] = []
    fat: list[int] = []
    small, minifat = bytearray(), list[int]()

    def stored_small(data: bytes) -> int:
        first = len(minifat)
        count = -(-len(data) // MINI)
        minifat.extend(first + number + 1 if number + 1 < count else END for number in range(count))
        small.extend(data.ljust(count * MINI, b"\0"))
        return first if count else END

    def stored(data: bytes) -> int:
        first = len(fat)
        count = -(-len(data) // SECTOR)
        for number in range(count):
            sectors.append(data[number * SECTOR : (number + 1) * SECTOR].ljust(SECTOR, b"\0"))
            fat.append(first + number + 1 if number + 1 < count else END)
        return first if count else END

    def added(names: list[str], folder: Tree) -> int:
        if not names:
            return FREE
        at = len(entries)
        entries.append(b"")
        what = folder[names[0]]
        if isinstance(what, bytes):
            where = stored_small if len(what) < CUTOFF else stored
            kind, child, start, size = 2, FREE, where(what), len(what)
        else:
            kind, child, start, size = 1, added(list(what), what), 0, 0
        entries[at] = _entry(names[0], kind, added(names[1:], folder), child, start, size)
        return at

    child = added(list(tree), tree)
    entries[0] = _entry("Root Entry", 5, FREE, child, stored(bytes(small)), len(small))
    table = b"".join(struct.pack("<I", one) for one in minifat)
    minis = stored(table.ljust(-(-len(table) // SECTOR) * SECTOR, b"\xff"))
    directory = stored(b"".join(entries))
    fat_at = len(fat)
    fat.append(FAT)
    table = b"".join(struct.pack("<I", one) for one in fat).ljust(SECTOR, b"\xff")
    assert len(table) == SECTOR, "one sector of FAT is enough for tests"
    head = (
        bytes.fromhex("d0cf11e0a1b11ae1")
        + bytes(16)
        + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6)
        + bytes(6)
    )
    head += struct.pack("<IIIIIIIII", 0, 1, directory, 0, CUTOFF, minis, -(-len(minifat) // 128), END, 0)
    head += struct.pack("<I", fat_at).ljust(436, b"\xff")
    return head + b"".join(sectors) + table


def _entry(name: str, kind: int, right: int, child: int, start: int, size: int) -> bytes:
    raw = name.encode("utf-16-le")
    found = raw.ljust(64, b"\0") + struct.pack("<HBB", len(raw) + 2, kind, 1)
    found += struct.pack("<III", FREE, right, child) + bytes(16 + 4 + 16)
    return found + struct.pack("<IQ", start, size)
