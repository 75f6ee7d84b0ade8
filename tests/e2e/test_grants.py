"""Grants on the socket: made, shown once, listed, tested, revoked, frozen; what ran out meanwhile and
what is damaged; and all that takes something away works on a full disk and over restarts."""
import json
import os
import shlex
import sqlite3
import subprocess
import time

import pytest
from harness import free_port, until
from test_disk_full import fill, refused_for_room, root, small  # noqa: F401 (a fixture)
from test_doors import call_as, denied
from test_mcp import META, MODERN, post

APP = "app.example.com"


def make(host, name="claude", **more):
    return host.api("grant_create", name=name, **more)


def names(host):
    return [g["name"] for g in host.items("grant_list")]


def secrets_of(grant):
    return [grant[k] for k in ("token", "second_token") if k in grant]


def everything(host):
    """All that is on disk and all that was said, as bytes."""
    found = host.log().encode() if isinstance(host.log(), str) else b""
    for path in host.state_dir.rglob("*"):
        if path.is_file():
            found += path.read_bytes()
    return found


def test_a_token_is_shown_once_and_nowhere_else(running):
    grant = make(running, role="operator", second_token=True)
    tokens = secrets_of(grant)
    assert len(tokens) == 2 and all(t.startswith("adit_") and len(t) == 48 for t in tokens)
    said = json.dumps([running.items("grant_list"), running.api("grant_test", name="claude"),
                       running.items("ledger_list"), running.status(),
                       running.refused("grant_create", name="claude").message])
    for token in tokens:
        assert token not in said and token.encode() not in everything(running)
        assert token[5:] not in json.dumps(grant["paste"])
    running.stop()
    for token in tokens:
        assert token.encode() not in everything(running)


def test_what_to_paste_is_whole(running):
    grant = make(running)
    stdio, project, desktop = [p["text"] for p in grant["paste"]]
    assert shlex.split(stdio) == ["claude", "mcp", "add", "adit", "--", "adit", "mcp", "--grant",
                                  "claude"]
    for text in (project, desktop):
        server = json.loads(text)["mcpServers"]["adit"]
        assert server["args"] == ["mcp", "--grant", "claude"]
        assert server["command"].endswith("adit")


@pytest.mark.parametrize("second", [False, True])
def test_the_http_entry_makes_its_headers_of_a_file(host, tmp_path, second):
    """The pasted commands are run as they stand, with a claude that keeps what it is given."""
    port = free_port()
    host.configure(mcp={"listen": f"127.0.0.1:{port}"})
    host.start()
    grant = make(host, second_token=second)
    commands = [p["text"] for p in grant["paste"] if "add-json" in p["text"]][0]
    kept = tmp_path / "kept.json"
    claude = tmp_path / "claude"
    claude.write_text(f'#!/bin/sh\n[ "$1 $2 $3" = "mcp add-json adit" ] && printf %s "$4" >{kept}\n')
    claude.chmod(0o755)
    env = {"HOME": str(tmp_path), "PATH": f"{tmp_path}:/usr/bin:/bin"}
    subprocess.run(["bash", "-ec", commands], env=env, check=True, text=True,
                   input="".join(t + "\n" for t in secrets_of(grant)))
    assert (tmp_path / ".config/adit/claude.token").stat().st_mode & 0o777 == 0o600
    entry = json.loads(kept.read_text())
    assert entry["type"] == "http" and entry["url"] == f"http://127.0.0.1:{port}/mcp"
    headers = subprocess.run(["sh", "-c", entry["headersHelper"]], env=env, check=True, text=True,
                             capture_output=True).stdout
    wanted = {"Authorization": f"Bearer {grant['token']}"}
    if second:
        wanted["X-Adit-Token"] = grant["second_token"]
    assert json.loads(headers) == wanted


