// Cloudflare's official client against adit-sim: every call that adit makes, by somebody else's
// code. Arguments: the client's folder. Environment: CLOUDFLARE_BASE_URL, CLOUDFLARE_API_TOKEN,
// SIM_ACCOUNT, SIM_CONNECTED (the name of a tunnel that has a connector).
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import path from "node:path";

const require = createRequire(path.join(process.argv[2], "package.json"));
const { default: Cloudflare } = require("cloudflare");

const account_id = process.env.SIM_ACCOUNT;
const client = new Cloudflare({ maxRetries: 0 });
const tunnels = client.zeroTrust.tunnels.cloudflared;
const in_account = { account_id };

async function refused(status, code, call) {
  await assert.rejects(call, (error) => {
    assert.equal(error.status, status, `${error}`);
    assert.equal(error.errors[0].code, code, `${error}`);
    return true;
  });
}

async function all(pages) {
  const items = [];
  for await (const item of pages) items.push(item);
  return items;
}

async function tokens_and_accounts() {
  assert.equal((await client.user.tokens.verify()).status, "active");
  await refused(401, 1000, () => client.accounts.tokens.verify(in_account));
  const accounts = await all(client.accounts.list());
  assert.equal(accounts[0].id, account_id);
  assert.equal((await client.accounts.get(in_account)).type, "standard");
  const nobody = new Cloudflare({ maxRetries: 0, apiToken: "nobody-knows-this-token" });
  await refused(401, 10000, () => nobody.zones.list());
}

async function zones() {
  const listed = await all(client.zones.list({ account: { id: account_id }, per_page: 5 }));
  assert.deepEqual(listed.map((z) => z.name), ["example.com", "example.net"]);
  const zone = await client.zones.get({ zone_id: listed[0].id });
  assert.equal(zone.account.id, account_id);
  assert.equal(zone.activated_on, zone.created_on);
  assert.equal((await all(client.zones.list({ name: "example.net" }))).length, 1);
  await refused(403, 9109, () => client.zones.get({ zone_id: "0".repeat(32) }));
  return zone.id;
}

async function tunnel_life() {
  const secret = Buffer.alloc(32, 7).toString("base64");
  const made = await tunnels.create({ account_id, name: "blog", config_src: "cloudflare",
    tunnel_secret: secret });
  assert.equal(made.status, "inactive");
  assert.equal(made.deleted_at, null);
  assert.equal(made.conns_active_at, null);
  assert.equal(made.credentials_file.TunnelSecret, secret);
  await refused(409, 1013, () => tunnels.create({ account_id, name: "blog" }));
  const token = await tunnels.token.get(made.id, in_account);
  const plain = JSON.parse(Buffer.from(token, "base64"));
  assert.deepEqual([plain.a, plain.t, plain.s], [account_id, made.id, secret]);
  assert.equal((await tunnels.get(made.id, in_account)).name, "blog");
  assert.equal((await tunnels.edit(made.id, { account_id, name: "blog2" })).name, "blog2");
  for (let i = 0; i < 5; i++) await tunnels.create({ account_id, name: `many-${i}` });
  const many = await all(tunnels.list({ account_id, is_deleted: false, include_prefix: "many-",
    per_page: 2 }));
  assert.deepEqual(many.map((t) => t.name), [0, 1, 2, 3, 4].map((i) => `many-${i}`));
  for (const t of many) assert.ok((await tunnels.delete(t.id, in_account)).deleted_at);
  assert.equal((await all(tunnels.list({ account_id, is_deleted: true }))).length, 5);
  assert.ok((await tunnels.get(many[0].id, in_account)).deleted_at);
  await refused(404, 1003, () => tunnels.delete(many[0].id, in_account));
  await refused(404, 7003, () => tunnels.get("not-a-uuid", in_account));
  return made.id;
}

async function configuration(id) {
  const empty = await tunnels.configurations.get(id, in_account);
  assert.deepEqual([empty.config, empty.version, empty.source], [null, 0, "cloudflare"]);
  const config = { ingress: [
    { hostname: "www.example.com", service: "http://127.0.0.1:8080",
      originRequest: { connectTimeout: 10, noTLSVerify: true, unheardOf: { a: [1.5, null] } } },
    { service: "http_status:404" }], "warp-routing": { enabled: false } };
  const put = await tunnels.configurations.update(id, { account_id, config });
  assert.equal(put.version, 1);
  assert.deepEqual((await tunnels.configurations.get(id, in_account)).config, config);
  assert.equal((await tunnels.configurations.update(id, { account_id, config })).version, 2);
  config.ingress.pop();
  await refused(400, 1056, () => tunnels.configurations.update(id, { account_id, config }));
  assert.equal((await tunnels.configurations.get(id, in_account)).version, 2);
}

