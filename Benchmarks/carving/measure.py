#!/usr/bin/python3
"""Runs a command and writes its wall time in seconds and its largest resident set in KiB: measure.py FILE COMMAND..."""
import os, sys, time

if len(sys.argv) < 3: sys.exit(__doc__)
start = time.monotonic()
child = os.spawnvp(os.P_NOWAIT, sys.argv[2], sys.argv[2:])
_, status, usage = os.wait4(child, 0)
with open(sys.argv[1], "w") as file: file.write(f"{time.monotonic() - start:.2f} {usage.ru_maxrss}\n")
sys.exit(os.waitstatus_to_exitcode(status))
