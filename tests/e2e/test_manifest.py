"""Manifests: applied, applied again, pruned with approval, refused where they are another's; and
what is written out is what was read."""
import json

import pytest

from harness import until

SITE = """\
manifest: site
tunnels:
- name: web
  routes:
  - hostname: app.example.com
    service: {origin}
    comment: from a file
  - hostname: app.example.com
    path: ^/api
    service: {origin}
    origin: {{connectTimeout: 5s, noTLSVerify: true}}
  - {{hostname: www.example.net, service: 'http_status:204'}}
records:
- {{name: mail.example.com, type: MX, content: mx.example.net, priority: 5}}
- {{name: example.com, type: TXT, content: "v=spf1 -all", ttl: 300}}
"""
ALL = {("+", "tunnel", "web"), ("+", "route", "app.example.com"), ("+", "route", "www.example.net"),
       ("+", "record", "app.example.com"), ("+", "record", "www.example.net"),
       ("+", "record", "mail.example.com"), ("+", "record", "example.com")}


def signs(answer):
    return {(c["sign"], c["object"], c["name"]) for c in answer["changes"]}


def apply(host, text, **more):
    return host.api("manifest_apply", text=text, **more)


def done(answer, state="applied"):
    assert answer["state"] == state and answer["converged"] is True, answer
    return answer


@pytest.fixture
def text(origin):
    return SITE.format(origin=origin.url)


@pytest.fixture
def applied(running, text):
    done(apply(running, text))
    running.wait_converged()
    return running


def test_it_is_made_and_the_second_time_nothing(running, sim, origin, text):
    answer = done(apply(running, text))
    assert signs(answer) == ALL and not answer["approvals"]
    running.wait_converged()
    assert sim.fetch()[1] == "origin /" and sim.fetch("/api")[0] == 200
    tunnel, = sim.tunnels("web")
    rule, = (r for r in sim.config(tunnel["id"])["ingress"] if r.get("path"))
    assert rule["originRequest"] == {"connectTimeout": 5, "noTLSVerify": True}
    assert sim.records("app.example.com")[0]["comment"].endswith(" from a file")
    since = sim.mark()
    again = done(apply(running, text), "unchanged")
    assert again["changes"] == [] and "plan" not in again
    done(apply(running, json.dumps({"manifest": "site"})), "unchanged")
    assert sim.writes(since) == []


def test_a_dry_run_changes_nothing(running, sim, text):
    since = sim.mark()
    answer = apply(running, text, dry_run=True)
    assert answer["state"] == "planned" and signs(answer) == ALL
    assert sim.writes(since) == [] and running.status()["tunnels"] == []


def test_what_is_written_out_changes_nothing(applied, sim):
    out = applied.api("manifest_export")
    assert out["objects"] == 6 and out["text"].startswith("# adit: 6 objects\nmanifest: site\n")
    assert applied.api("manifest_export") == out
    done(apply(applied, out["text"], prune=True), "unchanged")
    assert applied.api("manifest_export", name="other")["objects"] == 0
    assert applied.api("manifest_export", tunnel="web")["objects"] == 4


def test_a_host_renamed_is_dropped_and_made_in_one_plan(applied, sim, text):
    renamed = text.replace("www.example.net", "web.example.net")
    kept = done(apply(applied, renamed, dry_run=False))
    assert ("=", "route", "www.example.net") in signs(kept)
    assert ("+", "route", "web.example.net") in signs(kept)
    answer = apply(applied, renamed, prune=True)
    assert answer["state"] == "needs_approval"
    assert {x for x in signs(answer) if x[0] != "="} == {
        ("-", "route", "www.example.net"), ("-", "record", "www.example.net")}
    assert sim.records("www.example.net") != []
    done(applied.api("plan_approve", plan=answer["plan"], hash=answer["hash"]))
    applied.wait_converged()
    assert sim.records("www.example.net") == [] and len(sim.records("web.example.net")) == 1
    done(apply(applied, renamed, prune=True), "unchanged")


