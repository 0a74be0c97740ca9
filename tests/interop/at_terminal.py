#!/usr/bin/env python3
"""at_terminal.py [ANSWER]... -- COMMAND...: runs the command on a terminal of its own, types an answer at each
prompt that hides what is typed, then nothing more. Shows what the person saw; ends with the command's status.

"^D" is the end of file, "^C" the interrupt key. Whether the terminal shows what is typed is asked of the
terminal, not of the clock."""
import os
import pty
import select
import sys
import termios
import time

split = sys.argv.index("--")
answers = sys.argv[1:split]
keys = {"^D": b"\x04", "^C": b"\x03"}
DEADLINE = 60  # a hang, on any machine

pid, person = pty.fork()
if pid == 0:
    os.execvp(sys.argv[split + 1], sys.argv[split + 1:])

seen = b""
end = time.monotonic() + DEADLINE
asked_up_to = 0
while True:
    # A prompt: new text that ends with ": " and no echo.
    if answers and seen[asked_up_to:].endswith(b": ") and not termios.tcgetattr(person)[3] & termios.ECHO:
        asked_up_to = len(seen)
        answer = answers.pop(0)
        os.write(person, keys.get(answer, answer.encode() + b"\n"))
    ready, _, _ = select.select([person], [], [], 0.05)
    if ready:
        try:
            more = os.read(person, 4096)
        except OSError:  # the program has gone
            more = b""
        if not more:
            break
        seen += more
    elif time.monotonic() > end:
        os.kill(pid, 9)
        sys.exit("at_terminal.py: still running; so far it said:\n" + seen.decode(errors="replace"))

sys.stdout.buffer.write(seen)
sys.stdout.flush()
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
if answers:
    sys.exit(f"at_terminal.py: nobody asked for {len(answers)} of the answers")
sys.exit(status if status >= 0 else 128 - status)
