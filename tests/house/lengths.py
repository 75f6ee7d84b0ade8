#!/usr/bin/env python3
"""Lengths: files, functions, and the median of all functions of the product."""
import statistics
import sys

import tree

FILE_MAX, TEST_FILE_MAX = 600, 900
FUNCTION_MAX, MEDIAN_MAX = 80, 14


def functions(text):
    """(line of the opening brace, lines from brace to brace). A function's braces stand alone at
    the first column; those of structs, enums and tables do not."""
    start, found = 0, []
    for number, line in enumerate(text.split("\n"), 1):
        if line == "{":
            start = number
        elif line == "}" and start:
            found.append((start, number - start + 1))
            start = 0
    return found


def check(root):
    wrong, lengths = [], []
    for name in tree.c_files(root):
        text = tree.read(root, name)
        product = tree.room_of(name) is not None
        most = FILE_MAX if product else TEST_FILE_MAX
        lines = text.count("\n")
        if lines > most:
            wrong.append((name, most + 1, f"{lines} lines; a file has at most {most}"))
        if not product:
            continue
        for line, length in functions(tree.code(text)):
            lengths.append(length)
            if length > FUNCTION_MAX:
                wrong.append((name, line, f"a function of {length} lines; at most {FUNCTION_MAX}"))
    median = statistics.median(lengths) if lengths else 0
    if median > MEDIAN_MAX:
        wrong.append((".", 0, f"the median function has {median} lines; at most {MEDIAN_MAX}"))
    if lengths:
        print(f"{len(lengths)} functions, median {median:g} lines, longest {max(lengths)}",
              file=sys.stderr)
    return wrong


if __name__ == "__main__":
    tree.main(check)
