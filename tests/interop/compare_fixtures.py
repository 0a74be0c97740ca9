#!/usr/bin/env python3
"""What our report commands say about the disks of tests/fixtures, against what the real LVM2 said about them.

compare_fixtures.py CVM FOLDER: unpacks the disks of a fixture, runs 'vgs', 'pvs' and 'cvs -a' on them, and compares each
field that both sides have with the JSON beside the disks. Prints what differs.
"""
import collections
import json
import os
import re
import subprocess
import sys
import tempfile

cvm, folder = sys.argv[1:]
name = os.path.basename(folder)

# Fields that need more than the disks: what device-mapper said at the time.
ELSEWHERE = {"lv_permissions", "lv_time"}
# Stock LVM2 does not count the extents of encrypted volumes of the RFC's form.
IN_SEED_FORM = {"vg_free", "pv_free"}
# Of volumes of types that we keep and don't manage, and of those below them, we show these and no more.
CORE = {"lv_name", "lv_uuid", "vg_name", "lv_size", "segtype", "lv_tags", "lv_allocation_policy", "lv_host",
        "lv_skip_activation", "lv_autoactivation", "seg_start_pe", "seg_size_pe"}
MANAGED = {"linear", "striped"}


def unpack(room):
    """The disks as files called loopN, of the size that LVM2 saw. Returns their paths."""
    disks = []
    sizes = {row["pv_name"]: row.get("dev_size", "131072S") for row in stock("pv")}
    for number in range(8):
        head = f"{folder}/pv{number}.head1M.zst"
        if not os.path.exists(head):
            continue
        path = f"{room}/loop{number}"
        with open(path, "wb") as disk:
            disk.write(subprocess.run(["zstd", "-qdc", head], stdout=subprocess.PIPE, check=True).stdout)
            sectors = int(re.match(r"\d+", sizes.get(f"/dev/loop{number}", "131072S")).group())
            disk.truncate(sectors * 512)
            tail = f"{folder}/pv{number}.tail1M.zst"
            if os.path.exists(tail):
                content = subprocess.run(["zstd", "-qdc", tail], stdout=subprocess.PIPE, check=True).stdout
                disk.seek(66060288)
                disk.write(content)
        disks.append(path)
    return disks


def stock(kind):
    with open(f"{folder}/{kind}s.json") as file:
        return [row for report in json.load(file)["report"] for row in report.get(kind, [])]


def run(*words):
    environment = dict(os.environ, TZ="UTC", LVM_SYSTEM_DIR=room)
    return subprocess.run([cvm, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def fields_of(command):
    listed = run(command, "-o", "help").stdout
    return set(re.findall(r"^\s+(\S+)", listed, re.M))


def rows(table, fields):
    return collections.Counter(tuple(row[field] for field in fields) for row in table)


def differences(what, ours, theirs, fields):
    """Prints how two tables differ in these fields; 1 where they do."""
    if rows(ours, fields) == rows(theirs, fields):
        print(f"{name}: {what}: {len(ours)} rows of {len(fields)} fields are the same")
        return 0
    print(f"{name}: {what} differ")
    for field in fields:
        mine, other = rows(ours, [field]), rows(theirs, [field])
        if mine != other:
            print(f"  {field}: ours {sorted((mine - other).elements())}, theirs {sorted((other - mine).elements())}")
    return 1


def normalised(row):
    """Without what only device-mapper knows, brackets of hidden volumes and flags of a type."""
    row = dict(row)
    if "lv_name" in row:
        row["lv_name"] = row["lv_name"].strip("[]")
    if "lv_attr" in row:
        row["lv_attr"] = row["lv_attr"][:4] + "--" + row["lv_attr"][6:]
    if "segtype" in row:
        row["segtype"] = row["segtype"].split("+")[0]
    return row


def plain_names(table):
    """Visible volumes with nothing but managed segments that are no part of anything else."""
    out = {row["lv_name"].strip("[]") for row in table
           if row["segtype"] not in MANAGED or row["lv_name"].startswith("[") or not re.match("-..-", row["lv_attr"])
           or row["lv_attr"][2] == "I"}
    return {row["lv_name"] for row in table} - out


failures = 0
with tempfile.TemporaryDirectory() as room:
    disks = unpack(room)
    with open(f"{room}/lvm.conf", "w") as conf:
        conf.write(f'global {{ locking_dir = "{room}/locks" }}\ndevices {{ use_devicesfile = 0 }}\n')
    for command, kind, options in (("vgs", "vg", []), ("pvs", "pv", []), ("cvs", "lv", ["-a"])):
        theirs = stock(kind)
        if not theirs:
            continue
        fields = sorted((fields_of(command) & set(theirs[0])) - ELSEWHERE)
        if "seed" in name:
            fields = [field for field in fields if field not in IN_SEED_FORM]
        result = run(command, *options, "--devices", ",".join(disks), "--units", "s", "--reportformat", "json", "-o",
                     ",".join(fields))
        try:
            ours = json.loads(result.stdout.replace(room, "/dev"))["report"][0][kind]
        except (ValueError, KeyError):
            print(f"{name}: {command} ended with {result.returncode}: {result.stderr}")
            failures += 1
            continue
        # Devices that are no PVs are for 'pvs -a' only.
        if kind == "pv":
            theirs = [row for row in theirs if row.get("pv_uuid", "known")]
        if kind != "lv":
            failures += differences(command, ours, theirs, fields)
            continue
        # What LVM2 calls snapshot0 in the text it never shows; we do.
        ours = [row for row in map(normalised, ours) if row["segtype"] != "snapshot"]
        plain = plain_names(theirs)
        theirs = [normalised(row) for row in theirs]
        failures += differences("all volumes", ours, theirs, [field for field in fields if field in CORE])
        failures += differences("managed volumes", [row for row in ours if row["lv_name"] in plain],
                                [row for row in theirs if row["lv_name"] in plain], fields)
sys.exit(1 if failures else 0)
