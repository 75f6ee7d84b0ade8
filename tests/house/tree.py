"""The files that the checks look at, and C text without its comments and strings."""
import pathlib
import re
import subprocess
import sys

# The rooms of the product, by floor; sim is a wing of its own. Tests have laxer rules.
ROOMS = ("base", "loop", "model", "store", "cloudflare", "supervise", "reconcile", "ops/decl",
         "ops", "mcp", "api", "cli", "daemon", "sim/stub", "sim")
PASSED_OVER = {".git", "node_modules", "__pycache__", ".pytest_cache"}


def tracked(root):
    """Paths relative to root, as git knows them; all files where there is no repository."""
    if (root / ".git").exists():
        git = subprocess.run(
            ["git", "-c", f"safe.directory={root}", "-C", str(root), "ls-files", "-z"],
            capture_output=True, check=True)
        names = [n for n in git.stdout.decode().split("\0") if n]
    else:
        names = [str(p.relative_to(root)) for p in root.rglob("*") if is_source(p, root)]
    return sorted(n for n in names if (root / n).is_file() and not (root / n).is_symlink())


def is_source(path, root):
    parts = path.relative_to(root).parts
    return not PASSED_OVER.intersection(parts) and not parts[0].startswith("build")


def room_of(name):
    """The room that a file lies in, or None: tests, bench, scripts."""
    folder = str(pathlib.PurePosixPath(name).parent)
    return folder if folder in ROOMS else None


def c_files(root, product=False):
    return [n for n in tracked(root)
            if n.endswith((".c", ".h", ".def")) and (room_of(n) or not product)]


def read(root, name):
    """The text of a file, or None when it is not text."""
    data = (root / name).read_bytes()
    if b"\0" in data:
        return None
    return data.decode("utf-8", errors="surrogateescape")


COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.S)
TOKEN = re.compile(COMMENT.pattern + r"|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)


def blank(match):
    """As many lines as before, and nothing else."""
    return "\n" * match.group().count("\n") or " "


def code(text):
    """C text with comments, strings and characters taken out; lines keep their numbers."""
    return TOKEN.sub(blank, text)


def uncommented(text):
    """C text with the comments alone taken out."""
    return TOKEN.sub(lambda m: blank(m) if m.group().startswith("/") else m.group(), text)


def main(check):
    """Runs one check over the root given as argument, or over this repository."""
    here = pathlib.Path(__file__).resolve().parents[2]
    root = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else here
    wrong = check(root)
    for name, line, what in wrong:
        print(f"{name}:{line}: {what}")
    sys.exit(1 if wrong else 0)
