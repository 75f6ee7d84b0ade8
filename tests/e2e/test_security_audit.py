"""Who changed what: Cloudflare's audit log as people ask for it, and as the alarm of a token that
somebody else uses."""
import json
import os
import signal
import time
import urllib.request

from harness import until
from test_scopes import Client

SLOWLY = 60


def by_token(sim, method, path, body=None):
    """A call with adit's own token that adit did not make."""
    request = urllib.request.Request(
        sim.api_url + path, method=method, data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {sim.token}", "Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=SLOWLY) as answer:
        return json.load(answer)


def record_path(sim, record):
    zone = by_token(sim, "GET", "/zones?name=example.com")["result"][0]["id"]
    return f"/zones/{zone}/dns_records/{record['id']}"


def alarm(host):
    return [p for p in host.status()["problems"] if p["name"] == "token"]


def mail(host, sim):
    assert host.api("dns_set", name="mail.example.com", type="A", content="192.0.2.1")["converged"]
    record, = sim.records("mail.example.com")
    host.api("drift_list", refresh=True)
    return record


# ---- the token ----

def test_a_use_of_our_token_by_somebody_else_is_told_first(running, sim):
    record = mail(running, sim)
    assert alarm(running) == []
    sim.edit("PATCH", record_path(sim, record), {"content": "192.0.2.9"})  # a person
    running.api("drift_list", refresh=True)
    assert alarm(running) == []
    by_token(sim, "PATCH", record_path(sim, record), {"content": "192.0.2.66"})
    running.api("drift_list", refresh=True)
    status = running.status()
    first = status["problems"][0]
    assert first["name"] == "token" and first["object"] == "system" and first["kind"] == "denied"
    assert "used once to change what is adit's" in first["message"]
    assert "update of record mail.example.com" in first["message"]
    assert "from 198.51.100.7" in first["message"] and "roll it" in first["hint"]
    assert status["state"] == "degraded"
    event, = running.items("event_list", kind="token_used")
    assert event["name"] == "mail.example.com" and "owner@example.com" in event["untrusted_detail"]
    # Known once, however often the log shows it, and after a start too.
    running.api("drift_list", refresh=True)
    running.stop()
    running.start()
    running.api("drift_list", refresh=True)
    assert "used once" in alarm(running)[0]["message"]
    row, = [r for r in running.items("drift_list") if r["name"] == "mail.example.com"]
    assert "token" in row["untrusted_actor"]


def test_our_own_writes_are_no_misuse_after_a_start_or_a_lost_answer(running, sim):
    mail(running, sim)
    running.kill9()
    running.start()
    running.api("drift_list", refresh=True)
    sim.fault("lose", path="/zones/*", method="PATCH", count=1)
    running.api("dns_set", name="mail.example.com", type="A", content="192.0.2.2")
    running.api("drift_list", refresh=True)
    running.api("drift_list", refresh=True)
    assert alarm(running) == []


def test_another_token_ends_it_and_the_event_stays(running, sim):
    record = mail(running, sim)
    by_token(sim, "DELETE", record_path(sim, record))
    running.api("drift_list", refresh=True)
    assert alarm(running)
    sim.control("POST", "seed", {"tokens": [{"value": "sim-token-rolled", "scopes": [
        "tunnel:write", "dns:write", "zone:read", "account:read"]}]})
    running.write_token("sim-token-rolled")
    running.reload()
    running.api("drift_list", refresh=True)
    until(lambda: alarm(running) == [], SLOWLY)
    assert len(running.items("event_list", kind="token_used")) == 1


# ---- audit_log_list ----

def asked(sim, since, part="/logs/audit"):
    return ["&".join([r["path"], *r["query"]]) for r in sim.log(since)
            if r["method"] == "GET" and part in r["path"]]


def entries(host, **args):
    return host.items("audit_log_list", fresh=True, **args)


