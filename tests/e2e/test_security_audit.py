"""Who changed what: Cloudflare's audit log as people ask for it, and as the alarm of a token that
somebody else uses."""
import json
import urllib.request

from harness import until

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
