"""Somebody else at the same account: makes, changes and deletes what is his, and meddles with ours.
He remembers how his own things look, and which of ours he took our mark from."""
from rig import ACCOUNT, CATCH_ALL, need

NAMES = [f"h{i}" for i in range(4)] + ["www", "mail"]


class Outsider:
    def __init__(self, rig, rng):
        self.rig, self.sim, self.rng = rig, rig.sim, rng
        self.records, self.tunnels, self.rules = {}, {}, {}
        self.unmarked = {}  # record id -> (log seq, its comment)
        self.number = 0
        self.acts = [(self.record_add, 4), (self.record_change, 3), (self.record_delete, 2),
                     (self.tunnel_add, 2), (self.tunnel_delete, 1), (self.mark_take, 2),
                     (self.mark_give, 3), (self.our_record_change, 2), (self.our_record_delete, 2),
                     (self.our_tunnel_rename, 1), (self.our_tunnel_delete, 1), (self.rule_add, 3),
                     (self.our_rule_delete, 2), (self.member_add, 1)]

    def act(self):
        acts, weights = zip(*self.acts)
        return self.rng.choices(acts, weights)[0]() or "nothing to meddle with"

    def edit(self, method, path, body=None):
        """The result, or None when Cloudflare refuses it."""
        answer = self.sim.control("POST", "edit", {"method": method, "path": path, "body": body})
        return answer["answer"]["result"] or {} if answer["status"] == 200 else None

    def pick(self, items):
        """The same one for the same seed, whatever the ids are."""
        items = list(items)
        return self.rng.choice(items) if items else None

    def zone_of(self, record):
        return "/zones/@" + ".".join(record["name"].split(".")[-2:]) + "/dns_records"

    # ---- his own ----

    def record_add(self):
        kind, content = self.rng.choice([("A", "192.0.2.7"), ("TXT", '"mine"'),
                                         ("CNAME", "elsewhere.example.org")])
        name = self.rng.choice(NAMES)
        made = self.edit("POST", "/zones/@example.com/dns_records",
                         {"type": kind, "name": name, "content": content,
                          "comment": self.rng.choice(["by hand", "adit:other/00000000", ""])})
        if made:
            self.records[made["id"]] = self.look(made["id"])
        return f"record {kind} {name} made: {bool(made)}"

    def record_change(self):
        found = self.pick(self.records)
        if not found:
            return None
        record = self.records[found]
        self.number += 1
        self.edit("PATCH", f"{self.zone_of(record)}/{found}", {"comment": f"note {self.number}"})
        self.records[found] = self.look(found)
        return f"his record {record['name']} changed"

    def record_delete(self):
        found = self.pick(self.records)
        if not found:
            return None
        record = self.records.pop(found)
        self.edit("DELETE", f"{self.zone_of(record)}/{found}")
        return f"his record {record['name']} deleted"

    def tunnel_add(self):
        name = self.rng.choice(["edge1", "second", "third", "his"])
        made = self.edit("POST", f"{ACCOUNT}/cfd_tunnel", {"name": name})
        if made:
            self.tunnels[made["id"]] = self.look_tunnel(made["id"])
        return f"tunnel {name} made: {bool(made)}"

    def tunnel_delete(self):
        found = self.pick(self.tunnels)
        if not found:
            return None
        tunnel = self.tunnels.pop(found)
        self.edit("DELETE", f"{ACCOUNT}/cfd_tunnel/{found}")
        return f"his tunnel {tunnel['name']} deleted"

    # ---- ours ----

    def our_record(self):
        return self.pick(sorted(self.rig.our_records(), key=lambda r: r["name"]))

    def our_tunnel(self):
        return self.pick(sorted(self.rig.our_tunnels(), key=lambda t: t["name"]))

    def mark_take(self):
        record = self.our_record()
        if not record:
            return None
        self.edit("PATCH", f"{self.zone_of(record)}/{record['id']}", {"comment": "mine now"})
        self.unmarked[record["id"]] = (self.sim.mark(), record["comment"], record)
        return f"our mark taken from {record['name']}"

    def mark_give(self):
        found = self.pick(self.unmarked)
        if not found:
            return None
        self.check_unmarked()
        _, comment, record = self.unmarked.pop(found)
        self.edit("PATCH", f"{self.zone_of(record)}/{found}", {"comment": comment})
        return f"our mark given back to {record['name']}"

    def our_record_change(self):
        record = self.our_record()
        if not record:
            return None
        body = self.rng.choice([{"proxied": False}, {"content": "elsewhere.example.org"},
                                {"ttl": 300, "proxied": False}])
        self.edit("PATCH", f"{self.zone_of(record)}/{record['id']}", body)
        return f"our record {record['name']} changed {body}"

    def our_record_delete(self):
        record = self.our_record()
        if not record:
            return None
        self.edit("DELETE", f"{self.zone_of(record)}/{record['id']}")
        return f"our record {record['name']} deleted"

    def our_tunnel_rename(self):
        tunnel = self.our_tunnel()
        if not tunnel:
            return None
        self.number += 1
        self.edit("PATCH", f"{ACCOUNT}/cfd_tunnel/{tunnel['id']}", {"name": f"new{self.number}"})
        return f"our tunnel {tunnel['name']} renamed"

    def our_tunnel_delete(self):
        tunnel = self.our_tunnel()
        if not tunnel:
            return None
        gone = self.edit("DELETE", f"{ACCOUNT}/cfd_tunnel/{tunnel['id']}")
        return f"our tunnel {tunnel['name']} deleted: {gone is not None}"

    # ---- rules in our configuration ----

    def put(self, tunnel, config):
        self.edit("PUT", f"{ACCOUNT}/cfd_tunnel/{tunnel['id']}/configurations", {"config": config})

    def rule_add(self):
        tunnel = self.our_tunnel()
        if not tunnel:
            return None
        self.number += 1
        rule = {"hostname": f"his{self.number}.example.com", "service": "http://10.0.0.1:80"}
        config = tunnel["config"] or {"ingress": [CATCH_ALL]}
        config["ingress"].insert(self.rng.randrange(len(config["ingress"])), rule)
        self.put(tunnel, config)
        self.rules.setdefault(tunnel["id"], []).append(rule)
        return f"rule {rule['hostname']} put into {tunnel['name']}"

    def our_rule_delete(self):
        tunnel = self.our_tunnel()
        his = self.rules.get(tunnel["id"], []) if tunnel else []
        ours = [r for r in tunnel["config"]["ingress"][:-1] if r not in his] \
            if tunnel and tunnel["config"] else []
        if not ours:
            return None
        rule = self.rng.choice(ours)
        tunnel["config"]["ingress"].remove(rule)
        self.put(tunnel, tunnel["config"])
        return f"our rule {rule} taken out of {tunnel['name']}"

    def member_add(self):
        tunnel = self.our_tunnel()
        if not tunnel or not tunnel["config"]:
            return None
        self.put(tunnel, {**tunnel["config"], "warp-routing": {"enabled": True}})
        return f"warp-routing in {tunnel['name']}"

    # ---- what must hold ----

    def look(self, record_id):
        return next((r for r in self.sim.records() if r["id"] == record_id), None)

    def look_tunnel(self, tunnel_id):
        return next((t for t in self.sim.tunnels() if t["id"] == tunnel_id), None)

    def check(self):
        """Nobody wrote to what is his, nor to what he took our mark from; his rules are there."""
        self.rig.check_foreign()
        for found, kept in self.records.items():
            need(self.look(found) == kept, "his record changed:", str(kept), str(self.look(found)))
        for found, kept in self.tunnels.items():
            need(self.look_tunnel(found) == kept, "his tunnel changed:", str(kept))
        self.check_unmarked()
        self.check_rules()

    def check_unmarked(self):
        """Once adit could know that the mark is gone. (Cloudflare has no compare-and-swap.)"""
        for found, (since, _, record) in self.unmarked.items():
            seen = False
            for row in self.sim.log(since):
                if row["method"] == "GET":
                    seen = seen or row["status"] == 200 and row["path"].startswith("/zones/") and \
                        "dns_records" in row["path"]
                elif row["object"] == found and row["status"] == 200:
                    need(not seen, f"a write to {record['name']}, which bears no mark of ours:",
                         row["method"], row["path"])

    def check_rules(self):
        raced = any(e["kind"] == "config_raced"
                    for e in self.rig.host.items("event_list", limit=500))
        for tunnel in self.rig.our_tunnels():
            for rule in self.rules.get(tunnel["id"], []):
                there = tunnel["config"] and rule in tunnel["config"]["ingress"]
                need(there or raced, f"his rule {rule} is gone from {tunnel['name']}, and no race "
                     "was told")
