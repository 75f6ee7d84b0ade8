#!/usr/bin/env python3
"""Floors: a file includes its own folder and the lower floors that its room knows, each foreign
library has one owner, no include leads back to itself, and there are no extern variables."""
import re

import tree

# What each room knows besides itself. Rooms on one floor never know each other.
KNOWS = {
    "base": (),
    "loop": ("base",),
    "model": ("base",),
    "store": ("base", "model"),
    "cloudflare": ("base", "loop", "model"),
    "supervise": ("base", "loop", "model", "store"),
    "reconcile": ("base", "loop", "model", "store", "cloudflare"),
    "ops/decl": ("base",),
    "ops": ("base", "loop", "model", "store", "cloudflare", "supervise", "reconcile", "ops/decl"),
    "mcp": ("base", "loop", "model", "ops/decl", "ops"),
    "api": ("base", "loop", "model", "ops/decl", "ops"),
    "cli": ("base", "loop", "ops/decl"),
    "daemon": ("base", "loop", "model", "store", "cloudflare", "supervise", "reconcile",
               "ops/decl", "ops", "mcp", "api"),
    # The stub is libc alone; the edge shares the wire between the two with it.
    "sim/stub": (),
    "sim": ("base", "loop", "sim/stub"),
}

# Who may include which foreign header.
OWNERS = (
    (r"cjson/|cJSON\.h", r"base/json\w*\.c"),
    (r"yaml\.h", r"base/yaml(_write)?\.c"),
    (r"openssl/", r"base/(secret|text)\.c"),
    (r"idn2\.h", r"base/hostname\.c"),
    (r"pcre2", r"base/pattern\.c"),
    (r"systemd/sd-journal\.h", r"base/log\w*\.c"),
    (r"systemd/sd-bus\.h", r"supervise/\w+\.[ch]"),
    (r"systemd/sd-daemon\.h", r"daemon/\w+\.c"),
    (r"systemd/", r"(base|supervise|daemon)/\w+\.c"),
    (r"ev\.h|libev/", r"loop/loop\.c"),
    (r"curl/", r"loop/http\w*\.[ch]"),
    (r"http_parser\.h", r"loop/ask\.c"),
    (r"microhttpd", r"loop/server\w*\.[ch]"),
    (r"sqlite3", r"store/\w+\.[ch]"),
    (r"regex\.h", r"sim/stub/\w+\.[ch]"),
)

# Headers of libc and the kernel; any other is a dependency that nobody decided on.
LIBC = re.compile(
    r"(sys|linux|netinet|arpa|net|asm)/\w+\.h|"
    r"(assert|ctype|dirent|endian|errno|fcntl|float|fnmatch|getopt|glob|grp|ifaddrs|inttypes|"
    r"langinfo|libgen|limits|link|locale|malloc|math|netdb|poll|pthread|pwd|sched|signal|spawn|stdalign|"
    r"stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|stdnoreturn|string|strings|syslog|"
    r"termios|time|uchar|unistd|wchar)\.h")

INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[ \t]*(?:\"([^\"\n]+)\"|<([^>\n]+)>)", re.M)
EXTERN = re.compile(r"^[ \t]*extern\b([^;{]*)", re.M)


def line_of(text, at):
    return text.count("\n", 0, at) + 1


def ours(root, name, target):
    """What is wrong with `#include "target"` in a file, or None."""
    room, other = tree.room_of(name), tree.room_of(target)
    if "/" not in target:
        return f'"{target}": an include path carries its folder'
    if other is None:
        return f'"{target}" is in no room of the product'
    if not (root / target).is_file():
        return f'"{target}" does not exist'
    if other != room and other not in KNOWS[room]:
        return f"{room} does not know {other}: \"{target}\""
    return None


def foreign(name, header):
    for headers, owners in OWNERS:
        if re.match(headers, header):
            if re.fullmatch(owners, name):
                return None
            return f"<{header}> belongs to {owners}"
    return None if LIBC.fullmatch(header) else f"<{header}> is no header that this house knows"


def cycles(graph):
    """One finding for each include that leads back to a file on its own way."""
    done, found = set(), []

    def walk(name, way):
        for target, line in graph.get(name, ()):
            if target in way:
                loop = way[way.index(target):] + [target]
                found.append((name, line, "include cycle: " + " -> ".join(loop)))
            elif target not in done:
                walk(target, way + [target])
        done.add(name)

    for name in sorted(graph):
        if name not in done:
            walk(name, [name])
    return found


def externs(name, text):
    """A function that is declared extern has a parenthesis right after its name."""
    return [(name, line_of(text, m.start()), "extern variable" + m.group(1).rstrip())
            for m in EXTERN.finditer(text) if not re.search(r"\w\s*\((?!\s*\*)", m.group(1))]


def check(root):
    wrong, graph = [], {}
    for name in tree.c_files(root, product=True):
        text = tree.uncommented(tree.read(root, name))
        for m in INCLUDE.finditer(text):
            line = line_of(text, m.start())
            what = ours(root, name, m.group(1)) if m.group(1) else foreign(name, m.group(2))
            if what:
                wrong.append((name, line, what))
            if m.group(1):
                graph.setdefault(name, []).append((m.group(1), line))
        wrong += externs(name, tree.code(tree.read(root, name)))
    return wrong + cycles(graph)


if __name__ == "__main__":
    tree.main(check)
