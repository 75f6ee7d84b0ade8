"""Records of every type that adit owns: what Cloudflare takes as data is known again as it comes
back, is changed by PATCH and deleted, and is drift when somebody else changes it."""
import pytest

from harness import until
from test_dns import NAME, RECORDS, done, mark, posts, set_record

# type, content, the same in other words, other content, data that the other one has
TYPES = [
    ("NS", "ns1.example.net", "NS1.Example.NET.", "ns2.example.net", None),
    ("PTR", "host.example.net", "HOST.example.net", "other.example.net", None),
    ("OPENPGPKEY", "aGVsbG8=", "aGVs bG8=", "d29ybGQh", None),
    ("SRV", "10 5 443 sip.example.com", "010 5  443 SIP.example.com.", "10 5 444 sip.example.com",
     {"priority": 10, "weight": 5, "port": 444, "target": "sip.example.com"}),
    ("CAA", '0 issue "letsencrypt.org"', "0 ISSUE letsencrypt.org", '0 issue "example.net"',
     {"flags": 0, "tag": "issue", "value": "example.net"}),
    ("TLSA", "3 1 1 c0ffee00", "3 1 1 C0FF EE00", "3 1 1 c0ffee01",
     {"usage": 3, "selector": 1, "matching_type": 1, "certificate": "c0ffee01"}),
    ("SMIMEA", "3 0 0 c0ffee00", "3 0 0 C0FFEE00", "3 1 0 c0ffee00",
     {"usage": 3, "selector": 1, "matching_type": 0, "certificate": "c0ffee00"}),
    ("SSHFP", "4 2 c0ffee00", "4 2 C0FFEE00", "4 2 c0ffee01",
     {"algorithm": 4, "type": 2, "fingerprint": "c0ffee01"}),
    ("DS", "12345 13 2 c0ffee00", "12345 13 2 C0FFEE00", "12346 13 2 c0ffee00",
     {"key_tag": 12346, "algorithm": 13, "digest_type": 2, "digest": "c0ffee00"}),
    ("DNSKEY", "257 3 13 aGVsbG8=", "257 3 13 aGVs bG8=", "256 3 13 aGVsbG8=",
     {"flags": 256, "protocol": 3, "algorithm": 13, "public_key": "aGVsbG8="}),
    ("CERT", "1 12345 8 aGVsbG8=", "1 12345 8 aGVs bG8=", "2 12345 8 aGVsbG8=",
     {"type": 2, "key_tag": 12345, "algorithm": 8, "certificate": "aGVsbG8="}),
    ("LOC", "51 30 12.748 N 0 7 39.612 W 0m 1m 10000m 10m", "51 30 12.748 n 0 07 39.6120 w 0.00 1",
     "51 30 12.748 N 0 7 39.612 W -7.5m 2m 100m 10m",
     {"lat_degrees": 51, "lat_minutes": 30, "lat_seconds": 12.748, "lat_direction": "N",
      "long_degrees": 0, "long_minutes": 7, "long_seconds": 39.612, "long_direction": "W",
      "altitude": -7.5, "size": 2, "precision_horz": 100, "precision_vert": 10}),
    ("NAPTR", '100 10 "S" "SIP+D2U" "" _sip._udp.example.com',
     '100 10 S SIP+D2U "" _SIP._udp.example.com.', '100 20 "S" "SIP+D2U" "" _sip._udp.example.com',
     {"order": 100, "preference": 20, "flags": "S", "service": "SIP+D2U", "regex": "",
      "replacement": "_sip._udp.example.com"}),
    ("URI", '10 1 "https://www.example.com/"', "10 1 https://www.example.com/",
     '20 1 "https://www.example.com/"', {"weight": 1, "target": "https://www.example.com/"}),
    ("HTTPS", '1 . alpn="h3,h2" port="8443"', "1 . port=8443 alpn=h3,h2", "1 .",
     {"priority": 1, "target": ".", "value": ""}),
    ("SVCB", '1 svc.example.com alpn="h2"', "1 SVC.example.com. alpn=h2", '2 svc.example.com alpn="h2"',
     {"priority": 2, "target": "svc.example.com", "value": 'alpn="h2"'}),
]
BY_TYPE = {row[0]: row for row in TYPES}


