#!/usr/bin/env python3
"""Words that must not stand here: marks of unfinished work, functions of C that invite overflows
or hide errors, hosts of package registries, paths of one person's machine."""
import re

import tree

# Broken up, so that this file does not find itself.
MARKS = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")

BANNED = {
    "atoi": "int64_parse or strtol", "atol": "strtol", "atof": "strtod", "strtok": "strcspn",
    "sprintf": "snprintf", "vsprintf": "vsnprintf", "strcpy": "str_copy", "strcat": "a buf",
    "strncpy": "str_copy", "strncat": "a buf", "gets": "getline", "system": "loop/child",
    "popen": "loop/child", "rand": "random bytes of base/secret",
    "random": "random bytes of base/secret", "alloca": "a buf", "tmpnam": "mkstemp",
    "mktemp": "mkstemp",
}
CALL = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")

PLACES = (
    (re.compile(r"registry\.(npmjs|yarnpkg)|deb\.debian\.org|(security|ftp|snapshot)\.debian\.org|"
                r"pypi\.(org|python)|files\.pythonhosted|crates\.io|proxy\.golang\.org|"
                r"rubygems\.org|archive\.ubuntu\.com"), "host of a package registry"),
    (re.compile(r"(?<![\w.}/])/(work|root|home/\w+)/|/tmp/b-"), "path of somebody's machine"),
)
HERE = "tests/house/"


def findings(name, text, pattern, what):
    return [(name, text.count("\n", 0, m.start()) + 1, what(m)) for m in pattern.finditer(text)]


def check(root):
    wrong = []
    for name in tree.tracked(root):
        text = tree.read(root, name)
        if text is None or name.startswith(HERE):
            continue
        wrong += findings(name, text, MARKS, lambda m: f"{m.group(1)}: an unfinished thought")
        for pattern, kind in PLACES:
            wrong += findings(name, text, pattern, lambda m, k=kind: f"{m.group().strip()}: {k}")
        if tree.room_of(name) and name.endswith((".c", ".h")):
            wrong += findings(name, tree.code(text), CALL,
                              lambda m: f"{m.group(1)}() is banned; use {BANNED[m.group(1)]}")
    return wrong


if __name__ == "__main__":
    tree.main(check)