def test_the_wrong_document_deletes_nothing_unasked(applied, sim):
    applied.configure(safety={"max_delete": 3})
    applied.reload()
    since = sim.mark()
    for wrong in ("", "manifest: site\n", "tunnels: []\n",
                  "manifest: site\ntunnels:\n- {name: other}\n"):
        left = apply(applied, wrong, name="site", dry_run=True)
        assert not any(s == "-" for s, _, _ in signs(left)), left
        answer = apply(applied, wrong, name="site", prune=True)
        assert answer["state"] == "needs_approval"
        assert sum(c["sign"] == "-" for c in answer["changes"]) == 8
        assert any("8 objects" in a for a in answer["approvals"]), answer["approvals"]
    assert sim.writes(since) == []
    assert sim.fetch()[0] == 200
    # another manifest's prune sees nothing of it
    done(apply(applied, "", name="other", prune=True), "unchanged")


def test_all_of_it_goes_when_a_person_says_so(applied, sim):
    answer = apply(applied, "manifest: site\n", prune=True)
    assert answer["state"] == "needs_approval" and "document is empty" in answer["warnings"][0]
    applied.api("plan_approve", plan=answer["plan"], hash=answer["hash"])
    until(lambda: not sim.tunnels("web") and not sim.records("app.example.com"))
    until(lambda: applied.api("manifest_export")["objects"] == 0)


def test_what_another_manifest_made_is_refused(applied, sim, text):
    since = sim.mark()
    error = applied.refused("manifest_apply", text=text.replace("manifest: site", "manifest: b"),
                            file="b.yaml")
    assert error.kind == "conflict"
    assert error.message == "b.yaml:3:3: tunnels[0]: Tunnel web belongs to manifest site"
    error = applied.refused("manifest_apply", name="b", text="records:\n"
                            "- {name: mail.example.com, type: MX, content: mx.example.org}\n")
    assert "records[0]: The record mail.example.com belongs to manifest site" in error.message
    assert sim.writes(since) == []


def test_what_was_made_by_hand_is_taken_in_and_kept_otherwise(running, sim, origin):
    running.publish("app.example.com", origin.url, tunnel=None)
    running.publish("hand.example.com", origin.url)
    running.wait_converged()
    mine = ("manifest: site\ntunnels:\n- name: edge1\n  routes:\n"
            f"  - {{hostname: app.example.com, service: '{origin.url}'}}\n")
    since = sim.mark()
    answer = done(apply(running, mine))
    taken = [c for c in answer["changes"] if c["sign"] != "="]
    assert len(taken) == 3
    assert all("taken into manifest site" in c["detail"] for c in taken)
    assert sim.writes(since) == []
    done(apply(running, mine, prune=True), "unchanged")
    assert running.api("manifest_export", name="site")["objects"] == 2
    answer = apply(running, "manifest: site\n", prune=True, dry_run=True)
    assert ("=", "tunnel", "edge1") in signs(answer)
    assert not any(name == "hand.example.com" for _, _, name in signs(answer))


def test_a_name_moves_to_another_tunnel_with_its_paths(applied, sim, text):
    moved = text.replace("- name: web", "- name: web\n- name: new", 1)
    answer = apply(applied, moved)
    assert answer["state"] == "needs_approval"
    assert any("Moves app.example.com" in a for a in answer["approvals"])
    applied.api("plan_approve", plan=answer["plan"], hash=answer["hash"])
    applied.wait_converged()
    tunnel, = sim.tunnels("new")
    assert sim.records("app.example.com")[0]["content"].startswith(tunnel["id"])
    assert len([r for r in sim.config(tunnel["id"])["ingress"] if r.get("hostname")]) == 3
    assert sim.fetch("/api")[0] == 200
    done(apply(applied, moved, prune=True), "unchanged")


def test_foreign_records_are_refused_and_nothing_is_made(running, sim, text):
    sim.edit("POST", "/zones/@example.com/dns_records",
             {"name": "app.example.com", "type": "A", "content": "192.0.2.9"})
    since = sim.mark()
    error = running.refused("manifest_apply", text=text)
    assert error.kind == "conflict" and "app.example.com" in error.message
    assert sim.writes(since) == []
    assert running.status()["tunnels"] == []