def test_people_read_it_from_the_command_line(running):
    code, out, err = running.adit("grant", "create", "claude", "--role", "operator", "--hosts",
                                  f"{APP},*.dev.example.com", "--reason", "for a try")
    assert code == 0, err
    assert "claude mcp add adit -- adit mcp --grant claude\n" in out
    token = out.split("token         ")[1].split()[0]
    assert token.startswith("adit_") and len(token) == 48
    start = out.index("{\n")
    assert json.JSONDecoder().raw_decode(out[start:])[0]["mcpServers"]
    code, out, _ = running.adit("grant", "list")
    assert code == 0 and "claude" in out and "operator" in out and "adit_" not in out
    code, out, _ = running.adit("grant", "test", "claude", "--operation", "route_set", "--host",
                                "other.example.com")
    assert code == 0 and "scope" in out and "outside" in out
    code, out, _ = running.adit("grant", "freeze", "--reason", "odd")
    assert code == 0 and "odd" in out
    code, out, _ = running.adit("status")
    assert "read-only" in out and "adit grant freeze off" in out
    assert running.adit("grant", "freeze", "off")[0] == 0
    assert running.adit("grant", "revoke", "claude")[0] == 0
    assert running.adit("grant", "revoke", "claude")[0] != 0
    code, out, _ = running.adit("ledger", "verify")
    assert code == 0 and "yes" in out
    code, out, _ = running.adit("ledger", "list", "--operation", "grant_create")
    assert code == 0 and "root" in out and "allowed" in out


def test_only_admins_and_only_on_the_socket(host):
    host.configure(access={"operator": {"users": ["bin"]}, "viewer": {"users": ["daemon"]}})
    host.start()
    for user in ("bin", "daemon"):
        for op in ("grant_create", "grant_list", "grant_revoke", "grant_freeze", "grant_test",
                   "ledger_list", "ledger_verify"):
            denied(call_as(host, user, op, {"name": "x"}))


def test_it_expires_by_itself_and_while_nobody_is_there(running):
    make(running, "brief", expires_at="1s")
    make(running, "stays")
    until(lambda: names(running) == ["stays"])
    assert [r["object"] for r in running.items("ledger_list", operation="grant_expire")] == ["brief"]
    make(running, "meanwhile", expires_at="1s")
    running.kill9()
    time.sleep(1.1)
    running.start()
    assert names(running) == ["stays"]
    make(running, "meanwhile")


def test_revoked_stays_revoked_and_frozen_frozen_over_kill(running):
    make(running, "a")
    make(running, "b")
    running.api("grant_revoke", name="a")
    running.api("grant_freeze", reason="look first")
    running.kill9()
    running.start()
    assert names(running) == ["b"]
    problem = running.wait_problem(object="system", name="grants")
    assert "read-only" in problem["message"] and "look first" in problem["message"]
    assert "root" in problem["message"]
    assert running.items("grant_list")[0]["state"] == "read_only"
    assert running.api("grant_freeze", state="off")["changed"]
    assert not running.problems(name="grants")
    running.kill9()
    running.start()
    assert running.items("grant_list")[0]["state"] == "active"


@pytest.mark.waits
@root
def test_revoking_and_freezing_on_a_full_disk(small, origin):  # noqa: F811
    host = small.start()
    make(host, "claude", role="operator")
    make(host, "other")
    fill(host)
    refused_for_room(host, origin)
    assert host.refused("grant_create", name="more").kind == "internal"
    answer = host.api("grant_revoke", name="claude")
    assert answer["state"] == "revoked" and answer["warnings"] == []
    assert not (host.state_dir / "reserve").exists()
    fill(host)
    refused_for_room(host, origin)
    assert host.api("grant_freeze", reason="full")["state"] == "on"
    answer = host.api("grant_revoke", name="other")
    assert answer["state"] == "revoked" and names(host) == []
    assert host.problems(name="grants")
    (host.state_dir / "noise").unlink()
    until(lambda: not host.problems(name="disk"), 45)
    host.kill9()
    host.start()
    assert names(host) == [] and host.problems(name="grants")
    assert host.api("ledger_verify")["valid"]


def edit(host, *statements):
    with sqlite3.connect(host.state_dir / "adit.db") as db:
        for statement in statements:
            db.execute(statement)
    db.close()


def test_a_damaged_row_gives_nothing_and_is_shown(running):
    make(running, "claude", role="operator", hosts=[APP])
    make(running, "whole")
    running.stop()
    edit(running, "UPDATE access_grant SET spec = json_remove(spec, '$.hosts')"
                  " WHERE name = 'claude'")
    running.start()
    rows = {g["name"]: g for g in running.items("grant_list")}
    assert rows["claude"]["state"] == "damaged" and "hosts" in rows["claude"]["damage"]
    assert rows["whole"]["state"] == "active"
    assert "operations" not in running.api("grant_test", name="claude")
    assert running.api("grant_revoke", name="claude")["state"] == "revoked"
    assert make(running, "claude")["state"] == "active"


