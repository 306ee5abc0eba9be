import { assert, assertEquals, assertFalse } from "@std/assert";
import { Pool } from "../../mod.ts";
import { displayStats } from "../../src/pool/display_stats.ts";
import { DISPLAY, type MediaBundle } from "../../src/util/display_table.ts";

Deno.test("displayStats() has a row for each host and one for all", () => {
  const local = {
    name: "local",
    kind: "local",
    workers: 2,
    running: 1,
    done: 1_200,
    failed: 0,
    busy: 1_234,
    lost: 0,
    pending: undefined,
    error: undefined,
  } as const;
  const maxi = {
    ...local,
    name: "maxi",
    kind: "ssh",
    workers: 8,
    lost: 3,
    busy: 61_000,
  } as const;
  const stats = {
    workers: 10,
    queued: 5,
    running: 2,
    done: 2_400,
    failed: 0,
    hosts: [local, maxi],
  };
  assertEquals(
    displayStats(stats)["text/plain"],
    `
host   kind   workers  queued  running   done  failed  busy (s)  lost
local  local        2                1  1,200       0       1.2     0
maxi   ssh          8                1  1,200       0        61     3
all                10       5        2  2,400       0      62.2     3`
      .trimStart(),
  );
});

Deno.test("displayStats() has a column for errors if there are any", () => {
  const host = {
    name: "maxi",
    kind: "ssh",
    workers: 0,
    running: 0,
    done: 0,
    failed: 0,
    busy: 0,
    lost: 0,
    pending: undefined,
    error: new Error("Unknown host"),
  } as const;
  const { "text/html": html } = displayStats({
    ...host,
    queued: 0,
    hosts: [host],
  });
  assert(html.includes("Unknown host"), html);
});

Deno.test("displayStats() has a column for pending jobs if there are any", () => {
  const idle = { workers: 0, running: 0, done: 0, failed: 0 };
  const pending = { agents: 64, reason: "Resources" };
  const host = {
    ...idle,
    name: "short",
    kind: "slurm",
    busy: 0,
    lost: 0,
    pending,
    error: undefined,
  } as const;
  const other = { ...host, name: "long", pending: undefined };
  const stats = { ...idle, queued: 5, hosts: [host, other] };
  assertEquals(
    displayStats(stats)["text/plain"],
    `
host   kind   workers  queued  running  done  failed  busy (s)  lost  pending
short  slurm        0                0     0       0         0     0  64 (Resources)
long   slurm        0                0     0       0         0     0
all                 0       5        0     0       0         0     0`
      .trimStart(),
  );
});

Deno.test("pool.stats() is a plain object that a notebook displays as a table", async () => {
  await using pool = new Pool({ workers: 1, lazy: true });

  const stats = pool.stats();

  const { [DISPLAY]: display } = stats as unknown as {
    [DISPLAY](): MediaBundle;
  };
  assertEquals(display(), displayStats(stats));
  assertEquals(Object.getPrototypeOf(stats), Object.prototype);
  assertFalse(Deno.inspect(stats).includes("Symbol"));
  assertEquals({ ...stats }, structuredClone(stats));
});
