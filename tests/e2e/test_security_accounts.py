"""Accounts, as whoever reads an account's security asks for them: the one way in which all of that
is asked, too (once for many, kept for a while, with a token of its own)."""
import threading

NARROW = "sim-token-without-account-settings"
OWNED = "sim-token-that-the-account-owns"


def asked(sim, since):
    return [r for r in sim.log(since) if r["method"] == "GET" and
            r["path"].split("?")[0].endswith("/accounts")]


def test_full_stands_for_all_members_of_a_list_that_has_no_more(host, sim):
    host.start()
    for op in "account_list", "role_list":
        assert host.items(op, fields=["full"]) == host.items(op)


def test_the_account_is_listed_and_what_was_read_is_kept(host, sim):
    host.start()
    since = sim.mark()
    first = host.api("account_list")
    row, = [r for r in first["items"] if r["configured"]]
    assert row["id"] == sim.account and row["second_factor"] == "not required" and row["untrusted_name"]
    assert first["source"] == "api" and first["rate"]["remaining"] > 0
    again = host.api("account_list")
    assert again["as_of"] == first["as_of"] and len(asked(sim, since)) == 1
    host.api("account_list", fresh=True)
    assert len(asked(sim, since)) == 2
    # Who goes on has the rows of the same reading.
    page = host.api("account_list", limit=1, fresh=True)
    assert host.api("account_list", limit=1, fresh=True, cursor=page["next_cursor"])["as_of"] == \
        page["as_of"] and len(asked(sim, since)) == 3
    assert host.api("account_list", name="no such name")["total"] == 0


def test_many_who_ask_at_once_cost_one_call(host, sim):
    host.start()
    sim.fault("delay", path="/accounts", method="GET", ms=700)
    since, answers = sim.mark(), []
    threads = [threading.Thread(target=lambda: answers.append(host.api("account_list")))
               for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({a["as_of"] for a in answers}) == 1 and len(answers) == 8
    assert len(asked(sim, since)) == 1


def test_a_refusal_names_what_the_token_lacks(host, sim):
    sim.control("POST", "seed", {"tokens": [{"value": NARROW, "scopes": [
        "tunnel:write", "dns:write", "zone:read"]}]})
    host.write_token(NARROW)
    host.start()
    error = host.refused("account_list").error
    assert error["kind"] == "denied" and "Account Settings: Read" in error["missing_permission"]
    assert error["cloudflare"]["ray"]
    code, text, _ = host.adit("account", "list")
    assert code == 77, text


def test_a_token_that_the_account_owns_sees_that_account(host, sim):
    sim.control("POST", "seed", {"tokens": [{"value": OWNED, "account": sim.account, "scopes": [
        "tunnel:write", "dns:write", "zone:read", "account:read"]}]})
    host.write_token(OWNED)
    host.start()
    row, = host.items("account_list")
    assert row["id"] == sim.account and row["configured"]


def test_the_token_for_reading_reads_alone(host, sim):
    """Where one is named the other one is not asked, not even in its place."""
    sim.control("POST", "seed", {"tokens": [{"value": NARROW, "scopes": [
        "tunnel:write", "dns:write", "zone:read"]}]})
    second = host.folder / "read-token"
    host.write_token(NARROW)
    host.configure(cloudflare={"read_token_file": str(second)})
    host.start()
    error = host.refused("account_list").error
    assert error["kind"] == "denied" and "read_token_file" in error["message"]
    assert str(second) in error["message"]
    problem, = host.problems(name="reading")
    assert problem["message"] == error["message"] and host.status()["writes"] == "on"
    assert host.adit("status")[0] == 1
    second.write_text(sim.token + "\n")
    second.chmod(0o600)
    host.reload()
    assert host.api("account_list")["total"] > 0 and not host.problems(name="reading")
    second.write_text(NARROW + "\n")
    host.reload()
    assert host.refused("account_list").kind == "denied"
    assert host.status()["access"] == "ok" and host.status()["writes"] == "on"


def test_a_zone_that_is_nearly_named_is_suggested(running):
    error = running.refused("firewall_rule_list", zone="exmple.com")
    assert error.kind == "not_found" and 'Did you mean "example.com"?' in error.hint
    assert running.refused("firewall_rule_list", zone="other.org").hint == "See adit zone list."


def test_half_a_noun_is_completed(running):
    code, _, text = running.adit("firewall", "--help")
    assert code == 64 and "Did you mean adit firewall-rule?" in text
