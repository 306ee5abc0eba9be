import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Reaper } from "../../src/spawner/reaper.ts";
import { makeSecret } from "../../src/transport/secret.ts";
import { admitWorker } from "../helpers/handshakes.ts";

const PROGRAM =
  new URL("../../src/spawner/ssh_program.ts", import.meta.url).href;

/** The number that the spawner sends when it connects. */
const NUMBER = 3;

/** The program of an ssh host, on this machine, and both of its sockets. */
class Entry implements AsyncDisposable {
  readonly secret = makeSecret();
  readonly folder = Deno.makeTempDirSync({ prefix: "distex-entry-" });
  readonly pool = listen(`${this.folder}/pool.sock`);
  readonly probe = listen(`${this.folder}/probe.sock`);
  readonly #reaper = new Reaper(this.folder);
  readonly #child: Deno.ChildProcess;
  readonly #stderr: Promise<string>;

  constructor() {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", PROGRAM],
        ...["--folder", this.folder, "--number", String(NUMBER)],
      ],
      stdin: "piped",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    this.#reaper.watch(this.#child);
    this.#stderr = new Response(this.#child.stderr).text();
    new Blob([`${this.secret.toHex()}\n`]).stream().pipeTo(this.#child.stdin);
  }

  /** Answers a probe. */
  async answer(): Promise<void> {
    (await this.probe.accept()).close();
  }

  /** Stops answering probes. */
  cut(): void {
    this.probe.close();
  }

  /** Waits until it has ended; returns its stderr. */
  async ended(): Promise<string> {
    await this.#child.status;
    return await this.#stderr;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const listener of [this.pool, this.probe]) {
      try {
        listener.close();
      } catch {
        // The test has closed it.
      }
    }
    await this.#reaper.close();
    await this.ended();
  }
}

function listen(path: string): Deno.UnixListener {
  return Deno.listen({ transport: "unix", path });
}

/** Declares a test that needs Unix sockets. */
function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, fn, ignore: Deno.build.os === "windows" });
}

test("ssh_program ends when the pool becomes unreachable before it has admitted the spawner", async () => {
  await using entry = new Entry();
  using _connection = await entry.pool.accept();
  await entry.answer();
  entry.cut();
  assertStringIncludes(await entry.ended(), "can't be reached any more");
  await assertRejects(() => Deno.lstat(entry.folder), Deno.errors.NotFound);
});

test("ssh_program ends when the pool becomes unreachable before it has opened a session", async () => {
  await using entry = new Entry();
  using connection = await entry.pool.accept();
  const number = await admitWorker(
    connection,
    (number) => number === NUMBER ? entry.secret : undefined,
    { concurrency: 1 },
  );
  assertEquals(number, NUMBER);
  await entry.answer();
  entry.cut();
  await entry.ended();
  await assertRejects(() => Deno.lstat(entry.folder), Deno.errors.NotFound);
});