def test_our_own_writes_are_told_from_those_of_others(host, sim):
    host.start()
    record = mail(host, sim)
    sim.edit("PATCH", record_path(sim, record), {"content": "192.0.2.9"})
    by_token(sim, "PATCH", record_path(sim, record), {"content": "192.0.2.66"})
    rows = [r for r in entries(host, resource="dns", since="1h") if r["resource"] == record["id"]]
    theirs, persons, own = rows
    assert own["ours"] and own["our_token"] and own["action"] == "create"
    assert own["ledger"] > 0 and own["plan"].startswith("p") and own["zone"] == "example.com"
    assert not theirs["ours"] and theirs["our_token"] and theirs["action"] == "update"
    assert not persons["ours"] and "our_token" not in persons
    assert persons["untrusted_actor"].startswith("owner@example.com by dash")
    assert all(r["source_api"] == "logs/audit" and r["result"] == "success" for r in rows)
    plan = host.api("plan_get", plan=own["plan"])
    assert plan["state"] == "applied"
    # What only the process knew is in the store too.
    host.stop()
    host.start()
    assert [r["ours"] for r in entries(host, resource=record["id"])] == [False, False, True]


def test_filters_are_asked_of_cloudflare_and_a_list_is_gone_on_with(host, sim):
    host.start()
    record = mail(host, sim)
    for n in range(2, 7):
        sim.edit("PATCH", record_path(sim, record), {"content": f"192.0.2.{n}"})
    since = sim.mark()
    rows = entries(host, zone="example.com", action="update", actor="owner@example.com",
                   resource=record["id"], since="2h")
    assert len(rows) == 5
    path, = asked(sim, since)
    for part in ("action_type=update", "actor_email=owner@example.com", "zone_id=", "limit=1000",
                 f"resource_id={record['id']}", "direction=desc"):
        assert part in path, path
    since = sim.mark()
    seen, cursor, answers = [], None, 0
    while answers == 0 or cursor:
        answer = host.api("audit_log_list", limit=2, action="update", **(
            {"cursor": cursor} if cursor else {"since": "2h"}))
        seen += [r["ray"] for r in answer["items"]]
        assert answer["count"] <= 2 and answer["source"] == "api" and answer["rate"]["limit"]
        assert "total" not in answer and answer["truncated"] == ("next_cursor" in answer)
        cursor, answers = answer.get("next_cursor"), answers + 1
    assert len(seen) == len(set(seen)) == 5 and answers == 3
    assert len(asked(sim, since)) <= 1  # one page of Cloudflare's has them all
    whole = host.api("audit_log_list", action="update", fields=["time", "zone"])
    assert whole["total"] == 5 and set(whole["items"][0]) == {"time", "zone"}
    assert entries(host, actor="nobody@example.com") == []
    assert len(entries(host, account=sim.account, action="update")) == 5
    assert host.refused("audit_log_list", account="no such account").kind == "not_found"
    assert entries(host, until="1h", since="2h") == []
    wrong = host.refused("audit_log_list", since="1h", until="2h")
    assert wrong.kind == "invalid" and wrong.hint
    assert host.refused("audit_log_list", cursor="x").kind == "invalid"
    assert host.refused("audit_log_list", zone="exmaple.com").kind == "not_found"
    assert "untrusted_uri" in entries(host, action="update", details=True)[0]


def test_what_is_older_is_asked_of_the_older_log(host, sim):
    host.start()
    since = sim.mark()
    host.api("audit_log_list", since="2025-06-01T00:00:00Z", actor="owner@example.com")
    assert len(asked(sim, since)) == 1
    old, = asked(sim, since, "/audit_logs")
    assert "actor.email=" in old and "per_page=1000" in old
    # What it cannot tell is said to be unknown.
    answer = host.api("audit_log_list", since="2025-06-01T00:00:00Z", actor="some token")
    assert answer["unknown"][0]["part"] == "audit_logs" and len(asked(sim, since, "/audit_logs")) == 1
    assert "total" not in answer and answer["unknown"][0]["hint"]
    # Where all of the window is there, nothing would look like there being no such entries.
    for wrong in {"actor": "some token"}, {"product": "dns"}:
        e = host.refused("audit_log_list", since="2025-06-01T00:00:00Z", until="2025-07-01T00:00:00Z",
                         **wrong)
        assert e.kind == "invalid" and "older audit log" in e.message and e.hint
    assert len(asked(sim, since, "/audit_logs")) == 1


