#!/bin/bash
# Ingest beside its peers: the same file, in the page cache, in the same run; ratios, not seconds, are what counts.
#   Benchmarks/ingest/run.sh [MiB]     size of the random file (default 1024)
# Peers: openssl dgst -md5 (the slowest digest alone), dc3dd (three digests), hashdeep (two digests).
set -euo pipefail

size=${1:-1024}
root=$(cd "$(dirname "$0")/../.." && pwd)
exhibit=${EXHIBIT:-$root/.build/release/exhibit}
runs=${RUNS:-3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for tool in openssl dc3dd hashdeep; do command -v $tool >/dev/null || { echo "$tool is missing: apt-get install openssl dc3dd hashdeep" >&2; exit 2; }; done
[ -x "$exhibit" ] || { echo "$exhibit is missing: make build" >&2; exit 2; }

export EXHIBIT_HOME=$work/home
echo "benchmark" >"$work/passphrase"
"$exhibit" identity new --name "Bench Mark" --org "Bench" --passphrase-file "$work/passphrase" >/dev/null
head -c "${size}M" /dev/urandom >"$work/random.dd"
head -c "${size}M" /dev/zero | tr '\0' 'x' >"$work/text.dd"
truncate -s 8G "$work/sparse.dd"

# seconds and peak MiB of a command, the fastest of several runs
measure() {
    python3 - "$runs" "$@" <<'PY'
import os, subprocess, sys, time
best = None
for number in range(int(sys.argv[1])):
    command = [word.replace("%N", str(number)) for word in sys.argv[2:]]
    began = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    took = time.monotonic() - began
    if status != 0: sys.exit("failed: " + " ".join(command))
    if best is None or took < best[0]: best = (took, usage.ru_maxrss / 1024)
print(f"{best[0]:.2f} {best[1]:.0f}")
PY
}
row() { printf '%-52s %8s s %6s MiB   %s\n' "$1" "$2" "$3" "$4"; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f x openssl -md5", a / b }'; }

for image in random text sparse; do
    file=$work/$image.dd
    cat "$file" >/dev/null
    echo "$image, $(stat -c %s "$file") bytes, $(nproc) cores, best of $runs"
    read -r base memory < <(measure openssl dgst -md5 "$file")
    row "openssl dgst -md5" "$base" "$memory" ""
    "$exhibit" case new --case "$work/$image-case" --number "$image" --passphrase-file "$work/passphrase" >/dev/null 2>&1
    read -r took memory < <(measure "$exhibit" ingest "$file" --case "$work/$image-case" --item "I%N" --passphrase-file "$work/passphrase")
    row "exhibit ingest (md5, sha1, sha256, blocks, signed)" "$took" "$memory" "$(ratio "$took" "$base")"
    read -r took memory < <(measure "$exhibit" process "$file" --case "$work/$image-process-%N" --number "$image-%N" --no-report --passphrase-file "$work/passphrase")
    row "exhibit process --no-report (ingest and carve)" "$took" "$memory" "$(ratio "$took" "$base")"
    if [ "$image" != sparse ]; then
        read -r took memory < <(measure dc3dd "if=$file" of=/dev/null hash=md5 hash=sha1 hash=sha256)
        row "dc3dd (md5, sha1, sha256)" "$took" "$memory" "$(ratio "$took" "$base")"
        read -r took memory < <(measure hashdeep -c md5,sha1,sha256 "$file")
        row "hashdeep (md5, sha1, sha256)" "$took" "$memory" "$(ratio "$took" "$base")"
    fi
    echo
done