def test_a_changed_row_of_the_ledger_is_named(running):
    make(running)
    running.api("grant_revoke", name="claude")
    head = running.api("ledger_verify")
    assert head["valid"] and head["rows"] >= 4 and len(head["head"]) == 64
    rows = running.items("ledger_list", operation="grant_revoke")
    running.stop()
    edit(running, "DROP TRIGGER ledger_no_update",
         f"UPDATE ledger SET principal = 'nobody' WHERE seq = {rows[0]['seq']}")
    running.start()
    answer = running.api("ledger_verify")
    assert not answer["valid"] and answer["bad_row"] == rows[0]["seq"]
    assert "was changed" in answer["message"] and answer["hint"]
    code, out, _ = running.adit("ledger", "verify")
    assert code == 1 and str(rows[0]["seq"]) in out


def test_the_ledger_says_who_by_which_process(running):
    make(running, role="operator", reason="a try")
    row = running.items("ledger_list", operation="grant_create")[-1]
    assert row["door"] == "socket" and row["peer"] == f"pid {os.getpid()}"
    assert row["decision"] == "allowed" and row["policy"] == "role admin"
    assert json.loads(row["arguments"])["reason"] == "a try"


def ask_as(host, grant, tool, **arguments):
    """A tool of MCP on the socket, in the name of a grant."""
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call",
               "params": {"_meta": META, "name": tool, "arguments": arguments}}
    status, _, answer = post(host, message, {
        "MCP-Protocol-Version": MODERN, "Mcp-Method": "tools/call", "Mcp-Name": tool,
        "X-Adit-Grant": grant})
    return status, answer


def test_what_a_grant_did_and_what_waits_when_it_ends(site):
    make(site, role="operator", hosts=[APP])
    status, answer = ask_as(site, "claude", "route_delete", hostname=APP)
    assert status == 200, answer
    plan = answer["result"]["structuredContent"]["plan"]
    kept = site.api("plan_get", plan=plan)
    assert kept["state"] == "needs_approval" and kept["principal"] == "grant claude"
    row = site.items("ledger_list", decision="needs_approval")[0]
    assert row["plan"] == plan and row["principal"] == "grant claude" and row["door"] == "mcp"
    assert row["untrusted_client"].startswith("test") and str(os.getpid()) in row["peer"]
    assert ask_as(site, "claude", "route_list")[0] == 200
    reads = site.items("ledger_list", operation="route_list")
    assert reads and reads[0]["principal"] == "grant claude" and reads[0]["decision"] == "allowed"
    assert site.api("grant_test", name="claude")["sees_hosts"] == [APP]
    answer = site.api("grant_revoke", name="claude")
    assert answer["plans_rejected"] == 1
    kept = site.api("plan_get", plan=plan)
    assert kept["state"] == "rejected" and "revoked by root" in kept["decided_by"]
    assert site.refused("plan_approve", plan=plan, hash=kept["hash"]).kind == "conflict"
    assert ask_as(site, "claude", "route_list")[0] in (401, 403)
    make(site, "reader")
    ask_as(site, "reader", "route_delete", hostname=APP)
    row = site.items("ledger_list", principal="grant reader", decision="denied")[0]
    assert row["operation"] == "route_delete" and row["policy"] == "role"
    assert site.api("ledger_verify")["valid"]


def test_a_frozen_grant_still_reads(site):
    make(site, role="operator", hosts=[APP])
    plan = ask_as(site, "claude", "route_delete", hostname=APP)[1]["result"]["structuredContent"]
    site.api("grant_freeze", reason="look first")
    status, answer = ask_as(site, "claude", "route_set", hostname=APP, service="http_status:204")
    assert "error" in answer or answer["result"]["isError"], answer
    assert ask_as(site, "claude", "route_list")[1]["result"]["structuredContent"]["items"]
    e = site.refused("plan_approve", plan=plan["plan"], hash=plan["hash"])
    assert e.kind == "denied" and "read-only" in e.message
    assert site.items("ledger_list", decision="denied", principal="grant claude")
    site.api("grant_freeze", state="off")
    assert site.api("plan_approve", plan=plan["plan"], hash=plan["hash"])["state"] == "applied"
