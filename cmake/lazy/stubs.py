#!/usr/bin/env python3
"""usage: stubs.py OUTPUT ARCHIVES LIBRARIES      (both separated by semicolons)

Writes assembly (x86-64 ELF) that stands in for each function which one of the static ARCHIVES wants of one of the
shared LIBRARIES: the first call of any has resolve.cpp load the library, so that a command which needs none of them
does not pay for loading them.
"""
import re
import subprocess
import sys


def symbols(*arguments):
    """(type, name) of each, without versions."""
    text = subprocess.run(["nm", *arguments], check=True, text=True, capture_output=True).stdout
    return {(line.split()[-2], line.split()[-1].split("@")[0]) for line in text.splitlines() if len(line.split()) > 1}


def soname(library):
    text = subprocess.run(["objdump", "-p", library], check=True, text=True, capture_output=True).stdout
    return re.search(r"SONAME\s+(\S+)", text)[1]


def main(output, archives, libraries):
    wanted = {name for archive in archives.split(";") for kind, name in symbols("-u", archive) if kind in "Uw"}
    names, found = [], []
    for library in libraries.split(";"):
        functions = sorted(name for kind, name in symbols("-D", "--defined-only", library)
                           if kind in "TWi" and name in wanted and name not in (n for n, _ in found))
        if functions:
            found += [(name, len(names)) for name in functions]
            names.append(soname(library))
    lines = ["\t.text"]
    for index, (name, _) in enumerate(found):
        lines += [f"\t.globl {name}", f"\t.type {name}, @function", "\t.p2align 4", f"{name}:", "\tendbr64",
                  f"\tjmp *cv_lazy_slots+{8 * index}(%rip)", f".Lfirst{index}:", "\tendbr64", f"\tpushq ${index}",
                  "\tjmp .Lresolve", f"\t.size {name}, .-{name}"]
    saved = ["rdi", "rsi", "rdx", "rcx", "r8", "r9", "rax"]  # what arguments are passed in
    lines += [".Lresolve:", *(f"\tpushq %{register}" for register in saved), "\tsubq $136, %rsp",
              *(f"\tmovups %xmm{i}, {16 * i}(%rsp)" for i in range(8)),
              f"\tmovq {136 + 8 * len(saved)}(%rsp), %rdi", "\tcall cv_lazy_resolve", "\tmovq %rax, %r11",
              *(f"\tmovups {16 * i}(%rsp), %xmm{i}" for i in range(8)), "\taddq $136, %rsp",
              *(f"\tpopq %{register}" for register in reversed(saved)), "\taddq $8, %rsp", "\tjmp *%r11"]
    lines += ["\t.data", "\t.p2align 3", "\t.globl cv_lazy_slots", "\t.hidden cv_lazy_slots", "cv_lazy_slots:",
              *(f"\t.quad .Lfirst{index}" for index in range(len(found)))]
    lines += ["\t.section .rodata", "\t.globl cv_lazy_names", "\t.hidden cv_lazy_names", "cv_lazy_names:",
              *(f'\t.asciz "{name}", "{names[library]}"' for name, library in found), "\t.byte 0",
              '\t.section .note.GNU-stack,"",@progbits']
    with open(output, "w", encoding="ascii") as file:
        file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
