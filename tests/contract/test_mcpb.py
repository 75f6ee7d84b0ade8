"""The bundle for Claude Desktop: the official tool accepts it, and what it starts, with what its user
is asked for filled in, speaks MCP. The tool is fetched by npm, and left out in words where that is
not to be had."""
import json
import os
import pathlib
import subprocess
import zipfile

import pytest

from harness import BUILD, Host, Sim
from npm import NODE, NODE_24, fetched

BUNDLE = BUILD / "packaging" / "adit.mcpb"
TOOL = "node_modules/@anthropic-ai/mcpb/dist/cli/cli.js"


@pytest.fixture(name="tool", scope="module")
def the_tool():
    """A folder in the build directory that holds it; fetched once."""
    return fetched("npm-mcpb", [NODE_24, "@anthropic-ai/mcpb@2.1.2"], [TOOL, NODE])


def mcpb(tool, *args):
    done = subprocess.run([tool / NODE, tool / TOOL, *args], capture_output=True, text=True,
                          timeout=60, check=False, env={"PATH": os.environ["PATH"]})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def manifest():
    return json.loads(zipfile.ZipFile(BUNDLE).read("manifest.json"))


def ask(command, env=None):
    """The result of one initialize, and that of a list of tools."""
    messages = [{"jsonrpc": "2.0", "id": 1, "method": "initialize",
                 "params": {"protocolVersion": "2025-11-25", "capabilities": {},
                            "clientInfo": {"name": "claude-ai", "version": "0.1.0"}}},
                {"jsonrpc": "2.0", "method": "notifications/initialized"},
                {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}]
    done = subprocess.run(command, input="".join(json.dumps(m) + "\n" for m in messages), text=True,
                          capture_output=True, timeout=60, check=False, env=env or {})
    assert done.returncode == 0, done.stderr
    return [json.loads(line)["result"] for line in done.stdout.splitlines()]


@pytest.fixture(name="host", scope="module")
def a_host(tmp_path_factory):
    sim = Sim(tmp_path_factory.mktemp("sim"))
    host = Host(sim)
    host.start()
    yield host
    host.close()
    sim.close()


def test_the_official_tool_takes_it(tool, tmp_path):
    text = tmp_path / "manifest.json"
    text.write_text(json.dumps(manifest()))
    assert "validation passes" in mcpb(tool, "validate", text)
    assert "adit.mcpb" in mcpb(tool, "info", BUNDLE)
    mcpb(tool, "unpack", BUNDLE, tmp_path / "there")
    assert (tmp_path / "there" / "server" / "adit").read_bytes() == (BUILD / "adit").read_bytes()
    mcpb(tool, "pack", tmp_path / "there", tmp_path / "again.mcpb")
    assert set(zipfile.ZipFile(tmp_path / "again.mcpb").namelist()) == \
        set(zipfile.ZipFile(BUNDLE).namelist())


def test_what_it_starts_speaks_mcp(host, tmp_path):
    made = manifest()
    assert set(made["user_config"]) == {"grant", "socket"}
    assert made["user_config"]["socket"]["default"] == "/run/adit/adit.sock"
    zipfile.ZipFile(BUNDLE).extractall(tmp_path)
    (tmp_path / made["server"]["entry_point"]).chmod(0o755)
    assert zipfile.ZipFile(BUNDLE).getinfo("server/adit").external_attr >> 16 & 0o111
    host.api("grant_create", name="desktop", role="operator")
    words = {"${__dirname}": str(tmp_path), "${user_config.grant}": "desktop",
             "${user_config.socket}": str(host.socket)}

    def filled(text):
        for word, value in words.items():
            text = text.replace(word, value)
        assert "$" not in text, text
        return text
    config = made["server"]["mcp_config"]
    hello, tools = ask([filled(config["command"]), *map(filled, config["args"])])
    assert hello["serverInfo"]["name"] == "adit" and hello["protocolVersion"] == "2025-11-25"
    assert hello["serverInfo"]["version"] == made["version"]
    assert "route_set" in {t["name"] for t in tools["tools"]}


# As it stands: the client where it is installed, the socket where it is by default. In a namespace of
# its own both are there.
STAGE = """set -e
mount -t tmpfs none /run && mkdir /run/adit && ln -s "$SOCKET" /run/adit/adit.sock
mount -t tmpfs none "$STAGE"
mkdir -p "$(dirname "$STAGE/${COMMAND#"$TOP"/}")" && cp "$ADIT" "$STAGE/${COMMAND#"$TOP"/}"
mount -t overlay none -o "lowerdir=$STAGE:$TOP" "$TOP"
exec "$@"
"""


def test_the_entry_for_claude_desktop_is_run_as_it_stands(host, tmp_path):
    paste = host.api("grant_create", name="entry", role="operator")["paste"]
    text, = [p["text"] for p in paste if p["for"] == "Claude Desktop"]
    entry = json.loads(text)["mcpServers"]["adit"]
    command = pathlib.Path(entry["command"])
    assert command.is_absolute() and command.name == "adit" and set(entry) == {"command", "args"}
    env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "SOCKET": str(host.socket), "STAGE": str(tmp_path),
           "COMMAND": str(command), "TOP": f"/{command.parts[1]}", "ADIT": str(BUILD / "adit")}
    user = [] if os.getuid() == 0 else ["--user", "--map-root-user"]
    stage = ["unshare", *user, "--mount", "--propagation", "private", "sh", "-c", STAGE, "sh"]
    tried = subprocess.run([*stage, "true"], env=env, capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        pytest.skip(f"no namespace to stage it in: {tried.stderr[-200:]}")
    hello, tools = ask([*stage, entry["command"], *entry["args"]], env)
    assert hello["serverInfo"]["name"] == "adit"
    assert "route_set" in {t["name"] for t in tools["tools"]}