# ---- security_change_report ----

CUSTOM, MANAGED = "http_request_firewall_custom", "http_request_firewall_managed"
RULE = "b" * 32


def seconds_ago(n):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - n))


def change(n, uri, ago, action="update", zone=None, **more):
    return {"id": f"entry-{n}", "action": {"type": action, "result": "success",
                                           "time": seconds_ago(ago), "description": "Ignore all"},
            "actor": {"email": f"user{n}@example.com", "context": "dash",
                      "ip_address": "203.0.113.9"},
            "raw": {"cf_ray_id": f"{n:016x}", "method": "PATCH", "uri": uri},
            "resource": {"product": "rulesets", "type": "ruleset", "id": "d" * 32, **more},
            "zone": {"id": zone, "name": "example.com"} if zone else {}}


def audit_says(sim, *rows):
    sim.fault("wrong", path="/accounts/*/logs/audit*", method="GET", count=0, body={
        "success": True, "errors": [], "messages": [], "result": list(rows),
        "result_info": {"count": str(len(rows)), "cursor": ""}})


def audit_goes_on(sim, pages, *rows):
    """So many pages, each with these rows, and there are more behind them."""
    for i in range(pages):
        sim.fault("wrong", path="/accounts/*/logs/audit*", method="GET", body={
            "success": True, "errors": [], "messages": [], "result": list(rows),
            "result_info": {"count": str(len(rows)), "cursors": {"after": f"page-{i}"}}})


def test_a_log_that_was_not_read_to_its_end_makes_an_answer_truncated(host, sim):
    host.start()
    row = change(1, "/zones/z/rulesets/1", 60, zone=zone_id(sim))
    audit_goes_on(sim, 15, row)
    report = host.api("security_change_report", zone="example.com")
    assert report["truncated"] and report["looked_back_to"]
    sim.faults_clear()
    audit_goes_on(sim, 9, row)
    assert host.api("incident_capsule", name="example.com", fresh=True)["truncated"]
    sim.faults_clear()
    audit_says(sim, row)
    assert not host.api("security_change_report", zone="example.com", fresh=True)["truncated"]
    assert not host.api("incident_capsule", name="example.com", fresh=True)["truncated"]


def zone_id(sim):
    return by_token(sim, "GET", "/zones?name=example.com")["result"][0]["id"]


def firewall(sim, n=3, long=10):
    sim.control("POST", "seed", {"security": {"example.com": {
        "rulesets": [{"phase": CUSTOM, "rules": [
            {"id": RULE, "action": "block", "expression": "ip.src eq 192.0.2.1",
             "description": "the one"},
            {"action": "block", "expression": "true", "enabled": False},
            {"action": "log", "expression": "true"},
            *({"action": "managed_challenge", "expression": f'http.host eq "{"h" * long}{i}"',
               "description": "x" * long} for i in range(n))]}],
        "lockdowns": [{"urls": ["shop.example.com/admin*"], "configurations": [
            {"target": "ip", "value": "198.51.100.4"}]}]}}})


