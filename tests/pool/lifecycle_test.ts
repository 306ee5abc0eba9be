import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertLess,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { BrokenPoolError, Pool, WorkerLostError } from "../../mod.ts";
import { Gate, passGate } from "../helpers/gate.ts";
import { exists, gone } from "../helpers/processes.ts";

const isLinux = Deno.build.os === "linux";

interface WorkerReport {
  pid: number;
  address: string;
}

interface Program extends AsyncDisposable {
  readonly child: Deno.ChildProcess;
  /** The program's report about its workers. */
  readonly workers: WorkerReport[];
  /** Resolves when the program and its workers have ended. */
  ended(): Promise<{ code: number; signal: string | null; stderr: string }>;
}

/** Starts a program, and waits for the report about its workers. */
async function start(ending: string, port = 0): Promise<Program> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      new URL("../programs/linger.ts", import.meta.url).href,
      ending,
      String(port),
    ],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  // Workers and reaper share stderr, which closes when all of them have ended.
  const stderr = new Response(child.stderr).text();
  const stdout = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("\n")) {
    const { done, value } = await stdout.read();
    if (done) throw new Error(`The program ended: ${await stderr}`);
    text += value;
  }
  async function ended() {
    const { code, signal } = await child.status;
    while (!(await stdout.read()).done);
    return { code, signal, stderr: await stderr };
  }
  return {
    child,
    workers: JSON.parse(text),
    ended,
    async [Symbol.asyncDispose]() {
      try {
        child.kill("SIGKILL");
      } catch {
        // The program has already ended.
      }
      await ended();
    },
  };
}

/**
 * Fails if a process or folder is left. A killed process closes its stderr a
 * moment before it is gone.
 */
async function assertNothingLeft(workers: WorkerReport[]): Promise<void> {
  for (const { pid, address } of workers) {
    await gone(pid);
    const folder = address.replace(/^unix:/, "").replace(/\/[^/]+$/, "");
    assert(!exists(folder), `folder ${folder} is left`);
  }
}

for (
  const [ending, expected] of [["idle", 0], ["throw", 1], ["exit", 7]] as const
) {
  Deno.test(`Pool that isn't shut down leaves nothing when the program ends by ${ending}`, async () => {
    await using program = await start(ending);
    const { code, stderr } = await program.ended();
    assertEquals(code, expected, stderr);
    await assertNothingLeft(program.workers);
  });
}

for (const busy of ["async", "sync"]) {
  for (const signal of ["SIGINT", "SIGTERM", "SIGKILL"] as const) {
    Deno.test(`Pool with a busy ${busy} task leaves nothing when the program is killed by ${signal}`, async () => {
      await using gate = new Gate();
      await using program = await start(busy, gate.port);
      await gate.entered();
      program.child.kill(signal);
      assertEquals((await program.ended()).signal, signal);
      await assertNothingLeft(program.workers);
    });
  }
}

Deno.test("Pool that isn't shut down keeps the program alive while a task runs", async () => {
  await using gate = new Gate();
  await using program = await start("async", gate.port);
  await gate.entered();
  gate.open();
  assertEquals((await program.ended()).code, 0);
  await assertNothingLeft(program.workers);
});

Deno.test("Pool creates its socket in a folder that only its user can enter", async () => {
  await using pool = new Pool(1);
  const [address] = await pool.runOnAll(() => Deno.args[1]!);
  const path = address!.replace(/^unix:/, "");
  const folder = await Deno.stat(path.replace(/\/[^/]+$/, ""));
  assertEquals(folder.mode! & 0o777, 0o700);
});

Deno.test({
  name: "Pool leaves nothing behind when it is started and shut down 200 times",
  ignore: !isLinux,
  async fn() {
    const openFiles = () => [...Deno.readDirSync("/proc/self/fd")].length;
    const cycle = async () => {
      const pool = new Pool(1);
      const [report] = await pool.runOnAll(() => ({
        pid: Deno.pid,
        address: Deno.args[1]!,
      }));
      await pool.shutdown();
      return report!;
    };
    await cycle();
    const before = openFiles();
    const reports: WorkerReport[] = [];
    for (let count = 0; count < 200; count++) reports.push(await cycle());
    assertEquals(openFiles(), before);
    for (let at = 0; at < reports.length; at += 2) {
      await assertNothingLeft(reports.slice(at, at + 2));
    }
  },
});

Deno.test("Pool rejects the calls of a killed worker and continues", async () => {
  await using gate = new Gate();
  await using pool = new Pool({ workers: 2, prefetch: 0 });
  const pids = await pool.runOnAll(() => Deno.pid);
  const tasks = pids.map(() =>
    pool.run(
      async (port: number) => {
        const connection = await Deno.connect({ hostname: "127.0.0.1", port });
        await connection.read(new Uint8Array(1));
        return Deno.pid;
      },
      gate.port,
    )
  );
  await gate.entered();
  await gate.entered();
  Deno.kill(pids[0]!, "SIGKILL");
  const lost = await Promise.race(tasks).catch((error) => error);
  assertInstanceOf(lost, WorkerLostError);
  gate.open();
  const outcomes = await Promise.allSettled(tasks);
  const survivors = outcomes.filter(({ status }) => status === "fulfilled");
  assertEquals(survivors, [{ status: "fulfilled", value: pids[1]! }]);
  assertEquals(await pool.runOnAll(() => Deno.pid), [pids[1]!]);
});

