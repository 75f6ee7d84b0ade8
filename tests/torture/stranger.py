"""Somebody else at the strict account: makes, changes, reorders and deletes, his own and adit's."""
import json

import rawjson
from furniture import CATCH_ALL, add_record, add_tunnel

HOSTS = [f"h{i}.example.com" for i in range(5)]


def joined(rules, members=()):
    ingress = "[" + ", ".join(rules) + "]"
    return "{" + ",".join(f"{json.dumps(k)}:{ingress if k == 'ingress' else raw}"
                          for k, raw in (members or [("ingress", "")])) + "}"


class Stranger:
    def __init__(self, cloud, rng):
        self.cloud, self.judge, self.rng = cloud, cloud.judge, rng
        self.number = 0
        self.took = {}  # record id -> comment that he took away
        self.gave = set()  # ids of records that he put one back on
        self.acts = [(self.record_add, 4), (self.record_change, 2), (self.record_delete, 2),
                     (self.ours_change, 3), (self.ours_delete, 2), (self.mark_take, 2),
                     (self.mark_give, 2), (self.tunnel_add, 1), (self.tunnel_rename, 1),
                     (self.tunnel_delete, 1), (self.rule_add, 4), (self.rule_delete, 2),
                     (self.rule_edit, 2), (self.rules_reorder, 2), (self.member_add, 2)]

    def act(self):
        acts, weights = zip(*self.acts)
        with self.cloud.lock:
            return self.rng.choices(acts, weights)[0]() or "nothing to meddle with"

    def pick(self, things):
        things = list(things)
        return self.rng.choice(things) if things else None

    # ---- records ----

    def records(self, maker):
        found = [(z, r) for z in self.cloud.zones.values() for r in z["records"].values()
                 if self.judge.facts[r["id"]].maker == maker]
        return sorted(found, key=lambda f: (f[1]["name"], f[1]["type"], f[1]["content"]))

    def record_add(self):
        self.number += 1
        kind, content = self.rng.choice([("A", f"192.0.2.{self.number % 250}"),
                                         ("TXT", f'"mine {self.number}"'),
                                         ("CNAME", "elsewhere.example.org")])
        name = self.rng.choice(HOSTS + ["t0.example.com", "x.example.net"])
        made = add_record(self.cloud, kind, name, content,
                          {"comment": self.rng.choice(["by hand", "adit:other/00000000", ""])})
        return f"his record {kind} {name} made: {bool(made)}"

    def record_change(self):
        found = self.pick(self.records("other"))
        if not found:
            return None
        self.number += 1
        found[1]["comment"] = f"note {self.number}"
        self.judge.other_changed(found[1]["id"])
        return f"his record {found[1]['name']} changed"

    def record_delete(self):
        found = self.pick(self.records("other"))
        if not found:
            return None
        del found[0]["records"][found[1]["id"]]
        return f"his record {found[1]['name']} deleted"

    def ours_change(self):
        found = self.pick(self.records("adit"))
        if not found:
            return None
        record = found[1]
        record.update(self.rng.choice([{"ttl": 300, "proxied": False}, {"ttl": 120},
                                       {"content": "elsewhere.example.org"}])
                      if record["type"] == "CNAME" else {"ttl": self.rng.choice([120, 300])})
        self.judge.other_changed(record["id"])
        return f"our record {record['name']} changed: {record['content']} {record['proxied']}"

    def ours_delete(self):
        found = self.pick(self.records("adit"))
        if not found:
            return None
        zone, record = found
        del zone["records"][record["id"]]
        self.judge.other_deleted("record", record["id"], record["name"])
        return f"our record {record['name']} deleted"

    def mark_take(self):
        found = self.pick(self.records("adit"))
        if not found or found[1]["id"] in self.took:
            return None
        record = found[1]
        self.took[record["id"]] = record["comment"]
        record["comment"] = "mine now"
        self.judge.other_changed(record["id"])
        return f"our mark taken from {record['name']}"

    def mark_give(self):
        found = self.pick(f for f in self.records("adit") if f[1]["id"] in self.took)
        if not found:
            return None
        record = found[1]
        record["comment"] = self.took.pop(record["id"])
        self.gave.add(record["id"])
        self.judge.other_changed(record["id"])
        return f"our mark given back to {record['name']}"

    # ---- tunnels ----

    def our_tunnel(self):
        return self.pick(sorted((t for t in self.cloud.tunnels.values() if not t["deleted_at"] and
                                 self.judge.facts[t["id"]].maker == "adit"),
                                key=lambda t: t["name"]))

    def any_tunnel(self):
        shared = self.cloud.live_tunnel("shared")
        return self.pick([t for t in (self.our_tunnel(), self.our_tunnel(), shared) if t])

    def tunnel_add(self):
        name = self.rng.choice(["edge1", "second", "third", "his"])
        return f"tunnel {name} made: {bool(add_tunnel(self.cloud, name))}"

    def tunnel_rename(self):
        t = self.our_tunnel()
        if not t:
            return None
        self.number += 1
        self.judge.facts[t["id"]].names.add(t["name"])
        t["name"] = f"new{self.number}"
        self.judge.other_changed(t["id"])
        return f"our tunnel renamed to {t['name']}"

    def tunnel_delete(self):
        t = self.our_tunnel()
        if not t:
            return None
        t["deleted_at"], t["conns"] = "2026-01-01T00:00:00Z", []
        self.judge.other_deleted("tunnel", t["id"], t["name"])
        self.judge.other_changed(t["id"])
        return f"our tunnel {t['name']} deleted"

    # ---- configurations ----

    def rules_of(self, t):
        members = rawjson.members(t["config"]) if t["config"] else [("ingress", f"[{CATCH_ALL}]")]
        return members, rawjson.elements(dict(members)["ingress"])

    def put(self, t, members, rules):
        self.cloud.set_config(t, joined(rules, members))
        self.judge.other_put(t)

    def rule_add(self):
        t = self.any_tunnel()
        if not t:
            return None
        self.number += 1
        members, rules = self.rules_of(t)
        host = self.rng.choice([f"his{self.number}.example.com", f"his{self.number}.example.com",
                                f"*.his{self.number}.example.com", self.rng.choice(HOSTS),
                                "*.example.com"])
        path = self.rng.choice(["", "", "", ', "path" : "^/p%d"' % self.number])
        raw = (f'{{"hostname":"{host}"{path}, "service": "http://10.0.0.{self.number % 250}",'
               f'"originRequest":{{"connectTimeout":{self.rng.choice(["1e1", "10", "10.0"])},'
               f'"odd":9007199254740993}}}}')
        rules.insert(self.rng.randrange(len(rules)), raw)
        self.put(t, members, rules)
        return f"rule {raw} put into {t['name']}"

    def rule_delete(self):
        t = self.any_tunnel()
        members, rules = self.rules_of(t) if t else (None, [])
        if len(rules) < 2:
            return None
        gone = rules.pop(self.rng.randrange(len(rules) - 1))
        self.put(t, members, rules)
        return f"rule {gone} taken out of {t['name']}"

    def rule_edit(self):
        t = self.any_tunnel()
        members, rules = self.rules_of(t) if t else (None, [])
        if len(rules) < 2:
            return None
        i = self.rng.randrange(len(rules) - 1)
        self.number += 1
        rule = json.loads(rules[i])
        rule["service"] = f"http://10.1.0.{self.number % 250}"
        rules[i] = json.dumps(rule)
        self.put(t, members, rules)
        return f"rule edited in {t['name']}: {rules[i]}"

    def rules_reorder(self):
        t = self.any_tunnel()
        members, rules = self.rules_of(t) if t else (None, [])
        if len(rules) < 3:
            return None
        head = rules[:-1]
        self.rng.shuffle(head)
        self.put(t, members, head + rules[-1:])
        return f"rules of {t['name']} reordered"

    def member_add(self):
        t = self.any_tunnel()
        if not t or not t["config"]:
            return None
        members, rules = self.rules_of(t)
        self.number += 1
        members.insert(self.rng.randrange(len(members) + 1), (f"x-{self.number}", "1.50"))
        self.put(t, members, rules)
        return f"a member put into {t['name']}"
