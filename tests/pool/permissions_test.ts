import {
  assert,
  assertEquals,
  assertNotEquals,
  assertRejects,
} from "@std/assert";
import { deadline } from "@std/async/deadline";
import { Pool } from "../../mod.ts";
import { PROTOCOL_VERSION } from "../../src/transport/handshake.ts";
import { sshTest, startSshServer } from "../helpers/ssh_server.ts";

/** The longest that an operation may take, in milliseconds. */
const LONG = 60_000;

/** Operations that require a permission. */
const DEEDS: Record<string, () => unknown> = {
  "read a file": () => Deno.readTextFile("/etc/hostname"),
  "read a folder": () => [...Deno.readDirSync(".")],
  "write a file": () => Deno.writeTextFile("./not-to-be-written", ""),
  "make a temporary file": () => Deno.makeTempFile(),
  "connect elsewhere": () =>
    Deno.connect({ hostname: "127.0.0.1", port: 10_009 }),
  "fetch": () => fetch("http://127.0.0.1:10009/"),
  "listen": () => void Deno.listen({ port: 0 }),
  "get a variable": () => Deno.env.get("HOME"),
  "get all variables": () => Deno.env.toObject(),
  "run a program": () => new Deno.Command("true").output(),
  "run itself": () => new Deno.Command(Deno.execPath()).output(),
  "load a library": () => void Deno.dlopen("libc.so.6", {}),
  "know the host's name": () => Deno.hostname(),
  "import code from elsewhere": () => {
    const url = "https://127.0.0.1:10009/mod.ts";
    return import(url);
  },
  "import code from a host that Deno allows": () => {
    const url = "https://esm.sh/not-there";
    return import(url);
  },
  "import a package": () => {
    const url = "npm:@not-there/at-all";
    return import(url);
  },
  "kill a process": () => Deno.kill(1, "SIGCONT"),
};

/** Reports how an operation ended: the name of its error, or "done". */
async function outcomeOf(pool: Pool, deed: () => unknown): Promise<string> {
  const outcome = pool.run(deed).then(() => "done", (error) => error);
  const settled = await deadline(outcome, LONG);
  if (settled === "done") return settled;
  const isRefused = settled instanceof Deno.errors.NotCapable ||
    /Requires (run|read) access|--cached-only is specified/
      .test((settled as Error).message);
  return isRefused ? "refused" : Deno.inspect(settled);
}

for (const transport of ["unix", "tcp"] as const) {
  Deno.test(`Pool with permissions 'none' over ${transport} denies tasks every operation without a prompt`, async () => {
    await using pool = new Pool({ workers: 1, transport, permissions: "none" });
    for (const [name, deed] of Object.entries(DEEDS)) {
      assertEquals([name, await outcomeOf(pool, deed)], [name, "refused"]);
    }
    assertEquals(await pool.run((x: number) => x + 1, 1), 2);
  });
}

Deno.test("Pool with permissions 'none' works if TMPDIR contains a comma", async () => {
  const before = Deno.env.get("TMPDIR");
  const folder = await Deno.makeTempDir({ suffix: ",b" });
  Deno.env.set("TMPDIR", folder);
  try {
    await using pool = new Pool({ workers: 1, permissions: "none" });
    assertEquals(await pool.run((x: number) => x + 1, 1), 2);
  } finally {
    if (before === undefined) Deno.env.delete("TMPDIR");
    else Deno.env.set("TMPDIR", before);
    await Deno.remove(folder);
  }
});

Deno.test("Pool with permissions 'none' doesn't let tasks gain permissions", async () => {
  await using pool = new Pool({
    workers: 1,
    permissions: "none",
    denoArgs: ["--unstable-worker-options"],
    stdio: "null",
  });
  const names = ["read", "write", "net", "env", "run", "ffi", "sys"] as const;
  for (const name of names) {
    const ask = async (name: Deno.PermissionName) => {
      const before = await Deno.permissions.query({ name } as never);
      const after = await Deno.permissions.request({ name } as never);
      return [before.state, after.state];
    };
    const [before, after] = await deadline(pool.run(ask, name), LONG);
    assertNotEquals([before, after], ["granted", "granted"]);
    assertNotEquals(after, "granted");
  }
  const thread = async () => {
    const code = `postMessage(Deno.readTextFileSync("/etc/hostname"))`;
    const url = URL.createObjectURL(new Blob([code]));
    const options = { type: "module", deno: { permissions: { read: true } } };
    const worker = new Worker(url, options as WorkerOptions);
    return await new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => {
        event.preventDefault();
        reject(new Error(event.message));
      };
    });
  };
  await assertRejects(
    () => deadline(pool.run(thread), LONG),
    Error,
    "escalate parent thread permissions",
  );
});

