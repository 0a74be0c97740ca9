#!/usr/bin/env python3
"""Random commands at once, some of them killed, and what must hold all the time.

    stress.py SECONDS SEED WORKERS      in a directory of its own; PVs are /dev/mapper/pv0, pv1, ...

Each worker has a volume group of its own and volumes of its own in the group that all share. It knows what
its volumes hold: a block of text at the start of each extent that it wrote. A command that was killed has
happened or has not; which, is looked up. Between the rounds all stand still, and the whole is checked.
"""
import collections
import json
import mmap
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time

BLOCK = 4096
EXTENT = 4 << 20
SHARED = "vgs"
KDF = ["--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"]
# What a command may answer where others change the same group or it is full; nothing has happened then.
REFUSALS = re.compile("free extents|while its key was being asked for|meanwhile|run the command again|no free key slot|changed since", re.I)

counts = collections.Counter()
counting = threading.Lock()
failures = []


def note(word):
    with counting:
        counts[word] += 1


class Broken(Exception):
    pass


def run(*words, status=(0,), what=None):
    """Returns the output of a command that must end with one of these statuses."""
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode not in status:
        raise Broken(f"{what or ''} {' '.join(words)}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def rows(kind, *words):
    report = json.loads(run(*words, "--reportformat", "json"))["report"]
    return [row for part in report for row in part.get(kind, [])]


class Volume:
    def __init__(self, group, name, extents):
        self.group, self.name, self.extents = group, name, extents
        self.blocks = {}  # by extent: what stands at its start
        self.is_sure = True  # whether its devices are as the metadata says

    @property
    def path(self):
        return f"/dev/{self.group}/{self.name}"

    @property
    def full_name(self):
        return f"{self.group}/{self.name}"

    def cut(self, extents):
        self.extents = extents
        self.blocks = {at: text for at, text in self.blocks.items() if at < extents}


class Worker(threading.Thread):
    def __init__(self, number, seed):
        super().__init__(daemon=True)
        self.number = number
        self.random = random.Random(f"{seed}/{number}")
        self.volumes = []
        self.own = f"vg{number}"
        self.key = f"key{number}"
        self.has_key = {self.own: False, SHARED: False}
        self.made = 0
        self.usual = 1.0  # seconds that a command of mine takes among the others

    # ---- commands

    def command(self, *words):
        """True: done. False: refused, nothing has happened. None: killed, nobody knows."""
        note("commands")
        start = time.monotonic()
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True)
        sent = None
        if self.random.random() < 0.25:
            sent = self.random.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
            try:
                process.wait(self.random.random() * 1.2 * self.usual)
                sent = None
            except subprocess.TimeoutExpired:
                process.send_signal(sent)
        text = process.communicate()[0]
        if sent is not None and process.returncode in (-sent, 5):
            note("killed")
            return None
        self.usual += (time.monotonic() - start - self.usual) / 4
        if process.returncode == 0:
            return True
        if process.returncode == 5 and REFUSALS.search(text):
            note("refused")
            return False
        raise Broken(f"{' '.join(words)}: status {process.returncode}\n{text}")

    def reconcile(self, volume, names, sizes, may_be_gone=False):
        """Behind a command that was killed: one of these names, one of these sizes; or it has gone."""
        found = [row for row in rows("lv", "cvs", "--units", "b", "--nosuffix", "-o", "lv_name,lv_size", volume.group)
                 if row["lv_name"] in names]
        if len(found) > 1:
            raise Broken(f"two volumes instead of one: {found}")
        if not found:
            if not may_be_gone:
                raise Broken(f"{volume.full_name} has gone")
            if volume in self.volumes:
                self.volumes.remove(volume)
            return
        extents = int(found[0]["lv_size"]) // EXTENT
        if extents not in sizes:
            raise Broken(f"{volume.full_name} has {extents} extents and not one of {sizes}")
        volume.name = found[0]["lv_name"]
        volume.cut(extents)
        volume.is_sure = False
        if volume not in self.volumes:
            self.volumes.append(volume)

    # ---- deeds

    def create(self, group):
        self.made += 1
        volume = Volume(group, f"w{self.number}-{self.made}", self.random.randint(1, 4))
        words = ["cvcreate", "-l", str(volume.extents), "-n", volume.name]
        if self.random.random() < 0.6:
            words += ["--crypt", "--keystore", "cryptostore1", "--keyfile", "key"]
        if self.random.random() < 0.3:
            words += ["-i", "2"] if group == SHARED and volume.extents % 2 == 0 else []
        outcome = self.command(*words, group)
        if outcome:
            self.volumes.append(volume)
        elif outcome is None:
            self.reconcile(volume, [volume.name], [volume.extents], may_be_gone=True)

    def extend(self, volume):
        longer = volume.extents + 2
        outcome = self.command("cvextend", "-l", str(longer), "--keyfile", "key", volume.full_name)
        if outcome:
            volume.extents = longer
        elif outcome is None:
            self.reconcile(volume, [volume.name], [volume.extents, longer])

    def reduce(self, volume):
        shorter = volume.extents - 2
        if shorter < 1:
            return
        outcome = self.command("cvreduce", "-y", "-l", str(shorter), "--keyfile", "key", volume.full_name)
        if outcome:
            volume.cut(shorter)
        elif outcome is None:
            self.reconcile(volume, [volume.name], [volume.extents, shorter])

    def rename(self, volume):
        self.made += 1
        name = f"w{self.number}-{self.made}"
        outcome = self.command("cvrename", volume.group, volume.name, name)
        if outcome:
            volume.name = name
        elif outcome is None:
            self.reconcile(volume, [volume.name, name], [volume.extents])

    def remove(self, volume):
        outcome = self.command("cvremove", "-y", volume.full_name)
        if outcome:
            self.volumes.remove(volume)
        elif outcome is None:
            self.reconcile(volume, [volume.name], [volume.extents], may_be_gone=True)

    def open(self, volume):
        if self.command("cvchange", "-ay", "--keyfile", "key", volume.full_name):
            volume.is_sure = True
        else:
            volume.is_sure = False

    def close(self, volume):
        volume.is_sure = False
        self.command("cvchange", "-an", volume.full_name)

    def refresh(self, volume):
        self.command("cvchange", "--refresh", "--keyfile", "key", volume.full_name)

    def sure(self, volume):
        if volume.is_sure:
            return
        words = ["cvchange", "-ay", "--keyfile", "key", volume.full_name]
        while not volume.is_sure:
            done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True)
            volume.is_sure = done.returncode == 0
            if not volume.is_sure and not REFUSALS.search(done.stderr):
                raise Broken(f"{' '.join(words)}: status {done.returncode}\n{done.stderr}")

    def write(self, volume):
        self.sure(volume)
        self.made += 1
        with Blocks(volume.path) as blocks:
            for at in range(volume.extents):
                if self.random.random() < 0.7:
                    text = f"{volume.group} {self.number} {self.made} {at} "
                    volume.blocks[at] = text
                    blocks.write(at, text)
        note("writes")

    def verify(self, volume):
        self.sure(volume)
        with Blocks(volume.path) as blocks:
            for at, text in volume.blocks.items():
                there = blocks.read(at)
                if there != Blocks.filled(text):
                    raise Broken(f"extent {at} of {volume.full_name} holds {there[:60]} instead of {text}")
        note("verified")

    def change_keys(self, group):
        store = f"{group}/cryptostore1"
        if self.has_key[group]:
            outcome = self.command("cvm", "cvkey", "remove", "--keyfile", self.key, store)
        else:
            outcome = self.command("cvm", "cvkey", "add", *KDF, "--keyfile", "key", "--new-keyfile", self.key, store)
        if outcome:
            self.has_key[group] = not self.has_key[group]
        elif outcome is None:
            test = subprocess.run(["cvm", "cvkey", "test", "--keyfile", self.key, store], capture_output=True,
                                  stdin=subprocess.DEVNULL)
            if test.returncode not in (0, 2):
                raise Broken(f"cvkey test {store}: {test.stderr}")
            self.has_key[group] = test.returncode == 0

    def look(self, group):
        run("lvs", "-a", group)
        run("cvs", "-a", "-o", "+drift", group)
        note("reports")

    def step(self):
        group = self.random.choice([self.own, SHARED])
        mine = [volume for volume in self.volumes if volume.group == group]
        deeds = [(self.create, 4 if len(mine) < 3 else 0, group), (self.change_keys, 1, group), (self.look, 1, group)]
        if mine:
            volume = self.random.choice(mine)
            deeds += [(deed, weight, volume) for deed, weight in [
                (self.extend, 3), (self.reduce, 2), (self.rename, 2), (self.remove, 1), (self.open, 1),
                (self.close, 2), (self.refresh, 1), (self.write, 4), (self.verify, 4)]]
        deed, _, what = self.random.choices(deeds, [weight for _, weight, _ in deeds])[0]
        deed(what)

    def run(self):
        try:
            while not failures:
                if time.monotonic() >= self.until:
                    self.arrived.wait()  # all stand still
                    self.go_on.wait()
                    if self.is_over:
                        return
                self.step()
        except threading.BrokenBarrierError:
            pass
        except BaseException as error:
            failures.append(f"worker {self.number}: {error}")
            self.arrived.abort()
            self.go_on.abort()


