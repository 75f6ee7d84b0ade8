"""What may be written at Cloudflare, and what may not. It sees every write before it takes effect
and knows who made what, which plans a person approved, and what adit was shown last: an edit by
somebody else that adit could not know of is a race, all else that harms is a violation."""
import collections
import contextlib
import copy
import json
import re
import time

import rawjson

OWNER = "edge1"
MARK = re.compile(rf"adit:{OWNER}/[0-9a-f]{{8}}(?= |$)")
JUST_S = 1
UNDER_WAY_S = 0.05
FIELDS = ("content", "proxied", "comment", "ttl")
RULE_MEMBERS = {"hostname", "path", "service", "originRequest"}


class Facts:
    def __init__(self, maker):
        self.maker = maker            # "adit", or "other"
        self.names = set()            # that it had before somebody renamed it
        self.changed = self.seen = 0  # when somebody else changed it, when adit was shown it
        self.written = 0              # when adit wrote it: what was asked for since is still due
        self.row = None               # what it wrote of a record
        self.told = 0                 # when adit was shown what somebody made of it
        # Of a tunnel's configuration:
        self.config_changed = self.config_seen = 0
        self.looks = []         # at the configuration: when the answer was made, when it had ended
        self.rules = set()            # texts of rules that adit put
        self.keys = set()             # their host names and paths
        self.shown = set()            # texts of rules that adit was shown last
        self.unsure = False           # adit's last PUT got no answer
        self.wrote = self.killed = 0  # when adit wrote it; it died so soon that it may not know


def mark_of(record):
    found = MARK.match(record["comment"] or "")
    return found.group() if found else None


def rule_key(raw):
    rule = json.loads(raw)
    return rule.get("hostname", ""), rule.get("path", "")


def rules_of(config):
    return rawjson.elements(rawjson.member(config, "ingress") or "[]") if config else []


def covers(a, b):
    """Does the host name pattern a answer for all of b?"""
    return a in ("", b) or (a.startswith("*.") and b.endswith(a[1:]) and b != a)


def shadows(raw, other):
    (host, path), (other_host, other_path) = rule_key(raw), rule_key(other)
    return (host or path) and covers(host, other_host) and path in ("", other_path)