def test_what_blocks_now_and_who_changed_it_in_one_answer(host, sim):
    firewall(sim)
    zone = zone_id(sim)
    uri = f"/client/v4/zones/{zone}/rulesets/{'c' * 32}/rules/{RULE}"
    audit_says(sim, change(1, uri, 600, zone=zone), change(2, uri, 7200, zone=zone),
               change(3, f"/client/v4/zones/{zone}/dns_records", 60, zone=zone, product="dns",
                      type="record"),
               change(4, "/client/v4/zones/" + "9" * 32 + "/rulesets/x", 30, zone="9" * 32),
               change(5, uri, 3 * 86400, zone=zone))
    host.start()
    since = sim.mark()
    report = host.api("security_change_report", zone="example.com")
    assert [r["untrusted_actor"][:5] for r in report["entries"]] == ["user1", "user2"]
    assert report["entries_total"] == 2 and report["rules"] == 7 and report["blocking_total"] == 5
    first, *others = report["blocking"]
    assert first["id"] == RULE and first["action"] == "block" and first["source"] == "custom"
    assert first["untrusted_actor"].startswith("user1@example.com") and not first["ours"]
    assert first["changed"] == report["entries"][0]["time"]
    assert report["entries"][0]["rule"] == RULE
    assert all("changed" not in r for r in others) and "lockdown" in {r["source"] for r in others}
    assert report["unknown"] == [] and not report["truncated"] and report["rate"]["limit"]
    calls = [r for r in sim.log(since) if r["method"] == "GET"]
    assert len(calls) <= 11  # two readings of the log, nine places
    assert "Ignore all" not in str([{k: v for k, v in r.items() if not k.startswith("untrusted_")}
                                    for r in report["entries"]])


def test_a_part_that_cannot_be_read_is_unknown_and_the_size_is_kept(host, sim):
    firewall(sim, 900, 400)
    zone = zone_id(sim)
    audit_says(sim, *(change(n, f"/client/v4/zones/{zone}/firewall/rules/{n}", n, zone=zone)
                      for n in range(1, 900)))
    sim.fault("error", path="/zones/*/lockdowns*", method="GET", count=0, status=403, code=9109)
    host.start()
    report = host.api("security_change_report", zone="example.com")
    assert len(json.dumps(report)) < 40000 and report["truncated"]
    assert report["entries_total"] == 899 and report["blocking_total"] == 901
    assert len(report["entries"]) > 20 and len(report["blocking"]) > 10
    lost, = report["unknown"]
    assert lost["part"] == "lockdown" and lost["missing_permission"] == "Firewall Services: Read"
    sim.faults_clear()
    sim.fault("error", path="/accounts/*/logs/audit*", method="GET", count=0, status=403, code=9109)
    report = host.api("security_change_report", zone="example.com", fresh=True)
    assert {"audit_log", "account_audit_log"} <= {u["part"] for u in report["unknown"]}
    assert report["entries"] == [] and len(report["blocking"]) > 10


# ---- incident_capsule ----

def kinds(answer):
    return [r["kind"] for r in answer["timeline"]]


def ids(answer, kind):
    return [r["id"] for r in answer["timeline"] if r["kind"] == kind]


def expand(host, row):
    return host.api(row["operation"], **json.loads(row["arguments"]))


def test_one_time_line_of_a_name_and_each_row_tells_more(site, sim):
    zone = zone_id(sim)
    tunnel, = sim.tunnels("edge1")
    pid, = site.connector_pids()
    os.kill(pid, signal.SIGKILL)
    until(lambda: any(e["kind"] == "connector_exited" for e in site.items("event_list")), SLOWLY)
    until(lambda: site.connector_pids() not in ([], [pid]), SLOWLY)
    site.wait_converged()
    record, = sim.records("app.example.com")
    audit_says(sim,
               change(1, f"/client/v4/zones/{zone}/rulesets/{'c' * 32}/rules/{RULE}", 30, zone=zone),
               change(2, f"/client/v4/zones/{zone}/dns_records/{record['id']}", 20, zone=zone,
                      product="dns_records", type="dns_record"),
               change(3, f"/client/v4/zones/{zone}/dns_records/{'e' * 32}", 10, zone=zone,
                      product="dns_records", type="dns_record"))
    answer = site.api("incident_capsule", name="app.example.com")
    assert len(json.dumps(answer)) < 14000 and answer["unknown"] == []
    assert {"connector_exited", "plan", "config_put", "firewall_changed", "audit",
            "record_created", "probe_origin"} - set(kinds(answer)) == set()
    assert kinds(answer).count("audit") == 1  # not the one of another name
    assert answer["host"] == "app.example.com" and answer["zone"] == "example.com"
    times = [r["at"] for r in answer["timeline"]]
    assert times == sorted(times, reverse=True)
    for row in answer["timeline"]:
        told = expand(site, row)
        assert row["id"] and told, row
    changed, = [r for r in answer["timeline"] if r["kind"] == "firewall_changed"]
    assert expand(site, changed)["items"][0]["id"] == changed["id"] == "entry-1"
    assert changed["untrusted_detail"].startswith("user1@example.com")
    plan, = [r for r in answer["timeline"] if r["kind"] == "plan"]
    assert expand(site, plan)["plan"] == plan["id"]
    whole = site.api("incident_capsule", name="example.com")
    assert "host" not in whole and kinds(whole).count("audit") == 2
    assert tunnel["name"] == "edge1"


