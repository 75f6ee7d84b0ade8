#!/usr/bin/env python3
"""Callers: what a room offers, the product uses. A function that nothing but tests call goes, with
its tests, unless it stands here with a reason."""
import collections
import re

import tree

EXCUSED = {
    "clock_freeze": "tests stop the clock",
    "connector_state_doc": "docs/DESIGN.md is held against it",
    "heal_describe": "docs/DESIGN.md is held against it",
    "loop_turn": "tests turn the loop by hand",
    "protocol_describe": "docs/DESIGN.md is held against it",
    "replace_describe": "docs/DESIGN.md is held against it",
    "server_lines_req": "tests cut an upgraded request",
    "step_describe": "docs/DESIGN.md is held against it",
    "store_damaged_name": "tests look at the file",
    "store_list_ledger": "a command that is to come",
    "store_verify_ledger": "a command that is to come",
}

NAME = re.compile(r"(\w+)\(")
WORD = re.compile(r"[A-Za-z_]\w*")
# Names that a macro makes of the word in its parentheses.
MADE = ((re.compile(r"\bAUTO\((\w+)\)"), ("{}_cleanup",)),
        (re.compile(r"\bOP\((\w+)\)"), ("op_{}", "run_{}")))
# A prototype of a header: at the first column, up to its semicolon.
PROTOTYPE = re.compile(r"^(?!#|\}|typedef|static)[A-Za-z_][^;{}=]*\([^;{}]*\)[^;{}]*;", re.M)


def functions(text):
    """(line, name, static, body): a body's brace stands alone at the first column, and so does the
    beginning of its head."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if line != "{":
            continue
        head = number - 1
        while head > 0 and lines[head][:1] in ("\t", " ", ""):
            head -= 1
        found = NAME.search("\n".join(lines[head:number]))
        if found:
            yield (head + 1, found.group(1), lines[head].startswith("static"),
                   "\n".join(lines[number:lines.index("}", number)]))


def words(text):
    return collections.Counter(WORD.findall(text)) + collections.Counter(
        name.format(word) for macro, names in MADE for word in macro.findall(text)
        for name in names)


def check(root):
    offered, used = {}, collections.Counter()
    for name in tree.c_files(root, product=True):
        text = tree.code(tree.read(root, name))
        for line, function, static, body in functions(text):
            # Its own name in its head, and where it calls itself, are no calls of others.
            used[function] -= 1 + words(body)[function]
            if not static and function != "main":
                offered[function] = (name, line)
        used += words(PROTOTYPE.sub("", text) if name.endswith(".h") else text)
    called = {f for f in offered if used[f] > 0}
    return ([(*offered[f], f"nothing but tests call {f}")
             for f in sorted(offered.keys() - called - EXCUSED.keys())] +
            [(*offered[f], f"{f} needs no excuse: it is called")
             for f in sorted(called & EXCUSED.keys())])


if __name__ == "__main__":
    tree.main(check)
