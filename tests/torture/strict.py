"""A second Cloudflare, strict: the part of the API that adit uses, written from Cloudflare's own
documents and sharing nothing with adit-sim, so that a misreading cannot hide in both. It refuses
what the API refuses, keeps configurations as their bytes, and shows every write to a judge."""
import base64
import binascii
import copy
import json
import re
import threading
import time
import uuid

import rawjson
from judge import Judge

TYPES = ("A AAAA CAA CERT CNAME DNSKEY DS HTTPS LOC MX NAPTR NS OPENPGPKEY PTR SMIMEA SRV SSHFP "
         "SVCB TLSA TXT URI").split()
PROXIABLE = ("A", "AAAA", "CNAME")
RECORD_TYPES = {"name": str, "type": str, "content": str, "ttl": (int, float), "proxied": bool,
                "comment": str, "tags": list, "settings": dict, "priority": (int, float),
                "data": dict}
WAYS = {"exact": str.__eq__, "contains": str.__contains__, "startswith": str.startswith,
        "endswith": str.endswith}
FILTERS = {f"{m}.{way}": (m, test) for m in ("name", "content", "comment")
           for way, test in WAYS.items()}
LIST_QUERY = {"name", "type", "content", "comment", "search", "proxied", "match", "order",
              "direction", "page", "per_page", *FILTERS}
BATCH_MOST = 200
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
HEX = re.compile(r"[0-9a-f]{32}")


class Refusal(Exception):
    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def refuse_if(wrong, status, code, message):
    if wrong:
        raise Refusal(status, code, message)


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + ".000000Z"


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def envelope(result, info=None, raw=None):
    """raw: the text of the result, where its bytes matter."""
    tail = f',"result_info":{compact(info)}' if info else ""
    return ('{"success":true,"errors":[],"messages":[],"result":' +
            (compact(result) if raw is None else raw) + tail + "}")


def failure(code, message):
    return compact({"success": False, "errors": [{"code": code, "message": message}],
                    "messages": [], "result": None})