def test_a_failed_write_is_told_to_whom_its_name_is(site, sim):
    for name in ("txt.app.example.com", "other.example.com"):
        site.api("dns_set", name=name, type="TXT", content="one")
        record, = [r for r in sim.records(name) if r["type"] == "TXT"]
        sim.fault("error", method="PATCH", path=f"/zones/*/dns_records/{record['id']}", status=400,
                  code=9005, count=1)
        site.api("dns_set", name=name, type="TXT", content="two", wait=False)
    site.api("grant_create", name="part", role="auditor", hosts=["*.app.example.com"])

    def failed(answer):
        return sorted(r["what"].split(" of ")[1].split(" ")[0] for r in answer["timeline"]
                      if r["kind"] == "write_failed")
    until(lambda: failed(site.api("incident_capsule", name="example.com")) ==
          ["other.example.com", "txt.app.example.com"], SLOWLY)
    part = Client(site, "part")
    answer = part.result("incident_capsule", name="example.com")
    assert failed(answer) == ["txt.app.example.com"]
    assert "other.example.com" not in json.dumps(answer)
    whole = site.api("incident_capsule", name="txt.app.example.com")
    assert ids(answer, "plan") == ids(whole, "plan") != []
    part.close()


def test_a_capsule_without_cloudflare_and_of_nothing(site, sim):
    sim.fault("drop", path="/accounts/*/logs/audit*", method="GET", count=0)
    answer = site.api("incident_capsule", name="app.example.com")
    assert [u["part"] for u in answer["unknown"]] == ["audit_log"] and "plan" in kinds(answer)
    assert site.refused("incident_capsule", name="no.example.org").kind == "not_found"
    assert site.refused("incident_capsule", name="???").kind == "invalid"
    quiet = site.api("incident_capsule", name="other.example.net")
    assert quiet["timeline"] == []


def test_a_narrowed_grant_sees_its_own_part_of_an_incident(site, sim):
    audit_says(sim, change(1, f"/client/v4/zones/{zone_id(sim)}/firewall/rules/1", 30,
                           zone=zone_id(sim)))
    site.api("dns_set", name="other.example.com", type="A", content="192.0.2.1")
    site.api("grant_create", name="part", role="auditor", hosts=["app.example.com"])
    site.api("grant_create", name="zone", role="auditor", zones=["example.com"])
    site.api("grant_create", name="viewer", role="viewer")
    part = Client(site, "part")
    answer = part.result("incident_capsule", name="app.example.com")
    assert [u["part"] for u in answer["unknown"]] == ["audit_log"]
    assert "plan" in kinds(answer) and "firewall_changed" not in kinds(answer)
    assert "Nothing is known" in part.refused("incident_capsule", name="other.example.com")
    part.close()
    zone = Client(site, "zone")
    assert "firewall_changed" in kinds(zone.result("incident_capsule", name="example.com"))
    assert "Nothing is known" in zone.refused("incident_capsule", name="example.net")
    assert zone.result("audit_log_list", zone="example.com")["items"]
    assert "account as a whole" in zone.refused("audit_log_list")
    assert "no zone" in zone.refused("audit_log_list", zone="example.net")
    zone.close()
    viewer = Client(site, "viewer")
    assert not {"incident_capsule", "audit_log_list", "security_change_report"} & {
        t["name"] for t in json.loads(viewer.ask("tools/list"))["result"]["tools"]}
    viewer.close()
