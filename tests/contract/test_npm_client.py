"""Cloudflare's official npm client must find adit-sim to be Cloudflare."""
import json
import os
import pathlib
import shutil
import subprocess
import time

import pytest

from npm import fetched
from simulator import BUILD, Simulator

HERE = pathlib.Path(__file__).resolve().parent
CLIENT = "cloudflare@7"
SEED = {
    "roles": [{"name": "Reader", "permissions": {"dns": {"read": True, "write": False}}}],
    "permission_groups": [{"name": "Guests"}],
    "members": [{"email": f"m{i}@example.com", "status": "accepted" if i % 10 else "pending",
                 "roles": ["Reader"]} for i in range(120)],
    "rulesets": [{"name": f"set {i}", "kind": "custom", "phase": "http_request_firewall_custom"}
                 for i in range(25)]}


@pytest.fixture(name="client", scope="module")
def installed_client():
    """A folder in the build directory that holds the client; fetched once."""
    node = shutil.which("node")
    if not node:
        pytest.skip("node is not installed")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)
    if int(version.stdout.lstrip("v").split(".")[0]) < 20:
        pytest.skip(f"the client needs Node 20, this is {version.stdout.strip()}")
    return fetched("npm-client", [CLIENT], ["node_modules/cloudflare/package.json"])


def wait_until_healthy(sim, name):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        rows = sim.control("GET", "state")["tunnels"]
        if any(t["name"] == name and t["status"] == "healthy" for t in rows):
            return
        time.sleep(0.05)
    raise AssertionError(f"tunnel {name} did not become healthy")


def connector(sim, folder, name):
    """A stub cloudflared that serves a tunnel of that name."""
    made = sim.api("POST", f"/accounts/{sim.account}/cfd_tunnel",
                   {"name": name, "config_src": "cloudflare"})[1]["result"]
    token = folder / "token"
    token.write_text(made["token"])
    token.chmod(0o600)
    return subprocess.Popen(
        [BUILD / "adit-sim-cloudflared", "tunnel", "--no-autoupdate", "--metrics", "127.0.0.1:0",
         "run", "--token-file", token], stderr=subprocess.DEVNULL)


def test_official_client(client, tmp_path):
    with Simulator() as sim:
        sim.control("POST", "seed", {"security": {"account": SEED}})
        stub = connector(sim, tmp_path, "connected")
        try:
            wait_until_healthy(sim, "connected")
            done = subprocess.run(
                ["node", HERE / "npm_client.mjs", client], capture_output=True, text=True,
                timeout=120, check=False,
                env={"PATH": os.environ["PATH"], "CLOUDFLARE_BASE_URL": sim.api_url,
                     "CLOUDFLARE_API_TOKEN": sim.token, "SIM_ACCOUNT": sim.account,
                     "SIM_CONNECTED": "connected"})
        finally:
            stub.terminate()
            stub.wait(timeout=40)
        assert done.returncode == 0, done.stderr[-3000:]
        rays = [row["ray"] for row in sim.log()]
        assert len(rays) == len(set(rays)) > 40
        assert json.dumps(sim.log()).count(sim.token) == 0
