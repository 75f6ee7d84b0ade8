#!/usr/bin/env python3
"""The example of the settings: aditd takes it as it is and with every # taken away, and no key of
the settings' tables is missing from it. Arguments: aditd, the root of the sources."""
import pathlib
import re
import subprocess
import sys
import tempfile

EXAMPLE = "packaging/adit.yaml.example"
# "#key: value" and "#  key: value" are settings; "# Words" are words.
SETTING = re.compile(r"^(\s*)#(?=[a-z]|  +[a-z])", re.M)
FIELD = re.compile(r"FIELD(?:_SUB)?\(struct \w+,\s*(\w+)")


def complaints(aditd, text):
    """What aditd says about a text, or None."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "adit.yaml"
        path.write_text(text)
        done = subprocess.run([aditd, "--check-config", "--config", path], env={},
                              capture_output=True, text=True, check=False)
        return None if done.returncode == 0 else done.stdout + done.stderr


def check(aditd, root):
    text = (root / EXAMPLE).read_text()
    every = SETTING.sub(r"\1", text)
    wrong = []
    for what, form in (("as it is", text), ("with every # taken away", every)):
        said = complaints(aditd, form)
        if said:
            wrong.append((0, f"{what}: {said.strip()}"))
    keys = FIELD.findall((root / "model/settings_table.c").read_text())
    if len(keys) < 30:
        wrong.append((0, "model/settings_table.c was not understood"))
    named = set(re.findall(r"\b([a-z_]+):", every))
    wrong += [(0, f"{key}: a setting that is not shown") for key in keys if key not in named]
    return wrong


if __name__ == "__main__":
    found = check(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve())
    for line, what_is_wrong in found:
        print(f"{EXAMPLE}:{line}: {what_is_wrong}")
    sys.exit(1 if found else 0)