@pytest.mark.parametrize("type, content, same, other, data", TYPES, ids=list(BY_TYPE))
def test_set_again_changed_deleted(running, sim, type, content, same, other, data):
    done(set_record(running, type=type, content=content, ttl=300, comment="why"))
    record, = sim.records()
    assert (record["name"], record["type"], record["ttl"]) == (NAME, type, 300)
    assert record["comment"] == f"{mark(running)} why" and ("data" in record) is (data is not None)
    since = sim.mark()
    for spelling in (content, same):
        done(set_record(running, type=type, content=spelling, ttl=300, comment="why"), "unchanged")
    running.api("drift_list", refresh=True)
    assert sim.writes(since) == [] and running.items("drift_list") == []
    row, = running.items("dns_list")
    assert row["content"] == content and row["converged"] and "problem" not in row
    done(set_record(running, type=type, content=other, ttl=300, comment="why", approve=True))
    assert sim.writes(since) == ["PATCH /zones/{zone}/dns_records/{hex}"]
    record, = sim.records()
    assert record.get("data") == data and (data or record["content"] == other)
    if type == "URI":
        assert record["priority"] == 20
    done(set_record(running, type=type, content=other, ttl=300, comment="why"), "unchanged")
    done(running.api("dns_delete", name=NAME, type=type, approve=True))
    assert sim.records() == [] and running.status()["state"] == "ok"


@pytest.mark.parametrize("type", ["SRV", "CAA", "URI", "HTTPS"])
def test_a_create_without_an_answer(running, sim, type):
    content = BY_TYPE[type][1]
    sim.fault("lose", method="POST", path=RECORDS)
    since = sim.mark()
    done(set_record(running, type=type, content=content, timeout="80s"))
    assert len(sim.records()) == 1 and len(posts(sim, since)) == 1
    assert running.status()["problems"] == []
    done(set_record(running, type=type, content=content), "unchanged")


def test_what_somebody_else_changes_is_drift(running, sim):
    done(set_record(running, type="SRV", content=BY_TYPE["SRV"][1]))
    record, = sim.records()
    sim.edit("PATCH", f"/zones/@example.com/dns_records/{record['id']}",
             {"data": {**record["data"], "port": 5061}})
    running.api("drift_list", refresh=True)
    row, = running.items("drift_list")
    assert row["name"] == NAME and "5061" in str(row) and "443" in str(row), row
    running.api("drift_list", refresh=True)
    plan = running.api("plan_create", drift=True)
    verb = "plan_approve" if plan["state"] == "needs_approval" else "plan_apply"
    done(running.api(verb, plan=plan["plan"], hash=plan["hash"]))
    assert sim.records()[0]["data"]["port"] == 443
    until(lambda: running.items("drift_list") == [], 30)


def test_many_are_one_batch_by_a_manifest(running, sim, tmp_path):
    rows = [{"name": f"r{i}.example.com", "type": row[0], "content": row[2]}
            for i, row in enumerate(TYPES)]
    lines = ["manifest: types", "records:"]
    for row in rows:
        content = row["content"].replace("'", "''")
        lines += [f"- name: {row['name']}", f"  type: {row['type']}", f"  content: '{content}'"]
    file = tmp_path / "types.yml"
    file.write_text("\n".join(lines) + "\n")
    since = sim.mark()
    code, text, error = running.adit("apply", "-f", str(file), "--approve")
    assert code == 0, text + error
    assert {r["type"] for r in sim.records()} == set(BY_TYPE)
    assert all(w.endswith("/batch") for w in posts(sim, since)), sim.writes(since)
    since = sim.mark()
    code, text, error = running.adit("apply", "-f", str(file))
    assert code == 0 and sim.writes(since) == [], text + error


@pytest.mark.parametrize("type, content, says", [
    ("SRV", "10 5 sip.example.com", "port"),
    ("SRV", "10 5 443", "target is missing"),
    ("CAA", "300 issue x", "0 to 255"),
    ("CAA", '0 issue "x', "not closed"),
    ("TLSA", "3 1 1 xyz", "hexadecimal"),
])
def test_bad_fields_are_told(running, sim, type, content, says):
    since = sim.mark()
    e = running.refused("dns_set", name=NAME, type=type, content=content)
    assert e.kind == "invalid" and says in e.message and BY_TYPE[type][1].split()[1] in e.hint
    assert sim.writes(since) == []


def test_what_cannot_be_is_refused(running, sim):
    e = running.refused("dns_set", name=NAME, type="SRV", content="1 1 1 a.example.com",
                        proxied=True)
    assert e.kind == "invalid" and "cannot be proxied" in e.message
    e = running.refused("dns_set", name=NAME, type="SPF", content="v=spf1 -all")
    assert e.kind == "invalid" and "SRV" in e.message + (e.hint or "")
    assert sim.records() == []