@pytest.mark.parametrize("text, kind, words", [
    ("tunnels: []", "invalid", "s.yaml:1:1: manifest: is missing"),
    ("manifest: b\n", "invalid", "s.yaml:1:1: manifest: is b, asked for was a"),
    ("tunnels:\n- name: x\n  rutes: []\n", "invalid",
     's.yaml:3:3: tunnels[0].rutes: unknown key "rutes"; did you mean "routes"?'),
    ("tunnels:\n- {name: x, routes: [{hostname: a.example.com, service: 'http://169.254.169.254'}]}",
     "denied", "169.254.169.254"),
    ("tunnels:\n- {name: x, routes: [{hostname: a.example.org, service: hello_world}]}",
     "not_found", "No zone of the account holds a.example.org"),
])
def test_mistakes_are_told(running, sim, text, kind, words):
    since = sim.mark()
    name = {} if "missing" in words else {"name": "a"}
    error = running.refused("manifest_apply", text=text, file="s.yaml", **name)
    assert error.kind == kind and words in error.message, error
    assert sim.writes(since) == []


def test_the_client(running, sim, text, host):
    path = host.folder / "site.yaml"
    path.write_text(text)
    code, out, _ = running.adit("apply", "-f", path, "--dry-run")
    assert code == 0 and "dry run: nothing was changed" in out and "+ route www.example.net" in out
    code, out, _ = running.adit("apply", "-f", "-", stdin=text)
    assert code == 0 and "applied" in out and "done" in out
    code, out, _ = running.adit("apply", "--file", path)
    assert code == 0 and out.startswith("unchanged")
    code, out, _ = running.adit("export")
    assert code == 0 and "  - hostname: app.example.com\n" in out
    code, again, _ = running.adit("apply", "--prune", "-f", "-", stdin=out)
    assert code == 0 and again.startswith("unchanged")
    code, out, err = running.adit("apply")
    assert code == 64 and "As in adit apply -f site.yaml" in err
    path.write_text("manifest: site\ntunnels: 5\n")
    code, out, err = running.adit("apply", "-f", path)
    assert code == 64 and f"{path}:2:1: tunnels: is a number, accepted is a list" in err
    path.write_text("manifest: site\n")
    code, out, err = running.adit("apply", "-f", path, "--prune")
    assert code == 77 and "sudo adit plan approve" in out
    code, out, err = running.adit("apply", "--help")
    assert code == 0 and "adit apply -f FILE" in out and "-f, --file FILE" in out


def test_a_foreign_record_is_taken_when_a_person_names_it(running, sim, text):
    foreign = sim.edit("POST", "/zones/@example.com/dns_records",
                       {"name": "app.example.com", "type": "A", "content": "192.0.2.9"})
    answer = apply(running, text, overwrite=[foreign["id"]])
    assert answer["state"] == "needs_approval"
    assert any("192.0.2.9" in a for a in answer["approvals"]), answer["approvals"]
    assert [r["id"] for r in sim.records("app.example.com")] == [foreign["id"]]
    running.api("plan_approve", plan=answer["plan"], hash=answer["hash"])
    running.wait_converged()
    record, = sim.records("app.example.com")
    assert record["type"] == "CNAME"
    done(apply(running, text, overwrite=[foreign["id"]]), "unchanged")


CONFIG = """\
tunnel: 6ff42ae2-765d-4adf-8112-31c55c1551ef
credentials-file: /etc/cloudflared/6ff42ae2-765d-4adf-8112-31c55c1551ef.json
metrics: 127.0.0.1:2000
warp-routing:
  enabled: true
originRequest:
  connectTimeout: 10s
ingress:
  - hostname: "*.example.com"
    service: http_status:204
  - hostname: app.example.com
    service: {origin}
    originRequest:
      connectTimeout: 1m
      httpHostHeader: inner
  - hostname: app.example.com
    path: ^/old
    service: http_status:410
  - path: /healthz
    service: hello-world
  - service: http_status:503
"""


def import_file(host, text, **more):
    return host.api("manifest_import", text=text, file="config.yml", **more)


