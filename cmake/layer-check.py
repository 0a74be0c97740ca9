#!/usr/bin/env python3
"""Fails where a file knows what its floor must not know (docs/HOUSE.md)."""
import pathlib
import re
import sys

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)

# A folder may include from itself and from these; tests may include everything.
BELOW = {
    "lib/base": [],
    "lib/config": ["lib/base"],
    "lib/device": ["lib/base"],
    "lib/crypt": ["lib/base"],
    "metadata": ["lib"],
    "activate": ["metadata", "lib"],
    "tools": ["activate", "metadata", "lib"],
}
# A header, and the one place that may include it.
OWNERS = {
    r"<libdevmapper\.h>": r"activate/dm_mapper\.cpp$",
    r"<libcryptsetup\.h>": r"lib/crypt/",
    r"<boost/property_tree/.*": r"lib/config/",
    r"<blkid/.*": r"lib/device/",
    r"<keyutils\.h>": r"lib/crypt/",
    r"<libsmartcols.*": r"tools/",
    r"<CLI/.*": r"tools/",
    r"<nlohmann/.*": r"(tools/|lib/crypt/(luks2_json|command_request)\.cpp$)",
}
# Pure files: values in, values out.
PURE = re.compile(r"metadata/(edit|check|allocate|stretches|group_index|volume_finder|iv_space|segment|references|volume_group|group_text|flags)\w*\.(h|cpp)$"
                  r"|activate/(plan|dm_table)\w*\.(h|cpp)$")
IMPURE = re.compile(r"<(fcntl\.h|unistd\.h|sys/.*|linux/.*|fstream|iostream|filesystem|cstdio|stdio\.h|chrono|"
                    r"ctime|time\.h|random|thread|mutex)>|\"lib/device/.*|\"lib/crypt/keyring.*")
IMPURE_CALL = re.compile(r"\b(random_bytes|random_id|getenv|gettimeofday|clock_gettime)\s*\(|\w*Id::random\s*\(|std::time\s*\(")
# Comparisons that end at the first difference have no place where keys are: same_secret() is the only one.
QUICK_COMPARISON = re.compile(r"\b(memcmp|bcmp|strn?cmp|equal|lexicographical_compare)\s*\(")


def complaints(path):
    """What is wrong with one file, as (line number, sentence)."""
    name = path.relative_to(ROOT).as_posix()
    floor = next((f for f in BELOW if name.startswith(f + "/")), None)
    allowed = BELOW.get(floor, []) + ([floor] if floor else [])
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if PURE.search(name) and IMPURE_CALL.search(line.split("//")[0]):
            yield number, "a pure file asks for the time, the environment or random bytes"
        if floor == "lib/crypt" and QUICK_COMPARISON.search(line.split("//")[0]):
            yield number, "compares otherwise than same_secret(), whose time says nothing"
        include = re.match(r'\s*#\s*include\s+(<[^>]+>|"[^"]+")', line)
        if not include:
            continue
        header = include.group(1)
        if floor and header.startswith('"') and not any(header[1:].startswith(a + "/") for a in allowed):
            yield number, f"{floor} must not know {header}"
        for pattern, owner in OWNERS.items():
            if floor and re.match(pattern, header) and not re.match(owner, name):
                yield number, f"{header} belongs to {owner}"
        if PURE.search(name) and IMPURE.match(header):
            yield number, f"a pure file includes {header}"


files = [p for folder in ("lib", "metadata", "activate", "tools") for p in (ROOT / folder).rglob("*")
         if p.suffix in (".h", ".cpp")]
found = [f"{p.relative_to(ROOT)}:{n}: {what}" for p in sorted(files) for n, what in complaints(p)]
print("\n".join(found) or f"{len(files)} files know only what they may know")
sys.exit(1 if found or not files else 0)