class Blocks:
    """The first block of each extent of a device, past every cache."""

    def __init__(self, path):
        self.memory = mmap.mmap(-1, BLOCK)
        self.file = os.open(path, os.O_RDWR | os.O_DIRECT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.file)
        self.memory.close()

    @staticmethod
    def filled(text):
        return (text * (BLOCK // len(text) + 1))[:BLOCK].encode()

    def write(self, at, text):
        self.memory[:] = self.filled(text)
        if os.pwritev(self.file, [self.memory], at * EXTENT) != BLOCK:
            raise Broken("a write came to an end too early")

    def read(self, at):
        if os.preadv(self.file, [self.memory], at * EXTENT) != BLOCK:
            raise Broken("a read came to an end too early")
        return bytes(self.memory)


def suspended():
    names = run("dmsetup", "info", "-c", "--noheadings", "-o", "name,suspended").splitlines()
    return [line for line in names if line.endswith(":Suspended")]


def check_extents(group):
    """No extent is used twice, and free and used are all there are; as stock LVM2 reads it."""
    facts = rows("vg", "vgs", "-o", "vg_extent_count,vg_free_count", group)[0]
    used = {}
    for row in rows("seg", "lvs", "-a", "--segments", "-o", "lv_name,seg_pe_ranges", group):
        for piece in row["seg_pe_ranges"].split():
            device, first, last = re.fullmatch(r"(.*):(\d+)-(\d+)", piece).groups()
            if not device.startswith("/dev/"):
                continue
            for extent in range(int(first), int(last) + 1):
                if (device, extent) in used:
                    raise Broken(f"{device}:{extent} is in {used[device, extent]} and in {row['lv_name']}")
                used[device, extent] = row["lv_name"]
    if len(used) + int(facts["vg_free_count"]) != int(facts["vg_extent_count"]):
        raise Broken(f"{group}: {len(used)} used extents, {facts}")


def check_beside_stock(group):
    for kind, stock, ours, fields in [
            ("vg", ["vgs"], ["cvm", "vgs"], "vg_name,vg_uuid,vg_seqno,vg_extent_count,vg_free_count,pv_count"),
            ("lv", ["lvs", "-a"], ["cvs", "-a"], "lv_name,lv_uuid,lv_size")]:
        both = []
        for words in (stock, ours):
            found = rows(kind, *words, "--units", "b", "--nosuffix", "-o", fields, group)
            both.append(sorted(tuple(str(row[field]).strip("[]") for field in fields.split(",")) for row in found))
        if both[0] != both[1]:
            raise Broken(f"{group}: stock LVM2 reads\n{both[0]}\nand we read\n{both[1]}")


def check(workers):
    """Everybody stands still."""
    for group in [SHARED] + [worker.own for worker in workers]:
        run("cvchange", "-ay", "--keyfile", "key", group)
        if subprocess.run(["cvm", "cvck", group], capture_output=True).returncode != 0:
            note("repairs")
            run("cvm", "cvck", "--repair", "-y", group)
        run("cvm", "cvck", group)
        drift = run("cvs", "--noheadings", "-o", "lv_name,drift", group)
        if any(len(line.split()) > 1 for line in drift.splitlines()):
            raise Broken(f"devices of {group} are not as they should be:\n{drift}")
        check_extents(group)
        check_beside_stock(group)
    if suspended():
        raise Broken(f"suspended: {suspended()}")
    for worker in workers:
        for volume in worker.volumes:
            volume.is_sure = True  # the group was activated
            worker.verify(volume)
    note("checks")


def prepare(count, seed):
    for number, name in enumerate(["key"] + [f"key{number}" for number in range(1, count + 1)]):
        with open(name, "wb") as file:
            file.write(random.Random(f"{seed}/key/{number}").randbytes(48))
    pvs = [f"/dev/mapper/pv{number}" for number in range(count + 2)]
    run("cvm", "pvcreate", *pvs)
    run("cvm", "vgcreate", SHARED, *pvs[count:])
    for number in range(1, count + 1):
        run("cvm", "vgcreate", f"vg{number}", pvs[number - 1])
    for group in [SHARED] + [f"vg{number}" for number in range(1, count + 1)]:
        # As long as it is there, the store is.
        run("cvcreate", "--crypt", *KDF, "-l", "1", "-n", "base", "--keyfile", "key", group)


def main():
    seconds, seed, count = float(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    print(f"seed {seed}, {count} at once, {seconds:.0f} s", flush=True)
    prepare(count, seed)
    rounds = max(2, int(seconds / 30))
    start = time.monotonic()
    workers = [Worker(number, seed) for number in range(1, count + 1)]
    Worker.arrived = threading.Barrier(count + 1)
    Worker.go_on = threading.Barrier(count + 1)
    Worker.is_over = False
    Worker.until = start + seconds / rounds
    for worker in workers:
        worker.start()
    try:
        for number in range(rounds):
            Worker.arrived.wait()
            check(workers)
            Worker.is_over = number == rounds - 1
            Worker.until = time.monotonic() + seconds / rounds
            Worker.go_on.wait()
    except threading.BrokenBarrierError:
        pass
    except Exception as error:
        failures.append(f"check: {error}")
        Worker.arrived.abort()
        Worker.go_on.abort()
    for worker in workers:
        worker.join(60)
    for failure in failures:
        print("FAIL", failure)
    print(", ".join(f"{count} {word}" for word, count in sorted(counts.items())), flush=True)
    print(f"seed {seed}: {'broken' if failures else 'all holds'}")
    return 1 if failures else 0


sys.exit(main())