def test_a_file_of_cloudflared_becomes_routes(running, sim, origin):
    text = CONFIG.format(origin=origin.url)
    answer = done(import_file(running, text))
    assert {n for s, o, n in signs(answer) if (s, o) == ("+", "route")} == {
        "app.example.com", "*.example.com"}
    assert {n for s, o, n in signs(answer) if s == "="} == {
        "tunnel", "credentials-file", "metrics", "warp-routing", "ingress[3]", "ingress[4]"}
    assert any("ingress[1] (app.example.com) is never reached" in w for w in answer["warnings"])
    assert any("ingress[2] (app.example.com ^/old)" in w for w in answer["warnings"])
    running.wait_converged()
    tunnel, = sim.tunnels("edge1")
    rules = {(r.get("hostname"), r.get("path")): r for r in sim.config(tunnel["id"])["ingress"]}
    assert rules["app.example.com", None]["originRequest"] == {
        "connectTimeout": 60, "httpHostHeader": "inner"}
    assert rules["*.example.com", None]["originRequest"] == {"connectTimeout": 10}
    assert sim.fetch()[0] == 200 and sim.fetch("/old")[0] == 410
    assert sim.fetch(host="other.example.com")[0] == 204
    since = sim.mark()
    done(import_file(running, text), "unchanged")
    assert sim.writes(since) == []
    assert running.api("manifest_export")["text"].count("manifest:") == 0


def test_a_file_imported_under_a_name_is_that_manifest(running, sim, origin):
    done(import_file(running, CONFIG.format(origin=origin.url), name="old"))
    out = running.api("manifest_export", name="old")
    assert out["objects"] == 4
    done(apply(running, out["text"], prune=True), "unchanged")
    error = running.refused("manifest_import", name="new",
                            text=CONFIG.format(origin=origin.url))
    assert "belongs to manifest old" in error.message


def test_routes_alone_can_be_imported(running, sim, origin):
    foreign = sim.edit("POST", "/zones/@example.com/dns_records", {
        "name": "app.example.com", "type": "CNAME", "proxied": True,
        "content": "6ff42ae2-765d-4adf-8112-31c55c1551ef.cfargotunnel.com"})
    text = CONFIG.format(origin=origin.url)
    assert running.refused("manifest_import", text=text).kind == "conflict"
    done(import_file(running, text, dns=False))
    assert [r["id"] for r in sim.records()] == [foreign["id"]]


@pytest.mark.parametrize("text, words", [
    ("ingress:\n- hostname: a.example.com\n  servce: x\n",
     'config.yml:3:3: ingress[0].servce: unknown key "servce"; did you mean "service"?'),
    ("ingress:\n- service: http_status:404\n- service: http_status:404\n",
     "config.yml:2:3: ingress[0]: takes every request"),
    ("originRequest: {tlsTimeout: 5}\n",
     "config.yml:1:17: originRequest.tlsTimeout: is a number"),
])
def test_mistakes_in_the_file_are_told(running, sim, text, words):
    since = sim.mark()
    error = running.refused("manifest_import", text=text, file="config.yml")
    assert error.kind == "invalid" and words in error.message
    assert sim.writes(since) == []


def test_the_client_imports(running, host, origin):
    path = host.folder / "config.yml"
    path.write_text(CONFIG.format(origin=origin.url))
    code, out, _ = running.adit("import", "-f", path, "--dry-run")
    assert code == 0 and "= setting credentials-file" in out and "warning: ingress[1]" in out
    code, out, _ = running.adit("import", "-f", path)
    assert code == 0 and "applied" in out
    code, _, err = running.adit("import")
    assert code == 64 and "As in adit import -f config.yml" in err


# ---- a name whose record gets another type ----

KINDS = {"A": "A, content: 192.0.2.1", "AAAA": "AAAA, content: '2001:db8::1'",
         "CNAME": "CNAME, content: www.example.net"}


def document(origin, *kinds):
    """app.example.com with records of these types, or as a route."""
    if kinds == ("route",):
        return ("manifest: site\ntunnels:\n- name: web\n  routes:\n"
                f"  - {{hostname: app.example.com, service: '{origin.url}'}}\n")
    return "manifest: site\nrecords:\n" + "".join(
        f"- {{name: app.example.com, type: {KINDS[k]}}}\n" for k in kinds)


