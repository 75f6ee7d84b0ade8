// The same work as one look of bench/observe.c by Node: JSON.parse of each page, a map of its rows,
// comparison with what is wanted. node observe.mjs ROUNDS TUNNELS.json RECORDS.json...
import { readFileSync } from "node:fs";

const [rounds, ...files] = process.argv.slice(2);
const texts = files.map((f) => readFileSync(f));
const rows = (text) => JSON.parse(text.toString("utf8")).result;

const records = texts.slice(1).flatMap(rows).map((r, i) => ({
  id: r.id, type: r.type, proxied: r.proxied, content: i % 100 === 0 ? "192.0.2.254" : r.content,
}));
const tunnels = rows(texts[0]).map((t) => ({ id: t.id }));

function pages(some) {
  const byId = new Map();
  for (const text of some) {
    for (const row of rows(text)) {
      if (byId.has(row.id)) throw new Error("a row came twice");
      byId.set(row.id, row);
    }
  }
  return byId;
}

const us = (since) => {
  const used = process.cpuUsage(since);
  return used.user + used.system;
};

for (let i = 0; i < Number(rounds); i++) {
  let at = process.cpuUsage();
  let byId = pages(texts.slice(1));
  let drift = 0;
  for (const wanted of records) {
    const row = byId.get(wanted.id);
    wanted.gone = !row;
    wanted.marked = row?.comment?.startsWith("adit:bench/") ?? false;
    if (!row || row.type !== wanted.type || row.proxied !== wanted.proxied ||
        row.content.toLowerCase() !== wanted.content.toLowerCase()) drift++;
    wanted.observed = row;
  }
  const recordsUs = us(at);

  at = process.cpuUsage();
  byId = pages(texts.slice(0, 1));
  for (const wanted of tunnels) {
    const row = byId.get(wanted.id);
    wanted.gone = !row || row.deleted_at != null;
    wanted.status = row?.status;
    wanted.connections = row?.connections?.length ?? -1;
  }
  console.log(`${recordsUs} ${us(at)} ${drift}`);
}
