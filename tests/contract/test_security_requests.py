"""What adit asks of Cloudflare for whoever reads an account's security has the names of the API's
document, where that is at hand."""
import pytest

from harness import Host, Sim
from openapi import check_query, document
from security_world import CUSTOM, World

ASKED = [
    ("account_list", {}), ("zone_list", {}), ("role_list", {"members": True}), ("token_check", {}),
    ("member_list", {"status": "pending"}), ("member_list", {"fresh": True}),
    ("access_review", {}), ("ruleset_list", {}), ("ruleset_list", {"zone": "staging.example"}),
    ("ruleset_get", {"zone": "staging.example", "phase": CUSTOM}),
    ("firewall_rule_list", {"zone": "staging.example"}),
    ("firewall_rule_list", {"zone": "staging.example", "paused": True, "fresh": True}),
    ("firewall_rule_list", {"zone": "staging.example", "action": "block", "fresh": True}),
    ("waf_override_list", {"zone": "staging.example", "details": True}),
    ("audit_log_list", {"since": "500d", "actor": "m0001@example.com", "limit": 1000}),
    ("audit_log_list", {"zone": "staging.example", "action": "change", "result": "failure"}),
    ("audit_log_list", {"resource": "token", "actor": "192.0.2.1"}),
    ("audit_log_list", {"product": "members", "type": "member", "actor": "a token"}),
    ("security_change_report", {"zone": "staging.example", "since": "500d"}),
    ("incident_capsule", {"name": "staging.example"})]


@pytest.mark.skipif(not document(), reason="CLOUDFLARE_OPENAPI names no document")
def test_every_argument_is_of_the_document(tmp_path):
    sim = Sim(tmp_path)
    World(zones=20, members=120, entries=3000).seed(sim)
    host = Host(sim).start()
    since = sim.mark()
    for op, args in ASKED:
        assert host.api(op, **args)
    rows = sim.log(since)
    assert len(rows) > 40 and {r["status"] for r in rows} <= {200, 404}
    for row in rows:
        if row["path"].startswith("/user/tokens/") and not row["path"].endswith("/verify"):
            continue  # a token's own row, of which the document does not tell
        check_query(row["method"], row["path"], [q.split("=")[0] for q in row["query"]])
    host.close()
    sim.close()
