#!/usr/bin/env python3
"""A sentence that tells a person to run a command names one that there is: "adit NOUN VERB" in the
strings of product code must be an operation of ops.def or a shortcut of cli/words.c."""
import re

import tree

STRING = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
TOLD = re.compile(r"\badit ([a-z]+)(?: ([a-z]+))?")
OPERATION = re.compile(r"^OP\((\w+)\)", re.M)
SHORTCUT = re.compile(r'^\t\{"(\w+)", "\w+"', re.M)
# Nouns that are planned: a sentence must not promise them before they are there.
PLANNED = {"doctor", "why", "log", "grant", "token", "writes", "drift", "manifest", "health",
           "account", "apply", "adopt", "setup"}


def known(root):
    operations = set(OPERATION.findall(tree.read(root, "ops/decl/ops.def") or ""))
    shortcuts = set(SHORTCUT.findall(tree.read(root, "cli/words.c") or ""))
    return operations, shortcuts


def strings(text):
    """Strings of the source, neighbours joined as the compiler does, with their line."""
    joined = re.sub(r'"\s*\n\s*"', "", text)
    for m in STRING.finditer(joined):
        yield m.group(1), joined.count("\n", 0, m.start()) + 1


def check(root):
    operations, shortcuts = known(root)
    nouns = {o.split("_")[0] for o in operations} | PLANNED
    wrong = []
    for name in tree.tracked(root):
        if not tree.room_of(name) or not name.endswith(".c"):
            continue
        for text, line in strings(tree.read(root, name) or ""):
            for noun, verb in TOLD.findall(text):
                if noun not in nouns or noun in shortcuts or f"{noun}_{verb}" in operations:
                    continue
                wrong.append((name, line, f"\"adit {noun} {verb}\" is no command of adit"))
    return wrong


if __name__ == "__main__":
    tree.main(check)