class Judge:
    def __init__(self, cloud):
        self.cloud = cloud
        self.clock = 0
        self.mark = None              # adit's, once it wrote one
        self.rotates = False          # somebody asked for another secret
        self.facts = collections.defaultdict(lambda: Facts("other"))
        self.violations, self.races = [], []
        self.raced_at = 0
        self.approved, self.asked = [], []  # [(when, text)]
        self.overwritten = collections.Counter()  # name -> edits that adit has to tell of
        self.taken = {}               # (kind, name) -> when somebody else deleted adit's
        self.delivering = True        # will the answer of this request arrive?
        self.policy = "report"
        self.flights = collections.Counter()
        self.epoch = 0
        self.arrived = 0              # when the request came that takes effect now
        self.row = None               # that request
        self.looks = {}               # at configurations, whose answers are under way
        self.orphaned = False         # whoever sent it is dead, or has sent another since
        self.counts = collections.Counter()

    def tick(self):
        self.clock += 1
        return self.clock

    def violate(self, *words):
        self.violations.append(" ".join(map(str, words)))

    # ---- what people allowed ----

    def approve(self, text):
        self.approved.append((self.tick(), text))

    def ask(self, text):
        self.asked.append((self.tick(), text))

    def licensed(self, *names, since=0):
        return any(n and n in text for when, text in self.approved if when > since for n in names)

    def wanted(self, name, since=0):
        return self.licensed(name, since=since) or \
            any(name in text for when, text in self.asked if when > since)

    # ---- one request per object ----

    def begin(self, keys, write):
        """Its end is end(); forget() ends all, when their caller was killed."""
        for key in keys:
            if write and self.flights[key, True]:
                self.violate(f"two writes in flight for {key}")
            elif self.flights[key, True] or (write and self.flights[key, False]):
                self.violate(f"a read beside a write in flight for {key}")
            self.flights[key, write] += 1
        return self.epoch, keys, write

    def end(self, flight):
        epoch, keys, write = flight
        if epoch == self.epoch:
            for key in keys:
                self.flights[key, write] -= 1

    def forget(self):
        self.epoch += 1
        self.flights.clear()
        if self.races and time.monotonic() - self.raced_at < JUST_S:
            self.races.clear()  # nobody lives who could tell of it
            self.counts["raced and killed"] += 1
        for facts in self.facts.values():
            if time.monotonic() - facts.wrote < JUST_S:
                facts.killed = self.tick()

    # ---- records ----

    def saw(self, ids):
        if self.delivering:
            for i in ids:
                facts = self.facts[i]
                facts.seen = self.tick()
                facts.told = facts.told or (facts.changed and facts.seen)

    def ours(self, record):
        return self.facts[record["id"]].maker == "adit" and mark_of(record) == self.mark

    def unknown(self, record):
        """Somebody changed it, and adit was not shown it since."""
        facts = self.facts[record["id"]]
        return facts.maker == "adit" and facts.changed > min(facts.seen, self.arrived)

    def may_write(self, what, record):
        if self.ours(record) or self.licensed(record["id"], record["name"]):
            return
        if self.unknown(record):
            self.counts["raced records"] += 1
            return
        self.violate(f"{what} of a record that is not adit's: {record['type']} {record['name']} "
                     f"{record['content']} ({record['comment']}) {record['id']}")

    def record_posted(self, zone, record):
        mark = mark_of(record)
        if not mark:
            self.violate(f"a record without mark was made: {record['name']} {record['comment']}")
        self.mark = self.mark or mark
        for other in zone["records"].values():
            if (other["name"], other["type"]) == (record["name"], record["type"]) and \
                    self.ours(other):
                self.violate(f"a second {record['type']} record {record['name']}")
        self.anew("record", record["name"])
        self.facts[record["id"]] = Facts("adit")
        self.facts[record["id"]].wrote = time.monotonic()
        self.facts[record["id"]].written = self.tick()
        self.facts[record["id"]].row = dict(record)
        self.facts[record["id"]].killed = 0 if self.delivering else self.tick()
        self.saw([record["id"]])

    def record_changed(self, zone, old, new):
        self.may_write("a change", old)
        facts = self.facts[old["id"]]
        if self.ours(old) and not facts.killed and 0 < facts.changed < facts.seen and \
                not self.unknown(old) and self.policy != "repair" and \
                not self.wanted(old["name"], since=min(facts.changed, facts.written)):
            self.violate(f"{old['type']} {old['name']} was changed back unasked")
        self.edit_lost(facts, old, new)
        facts.row = dict(new)
        facts.changed, facts.killed = 0, 0 if self.delivering else self.tick()
        facts.wrote, facts.written = time.monotonic(), self.tick()
        if mark_of(old) and not mark_of(new) and not self.licensed(old["id"], old["name"]):
            self.violate(f"the mark of {old['name']} was taken off without a plan")
        facts.maker = "adit" if mark_of(new) else "other"
        self.mark = self.mark or mark_of(new)
        self.saw([old["id"]])

    def edit_lost(self, facts, old, new):
        """A write that was asked for before somebody's edit, of which adit knew when it sent it."""
        if not facts.row or facts.killed or self.policy == "repair" or not self.ours(old) or \
                not 0 < facts.changed < facts.told < self.arrived or \
                self.wanted(old["name"], since=facts.changed):
            return
        lost = [f for f in FIELDS if old.get(f) != facts.row.get(f) and
                (new is None or old.get(f) != new.get(f)) and (f != "ttl" or not old["proxied"])]
        if lost:
            self.overwritten[old["name"]] += 1
            self.counts["edits overwritten"] += 1

    def record_deleted(self, zone, old, instead):
        self.may_write("a deletion", old)
        self.edit_lost(self.facts[old["id"]], old, None)
        if old["name"] not in instead and not self.licensed(old["id"], old["name"]):
            self.violate(f"deleted without a plan: record {old['name']} {old['id']}")

    def batch_begins(self):
        self.kept = copy.deepcopy((dict(self.facts), self.overwritten))

    def batch_ends(self, well):
        if not well:
            self.facts.clear()
            self.facts.update(self.kept[0])
            self.overwritten = self.kept[1]

    def records_shown(self, zone, rows, query):
        self.saw(r["id"] for r in rows)

    def record_asked(self, record_id):
        pass

    def anew(self, kind, name):
        """What a person deleted comes again only when somebody asked for it afterwards."""
        when = self.taken.pop((kind, name), None)
        if when and not self.wanted(name, since=when):
            self.violate(f"{kind} {name} was made again unasked after somebody deleted it")

    # ---- tunnels ----

    def tunnel_posted(self, name):
        self.anew("tunnel", name)

    def tunnel_made(self, tunnel, maker):
        self.facts[tunnel["id"]] = Facts(maker)
        self.facts[tunnel["id"]].wrote = time.monotonic()
        self.facts[tunnel["id"]].killed = 0 if self.delivering else self.tick()
        self.saw([tunnel["id"]])

    def tunnels_shown(self, rows):
        self.saw(t["id"] for t in rows)

    def tunnel_written(self, what, tunnel):
        facts = self.facts[tunnel["id"]]
        # What a person agreed to is about the tunnel, whatever somebody calls it meanwhile.
        allowed = self.licensed(tunnel["id"], tunnel["name"], *facts.names)
        if facts.maker != "adit" and not allowed:
            self.violate(f"{what} of a foreign tunnel, {tunnel['name']}")
        elif what.startswith("DELETE") and not allowed and facts.changed <= facts.seen:
            self.violate(f"{what} without a plan: tunnel {tunnel['name']}")

    def secret_written(self, tunnel):
        if not self.rotates:
            self.violate(f"another secret for {tunnel['name']}, and nobody asked for one")

    # ---- configurations ----

    def config_shown(self, tunnel):
        if self.delivering:
            facts = self.facts[tunnel["id"]]
            facts.config_seen, facts.unsure = self.tick(), False
            if self.row:
                self.looks[self.row["when"]] = facts, facts.config_seen
            facts.shown = set(rules_of(tunnel["config"]))

    def answered(self, row):
        """adit has the whole answer, or nearly: its look is as old as when the answer was made."""
        if row["when"] in self.looks:
            facts, seen = self.looks.pop(row["when"])
            facts.looks.append((seen, time.monotonic()))

    def config_known(self, facts):
        """A PUT may have been made of any look whose answer ended just before it came."""
        just = [seen for seen, at in facts.looks if at > self.row["at"] - UNDER_WAY_S]
        return min([facts.config_seen, *just])

    def config_put(self, tunnel, before, after):
        facts = self.facts[tunnel["id"]]
        if facts.maker != "adit" and not self.licensed(tunnel["id"], tunnel["name"]):
            self.violate(f"a PUT to the configuration of a foreign tunnel, {tunnel['name']}")
        raced = self.orphaned or facts.config_changed > min(self.config_known(facts), self.arrived)
        old, new = before or '{"ingress":[]}', after
        late = self.orphaned or not self.delivering  # another of the same came before it
        if before == after and not raced and not facts.unsure and not late:
            self.violate(f"a PUT that changes nothing, to {tunnel['name']}")
        self.members_kept(tunnel, old, new, raced)
        self.rules_kept(tunnel, facts, rules_of(old), rules_of(new), raced)
        facts.unsure = not self.delivering
        if self.delivering and not raced:
            facts.config_seen = self.tick()

    def lost(self, tunnel, what, raced):
        if raced:
            if not self.orphaned:
                self.races.append((tunnel["id"], what))
                self.raced_at = time.monotonic()
        else:
            self.violate(f"lost or changed in {tunnel['name']}: {what}")

    def members_kept(self, tunnel, old, new, raced):
        was = [m for m in rawjson.members(old) if m[0] != "ingress"]
        now = [m for m in rawjson.members(new) if m[0] != "ingress"]
        for key, raw in was:
            if (key, raw) not in now:
                self.lost(tunnel, f"member {key}: {raw}", raced)
        for key, raw in now:
            if (key, raw) not in was and not raced:
                self.violate(f"a member that nobody asked for: {key}: {raw}")
        kept = [m for m in now if m in was]
        if kept != [m for m in was if m in now]:
            self.lost(tunnel, "the order of its members", raced)

    def rules_kept(self, tunnel, facts, was, now, raced):
        foreign = [r for r in was if r not in facts.rules]
        for raw in foreign:
            if was.count(raw) > now.count(raw) and not self.may_lose(facts, raw, now):
                self.lost(tunnel, f"rule {raw}", raced)
        theirs = [r for r in foreign if not self.licensed(rule_key(r)[0] or r)]  # not adopted
        if [r for r in now if r in theirs] != [r for r in theirs if r in now]:
            self.lost(tunnel, "the order of its rules", raced)
        # Taken out by somebody after adit was shown it: it comes back, and that is to be told.
        back = [r for r in now if r not in was and raced and r in facts.shown - facts.rules]
        for raw in back:
            self.lost(tunnel, f"the removal of {raw}", raced)
        fresh = [r for r in now if r not in was and r not in back]
        for raw in fresh:
            self.rule_new(tunnel, facts, raw, now, foreign, raced)
        for raw in was:
            if raw in facts.rules and raw not in now:
                self.rule_gone(tunnel, facts, raw, now)
        facts.rules |= set(fresh)

    def may_lose(self, facts, raw, now):
        """A rule that somebody put in place of ours, or that a plan names."""
        key = rule_key(raw)
        if self.licensed(key[0]):
            return True
        return key in facts.keys and (self.policy == "repair" or self.wanted(key[0])) and \
            any(rule_key(r) == key for r in now)

    def rule_new(self, tunnel, facts, raw, now, foreign, raced):
        rule = json.loads(raw)
        if set(rule) - RULE_MEMBERS:
            self.violate(f"a rule with strange members: {raw}")
        key = rule_key(raw)
        if key != ("", "") and not raced and not self.wanted(key[0]):
            self.violate(f"a rule that nobody asked for: {raw} in {tunnel['name']}")
        facts.keys.add(key)
        for other in now[now.index(raw) + 1:]:
            if other in foreign and shadows(raw, other) and not self.licensed(rule_key(other)[0]):
                if raced:
                    self.races.append((tunnel["id"], f"shadowed {other}"))
                else:
                    self.violate(f"{raw} shadows {other} in {tunnel['name']}")

    def rule_gone(self, tunnel, facts, raw, now):
        key = rule_key(raw)
        if self.orphaned or any(rule_key(r) == key for r in now):
            return
        if not self.licensed(key[0]):
            self.violate(f"unpublished without a plan: {raw} in {tunnel['name']}")

    # ---- somebody else ----

    def other_changed(self, object_id):
        self.facts[object_id].changed = self.tick()
        self.facts[object_id].told = 0

    def other_deleted(self, kind, object_id, name):
        facts = self.facts[object_id]
        if time.monotonic() - facts.wrote < JUST_S:
            facts.killed = self.tick()  # it may not have heard of it before it is told so
        if facts.maker == "adit" and facts.seen and not facts.killed:
            self.taken[kind, name] = self.tick()

    def other_put(self, tunnel):
        self.facts[tunnel["id"]].config_changed = self.tick()

    @contextlib.contextmanager
    def delivery(self, row, arrives):
        dead = row["epoch"] != self.epoch  # who sent it was killed, and hears nothing of it
        self.delivering, self.arrived, self.row = arrives and not dead, row["when"], row
        self.orphaned = dead or str(row.get("struck")).startswith("late")
        try:
            yield
        finally:
            self.delivering, self.row = True, None
