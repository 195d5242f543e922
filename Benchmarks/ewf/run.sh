#!/bin/bash
# Reading a compressed E01 beside ewfverify: the same image, in the page cache, in the same run; ratios count.
#   Benchmarks/ewf/run.sh [MiB]     size of the medium (default 1024)
# Both take MD5, SHA-1 and SHA-256. exhibit digests the segment files too, and ingest also blocks, and signs.
# Processor time is given as well: on a machine that does other work, the elapsed time tells little.
set -euo pipefail

size=${1:-1024}
root=$(cd "$(dirname "$0")/../.." && pwd)
exhibit=${EXHIBIT:-$root/.build/release/exhibit}
runs=${RUNS:-5}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for tool in ewfacquire ewfverify python3; do command -v $tool >/dev/null || { echo "$tool is missing: apt-get install ewf-tools python3" >&2; exit 2; }; done
[ -x "$exhibit" ] || { echo "$exhibit is missing: make build" >&2; exit 2; }

export EXHIBIT_HOME=$work/home
echo "benchmark" >"$work/passphrase"
"$exhibit" identity new --name "Bench Mark" --org "Bench" --passphrase-file "$work/passphrase" >/dev/null
"$exhibit" case new --case "$work/case" --number ewf --passphrase-file "$work/passphrase" >/dev/null 2>&1
"$root/Benchmarks/ewf/make_medium.py" "$work/medium.dd" "$size"
ewfacquire -u -q -f encase6 -c fast -t "$work/image" "$work/medium.dd" </dev/null >/dev/null
rm "$work/medium.dd"
"$exhibit" ingest "$work/image.E01" --case "$work/case" --item E001 --passphrase-file "$work/passphrase" >/dev/null
cat "$work"/image.E* >/dev/null
echo "$size MiB of text, pictures, zeros and random bytes as $(cat "$work"/image.E* | wc -c) bytes of E01"
echo "$(nproc) cores, median of $runs runs in turn, load before: $(cut -d' ' -f1-3 /proc/loadavg)"

python3 - "$runs" "$work" "$exhibit" <<'PY'
import os, statistics, subprocess, sys, time

runs, work, exhibit = int(sys.argv[1]), sys.argv[2], sys.argv[3]
case = ["--case", f"{work}/case"]
commands = {
    "ewfverify -d sha1,sha256": lambda run: ["ewfverify", "-q", "-d", "sha1,sha256", f"{work}/image.E01"],
    "exhibit verify": lambda run: [exhibit, "verify", *case, "E001"],
    "exhibit ingest": lambda run: [exhibit, "ingest", f"{work}/image.E01", *case, "--item", f"R{run}",
                                   "--passphrase-file", f"{work}/passphrase"],
}
measured = {name: [] for name in commands}
for run in range(runs):
    for name, command in commands.items():
        began = time.monotonic()
        child = subprocess.Popen(command(run), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        took = time.monotonic() - began
        if status != 0:
            sys.exit("failed: " + " ".join(command(run)))
        measured[name].append((took, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024))
peer = None
for name, values in measured.items():
    took, busy, memory = (statistics.median(value[index] for value in values) for index in range(3))
    peer = peer or (took, busy)
    print(f"{name:26} {took:6.2f} s, {busy:5.2f} s of processor, {memory:4.0f} MiB, "
          f"{took / peer[0]:.2f} of ewfverify's time, {busy / peer[1]:.2f} of its processor time")
PY
