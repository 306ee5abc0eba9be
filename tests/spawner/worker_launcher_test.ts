import {
  assert,
  assertEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { Reaper } from "../../src/spawner/reaper.ts";
import type { OutputStream } from "../../src/spawner/child.ts";
import { MemoryMeter } from "../../src/spawner/memory_meter.ts";
import {
  type LauncherSettings,
  WorkerLauncher,
} from "../../src/spawner/worker_launcher.ts";
import { WORKER_PROGRAM } from "../../src/spawner/worker_program.ts";
import { KeepAlive } from "../../src/util/keep_alive.ts";
import { findConfig } from "../../src/util/find_config.ts";
import { formatAddress } from "../../src/transport/address.ts";
import { Channel } from "../../src/transport/channel.ts";
import { makeSecret } from "../../src/transport/secret.ts";
import { admitWorker } from "../helpers/handshakes.ts";
import { MessageType, ResultMode } from "../../src/protocol/worker_messages.ts";

const ADDRESS = {
  transport: "tcp",
  hostname: "127.0.0.1",
  port: 7,
} as const;

/** Makes a program of statements. */
function programOf(text: string): string {
  return `data:text/javascript,${encodeURIComponent(text)}`;
}

/** Keeps the test alive, and kills processes that it leaves running. */
class Watch implements AsyncDisposable {
  readonly reaper = Reaper.isSupported ? new Reaper(undefined) : undefined;
  readonly #keepAlive = new KeepAlive();

  constructor() {
    this.#keepAlive.hold();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.reaper?.close();
    this.#keepAlive.close();
  }
}

/** The output of workers, piece by piece and as a whole. */
class Outputs {
  readonly pieces: [number, OutputStream, string][] = [];

  readonly take = (
    worker: number,
    stream: OutputStream,
    bytes: Uint8Array,
  ): void => {
    this.pieces.push([worker, stream, new TextDecoder().decode(bytes)]);
  };

  of(worker: number, stream: OutputStream): string {
    return this.pieces
      .filter(([from, to]) => from === worker && to === stream)
      .map(([, , text]) => text)
      .join("");
  }
}

/** Makes a launcher whose workers have no permissions by default. */
function launcherOf(
  { reaper }: { reaper?: Reaper | undefined },
  settings: Partial<LauncherSettings>,
): WorkerLauncher {
  return new WorkerLauncher({
    program: WORKER_PROGRAM,
    address: ADDRESS,
    secret: makeSecret(),
    certificate: undefined,
    grants: {},
    config: undefined,
    denoArgs: [],
    env: {},
    cwd: undefined,
    onOutput: () => {},
    ...settings,
  }, reaper);
}

Deno.test("WorkerLauncher.start() gives a worker its arguments, input, environment and folder", async () => {
  await using watch = new Watch();
  const outputs = new Outputs();
  const secret = makeSecret();
  const folder = await Deno.realPath(await Deno.makeTempDir());
  try {
    const launcher = launcherOf(watch, {
      program: programOf(`
        console.log(JSON.stringify({
          args: Deno.args,
          input: await new Response(Deno.stdin.readable).text(),
          env: Deno.env.get("DISTEX_TEST"),
          cwd: Deno.cwd(),
          gc: typeof gc,
        }));`),
      secret,
      certificate: "PEM\nPEM\n",
      grants: { env: true, read: [folder] },
      denoArgs: ["--v8-flags=--expose-gc"],
      env: { DISTEX_TEST: "yes" },
      cwd: folder,
      onOutput: outputs.take,
    });
    const end = await launcher.start(12, "worker").ended;
    assertEquals(end, { exitStatus: "exit code 0", stderrTail: "" });
    assertEquals(JSON.parse(outputs.of(12, "stdout")), {
      args: ["--connect", formatAddress(ADDRESS), "--worker", "12"],
      input: `${secret.toHex()}\nPEM\nPEM\n`,
      env: "yes",
      cwd: folder,
      gc: "function",
    });
  } finally {
    await Deno.remove(folder);
  }
});

Deno.test("WorkerLauncher.start() runs the bundle as long as it is there", async () => {
  await using watch = new Watch();
  const outputs = new Outputs();
  const bundle = await Deno.makeTempFile({ suffix: ".js" });
  await Deno.writeTextFile(bundle, "console.log('bundle')");
  const launcher = launcherOf(watch, {
    program: programOf("console.log('program')"),
    bundle,
    onOutput: outputs.take,
  });
  await launcher.start(0, "worker").ended;
  assertEquals(outputs.of(0, "stdout"), "bundle\n");
  await Deno.remove(bundle);
  await launcher.start(1, "worker").ended;
  assertEquals(outputs.of(1, "stdout"), "program\n");
});

Deno.test({
  name:
    "WorkerLauncher.start() starts workers whose memory it can't watch where there is no 'sh'",
  ignore: !MemoryMeter.isSupported,
  async fn() {
    await using watch = new Watch();
    const launcher = launcherOf(watch, {
      program: programOf("setInterval(() => {}, 1_000);"),
      maxMemory: 1e9,
    });
    const process = launcher.start(0, "worker");
    const path = Deno.env.get("PATH")!;
    Deno.env.set("PATH", "");
    try {
      process.limitMemory();
    } finally {
      Deno.env.set("PATH", path);
      process.kill();
    }
    assertEquals((await process.ended).exitStatus, "signal SIGKILL");
    await launcher.close();
  },
});

Deno.test("WorkerLauncher.start() denies a worker other permissions", async () => {
  await using watch = new Watch();
  const outputs = new Outputs();
  const launcher = launcherOf(watch, {
    program: programOf(`
      const state = (descriptor) =>
        Deno.permissions.querySync(descriptor).state;
      console.log(JSON.stringify([
        state({ name: "net", host: "127.0.0.1:7" }),
        state({ name: "net", host: "127.0.0.1:8" }),
        state({ name: "read" }),
        state({ name: "run" }),
      ]));`),
    onOutput: outputs.take,
  });
  await launcher.start(0, "worker").ended;
  assertEquals(JSON.parse(outputs.of(0, "stdout")), [
    "granted",
    ...["prompt", "prompt", "prompt"],
  ]);
});

Deno.test("WorkerLauncher.start() reports the output and the end of each worker", async () => {
  await using watch = new Watch();
  const outputs = new Outputs();
  const launcher = launcherOf(watch, {
    program: programOf(`
      console.log("out of", Deno.args[3]);
      console.error("\\x1b[31mno use\\x1b[0m:", Deno.args[3]);
      Deno.exit(Number(Deno.args[3]));`),
    onOutput: outputs.take,
  });
  const workers = [3, 4].map((worker) => launcher.start(worker, "worker"));
  assertEquals(await Promise.all(workers.map(({ ended }) => ended)), [
    { exitStatus: "exit code 3", stderrTail: "no use: 3" },
    { exitStatus: "exit code 4", stderrTail: "no use: 4" },
  ]);
  for (const worker of [3, 4]) {
    assertEquals(outputs.of(worker, "stdout"), `out of ${worker}\n`);
    assertEquals(
      outputs.of(worker, "stderr"),
      `\x1b[31mno use\x1b[0m: ${worker}\n`,
    );
  }
});

Deno.test("WorkerLauncher.start() reports the last part of a worker's stderr", async () => {
  await using watch = new Watch();
  const outputs = new Outputs();
  const launcher = launcherOf(watch, {
    program: programOf(`
      for (let line = 0; line < 10_000; line++) console.error("line", line);`),
    onOutput: outputs.take,
  });
  const { stderrTail } = await launcher.start(1, "worker").ended;
  const text = outputs.of(1, "stderr");
  assertEquals(text.split("\n").length, 10_001);
  assert(stderrTail.length <= 2_048, `${stderrTail.length}`);
  assert(text.trim().endsWith(stderrTail));
  assert(stderrTail.length > 2_000);
});

Deno.test("WorkerLauncher.start() makes a worker wait until its output was taken", async () => {
  await using watch = new Watch();
  const taken = Promise.withResolvers<void>();
  const first = Promise.withResolvers<void>();
  let bytes = 0;
  const launcher = launcherOf(watch, {
    program: programOf(`
      for (let count = 0; count < 1_000; count++) {
        await Deno.stdout.write(new Uint8Array(10_000));
      }`),
    onOutput: async (_worker, _stream, piece) => {
      bytes += piece.length;
      first.resolve();
      await taken.promise;
    },
  });
  const { ended } = launcher.start(1, "worker");
  await first.promise;
  // More arrives only after the first piece was taken.
  assert(bytes < 1_000_000, `${bytes}`);
  taken.resolve();
  assertEquals((await ended).exitStatus, "exit code 0");
  assertEquals(bytes, 10_000_000);
});

Deno.test("WorkerProcess.kill() ends a worker at once, and does nothing when it has ended", async () => {
  await using watch = new Watch();
  const started = Promise.withResolvers<void>();
  const launcher = launcherOf(watch, {
    program: programOf('console.log("started"); for (;;);'),
    onOutput: () => started.resolve(),
  });
  const worker = launcher.start(1, "worker");
  await started.promise;
  worker.kill();
  assertEquals(await worker.ended, {
    exitStatus: "signal SIGKILL",
    stderrTail: "",
  });
  worker.kill();
});

Deno.test("WorkerLauncher.start() throws when the folder doesn't exist", () => {
  const launcher = launcherOf({}, { cwd: "/no/such/folder" });
  assertThrows(
    () => launcher.start(1, "worker"),
    Deno.errors.NotFound,
    "/no/such",
  );
});

Deno.test("WorkerLauncher.start() reports deno's message when its arguments are bad", async () => {
  await using watch = new Watch();
  const launcher = launcherOf(watch, { denoArgs: ["--no-such-flag"] });
  const { exitStatus, stderrTail } = await launcher.start(1, "worker").ended;
  assertEquals(exitStatus, "exit code 1");
  assertStringIncludes(stderrTail, "--no-such-flag");
});

Deno.test({
  name: "WorkerLauncher.start() makes its reaper watch each worker",
  ignore: !Reaper.isSupported,
  async fn() {
    await using watch = new Watch();
    const watched: { pid: number }[] = [];
    const reaper = watch.reaper!;
    reaper.watch = (child) => {
      watched.push(child);
      Reaper.prototype.watch.call(reaper, child);
    };
    const outputs = new Outputs();
    const launcher = launcherOf(watch, {
      program: programOf("console.log(Deno.pid);"),
      onOutput: outputs.take,
    });
    await Promise.all(
      [1, 2].map((worker) => launcher.start(worker, "worker").ended),
    );
    assertEquals(
      watched.map(({ pid }) => `${pid}\n`),
      [1, 2].map((worker) => outputs.of(worker, "stdout")),
    );
  },
});

Deno.test("WorkerLauncher.start() starts a worker that serves the pool", async () => {
  await using watch = new Watch();
  const outputs = new Outputs();
  const secret = makeSecret();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { hostname, port } = listener.addr;
  const launcher = launcherOf(watch, {
    address: { transport: "tcp", hostname, port },
    secret,
    config: findConfig(WORKER_PROGRAM),
    onOutput: outputs.take,
  });
  const { ended } = launcher.start(42, "worker");
  const connection = await listener.accept();
  listener.close();
  const admitted = await admitWorker(connection, () => secret, {
    concurrency: 1,
    codec: "msgpack",
  });
  assertEquals(admitted, 42);

  const channel = new Channel(connection);
  const source = `(x) => { console.log("task", x); return x + 1; }`;
  channel.writer.message([
    MessageType.DEFINE,
    ...[0, { kind: "inline", source, name: "task" }],
  ]);
  channel.writer.message([MessageType.CALLS, 0, 0, ResultMode.VALUE, [[1]]]);
  channel.flush();
  const received: unknown[][] = [];
  await channel.receive((message) => {
    received.push(message);
    channel.close();
  });
  const [type, id, , values] = received[0]!;
  assertEquals([type, id, values], [MessageType.RESULTS, 0, [2]]);
  assertEquals(await ended, { exitStatus: "exit code 0", stderrTail: "" });
  assertEquals(outputs.pieces, [[42, "stdout", "task 1\n"]]);
});