async function connections() {
  const [tunnel] = await all(tunnels.list({ account_id, name: process.env.SIM_CONNECTED }));
  assert.equal(tunnel.status, "healthy");
  assert.equal(tunnel.connections.length, 4);
  const [connector] = await all(tunnels.connections.get(tunnel.id, in_account));
  assert.equal(connector.conns.length, 4);
  assert.equal(connector.conns[0].client_id, connector.id);
  assert.equal((await tunnels.connectors.get(connector.id,
    { account_id, tunnel_id: tunnel.id })).id, connector.id);
  await refused(400, 1022, () => tunnels.delete(tunnel.id, in_account));
  await tunnels.connections.delete(tunnel.id, { account_id, client_id: connector.id });
}

async function records(zone_id, tunnel_id) {
  const dns = client.dns.records;
  const content = `${tunnel_id}.cfargotunnel.com`;
  const made = await dns.create({ zone_id, type: "CNAME", name: "www.example.com", ttl: 1,
    content, proxied: true, comment: "adit:edge1/0badcafe" });
  assert.deepEqual([made.name, made.content, made.proxied, made.tags],
    ["www.example.com", content, true, []]);
  await refused(400, 81058, () => dns.create({ zone_id, type: "CNAME", name: "www", ttl: 1,
    content }));
  await refused(400, 81053, () => dns.create({ zone_id, type: "CNAME", name: "www", ttl: 1,
    content: "x.example.net" }));
  await refused(400, 81054, () => dns.create({ zone_id, type: "A", name: "www", ttl: 1,
    content: "192.0.2.1" }));
  await refused(400, 9313, () => dns.edit(made.id, { zone_id, comment: "x".repeat(101) }));
  assert.equal((await dns.get(made.id, { zone_id })).id, made.id);
  assert.equal((await dns.edit(made.id, { zone_id, name: "www", type: "CNAME", ttl: 1,
    comment: "adit:edge1/0badcafe x" })).proxied, true);
  const put = await dns.update(made.id, { zone_id, name: "www.example.com", type: "CNAME",
    ttl: 300, content });
  assert.deepEqual([put.comment, put.proxied, put.ttl], [null, false, 300]);
  await refused(400, 7400, () => dns.edit(made.id, { zone_id, type: "A", name: "www", ttl: 1,
    content: "192.0.2.1" }));
  const batch = await dns.batch({ zone_id, deletes: [{ id: made.id }], posts: [0, 1, 2].map(
    (i) => ({ type: "CNAME", name: `b${i}`, ttl: 1, content, proxied: true,
      comment: "adit:edge1/0badcafe" })) });
  assert.deepEqual([batch.deletes.length, batch.posts.length, batch.puts.length], [1, 3, 0]);
  await refused(404, 81044, () => dns.get(made.id, { zone_id }));
  const ours = await all(dns.list({ zone_id, comment: { startswith: "adit:edge1/" }, per_page: 2,
    match: "all", type: "CNAME" }));
  assert.deepEqual(ours.map((r) => r.name), [0, 1, 2].map((i) => `b${i}.example.com`));
  assert.equal((await all(dns.list({ zone_id, name: { exact: "b1.example.com" } }))).length, 1);
  assert.deepEqual(await client.dns.usage.zone.get({ zone_id }),
    { record_quota: 1000, record_usage: 3 });
  assert.equal((await client.dns.usage.account.get(in_account)).record_usage, 3);
  assert.deepEqual(await dns.delete(ours[0].id, { zone_id }), { id: ours[0].id });
  await refused(404, 81044, () => dns.delete(ours[0].id, { zone_id }));
}

async function people() {
  const members = await all(client.accounts.members.list({ ...in_account, per_page: 50 }));
  assert.equal(members.length, 120);
  assert.deepEqual(members.filter((m) => m.status === "pending").length, 12);
  assert.equal(members[3].roles[0].permissions.dns.read, true);
  assert.deepEqual(await client.accounts.members.get(members[3].id, in_account), members[3]);
  const roles = await all(client.accounts.roles.list(in_account));
  assert.deepEqual(roles.map((r) => r.name), ["Reader"]);
  const groups = await all(client.iam.permissionGroups.list({ ...in_account, name: "Guests" }));
  assert.equal(groups[0].name, "Guests");
  const tokens = await all(client.user.tokens.list());
  assert.ok(tokens[0].policies.length === 3 && tokens[0].policies[0].permission_groups[0].name);
  assert.equal((await client.user.tokens.get(tokens[0].id)).status, "active");
  assert.deepEqual(await all(client.accounts.tokens.list(in_account)), []);
}

