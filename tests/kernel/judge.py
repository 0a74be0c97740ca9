#!/usr/bin/env python3
"""Tables by which the kernel alone decrypts a volume, from a metadata text: a second opinion of ours.

    judge.py TEXT LV STORE=KEYFILE... DEVICE

TEXT is what stock vgcfgbackup wrote, KEYFILE has the master key of a store; a store that has none here gets no table
of ours either. Written are the files raw and plain: the table of a device of the data LV's extents, straight on the PVs,
and the table of a device of the plaintext above it, for which DEVICE stands. Nothing here is shared with the
program under test. With two arguments, TEXT and "join", see join() below.
"""
import re
import sys

TOKEN = re.compile(r'#[^\n]*|("(?:\\.|[^"\\])*"|-?\d+|[A-Za-z_][\w.+-]*|[{}\[\]=,])')


def parse(text):
    """LVM2's grammar as nested dicts, in order."""
    tokens = [t for t in TOKEN.findall(text) if t]
    at = 0

    def value():
        nonlocal at
        token = tokens[at]
        at += 1
        if token == "[":
            items = []
            while tokens[at] != "]":
                if tokens[at] == ",":
                    at += 1
                else:
                    items.append(value())
            at += 1
            return items
        return token[1:-1] if token[0] == '"' else int(token)

    def section():
        nonlocal at
        found = {}
        while at < len(tokens) and tokens[at] != "}":
            name = tokens[at]
            at += 2
            if tokens[at - 1] == "{":
                found[name] = section()
                at += 1
            else:
                found[name] = value()
        return found

    return section()


def group_of(tree):
    return next((name, item) for name, item in tree.items() if isinstance(item, dict))


def segments(lv):
    return [lv["segment%d" % n] for n in range(1, lv["segment_count"] + 1)]


def pairs(items):
    return list(zip(items[::2], items[1::2]))


def tables(vg, name, keys, device):
    size = vg["extent_size"]
    lv = vg["logical_volumes"][name]
    data = vg["logical_volumes"][name + "_crdata"]

    def place(area):
        pv = vg["physical_volumes"][area[0]]
        return "%s %d" % (pv["device"], pv["pe_start"] + area[1] * size)

    raw = []
    for segment in segments(data):
        areas = pairs(segment["stripes"])
        kind = "linear " + place(areas[0])
        if len(areas) > 1:
            kind = "striped %d %d %s" % (len(areas), segment["stripe_size"], " ".join(map(place, areas)))
        raw.append("%d %d %s" % (segment["start_extent"] * size, segment["extent_count"] * size, kind))

    unused = segments(lv)[0].get("payload_offset", 0)
    plain = []
    for segment in segments(lv):
        store = segments(vg["logical_volumes"][segment["crypto_store"]])[0]
        with open(keys[segment["crypto_store"]], "rb") as file:
            key = file.read().hex()
        first = segment["start_extent"] * size
        start = max(first - unused, 0)
        below = pairs(segment["areas"])[0][1] * size + (unused if first == 0 else 0)
        length = segment["extent_count"] * size - (unused if first == 0 else 0)
        options = " 1 sector_size:4096" if store.get("sector_size", 512) == 4096 else ""
        plain.append("%d %d crypt %s %s %d %s %d%s" % (start, length, store["cipher"], key, segment["iv_offset"], device,
                                                       below, options))
    return raw, plain


def shown(tree, depth=0):
    def text_of(item):
        if isinstance(item, list):
            return "[" + ", ".join(map(text_of, item)) + "]"
        return '"%s"' % item if isinstance(item, str) else str(item)

    lines = []
    for name, item in tree.items():
        if isinstance(item, dict):
            lines += ["\t" * depth + name + " {", *shown(item, depth + 1), "\t" * depth + "}"]
        else:
            lines.append("\t" * depth + name + " = " + text_of(item))
    return lines


def join(text, first, second):
    """The text with the volume `second` behind `first`: one volume whose segments have the stores of both."""
    tree = parse(text)
    vg = group_of(tree)[1]
    lvs = vg["logical_volumes"]
    for suffix in "", "_crdata":
        one, other = lvs[first + suffix], lvs.pop(second + suffix)
        begin = sum(s["extent_count"] for s in segments(one))
        for segment in segments(other):
            one["segment_count"] += 1
            one["segment%d" % one["segment_count"]] = segment
            segment["start_extent"] += begin
            if not suffix:
                segment["areas"] = [first + "_crdata", pairs(segment["areas"])[0][1] + begin]
    return "\n".join(shown(tree)) + "\n"


def main():
    with open(sys.argv[1], encoding="ascii") as file:
        text = file.read()
    if sys.argv[2] == "join":
        sys.stdout.write(join(text, *sys.argv[3:5]))
        return
    keys = dict(word.split("=", 1) for word in sys.argv[3:-1])
    raw, plain = tables(group_of(parse(text))[1], sys.argv[2], keys, sys.argv[-1])
    for name, lines in ("raw", raw), ("plain", plain):
        with open(name, "w", encoding="ascii") as file:
            file.write("\n".join(lines) + "\n")


main()
