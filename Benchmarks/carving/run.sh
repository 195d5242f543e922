#!/bin/bash
# Carves one image with exhibit, photorec and foremost and prints recall, precision, time and memory side by side.
#
#   Benchmarks/carving/run.sh [FOLDER [SEED]]
#
# FOLDER holds files in a folder for each type; they are laid out on an image, each in one piece. Without one,
# test-images/contiguous is carved. Needs python3, testdisk and foremost; a carver that is not installed is left out.
# EXHIBIT names the command when it is not the release build of this checkout.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [ $# -gt 0 ]; then
    image=$work/image.dd
    truth=$work/image.dd.json
    "$here/lay_out.py" "$1" "$image" --seed "${2:-1}"
else
    image=$root/test-images/contiguous/image.dd
    truth=$root/test-images/contiguous/truth.json
fi
if [ -z "${EXHIBIT:-}" ]; then
    ${SWIFT:-swift} build --package-path "$root" --configuration release --product exhibit >&2
    EXHIBIT=$(${SWIFT:-swift} build --package-path "$root" --configuration release --show-bin-path)/exhibit
fi
measure=$here/measure.py
score() { "$here/score.py" "$truth" "$@"; }
# Everyone finds the image in the page cache.
cat "$image" > /dev/null

printf 'image: %s bytes, %s\n' "$(stat -c %s "$image")" "${1:-test-images/contiguous}"

export EXHIBIT_HOME=$work/home
printf 'benchmark\n' > "$work/passphrase"
"$EXHIBIT" identity new --name "A. Examiner" --org "Lab" --passphrase-file "$work/passphrase" > /dev/null
case_folder=$work/case
"$EXHIBIT" case new --case "$case_folder" --number B-1 --passphrase-file "$work/passphrase" > /dev/null
"$measure" "$work/ingest.time" "$EXHIBIT" ingest "$image" --case "$case_folder" --item E001 \
    --passphrase-file "$work/passphrase" > "$work/ingest.log" 2>&1 || { cat "$work/ingest.log" >&2; exit 1; }
"$measure" "$work/exhibit.time" "$EXHIBIT" carve --case "$case_folder" --item E001 \
    --passphrase-file "$work/passphrase" > "$work/carve.log" 2>&1 || { cat "$work/carve.log" >&2; exit 1; }
"$EXHIBIT" catalog export --case "$case_folder" --format jsonl > "$work/export.jsonl"
printf '%-10s %s\n' carver '  exact of planted          found                      wall time  memory'
score --name exhibit --export "$work/export.jsonl" --time "$work/exhibit.time" --types

if command -v photorec > /dev/null; then
    mkdir "$work/photorec"
    (cd "$work/photorec" && TERM=${TERM:-xterm} "$measure" "$work/photorec.time" photorec /log /d "$work/photorec/out" \
        /cmd "$image" partition_none,options,paranoid,fileopt,everything,enable,search > "$work/photorec.log" 2>&1) || true
    rm -f "$work/photorec/photorec.log" "$work/photorec/photorec.se2"
    score --name photorec --folder "$work/photorec" --time "$work/photorec.time" --types
fi
if command -v foremost > /dev/null; then
    "$measure" "$work/foremost.time" foremost -Q -t all -i "$image" -o "$work/foremost" > "$work/foremost.log" 2>&1 || true
    score --name foremost --folder "$work/foremost" --time "$work/foremost.time" --types
fi
