"""What stands in the strict account before adit comes: other people's records of every kind, other
adits' marks, tunnels with rules, and one tunnel that is there to be shared."""
import json

RECORDS = (
    ("A", "www.example.com", "192.0.2.1", {"proxied": True}),
    ("AAAA", "www.example.com", "2001:db8::1", {}),
    ("A", "h3.example.com", "192.0.2.3", {"comment": "by hand"}),
    ("CNAME", "h4.example.com", "elsewhere.example.org", {"comment": "adit:other/00000000 theirs"}),
    ("TXT", "h1.example.com", '"verify=1"', {}),
    ("TXT", "example.com", '"v=spf1 -all"', {"ttl": 3600}),
    ("MX", "example.com", "mail.example.org", {"priority": 10, "meta": {"read_only": True}}),
    ("MX", "m0.example.com", "mail.example.org", {"priority": 10}),
    ("NS", "sub.example.com", "ns1.example.org", {}),
    ("CAA", "example.com", '0 issue "ca.example.org"', {"data": {"flags": 0, "tag": "issue",
                                                                "value": "ca.example.org"}}),
    ("SRV", "_sip._tcp.example.com", "10 5060 sip.example.org", {"priority": 1}),
    ("HTTPS", "x.example.net", '1 . alpn="h2"', {"data": {"priority": 1, "target": "."}}),
    ("CNAME", "old.example.net", "old.example.org", {"comment": "adit:edge1/ffffffff another one"}),
    ("CNAME", "almost.example.net", "x.example.org", {"comment": "adit:edge12/00000000"}),
    ("TLSA", "_443._tcp.example.net", "3 1 1 abcd", {}),
    ("SVCB", "svc.example.net", "1 .", {}),
    ("PTR", "ptr.example.net", "host.example.org", {}),
    ("LOC", "loc.example.net", "51 30 12.748 N 0 7 39.612 W 0m 1m 1m 1m", {}),
)
CATCH_ALL = '{"service":"http_status:404"}'
# Numbers that a double would spoil, members that nobody knows, odd spaces.
SHARED = ('{"ingress":[{"hostname":"old.example.com","service":"http://10.0.0.1:80",'
          '"originRequest":{"connectTimeout":1e1,"x-odd":9007199254740993}},'
          '{ "hostname" : "*.wild.example.com", "path":"/a", "service":"http://10.0.0.2" },'
          '{"path":"^/everywhere","service":"http://10.0.0.3","note":"\\u00e4 \\/"},'
          '{"service":"http_status:404","weight":1.50}],'
          '"warp-routing":{"enabled":false},"x-big":9007199254740993,"x-small":1.50,"x-exp":1e3}')
THEIRS = '{"ingress":[{"hostname":"theirs.example.com","service":"http://10.9.0.1"},%s]}' % CATCH_ALL


def add_record(cloud, kind, name, content, more):
    """As its owner makes it. None when the API refuses it."""
    from strict import Refusal
    zone = cloud.zones[cloud.zone_id(name)]
    body = {"type": kind, "name": name, "content": content, "ttl": 1,
            **{k: v for k, v in more.items() if k != "meta"}}
    try:
        record = cloud.record_made(zone, body)
    except Refusal:
        return None
    record["meta"] = more.get("meta", {})
    zone["records"][record["id"]] = record
    return record


def add_tunnel(cloud, name, config=None, local=False):
    if cloud.live_tunnel(name):
        return None
    t = cloud.make_tunnel(name, "local" if local else "cloudflare", "c2VjcmV0" * 8)
    cloud.judge.tunnel_made(t, "other")
    cloud.connect(t)
    if config:
        json.loads(config)
        cloud.set_config(t, config)
    return t


def furnish(cloud):
    for kind, name, content, more in RECORDS:
        if add_record(cloud, kind, name, content, more) is None:
            raise ValueError(f"{kind} {name} was refused")
    add_tunnel(cloud, "theirs", THEIRS)
    add_tunnel(cloud, "shared", SHARED)
    add_tunnel(cloud, "bylocal", local=True)
    shared = cloud.live_tunnel("shared")["id"]
    add_record(cloud, "CNAME", "old.example.com", f"{shared}.cfargotunnel.com",
               {"proxied": True, "comment": "of the shared tunnel"})


def snapshot(cloud):
    """All that is not adit's, to be compared."""
    records = {r["id"]: dict(r) for z in cloud.zones.values() for r in z["records"].values()
               if cloud.judge.facts[r["id"]].maker == "other"}
    tunnels = {t["id"]: (t["name"], t["config"], t["secret"], t["deleted_at"])
               for t in cloud.tunnels.values() if cloud.judge.facts[t["id"]].maker == "other"}
    return records, tunnels
