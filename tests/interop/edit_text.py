#!/usr/bin/env python3
"""edit_text.py OLD NEW DEVICE...: changes the live metadata text of PVs and mends the checksums.

Written from the format's description alone, so that it can judge what the program under test writes.
edit_text.py DEVICE prints the live text.
"""
import struct
import sys
import zlib

HEADER = 4096  # the first metadata area begins behind the label's 4 KiB


def crc(data):
    return ~zlib.crc32(data, ~0xF597A6CF & 0xFFFFFFFF) & 0xFFFFFFFF


def live_text(disk):
    disk.seek(HEADER)
    header = bytearray(disk.read(512))
    assert header[4:20] == b" LVM2 x[5A%r0N*>", "no metadata area"
    start, size = struct.unpack_from("<QQ", header, 24)
    offset, length, checksum = struct.unpack_from("<QQI", header, 40)
    disk.seek(start + offset)
    text = disk.read(min(length, size - offset))
    disk.seek(start + 512)
    text += disk.read(length - len(text))
    assert crc(text) == checksum, "the text's checksum is wrong"
    return header, start, size, offset, text


def edit(disk, old, new):
    header, start, size, offset, text = live_text(disk)
    assert old in text, f"{old!r} is not in the text"
    text = text.replace(old, new)
    assert offset + len(text) <= size, "the new text would wrap"
    disk.seek(start + offset)
    disk.write(text)
    struct.pack_into("<QI", header, 48, len(text), crc(text))
    struct.pack_into("<I", header, 0, crc(bytes(header[4:])))
    disk.seek(HEADER)
    disk.write(header)


if len(sys.argv) == 2:
    with open(sys.argv[1], "rb") as device:
        sys.stdout.write(live_text(device)[4].rstrip(b"\0").decode())
else:
    for name in sys.argv[3:]:
        with open(name, "r+b") as device:
            edit(device, sys.argv[1].encode(), sys.argv[2].encode())
