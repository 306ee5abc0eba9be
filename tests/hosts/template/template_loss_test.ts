import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  BrokenPoolError,
  Pool,
  type PoolOptions,
  type TemplateOptions,
  WorkerLostError,
} from "../../../mod.ts";
import { Gate, passGate } from "../../helpers/gate.ts";
import { exists, gone, until } from "../../helpers/processes.ts";

const parent = () => Deno.ppid;
const double = (x: number) => x * 2;

function makePool(
  host: Partial<TemplateOptions>,
  options: PoolOptions = {},
): Pool {
  return new Pool({
    workers: 0,
    hosts: { launch: ["sh", "-c", "exec {command}"], workers: 1, ...host },
    listen: { hostname: "127.0.0.1" },
    ...options,
  });
}

Deno.test("Pool starts another agent for one that was killed", async () => {
  await using gate = new Gate();
  await using pool = makePool({ name: "mini" });
  const agent = await pool.run(parent);
  const call = pool.run(passGate<number>, gate.port, 1);
  const lost = assertRejects(() => call, WorkerLostError);
  await gate.entered();
  const again = pool.with({ retries: 1 }).run(double, 21);
  Deno.kill(agent, "SIGKILL");
  await lost;
  assertEquals(await again, 42);
  assertEquals(pool.stats().hosts[0]!.lost, 1);
  const other = await pool.run(parent);
  await pool.shutdown();
  await gone(other);
});

Deno.test("Pool says why the command fails again and again", async () => {
  await using pool = makePool({
    launch: ["sh", "-c", "echo 'no such queue' >&2; exit 9; {command}"],
  }, { maxRestarts: 1 });
  const error = await assertRejects(() => pool.run(double, 1), BrokenPoolError);
  assertStringIncludes(error.message, "exit code 9");
  assertStringIncludes(error.message, "no such queue");
});

Deno.test("Pool shows why an agent waits, by the command that asks after it", async () => {
  const folder = await Deno.makeTempDir();
  const open = `${folder}/open`;
  {
    await using pool = makePool({
      folder,
      launch: [
        "sh",
        "-c",
        `(until [ -e ${open} ]; do sleep 0.05; done; exec {command}) >/dev/null 2>&1 & echo $! >{folder}/{job}`,
      ],
      query: [
        "sh",
        "-c",
        `[ -e ${open} ] || echo "pending (closed)"; kill -0 $(cat {folder}/{job})`,
      ],
      end: ["sh", "-c", "kill $(cat {folder}/{job})"],
    });
    await pool.ready;
    const call = pool.run(double, 21);
    const pending = () => pool.stats().hosts[0]!.pending;
    await until(() => pending()?.reason !== "");
    assertEquals(pending(), { agents: 1, reason: "(closed)" });
    await Deno.writeTextFile(open, "");
    assertEquals(await call, 42);
    assertEquals(pending(), undefined);
    const agent = await pool.run(parent);
    await pool.shutdown();
    await gone(agent);
  }
  assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["open"]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("Pool's agents and files are gone if its program is killed", async () => {
  const folder = await Deno.makeTempDir();
  const program = `
    import { Pool } from ${
    JSON.stringify(import.meta.resolve("../../../mod.ts"))
  };
    const pool = new Pool({
      workers: 0,
      hosts: {
        launch: ["sh", "-c", "{command}; :"],
        folder: ${JSON.stringify(folder)},
        workers: 1,
      },
      listen: { hostname: "127.0.0.1" },
    });
    console.log(await pool.run(() => Deno.ppid));
    await pool.run(() => { for (;;); });`;
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--config=deno.json",
      `data:text/javascript,${encodeURIComponent(program)}`,
    ],
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  const agent = Number(new TextDecoder().decode(value));
  const [jobs] = [...Deno.readDirSync(folder)];
  assert(jobs !== undefined);
  child.kill("SIGKILL");
  await child.status;
  await reader.cancel();
  await gone(agent);
  await until(() => !exists(`${folder}/${jobs.name}`));
  await Deno.remove(folder, { recursive: true });
});