class Cloud:
    """The account: zones, records, tunnels. All methods are called with the lock held, or by
    nobody else at the time."""

    def __init__(self, rng, zones=("example.com", "example.net"), quota=200):
        self.rng, self.lock = rng, threading.RLock()
        self.account = self.hex()
        self.token = base64.b64encode(rng.randbytes(30), b"_-").decode()
        self.quota = quota
        self.first_version = 1  # it was 0 until 2023
        self.hidden = set()       # zones that the token does not see now
        self.zones = {self.hex(): {"name": n, "records": {}} for n in zones}
        self.tunnels = {}
        self.judge = Judge(self)

    def hex(self):
        return self.rng.randbytes(16).hex()

    def uuid(self):
        return str(uuid.UUID(bytes=self.rng.randbytes(16), version=4))

    def zone_id(self, name):
        """Of the zone that holds this name."""
        fits = [z for z, v in self.zones.items() if name == v["name"] or
                name.endswith("." + v["name"])]
        return max(fits, key=lambda z: len(self.zones[z]["name"]))

    # ---- paths ----

    def route(self, method, path, query, text):
        """The answer of one request: (status, text). Refusals are raised."""
        parts = path.strip("/").split("/")
        if parts[0] == "user" and parts[1:] == ["tokens", "verify"]:
            raise Refusal(401, 1000, "Invalid API Token")  # this one is owned by the account
        if parts[0] == "accounts" and len(parts) > 2:
            refuse_if(parts[1] != self.account, 403, 9109,
                      "Unauthorized to access requested resource")
            return self.account_call(method, parts[2:], query, text)
        if parts[0] == "zones":
            return self.zone_call(method, parts[1:], query, text)
        raise Refusal(400, 7000, "No route for that URI")

    def account_call(self, method, parts, query, text):
        if parts == ["tokens", "verify"] and method == "GET":
            return 200, envelope({"id": self.hex(), "status": "active"})
        if parts == ["dns_records", "usage"]:
            raise Refusal(403, 10000, "Authentication error")
        refuse_if(parts[0] != "cfd_tunnel", 400, 7000, "No route for that URI")
        if len(parts) == 1:
            return {"GET": self.tunnel_list, "POST": self.tunnel_create}.get(
                method, no_method)(query, text)
        refuse_if(not UUID.fullmatch(parts[1]), 404, 7003,
                  "Could not route, perhaps your object identifier is invalid?")
        tunnel = self.tunnels.get(parts[1])
        refuse_if(not tunnel, 404, 1003, "Tunnel not found")
        calls = {("GET",): self.tunnel_get, ("PATCH",): self.tunnel_patch,
                 ("DELETE",): self.tunnel_delete, ("GET", "token"): self.tunnel_token,
                 ("GET", "connections"): self.connections_get,
                 ("DELETE", "connections"): self.connections_delete,
                 ("GET", "configurations"): self.config_get,
                 ("PUT", "configurations"): self.config_put}
        return calls.get((method, *parts[2:]), no_method)(tunnel, query, text)

    def zone_call(self, method, parts, query, text):
        if not parts:
            refuse_if(method != "GET", 405, 7001, "Method not allowed")
            return self.zone_list(query)
        refuse_if(not HEX.fullmatch(parts[0]), 400, 7003, "Could not route to /zones")
        refuse_if(parts[0] not in self.zones or parts[0] in self.hidden, 403, 9109,
                  "Unauthorized to access requested resource")
        zone, rest = self.zones[parts[0]], parts[1:]
        if not rest and method == "GET":
            return 200, envelope(self.zone_row(parts[0]))
        refuse_if(rest[:1] != ["dns_records"], 400, 7000, "No route for that URI")
        if len(rest) == 1:
            return {"GET": self.record_list, "POST": self.record_post}.get(
                method, no_method)(zone, query, text)
        if rest[1] == "batch" and method == "POST":
            return self.batch(zone, text)
        if rest[1] == "usage" and method == "GET":
            return 200, envelope({"record_quota": self.quota,
                                  "record_usage": len(zone["records"])})
        refuse_if(not HEX.fullmatch(rest[1]), 400, 7003, "Could not route to /dns_records")
        calls = {"GET": self.record_get, "PATCH": self.record_patch, "PUT": self.record_put,
                 "DELETE": self.record_delete}
        return calls.get(method, no_method)(zone, rest[1], text)

    # ---- zones ----

    def zone_row(self, zone):
        return {"id": zone, "name": self.zones[zone]["name"], "status": "active", "type": "full",
                "paused": False, "development_mode": 0, "account": {"id": self.account,
                                                                   "name": "strict"},
                "owner": {"id": None, "type": "user", "email": None}, "meta": {"step": 2},
                "plan": {"id": "0feeeeeeeeeeeeeeeeeeeeeeeeeeeeee", "name": "Free Website"},
                "name_servers": ["a.ns.example", "b.ns.example"], "original_name_servers": None,
                "original_registrar": None, "original_dnshost": None, "activated_on": None,
                "created_on": "2024-01-01T00:00:00.000000Z", "modified_on": now()}

    def zone_list(self, query):
        need_known(query, {"account.id", "account.name", "name", "status", "type", "match", "order",
                           "direction", "page", "per_page"})
        refuse_if(query.get("account.id", self.account) != self.account, 403, 9109, "Unauthorized")
        rows = [self.zone_row(z) for z, v in self.zones.items() if z not in self.hidden and
                query.get("name", v["name"]) == v["name"]]
        return 200, paged(rows, query, 20, 5, 50)

    # ---- records ----

    def clash(self, zone, record):
        for other in zone["records"].values():
            if other["id"] == record["id"] or other["name"] != record["name"]:
                continue
            kinds = {other["type"], record["type"]}
            same = other["content"] == record["content"] and other["type"] == record["type"]
            refuse_if(same, 400, 81058, "An identical record already exists.")
            refuse_if(record["type"] == "CNAME" and other["type"] in PROXIABLE, 400, 81053,
                      "An A, AAAA, or CNAME record with that host already exists.")
            refuse_if(kinds & {"A", "AAAA"} and other["type"] == "CNAME", 400, 81054,
                      "A CNAME record with that host already exists.")

    def body_of(self, text, need=()):
        body = parsed(text)
        for key, value in body.items():
            kind = RECORD_TYPES.get(key)
            refuse_if(not kind, 400, 9207, f"unknown member {key}")
            refuse_if(not isinstance(value, kind) or
                      (isinstance(value, bool) and kind is not bool), 400, 9207,
                      f"{key} has a wrong type")
        for key in need:
            refuse_if(key not in body, 400, 9000, f"{key} is required")
        return body

    def record_check(self, zone, r):
        name, kind = r["name"], r["type"]
        refuse_if(kind not in TYPES, 400, 9004, "DNS record type is invalid")
        refuse_if(name != name.lower() or not name.isascii() or len(name) > 255 or
                  not (name == zone["name"] or name.endswith("." + zone["name"])), 400, 9000,
                  "DNS name is invalid")
        refuse_if(not isinstance(r.get("content"), str) or not r["content"], 400, 9020,
                  "DNS record has no content")
        refuse_if(kind == "A" and not re.fullmatch(r"(\d{1,3}\.){3}\d{1,3}", r["content"]), 400,
                  9005, "Content for A record must be a valid IPv4 address.")
        refuse_if(kind == "CNAME" and not re.fullmatch(r"[a-z0-9_.-]+", r["content"]), 400, 9007,
                  "Content for CNAME record is invalid.")
        refuse_if(r["ttl"] != 1 and not 60 <= r["ttl"] <= 86400, 400, 9021, "TTL is invalid")
        refuse_if(r["proxied"] and kind not in PROXIABLE, 400, 9041,
                  "This DNS record type cannot be proxied.")
        refuse_if(kind == "MX" and "priority" not in r, 400, 9100, "priority is required")
        comment = r.get("comment") or ""
        refuse_if("\n" in comment or len(comment) > 100, 400, 9313,
                  "DNS record comment exceeds the maximum length of 100 characters.")
        refuse_if(r.get("tags"), 400, 9300, f"DNS record has {len(r['tags'])} tags, exceeding the "
                  "quota of 0.")
        self.clash(zone, r)

    def record_made(self, zone, body, old=None):
        r = {"id": old["id"] if old else self.hex(), "name": "", "type": "", "content": "",
             "proxiable": False, "proxied": False, "ttl": 1, "settings": {}, "meta": {},
             "comment": None, "tags": [],
             "created_on": old["created_on"] if old else now(), "modified_on": now()}
        r.update({k: v for k, v in body.items() if k != "comment" or v})
        r["proxiable"] = r["type"] in PROXIABLE
        if r["proxied"]:
            r["ttl"] = 1
        self.record_check(zone, r)
        return r

    def found(self, zone, record_id):
        r = zone["records"].get(record_id)
        refuse_if(not r, 404, 81044, "Record does not exist.")
        return r

    def do_post(self, zone, body):
        refuse_if(len(zone["records"]) >= self.quota, 400, 81045, "Record quota exceeded.")
        r = self.record_made(zone, body)
        self.judge.record_posted(zone, r)
        zone["records"][r["id"]] = r
        return r

    def do_change(self, zone, record_id, body, whole):
        old = self.found(zone, record_id)
        refuse_if(body.get("type", old["type"]) != old["type"], 400, 9219,
                  "The type of a DNS record cannot be changed.")
        kept = {} if whole else {k: old[k] for k in ("name", "type", "content", "ttl", "proxied",
                                                     "comment", "tags", "settings", "priority",
                                                     "data") if k in old}
        if "comment" in body and not body["comment"]:
            kept.pop("comment", None)
        r = self.record_made(zone, {**kept, **body}, old)
        r["meta"] = old["meta"]
        self.judge.record_changed(zone, old, r)
        refuse_if(old["meta"].get("read_only"), 400, 1043, "This record is read only.")
        zone["records"][record_id] = r
        return r

    def do_delete(self, zone, record_id, instead=()):
        old = self.found(zone, record_id)
        self.judge.record_deleted(zone, old, instead)
        refuse_if(old["meta"].get("read_only"), 400, 1043, "This record is read only.")
        del zone["records"][record_id]
        return old

    def record_list(self, zone, query, _):
        need_known(query, LIST_QUERY)
        rows = [r for r in zone["records"].values() if fits(r, query)]
        self.judge.records_shown(zone, rows, query)
        return 200, paged(rows, query, 100, 1, 5000000)

    def record_get(self, zone, record_id, _):
        self.judge.record_asked(record_id)
        r = self.found(zone, record_id)
        self.judge.records_shown(zone, [r], None)
        return 200, envelope(r)

    def record_post(self, zone, _, text):
        return 200, envelope(self.do_post(zone, self.body_of(text, ("name", "type", "ttl"))))

    def record_patch(self, zone, record_id, text):
        return 200, envelope(self.do_change(zone, record_id, self.body_of(text), False))

    def record_put(self, zone, record_id, text):
        return 200, envelope(self.do_change(zone, record_id,
                                            self.body_of(text, ("name", "type", "ttl")), True))

    def record_delete(self, zone, record_id, _):
        self.do_delete(zone, record_id)
        return 200, envelope({"id": record_id})

    def batch(self, zone, text):
        """All or nothing, in the order deletes, patches, puts, posts."""
        body = parsed(text)
        need_known(body, {"deletes", "patches", "puts", "posts"})
        refuse_if(any(not isinstance(v, list) for v in body.values()), 400, 9207, "no array")
        count = sum(len(v) for v in body.values())
        refuse_if(not 0 < count <= BATCH_MOST, 400, 81046, f"a batch of {count} records")
        ids = [o.get("id") for k in ("deletes", "patches", "puts") for o in body.get(k, [])]
        refuse_if(len(ids) != len(set(ids)), 400, 9207, "one record twice in a batch")
        before = copy.deepcopy(zone["records"])
        self.judge.batch_begins()
        try:
            result = self.batch_parts(zone, body)
        except Refusal:
            zone["records"] = before
            self.judge.batch_ends(False)
            raise
        self.judge.batch_ends(True)
        return 200, envelope(result)

    def batch_parts(self, zone, body):
        instead = [p.get("name") for p in body.get("posts", [])]
        out = {"deletes": [], "patches": [], "puts": [], "posts": []}
        for o in body.get("deletes", []):
            refuse_if(set(o) != {"id"}, 400, 9207, "a delete has an id alone")
            out["deletes"].append(self.do_delete(zone, o["id"], instead))
        for kind, whole in (("patches", False), ("puts", True)):
            for o in body.get(kind, []):
                rest = {k: v for k, v in o.items() if k != "id"}
                need = ("name", "type", "ttl") if whole else ()
                out[kind].append(self.do_change(zone, o.get("id"),
                                                self.body_of(compact(rest), need), whole))
        for o in body.get("posts", []):
            out["posts"].append(self.do_post(zone, self.body_of(compact(o),
                                                                ("name", "type", "ttl"))))
        return out

    # ---- tunnels ----

    def tunnel_row(self, t):
        conns = [{"id": c["id"], "uuid": c["id"], "client_id": t["client"],
                  "client_version": "2026.8.0", "colo_name": c["colo"], "origin_ip": "192.0.2.9",
                  "opened_at": t["created_at"], "is_pending_reconnect": False}
                 for c in t["conns"]]
        return {"id": t["id"], "account_tag": self.account, "name": t["name"],
                "status": "healthy" if conns else "inactive", "created_at": t["created_at"],
                "deleted_at": t["deleted_at"], "conns_active_at": t["created_at"] if conns else None,
                "conns_inactive_at": None if conns else t["created_at"], "connections": conns,
                "tun_type": "cfd_tunnel", "metadata": {}, "config_src": t["config_src"],
                "remote_config": t["config_src"] == "cloudflare"}

    def live_tunnel(self, name):
        return next((t for t in self.tunnels.values()
                     if t["name"] == name and not t["deleted_at"]), None)

    def make_tunnel(self, name, config_src, secret):
        t = {"id": self.uuid(), "name": name, "config_src": config_src, "secret": secret,
             "created_at": now(), "deleted_at": None, "config": None, "version": 0,
             "client": self.uuid(), "conns": []}
        self.tunnels[t["id"]] = t
        return t

    def connect(self, t):
        """Connectors on some other host serve it."""
        t["conns"] = [{"id": self.uuid(), "colo": c} for c in ("fra03", "fra08", "ams01", "ams07")]

    def tunnel_list(self, query, _):
        need_known(query, {"name", "is_deleted", "uuid", "status", "existed_at", "was_active_at",
                           "was_inactive_at", "include_prefix", "exclude_prefix", "page",
                           "per_page"})
        gone = query.get("is_deleted", "false")
        refuse_if(gone not in ("true", "false"), 400, 1001, "is_deleted is no boolean")
        rows = [t for t in self.tunnels.values() if bool(t["deleted_at"]) == (gone == "true") and
                query.get("name", t["name"]) == t["name"] and
                query.get("uuid", t["id"]) == t["id"] and
                t["name"].startswith(query.get("include_prefix", ""))]
        self.judge.tunnels_shown(rows)
        return 200, paged([self.tunnel_row(t) for t in rows], query, 1000, 1, 1000)

    def tunnel_create(self, _, text):
        body = parsed(text)
        need_known(body, {"name", "config_src", "tunnel_secret"})
        refuse_if(not isinstance(body.get("name"), str) or not body["name"], 400, 1002, "no name")
        refuse_if(body.get("config_src", "local") not in ("local", "cloudflare"), 400, 1002,
                  "config_src")
        secret = secret_of(body.get("tunnel_secret"), self.rng)
        refuse_if(self.live_tunnel(body["name"]), 409, 1013,
                  "You already have a tunnel with this name. Please choose another.")
        self.judge.tunnel_posted(body["name"])
        t = self.make_tunnel(body["name"], body.get("config_src", "local"), secret)
        self.judge.tunnel_made(t, "adit")
        self.connect(t)
        row = self.tunnel_row(t)
        row["credentials_file"] = {"AccountTag": self.account, "TunnelID": t["id"],
                                   "TunnelName": t["name"], "TunnelSecret": secret}
        row["token"] = self.token_of(t)
        return 200, envelope(row)

    def token_of(self, t):
        return base64.b64encode(compact({"a": self.account, "t": t["id"],
                                         "s": t["secret"]}).encode()).decode()

    def tunnel_get(self, t, *_):
        self.judge.tunnels_shown([t])
        return 200, envelope(self.tunnel_row(t))

    def tunnel_patch(self, t, _, text):
        body = parsed(text)
        need_known(body, {"name", "tunnel_secret"})
        refuse_if(t["deleted_at"], 404, 1003, "Tunnel not found")
        self.judge.tunnel_written("PATCH", t)
        if "name" in body:
            other = self.live_tunnel(body["name"])
            refuse_if(other and other is not t, 409, 1013,
                      "You already have a tunnel with this name. Please choose another.")
            t["name"] = body["name"]
        if "tunnel_secret" in body:
            self.judge.secret_written(t)
            t["secret"] = secret_of(body["tunnel_secret"], self.rng)
        return 200, envelope(self.tunnel_row(t))

    def tunnel_delete(self, t, query, _):
        need_known(query, {"cascade"})
        refuse_if(t["deleted_at"], 404, 1003, "Tunnel not found")
        self.judge.tunnel_written("DELETE", t)
        refuse_if(t["conns"] and query.get("cascade") != "true", 400, 1022,
                  "This tunnel has active connections.")
        t["deleted_at"] = now()
        return 200, envelope(self.tunnel_row(t))

    def tunnel_token(self, t, *_):
        refuse_if(t["deleted_at"], 404, 1003, "Tunnel not found")
        return 200, envelope(self.token_of(t))

    def connections_get(self, t, *_):
        conns = [{"id": c["id"], "uuid": c["id"], "colo_name": c["colo"], "client_id": t["client"],
                  "client_version": "2026.8.0", "origin_ip": "192.0.2.9",
                  "opened_at": t["created_at"], "is_pending_reconnect": False}
                 for c in t["conns"]]
        rows = [{"id": t["client"], "version": "2026.8.0", "arch": "linux_amd64",
                 "run_at": t["created_at"], "features": ["ha-origin"],
                 "config_version": t["version"], "conns": conns}] if conns else []
        return 200, envelope(rows)

    def connections_delete(self, t, query, _):
        need_known(query, {"client_id"})
        refuse_if(t["deleted_at"], 404, 1003, "Tunnel not found")
        self.judge.tunnel_written("DELETE connections", t)
        if query.get("client_id", t["client"]) == t["client"]:
            t["conns"] = []
        return 200, envelope(None)

    def config_get(self, t, *_):
        self.judge.config_shown(t)
        head = compact({"tunnel_id": t["id"], "account_id": self.account, "version": t["version"]})
        raw = (head[:-1] + ',"config":' + (t["config"] or "null") +
               f',"source":"{t["config_src"]}","created_at":"{t["created_at"]}"}}')
        return 200, envelope(None, raw=raw)

    def config_put(self, t, _, text):
        body = parsed(text)
        need_known(body, {"config"})
        refuse_if(t["deleted_at"], 404, 1003, "Tunnel not found")
        raw = rawjson.member(text, "config")
        check_config(body.get("config"))
        self.judge.config_put(t, t["config"], raw)
        self.set_config(t, raw)
        return self.config_get(t)

    def set_config(self, t, raw):
        t["version"] = t["version"] + 1 if t["config"] else self.first_version
        t["config"], t["config_src"] = raw, "cloudflare"