Deno.test("Pool rejects all calls when no worker is left", async () => {
  await using pool = new Pool({ workers: 1, maxRestarts: 0 });
  await assertRejects(() => pool.run(() => Deno.exit(3)), WorkerLostError);
  const error = await assertRejects(() => pool.run(() => 1), BrokenPoolError);
  assertStringIncludes(error.message, "No worker is left");
});

for (const method of ["shutdown", "terminate"] as const) {
  Deno.test(`Pool.${method}() doesn't break a pool that is starting`, async () => {
    const pool = new Pool(1);
    await pool[method]();
    await assertRejects(() => pool.ready, BrokenPoolError);
    assertEquals(pool.explain(), "The pool was shut down.");
  });

  Deno.test(`Pool.${method}() ends a pool at any moment of its start`, async () => {
    for (let turns = 0; turns < 30; turns++) {
      const pool = new Pool({ workers: "inline" });
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      await pool[method]();
      const error = await pool.ready.catch((error) => error);
      if (error !== undefined) assertInstanceOf(error, BrokenPoolError);
      assertEquals(pool.explain(), "The pool was shut down.");
    }
  });
}

Deno.test("Pool reports workers that can't start", async () => {
  await using pool = new Pool({ workers: 2, denoArgs: ["--no-such-flag"] });
  const error = await assertRejects(() => pool.ready, BrokenPoolError);
  assertStringIncludes(error.message, "could not start");
  assertStringIncludes(error.message, "did not connect");
  await assertRejects(() => pool.run(() => 1), BrokenPoolError);
});

Deno.test("Pool reports workers that don't connect in time", async () => {
  await using pool = new Pool({
    workers: 1,
    startTimeout: 100,
    // It waits for a debugger.
    denoArgs: ["--inspect-wait=127.0.0.1:0"],
    stdio: "null",
  });
  const error = await assertRejects(() => pool.ready, BrokenPoolError);
  assertStringIncludes(error.message, "'startTimeout' of 100 ms");
});

Deno.test({
  name: "Pool maps 10 million integers in less than 200 MB",
  ignore: !isLinux,
  async fn() {
    const program = new URL("../programs/ten_million.ts", import.meta.url).href;
    // Otherwise, V8 adapts the heap size to the machine's speed and load.
    const flags = "--min-semi-space-size=8,--max-semi-space-size=8";
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", `--v8-flags=${flags}`, program],
      stderr: "inherit",
    }).output();
    assertEquals(code, 0);
    const { sum, halfway, megabytes } = JSON.parse(
      new TextDecoder().decode(stdout),
    );
    assertEquals(sum, 50_000_005_000_000);
    assertLess(megabytes, 200);
    // Keeping the numbers would take 40 MB more.
    assertLess(megabytes - halfway, 30);
  },
});

Deno.test("Pool starts workers with env, cwd and denoArgs", async () => {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  try {
    await using pool = new Pool({
      workers: 1,
      env: { DISTEX_TEST: "yes" },
      cwd: folder,
      denoArgs: ["--seed=7"],
    });
    const look = () => [Deno.env.get("DISTEX_TEST"), Deno.cwd()];
    assertEquals(await pool.run(look), ["yes", folder]);
    const random = await pool.run(() => Math.random());
    await using other = new Pool({ workers: 1, denoArgs: ["--seed=7"] });
    assertEquals(await other.run(() => Math.random()), random);
  } finally {
    await Deno.remove(folder);
  }
});

Deno.test("Pool with permissions 'none' lets tasks connect to nothing but the pool", async () => {
  await using pool = new Pool({ workers: 1, permissions: "none" });
  assertEquals(await pool.run((x: number) => x + 1, 1), 2);
  await assertRejects(
    () => pool.run(() => Deno.readTextFile("/etc/hostname")),
    Deno.errors.NotCapable,
  );
  await assertRejects(
    () => pool.run(() => void Deno.env.toObject()),
    Deno.errors.NotCapable,
  );
});

Deno.test("Pool with a list of permissions grants only these", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/a.txt`, "text");
    await using pool = new Pool({
      workers: 1,
      permissions: { read: [folder], sys: true },
    });
    const read = (path: string) => Deno.readTextFile(path);
    assertEquals(await pool.run(read, `${folder}/a.txt`), "text");
    assertEquals(typeof await pool.run(() => Deno.hostname()), "string");
    await assertRejects(
      () => pool.run(read, "/etc/hostname"),
      Deno.errors.NotCapable,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("Pool doesn't reveal its secret to tasks", async () => {
  await using pool = new Pool(1);
  const seen = await pool.run(async () => ({
    args: Deno.args.join(" "),
    env: Object.values(Deno.env.toObject()).join(" "),
    stdin: await Deno.stdin.read(new Uint8Array(100)).catch(() => null),
  }));
  assertEquals(seen.stdin, null);
  for (const text of [seen.args, seen.env]) {
    assert(!/\b[0-9a-f]{64}\b/.test(text), text);
  }
});

Deno.test("passGate() returns when the gate is closed", async () => {
  assertEquals(await passGate(1, "through"), "through");
});
