"""A large account as whoever reads its security meets it: 300 zones, 1,200 members, 50,000 audit
entries. Made of one seed for random numbers, so that a test can count again what adit tells."""
import datetime
import hashlib
import random

CUSTOM, MANAGED = "http_request_firewall_custom", "http_request_firewall_managed"
LIMIT, TRANSFORM = "http_ratelimit", "http_request_transform"
SETS = [f"{c}" * 32 for c in "ab"]  # managed rulesets
ACTIONS = ["block", "managed_challenge", "log", "js_challenge"]
ROLES = {
    "Super Administrator - All Privileges": {},
    "Administrator": {"dns_records": True, "waf": True, "organization": False},
    "Administrator Read Only": {"dns_records": False, "waf": False, "organization": False},
    "DNS": {"dns_records": True, "zone": False},
    "Firewall": {"waf": True, "zone": False},
    "Analytics": {"analytics": False}}
BATCH = 10000
V2_BEGINS = datetime.datetime(2026, 2, 8, tzinfo=datetime.timezone.utc)


def made_id(*words):
    return hashlib.sha256("/".join(map(str, words)).encode()).hexdigest()[:32]


def written(moment):
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class World:
    """zones: name -> {status, rulesets, access_rules, lockdowns, ua_rules}."""

    def __init__(self, zones=300, members=1200, entries=50000, seed=7):
        self.dice = random.Random(seed)
        self.now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
        self.zones = {self.zone_name(i): self.zone(i) for i in range(zones)}
        self.members = [self.member(i) for i in range(members)]
        self.account = {
            "rulesets": [self.ruleset("account", CUSTOM, "custom", f"set {i}") for i in range(120)],
            "access_rules": [self.access_rule("account", i) for i in range(1500)]}
        self.entries = [self.entry(i, entries) for i in range(entries)]

    # ---- zones ----

    @staticmethod
    def zone_name(i):
        return f"z{i:03}.example" if i else "staging.example"

    def zone(self, i):
        name = self.zone_name(i)
        out = {"status": "pending" if i % 10 == 9 else "active", "rulesets": [],
               "access_rules": [], "lockdowns": [], "ua_rules": []}
        if i % 5 < 2:
            out["rulesets"] = [self.entry_point(name, CUSTOM, 1000 if i == 1 else i % 31 + 1),
                               self.managed(name), self.entry_point(name, LIMIT, i % 3),
                               self.entry_point(name, TRANSFORM, 2)]
        if i % 4 == 0:
            out["access_rules"] = [self.access_rule(name, n) for n in range(i % 40 + 1)]
            out["lockdowns"] = [
                {"id": made_id(name, "lock", n), "urls": [f"{name}/admin{n}*"],
                 "paused": n % 2 == 0, "description": f"lock {n}",
                 "configurations": [{"target": "ip", "value": f"192.0.2.{n}"}]} for n in range(3)]
            out["ua_rules"] = [
                {"id": made_id(name, "agent", n), "mode": "block", "paused": n % 3 == 0,
                 "description": f"agent {n}", "configuration": {"target": "ua", "value": f"Bot{n}"}}
                for n in range(4)]
        return out

    def rule(self, of, n, **more):
        return {"id": made_id(of, "rule", n), "action": self.dice.choice(ACTIONS),
                "expression": f'http.host eq "h{n}.{of}"', "description": f"rule {n} of {of}",
                "enabled": self.dice.random() > 0.2, **more}

    def ruleset(self, owner, phase, kind, name, rules=()):
        return {"id": made_id(owner, phase, name), "phase": phase, "kind": kind, "name": name,
                "rules": list(rules)}

    def entry_point(self, zone, phase, count):
        more = {"ratelimit": {"characteristics": ["ip.src"], "period": 60,
                              "requests_per_period": 10, "mitigation_timeout": 60}}
        return self.ruleset(zone, phase, "zone", "default", [
            self.rule(f"{zone} {phase}", n, **(more if phase == LIMIT else {}))
            for n in range(count)])

    def managed(self, zone):
        of, dice = f"{zone} {MANAGED}", self.dice
        overrides = {"action": "log", "rules": [
            {"id": made_id("managed rule", n), "action": dice.choice(ACTIONS),
             "enabled": dice.random() > 0.5} for n in range(dice.randrange(40))]}
        return self.ruleset(zone, MANAGED, "zone", "default", [
            self.rule(of, 0, action="execute",
                      action_parameters={"id": SETS[0], "overrides": overrides}),
            self.rule(of, 1, action="skip", action_parameters={"ruleset": "current"})])

    def access_rule(self, of, n):
        return {"id": made_id(of, "access", n), "mode": self.dice.choice(["block", "whitelist"]),
                "notes": f"access {n} of {of}",
                "configuration": {"target": "ip", "value": f"10.{n // 250}.{n % 250}.1"}}

    # ---- people ----

    def member(self, i):
        dice = self.dice
        out = {"id": made_id("member", i), "email": f"m{i:04}@example.com",
               "status": "pending" if dice.random() < 0.1 else "accepted",
               "two_factor": dice.random() < 0.7}
        role = "Super Administrator - All Privileges" if i < 5 else \
            dice.choice(list(ROLES)[1:])
        if i % 9 == 0 and i:
            out["policies"] = [{"id": made_id("policy", i), "access": "allow",
                                "permission_groups": [dice.choice(["DNS", "Analytics"])],
                                "resource_groups": [{
                                    "id": made_id("everything"), "scope": {
                                        "key": "com.cloudflare.api.account",
                                        "objects": [{"key": "*"}]}}]}]
        else:
            out["roles"] = [role]
        return out

    # ---- what was done ----

    def entry(self, i, count):
        """The newer, the closer together; the oldest is more than a year old. No two are of one
        moment, as nobody promises an order for those."""
        dice = self.dice
        age = datetime.timedelta(days=400) * (i / count) ** 3 + datetime.timedelta(
            minutes=10, milliseconds=i)
        kind = dice.choice(["ruleset", "dns_record", "token", "member", "access_rule"])
        row = {"id": f"{i:08}-0000-4000-8000-000000000000",
               "action": {"type": dice.choice(["create", "update", "delete", "view"]),
                          "result": "success" if dice.random() > 0.1 else "failure",
                          "description": f"{kind} was touched", "time": written(self.now - age)},
               "actor": {"id": made_id("user", i % 40), "email": f"m{i % 40:04}@example.com",
                         "type": "user", "ip_address": f"192.0.2.{i % 40}",
                         "context": dice.choice(["dash", "api_token", "api_key"])},
               "resource": {"id": made_id(kind, i % 300), "type": kind,
                            "product": {"ruleset": "rulesets", "dns_record": "dns_records",
                                        "token": "api_tokens", "member": "members",
                                        "access_rule": "firewall"}[kind]}}
        if kind in ("ruleset", "dns_record", "access_rule"):
            row["zone"] = {"name": self.zone_name(i % len(self.zones))}
        return row

    def ages(self, since, until="0d", **_):
        """Does an entry lie between these, "48h" or "20d" ago?"""
        hours = {"h": 1, "d": 24}
        first, last = (written(self.now - datetime.timedelta(hours=int(t[:-1]) * hours[t[-1]]))
                       for t in (since, until))
        return lambda entry: first <= entry["action"]["time"] <= last

    # ---- into the simulator ----

    def seed(self, sim):
        sim.control("POST", "seed", {
            "zones": [{"name": name, "status": z["status"]} for name, z in self.zones.items()],
            "security": {
                "managed": {"rulesets": [self.ruleset("managed", MANAGED, "managed", f"Managed {s}")
                                         | {"id": s} for s in SETS]},
                "account": {**self.account, "roles": [
                    {"name": name, "description": name, "permissions": {
                        area: {"read": True, "write": write} for area, write in can.items()}}
                    for name, can in ROLES.items()],
                    "permission_groups": [{"name": name, "meta": {"label": name.lower()}}
                                          for name in ("DNS", "Analytics")]},
                **{name: {k: v for k, v in z.items() if k != "status"}
                   for name, z in self.zones.items()}}})
        sim.control("POST", "seed", {"security": {"account": {"members": self.members}}})
        for at in range(0, len(self.entries), BATCH):
            sim.control("POST", "seed", {"security": {"account": {
                "audit": self.entries[at:at + BATCH]}}})