def no_method(*_):
    raise Refusal(405, 7001, "Method not allowed")


def need_known(given, known):
    strange = set(given) - known
    refuse_if(strange, 400, 1001, f"unknown: {sorted(strange)}")


def parsed(text):
    try:
        body = rawjson.parse(text)
    except (ValueError, IndexError) as e:
        raise Refusal(400, 6007, f"Malformed JSON in request body: {e}") from e
    refuse_if(not isinstance(body, dict), 400, 6007, "Malformed JSON in request body")
    return body


def secret_of(given, rng):
    if given is None:
        return base64.b64encode(rng.randbytes(32)).decode()
    try:
        refuse_if(len(base64.b64decode(given, validate=True)) < 32, 400, 1002, "a short secret")
    except (binascii.Error, ValueError) as e:
        raise Refusal(400, 1002, "tunnel_secret is no base64") from e
    return given


def check_config(config):
    bad = "Bad Configuration: Validation failed: "
    refuse_if(not isinstance(config, dict) or not isinstance(config.get("ingress"), list), 400, 1056,
              bad + "no ingress")
    rules = config["ingress"]
    refuse_if(not rules or rules[-1].get("hostname") or rules[-1].get("path"), 400, 1056,
              bad + "The last ingress rule must match all URLs")
    for rule in rules:
        refuse_if(not isinstance(rule, dict) or not isinstance(rule.get("service"), str), 400, 1056,
                  bad + "a rule without service")
    refuse_if(any(not r.get("hostname") and not r.get("path") for r in rules[:-1]), 400, 1056,
              bad + "a rule that matches all URLs is not the last")


def fits(r, query):
    return all(r[key] == query[key] for key in ("name", "type", "content") if key in query) and \
        all(test(r[m] or "", query[key]) for key, (m, test) in FILTERS.items() if key in query)


def paged(rows, query, default, least, most):
    try:
        page, size = int(query.get("page", 1)), int(query.get("per_page", default))
    except ValueError as e:
        raise Refusal(400, 1001, "page is no number") from e
    refuse_if(page < 1 or not least <= size <= most, 400, 1001, f"page {page}, per_page {size}")
    some = rows[(page - 1) * size:page * size]
    return envelope(some, {"page": page, "per_page": size, "count": len(some),
                           "total_count": len(rows), "total_pages": -(-len(rows) // size)})
