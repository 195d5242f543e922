#!/usr/bin/python3
"""Scores what a carver found against the truth of an image, by SHA-256: a file counts when it was found byte for byte.

    score.py TRUTH.json --export FILE.jsonl | --folder DIR  [--name NAME] [--time FILE] [--types]

--export reads a catalogue export, --folder the files that another carver wrote. --time takes what measure.py wrote.
Recall: planted files found exactly. Precision: finds that are planted files; finds that lie inside a planted file (an
embedded picture, a member of an archive) are right in their own way and left out where their place is known.
"""
import argparse, bisect, collections, hashlib, json, os


def findings(options):
    if options.export:
        with open(options.export) as lines: return [json.loads(line) for line in lines if line.strip()]
    found = []
    for root, _, names in os.walk(options.folder):
        for name in names:
            if name in ("audit.txt", "report.xml"): continue
            with open(os.path.join(root, name), "rb") as file: content = file.read()
            found.append({"sha256": hashlib.sha256(content).hexdigest(), "confidence": "-"})
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("truth")
    for option in ("--export", "--folder", "--name", "--time"): parser.add_argument(option)
    parser.add_argument("--types", action="store_true")
    options = parser.parse_args()
    with open(options.truth) as file: planted = [item for item in json.load(file)["files"] if item["complete"]]
    found = findings(options)
    digests = {item["sha256"] for item in found}
    wanted = {item["sha256"]: item for item in planted}
    spans = sorted((e["offset"], e["offset"] + e["length"]) for item in planted for e in item["extents"])

    def inside(item):
        for extent in item.get("extents", []):
            at = bisect.bisect_right(spans, (extent["offset"], float("inf"))) - 1
            if at < 0 or extent["offset"] + extent["length"] > spans[at][1]: return False
        return bool(item.get("extents"))

    exact = sum(digest in digests for digest in wanted)
    right = sum(item["sha256"] in wanted for item in found)
    judged = [item for item in found if item["sha256"] in wanted or not inside(item)]
    sure = [item for item in judged if item["confidence"] in ("proven", "structural")]
    wrong = [item for item in sure if item["sha256"] not in wanted]
    seconds, kibibytes = open(options.time).read().split() if options.time else ("-", "-")
    percent = lambda part, whole: f"{100 * part / whole:5.1f} %" if whole else "    - "
    print(f"{options.name or '-':<20} {exact:>5} / {len(wanted):<5} {percent(exact, len(wanted))}   {len(found):>6} finds "
          f"{percent(right, len(judged))} right   {seconds:>8} s {int(kibibytes) // 1024 if kibibytes != '-' else '-':>5} MiB"
          + (f"   proven and structural: {len(sure)}, wrong {len(wrong)}" if sure else ""))
    if options.types:
        total = collections.Counter(item["type"] for item in wanted.values())
        hits = collections.Counter(item["type"] for digest, item in wanted.items() if digest in digests)
        print(" " * 21 + "  ".join(f"{kind} {hits[kind]}/{total[kind]}" for kind in sorted(total)))


if __name__ == "__main__": main()