def types_of(sim):
    return sorted(r["type"] for r in sim.records("app.example.com"))


@pytest.mark.parametrize("was, now", [
    (["A"], ["CNAME"]), (["CNAME"], ["A"]), (["A"], ["route"]), (["route"], ["A"]),
    (["A", "AAAA"], ["CNAME"]), (["CNAME"], ["A", "AAAA"]), (["A", "AAAA"], ["route"]),
    (["route"], ["A", "AAAA"])], ids=lambda kinds: "+".join(kinds))
def test_a_type_changes_when_it_may_prune(running, sim, origin, was, now):
    """Both stand at Cloudflare at no time: one takes the place of the other in one request."""
    done(apply(running, document(origin, *was)))
    since = sim.mark()
    error = running.refused("manifest_apply", text=document(origin, *now))
    assert error.kind == "conflict" and sim.writes(since) == []
    if was != ["route"]:
        assert "--prune" in error.hint and "app.example.com" in error.message, error
    plan = apply(running, document(origin, *now), prune=True)
    assert plan["state"] == "needs_approval" and sim.writes(since) == []
    assert any("app.example.com" in a for a in plan["approvals"]), plan
    done(running.api("plan_approve", plan=plan["plan"], hash=plan["hash"]))
    assert types_of(sim) == sorted("CNAME" if k == "route" else k for k in now)
    assert sim.writes(since).count("POST /zones/{zone}/dns_records/batch") == 1
    assert all(r["comment"].startswith("adit:edge1/") for r in sim.records("app.example.com"))
    done(apply(running, document(origin, *now), prune=True), "unchanged")
    if now == ["route"]:
        assert sim.fetch()[0] == 200
    until(lambda: [t["name"] for t in running.items("tunnel_list")] ==
          (["web"] if now == ["route"] else []))


@pytest.mark.waits
@pytest.mark.parametrize("fault", ["lose", "drop", "late", "kill"])
def test_a_type_change_without_an_answer(running, sim, origin, fault):
    done(apply(running, document(origin, "A")))
    kill = fault == "kill"
    sim.fault("lose" if kill else fault, method="POST", path="/zones/*/dns_records/batch", ms=700)
    apply(running, document(origin, "CNAME"), prune=True, approve=True, wait=False)
    sim.wait_struck()
    if kill:
        running.kill9()
        running.start()
    until(lambda: types_of(sim) == ["CNAME"], 60)
    running.wait_converged(60)
    done(apply(running, document(origin, "CNAME"), prune=True), "unchanged")
    assert len(running.items("dns_list")) == 1


def test_a_type_change_leaves_what_is_not_its_own(running, sim, origin):
    """A record made by hand or of another manifest is no part of the document."""
    running.api("dns_set", name="app.example.com", type="A", content="192.0.2.1")
    for more in ({}, {"prune": True}):
        error = running.refused("manifest_apply", text=document(origin, "CNAME"), **more)
        assert error.kind == "conflict" and "adit dns delete" in error.hint, error
    assert types_of(sim) == ["A"]


def test_more_than_fits_in_one_batch_is_refused(running, sim, origin):
    """What gives way and what takes its place go in one request, or not at all."""
    theirs = [sim.edit("POST", "/zones/@example.com/dns_records", {
        "name": "app.example.com", "type": "A", "content": f"192.0.2.{i}"})["id"]
        for i in range(199)]
    since = sim.mark()
    error = running.refused("manifest_apply", text=document(origin, "CNAME"), overwrite=theirs)
    assert error.kind == "conflict" and "no more than 198" in error.message and error.hint, error
    assert sim.writes(since) == []
    sim.edit("DELETE", f"/zones/@example.com/dns_records/{theirs.pop()}")
    plan = apply(running, document(origin, "CNAME"), overwrite=theirs)
    assert plan["state"] == "needs_approval", plan
    assert plan["deletes"] == 198, plan
    done(running.api("plan_approve", plan=plan["plan"], hash=plan["hash"], deletes=198))
    assert types_of(sim) == ["CNAME"]
    assert sim.writes(since) == ["POST /zones/{zone}/dns_records/batch"]
