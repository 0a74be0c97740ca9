#!/usr/bin/env python3
"""find_secret.py SECRET-FILE... -- FILE...: fails where a part of a secret, raw, in hex or base64, is in a file."""
import base64
import sys

split = sys.argv.index("--")
found = False
for secret_name in sys.argv[1:split]:
    secret = open(secret_name, "rb").read()
    assert len(secret) >= 16, f"{secret_name} is too short to look for"
    # Eight bytes in a row are no accident; nor are nine, twelve digits of base64.
    parts = {secret[i:i + 8] for i in range(0, len(secret) - 7, 4)}
    needles = {p for part in parts for p in (part, part.hex().encode(), part.hex().upper().encode())}
    needles |= {base64.b64encode(secret[i:i + 9]) for i in range(0, len(secret) - 8, 3)}
    for name in sys.argv[split + 1:]:
        text = open(name, "rb").read()
        assert text, f"{name} is empty"
        for needle in sorted(needles):
            at = text.find(needle)
            if at >= 0:
                print(f"{secret_name}: {needle!r} stands at {at:#x} of {name}")
                found = True
                break
sys.exit(found)
