#!/bin/bash
# Imaging beside its peers: the same file, in the page cache, in the same run; ratios, not seconds, are what counts.
#   Benchmarks/acquire/run.sh [MiB]     size of the mixed file (default 1024); TMPDIR says where it and the images lie
# Peers: ewfacquire -c fast (E01, MD5, SHA-1, SHA-256), dc3dd (raw, MD5, SHA-1, SHA-256, SHA-512).
# Neither peer flushes what it writes; Exhibit does. Where the disk is slow, give TMPDIR=/dev/shm to see the work itself.
set -euo pipefail

size=${1:-1024}
root=$(cd "$(dirname "$0")/../.." && pwd)
exhibit=${EXHIBIT:-$root/.build/release/exhibit}
runs=${RUNS:-3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for tool in ewfacquire ewfverify dc3dd; do command -v $tool >/dev/null || { echo "$tool is missing: apt-get install ewf-tools dc3dd" >&2; exit 2; }; done
[ -x "$exhibit" ] || { echo "$exhibit is missing: make build" >&2; exit 2; }

export EXHIBIT_HOME=$work/home
echo "benchmark" >"$work/passphrase"
"$exhibit" identity new --name "Bench Mark" --org "Bench" --passphrase-file "$work/passphrase" >/dev/null
"$exhibit" case new --case "$work/case" --number bench --passphrase-file "$work/passphrase" >/dev/null 2>&1

# Half of it programs and libraries, a quarter noise, a quarter zeros, in runs of 8 MiB, as disks are filled.
echo "making $size MiB" >&2
python3 - "$work/medium.dd" "$size" <<'PY'
import os, sys
run = 8 << 20
def programs():
    while True:
        for folder, _, names in os.walk("/usr/lib"):
            for name in sorted(names):
                path = os.path.join(folder, name)
                if os.path.isfile(path) and not os.path.islink(path):
                    with open(path, "rb") as file: yield file.read()
files, kept = programs(), bytearray()
with open(sys.argv[1], "wb") as medium:
    for number in range(int(sys.argv[2]) * (1 << 20) // run):
        kind = number % 4
        if kind == 2: medium.write(os.urandom(run))
        elif kind == 3: medium.write(bytes(run))
        else:
            while len(kept) < run: kept += next(files)
            medium.write(kept[:run]); del kept[:run]
PY
cat "$work/medium.dd" >/dev/null

# seconds, seconds of processor and peak MiB of a command, the fastest of several runs
measure() {
    python3 - "$runs" "$work" "$@" <<'PY'
import glob, os, subprocess, sys, time
best = None
for number in range(int(sys.argv[1])):
    for old in glob.glob(sys.argv[2] + "/out*"): os.remove(old)
    command = [word.replace("%N", str(time.monotonic_ns())) for word in sys.argv[3:]]
    began = time.monotonic()
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    took = time.monotonic() - began
    if status != 0: sys.exit("failed: " + " ".join(command))
    if best is None or took < best[0]: best = (took, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
print(f"{best[0]:.2f} {best[1]:.2f} {best[2]:.0f}")
PY
}
row() { printf '%-44s %7s s %7s s cpu %5s MiB   %s\n' "$1" "$2" "$3" "$4" "$5"; }
ratio() { awk -v a="$1" -v b="$2" -v n="$3" 'BEGIN { printf "%.2f x %s", a / b, n }'; }
acquire() { measure "$exhibit" acquire "$work/medium.dd" --case "$work/case" --item "I%N" --to "$work/out" --passphrase-file "$work/passphrase" "$@"; }

echo "mixed, $(stat -c %s "$work/medium.dd") bytes, $(nproc) cores, best of $runs, in $(df --output=fstype "$work" | tail -1)"
read -r base cpu memory < <(measure ewfacquire -u -q -f encase6 -c fast -d sha1,sha256 -S 2GiB -t "$work/out" "$work/medium.dd")
row "ewfacquire -c fast (md5, sha1, sha256)" "$base" "$cpu" "$memory" "$(du -m "$work"/out.E* | awk '{ s += $1 } END { print s }') MiB image"
read -r took cpu memory < <(acquire --no-read-back)
row "exhibit acquire (same, and blocks), E01" "$took" "$cpu" "$memory" "$(ratio "$took" "$base" ewfacquire), $(du -m "$work"/out.E* | awk '{ s += $1 } END { print s }') MiB image"
ewfverify -q -d sha1,sha256 "$work/out.E01" >/dev/null || { echo "ewfverify does not agree" >&2; exit 1; }
read -r took cpu memory < <(acquire)
row "exhibit acquire, read back as well" "$took" "$cpu" "$memory" "$(ratio "$took" "$base" ewfacquire)"
read -r base cpu memory < <(measure dc3dd "if=$work/medium.dd" "of=$work/out.dd" hash=md5 hash=sha1 hash=sha256 hash=sha512)
row "dc3dd (md5, sha1, sha256, sha512)" "$base" "$cpu" "$memory" ""
read -r took cpu memory < <(acquire --format raw --digest sha512 --no-read-back)
row "exhibit acquire (same, and blocks), raw" "$took" "$cpu" "$memory" "$(ratio "$took" "$base" dc3dd)"
cmp "$work/medium.dd" "$work/out.dd"
