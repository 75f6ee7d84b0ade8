#!/usr/bin/env python3
"""Format: C as clang-format lays it out, and what .editorconfig says about every text file."""
import concurrent.futures
import os
import re
import shutil
import subprocess

import tree

BATCH = 16
# Bytes that a fuzzer found are as they are.
AS_THEY_ARE = ("tests/fuzz/corpus/",)
COMPLAINT = re.compile(r"^(.*?):(\d+):\d+: (?:error|warning): (.*)$", re.M)


def clang_format():
    """The version of Debian 12: another one lays out some lines differently."""
    return shutil.which("clang-format-14") or shutil.which("clang-format")


def layout_of(root, names):
    done = subprocess.run([clang_format(), "--dry-run", "-Werror", "--style=file", *names],
                          cwd=root, capture_output=True, text=True, check=False)
    found = {(m.group(1), int(m.group(2))): m.group(3) for m in COMPLAINT.finditer(done.stderr)}
    if done.returncode != 0 and not found:
        return [(names[0], 1, f"clang-format failed: {done.stderr.strip()}")]
    return [(name, line, "not as clang-format lays it out; run clang-format -i")
            for name, line in sorted(found)]


def layout(root):
    names = [n for n in tree.c_files(root) if n.endswith((".c", ".h"))]
    if not names:
        return []
    if not clang_format():
        return [(".", 0, "clang-format is not installed (package clang-format)")]
    batches = [names[i:i + BATCH] for i in range(0, len(names), BATCH)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return [w for found in pool.map(lambda b: layout_of(root, b), batches) for w in found]


def text_rules(name, text):
    wrong = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.endswith("\r"):
            wrong.append((name, number, "the line ends with a carriage return"))
        elif line != line.rstrip():
            wrong.append((name, number, "white space at the end of the line"))
        if name.endswith((".py", ".sh", ".cmake", ".yaml", ".yml", ".json")) and \
                line.startswith("\t"):
            wrong.append((name, number, "a tab as indentation"))
        if any("\udc80" <= c <= "\udcff" for c in line):
            wrong.append((name, number, "not UTF-8"))
    if text and not text.endswith("\n"):
        wrong.append((name, text.count("\n") + 1, "no newline at the end of the file"))
    if text.endswith("\n\n"):
        wrong.append((name, text.count("\n"), "an empty line at the end of the file"))
    return wrong


def check(root):
    wrong = layout(root)
    for name in tree.tracked(root):
        text = None if name.startswith(AS_THEY_ARE) else tree.read(root, name)
        if text is not None:
            wrong += text_rules(name, text)
    return wrong


if __name__ == "__main__":
    tree.main(check)