/** Tries to connect to the pool as the worker with an id. */
async function knock(version: number, id: number): Promise<string> {
  const path = Deno.args[Deno.args.indexOf("--connect") + 1]!
    .slice("unix:".length);
  const connection = await Deno.connect({ transport: "unix", path });
  const utf8 = new TextEncoder();
  // MessagePack of { version, id, nonce }, and then of { proof }.
  const hello = [
    ...[0x83, 0xa7, ...utf8.encode("version"), version],
    ...[0xa2, ...utf8.encode("id"), id],
    ...[0xa5, ...utf8.encode("nonce"), 0xc4, 32, ...new Uint8Array(32)],
  ];
  const proof = [
    ...[0x81, 0xa5, ...utf8.encode("proof"), 0xc4, 32, ...new Uint8Array(32)],
  ];
  const buffer = new Uint8Array(1_000);
  const answers: number[] = [];
  for (const message of [hello, proof]) {
    const frame = new Uint8Array([0, 0, 0, message.length, ...message]);
    const answer = connection.write(frame).then(() => connection.read(buffer));
    answers.push(await answer.catch(() => null) ?? 0);
  }
  connection.close();
  return answers.map((count) => count > 0 ? "answered" : "hung up").join(", ");
}

Deno.test("Pool refuses a task that connects to its socket as a worker", async () => {
  await using pool = new Pool({ workers: 2, permissions: "none" });
  await pool.ready;
  for (const id of [0, 1, 2, 3, 4]) {
    const knocking = pool.run(knock, PROTOCOL_VERSION, id);
    const answers = await deadline(knocking, LONG);
    assertEquals(answers, "hung up, hung up");
  }
  // Only a peer of another version gets an answer: the pool's version.
  const answers = await deadline(pool.run(knock, 1, 0), LONG);
  assertEquals(answers, "answered, hung up");
  const pids = await pool.runOnAll(() => Deno.args.at(-1));
  assertEquals(new Set(pids).size, 2);
});

Deno.test("Pool hides its secret from tasks", async () => {
  await using pool = new Pool({ workers: 1, stdio: "null" });
  const traces = await pool.run(async () => {
    const seen = new Set<unknown>();
    const texts: string[] = [];
    const look = (value: unknown, depth: number) => {
      if (typeof value === "string") texts.push(value);
      if (ArrayBuffer.isView(value)) {
        texts.push(new Uint8Array(value.buffer).toHex());
      }
      const isObject = typeof value === "object" || typeof value === "function";
      if (!isObject || value === null || seen.has(value) || depth > 6) return;
      seen.add(value);
      for (const key of Reflect.ownKeys(value)) {
        try {
          look(Reflect.get(value, key), depth + 1);
        } catch {
          // This file isn't readable.
        }
      }
    };
    look(globalThis, 0);
    const stdin = await Deno.stdin.read(new Uint8Array(100)).catch(() => null);
    texts.push(...Deno.args, ...Object.values(Deno.env.toObject()));
    const { execArgv, argv } = await import("node:process");
    texts.push(...execArgv, ...argv);
    const found = texts.filter((text) => /\b[0-9a-f]{64}\b/.test(text));
    return { stdin, found, looked: seen.size };
  });
  assert(traces.looked > 1_000);
  assertEquals([traces.stdin, traces.found], [null, []]);
});

sshTest(
  "Pool grants the workers of an ssh host the permissions of that host",
  async () => {
    await using server = await startSshServer();
    const host = { host: server.spec(1), sshArgs: server.sshArgs };
    await using pool = new Pool({
      workers: 1,
      permissions: { sys: true },
      hosts: { ...host, permissions: { env: ["HOME"] } },
    });
    await pool.ready;
    const [, { name }] = pool.stats().hosts as [unknown, { name: string }];
    const there = pool.with({ host: name });
    const here = pool.with({ host: "local" });
    const home = () => Deno.env.get("HOME");
    const hostname = () => Deno.hostname();
    const { NotCapable } = Deno.errors;
    assertEquals(await there.run(home), server.folder);
    assertEquals(typeof await here.run(hostname), "string");
    await assertRejects(() => here.run(home), NotCapable);
    await assertRejects(() => there.run(hostname), NotCapable);
    const read = () => Deno.readTextFile("/etc/hostname");
    await assertRejects(() => there.run(read), NotCapable);
  },
);

sshTest(
  "Pool with permissions 'none' denies all permissions on an ssh host",
  async () => {
    await using server = await startSshServer();
    await using pool = new Pool({
      workers: 0,
      hosts: { host: server.spec(1), sshArgs: server.sshArgs },
      permissions: "none",
    });
    for (const [name, deed] of Object.entries(DEEDS)) {
      assertEquals([name, await outcomeOf(pool, deed)], [name, "refused"]);
    }
  },
);

Deno.test("Pool with permissions 'inherit' grants tasks the program's permissions", async () => {
  const program = import.meta.resolve("../programs/cancel_limited.ts");
  const needed = [
    "--allow-read",
    "--allow-write",
    "--allow-net",
    "--allow-run",
  ];
  const flags = [...needed, "--allow-env", "--allow-sys=hostname"];
  const { stdout, stderr, code } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", ...flags, program],
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  assertEquals(code, 0, decoder.decode(stderr));
  assertEquals(JSON.parse(decoder.decode(stdout)), {
    read: "done",
    env: "done",
    run: "done",
    hostname: "NotCapable",
    ffi: "NotCapable",
  });
});
