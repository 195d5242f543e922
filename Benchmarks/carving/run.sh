#!/bin/bash
# Carves images with exhibit, photorec and foremost and prints recall, precision, time and memory side by side.
#
#   Benchmarks/carving/run.sh [FOLDER [SEED [MIB]]]
#
# FOLDER holds files in a folder for each type; they are laid out on an image of each profile that PROFILES names (whole,
# pieces and shifted unless told otherwise), with MIB again and again until the image is as large. Without a folder,
# test-images/contiguous is carved. Needs python3, testdisk and foremost; a carver that is not installed is left out.
# EXHIBIT names the command when it is not the release build of this checkout; WORK a folder for images and output.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d ${WORK:+-p "$WORK"})
trap 'rm -rf "$work"' EXIT

if [ -z "${EXHIBIT:-}" ]; then
    ${SWIFT:-swift} build --package-path "$root" --configuration release --product exhibit >&2
    EXHIBIT=$(${SWIFT:-swift} build --package-path "$root" --configuration release --show-bin-path)/exhibit
fi
measure=$here/measure.py
export EXHIBIT_HOME=$work/home
printf 'benchmark\n' > "$work/passphrase"
"$EXHIBIT" identity new --name "A. Examiner" --org "Lab" --passphrase-file "$work/passphrase" > /dev/null

timed() { # NAME COMMAND…
    local name=$1
    shift
    "$measure" "$work/$name.time" "$@" > "$work/$name.log" 2>&1 || {
        cat "$work/$name.log" >&2
        exit 1
    }
}

# carve IMAGE TRUTH NAME OPTIONS…
carve() {
    local image=$1 truth=$2 name=$3
    shift 3
    rm -rf "$work/case" "$work/photorec" "$work/foremost" "$work/written"
    # Everyone finds the image in the page cache.
    cat "$image" > /dev/null
    printf '\nimage: %s bytes, %s\n' "$(stat -c %s "$image")" "$name"
    printf '%-20s %s\n' carver '  exact of planted          found                      wall time  memory'

    "$EXHIBIT" case new --case "$work/case" --number B-1 --passphrase-file "$work/passphrase" > /dev/null
    timed ingest "$EXHIBIT" ingest "$image" --case "$work/case" --item E001 --passphrase-file "$work/passphrase"
    timed exhibit "$EXHIBIT" carve --case "$work/case" --item E001 --passphrase-file "$work/passphrase" "$@"
    "$EXHIBIT" catalog export --case "$work/case" --format jsonl > "$work/export.jsonl"
    "$here/score.py" "$truth" --name exhibit --export "$work/export.jsonl" --time "$work/exhibit.time" --types
    timed writing "$EXHIBIT" artifact write --all --to "$work/written" --case "$work/case" \
        --passphrase-file "$work/passphrase"
    printf '%-20s and in %s s, MiB: %s all of them were written to files\n' '' \
        "$(cut -d' ' -f1 "$work/writing.time")" "$(($(cut -d' ' -f2 "$work/writing.time") / 1024))"

    if command -v photorec > /dev/null; then
        mkdir "$work/photorec"
        (cd "$work/photorec" && TERM=${TERM:-xterm} "$measure" "$work/photorec.time" photorec /log \
            /d "$work/photorec/out" \
            /cmd "$image" partition_none,options,paranoid,fileopt,everything,enable,search \
            > "$work/photorec.log" 2>&1) || true
        rm -f "$work/photorec/photorec.log" "$work/photorec/photorec.se2"
        "$here/score.py" "$truth" --name photorec --folder "$work/photorec" --time "$work/photorec.time" --types
    fi
    if command -v foremost > /dev/null; then
        "$measure" "$work/foremost.time" foremost -Q -t all -i "$image" -o "$work/foremost" \
            > "$work/foremost.log" 2>&1 || true
        "$here/score.py" "$truth" --name foremost --folder "$work/foremost" --time "$work/foremost.time" --types
    fi
}

if [ $# -eq 0 ]; then
    carve "$root/test-images/contiguous/image.dd" "$root/test-images/contiguous/truth.json" test-images/contiguous
else
    for profile in ${PROFILES:-whole pieces shifted}; do
        image=$work/image.dd
        "$here/lay_out.py" "$1" "$image" --profile "$profile" --seed "${2:-1}" --size "${3:-0}"
        options=()
        if [ "$profile" = shifted ]; then options=(--embedded); fi
        carve "$image" "$image.json" "$1, $profile" "${options[@]}"
    done
fi