async function rules(zone_id) {
  const phase = "http_request_firewall_custom";
  assert.deepEqual(await all(client.rulesets.list({ zone_id })), []);
  await refused(404, 10003, () => client.rulesets.phases.get(phase, { zone_id }));
  const rule = { action: "block", expression: "ip.src eq 192.0.2.1", description: "shut" };
  const put = await client.rulesets.phases.update(phase, { zone_id, rules: [rule] });
  assert.deepEqual([put.kind, put.phase, put.rules[0].enabled], ["zone", phase, true]);
  const more = await client.rulesets.rules.create(put.id, { zone_id, ...rule, enabled: false });
  assert.deepEqual(more.rules.map((r) => r.enabled), [true, false]);
  const changed = await client.rulesets.rules.edit(more.rules[1].id, { zone_id,
    ruleset_id: put.id, action: "log", expression: "true", description: "seen" });
  assert.deepEqual(changed.rules.map((r) => r.action), ["block", "log"]);
  await client.rulesets.rules.delete(more.rules[0].id, { zone_id, ruleset_id: put.id });
  const left = await client.rulesets.get(put.id, { zone_id });
  assert.deepEqual([left.version, left.rules.length], ["4", 1]);
  const [listed] = await all(client.rulesets.list({ zone_id }));
  assert.deepEqual([listed.id, listed.version, listed.rules], [put.id, "4", undefined]);
  await client.rulesets.delete(put.id, { zone_id });
  assert.deepEqual(await all(client.rulesets.list({ zone_id })), []);
  const sets = await all(client.rulesets.list({ ...in_account, per_page: 10 }));
  assert.deepEqual(sets.map((r) => r.name), [...Array(25).keys()].map((i) => `set ${i}`));
}

async function firewall(zone_id) {
  const access = client.firewall.accessRules;
  const made = await access.create({ zone_id, mode: "block",
    configuration: { target: "ip", value: "192.0.2.1" } });
  assert.equal((await all(access.list({ zone_id, mode: "block" })))[0].id, made.id);
  assert.equal((await access.edit(made.id, { zone_id, mode: "whitelist",
    configuration: made.configuration })).mode, "whitelist");
  assert.deepEqual(await all(access.list({ zone_id, mode: "block" })), []);
  await access.delete(made.id, { zone_id });
  assert.deepEqual(await all(client.firewall.lockdowns.list({ zone_id })), []);
  const agent = await client.firewall.uaRules.create({ zone_id, mode: "block", paused: true,
    configuration: { target: "ua", value: "BadBot" } });
  assert.deepEqual((await all(client.firewall.uaRules.list({ zone_id, paused: true })))[0], agent);
}

async function audit() {
  assert.deepEqual(await all(client.accounts.logs.audit.list({ account_id, since: "2026-11-01",
    before: "2026-11-02" })), []);
  const lately = { account_id, since: new Date(Date.now() - 3600e3).toISOString(),
    before: new Date(Date.now() + 60e3).toISOString(), direction: "asc" };
  const log = client.accounts.logs.audit;
  const entries = await all(log.list(lately));
  assert.ok(entries.length > 5 && entries.every((x) => x.action.time && x.raw.cf_ray_id));
  assert.deepEqual(await all(log.list({ ...lately, limit: 2 })), entries);
  const made = await all(log.list({ ...lately, action_type: ["create"], limit: 2 }));
  assert.ok(made.length > 0 && made.length < entries.length);
  assert.ok(made.every((x) => x.action.type === "create" && x.actor.context === "api_token"));
  const older = await all(client.auditLogs.list({ account_id, direction: "asc", per_page: 3 }));
  assert.deepEqual(older.map((x) => x.id), entries.map((x) => x.id));
  await refused(400, 7400, () => log.list({ ...lately, action_type: ["made"] }));
}

await tokens_and_accounts();
const zone_id = await zones();
const tunnel_id = await tunnel_life();
await configuration(tunnel_id);
await connections();
await records(zone_id, tunnel_id);
await people();
await rules(zone_id);
await firewall(zone_id);
await audit();
console.log("all calls went as they should");
