import { assert, assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import { type HostPlan, Pool } from "../../mod.ts";

/** Parts of secrets that must be in no plan. */
const SECRETS = /hush|topsecret/;

/** Programs of batch systems that needn't be there. */
const HOSTS = [
  { host: "ssh://me@maxi:2222/8", identity: "/home/me/.ssh/key" },
  { host: "mini/4", token: "hush" },
  { host: "slurm://short/4" },
  { host: "sge://all.q/4" },
  { host: "pbs://batch/4", dialect: "openpbs" },
  { host: "kubernetes://batch/4", workersPerJob: 2 },
  { host: "docker://deno/4", workersPerJob: 2 },
  { host: "podman://deno/2" },
  { launch: ["flux", "submit", "-N{job}", "{command}"], workers: 2 },
] as const;

function makePool(): Pool {
  return new Pool({
    workers: 2,
    hosts: HOSTS,
    listen: { hostname: "10.0.0.7", port: 9_000, token: "topsecret-topsecret" },
    token: "hush",
    lazy: true,
  });
}

function planOf(plans: readonly HostPlan[], kind: string): HostPlan {
  return plans.find((plan) => plan.kind === kind)!;
}

Deno.test("Pool.dryRun() has a plan for each host, without secrets", async () => {
  await using pool = makePool();
  const plans = await pool.dryRun();
  assertEquals(plans.map(({ host, kind }) => [host, kind]), [
    ["local", "local"],
    ["maxi", "ssh"],
    ["mini", "spawner"],
    ["short", "slurm"],
    ["all.q", "sge"],
    ["batch", "pbs"],
    ["batch", "kubernetes"],
    ["docker", "docker"],
    ["podman", "podman"],
    ["flux", "launch"],
    ["joined", "joined"],
  ]);
  assertNotMatch(JSON.stringify(plans), SECRETS);
  for (const { kind, note, commands } of plans) {
    assertEquals(commands.length === 0, kind === "spawner");
    assertEquals(note !== "", ["ssh", "spawner", "joined"].includes(kind));
  }
  assert(!pool.isReady);
});

Deno.test("Pool.dryRun() shows the commands of workers on this machine", async () => {
  await using pool = makePool();
  const { commands } = planOf(await pool.dryRun(), "local");
  assertEquals(commands.length, 2);
  const { args, input } = commands[1]!;
  assertEquals(args.slice(0, 2), [Deno.execPath(), "run"]);
  assertEquals(args.slice(-2), ["--worker", "2"]);
  assertEquals(input, "(secret)\n");
});

Deno.test("Pool.dryRun() shows ssh's arguments and script", async () => {
  await using pool = makePool();
  const [{ args, input }] = planOf(await pool.dryRun(), "ssh")
    .commands as [HostPlan["commands"][0]];
  assertEquals([args[0], args.at(-2)], ["ssh", "maxi"]);
  assertMatch(args.join(" "), / -l me -p 2222 -i \/home\/me\/\.ssh\/key /);
  assertMatch(args.at(-1)!, /^exec sh -c '/);
  assertEquals(input, "(secret)\n(the pool's program)");
});

Deno.test("Pool.dryRun() shows how agents connect, with the files' names", async () => {
  await using pool = makePool();
  const plans = await pool.dryRun();
  const { files, commands } = planOf(plans, "launch");
  const [program, token] = files;
  assertEquals([program!.mode, token!.mode], [0o644, 0o600]);
  assertEquals(token!.text, "(secret)");
  assertEquals(commands.length, 2);
  const args = commands[1]!.args;
  assertMatch(args[2]!, /^-Ndistex-[0-9a-f]{8}-1-1$/);
  assertEquals(args.slice(3), [
    Deno.execPath(),
    "run",
    "-A",
    "--quiet",
    "--no-config",
    "--no-prompt",
    program!.path,
    "--connect",
    "tls:10.0.0.7:9000",
    "--fingerprint",
    "(made at the start)",
    "--token-file",
    token!.path,
    "--group",
    args.at(args.indexOf("--group") + 1)!,
    "--workers",
    "1",
    "--job",
    args[2]!.slice(2),
  ]);
  assertEquals(planOf(plans, "joined").commands[0]!.args, [
    "deno",
    "run",
    "-A",
    "jsr:@distex/pool/worker",
    "--connect",
    "tls:10.0.0.7:9000",
    "--fingerprint",
    "(made at the start)",
    "--token-file",
    "(file with the token)",
  ]);
});

Deno.test("Pool.dryRun() shows the address of a pool that listens", async () => {
  await using pool = new Pool({
    workers: 0,
    listen: { hostname: "0.0.0.0", token: "topsecret-topsecret" },
  });
  await pool.ready;
  const [joined] = await pool.dryRun();
  const command = joined!.commands[0]!.args.join(" ");
  assertMatch(command, /--connect tls:\S+:[1-9]\d* --fingerprint sha256:/);
  assertNotMatch(command, SECRETS);
});
