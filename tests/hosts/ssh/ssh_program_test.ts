import {
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { BrokenPoolError, HostError, Pool } from "../../../mod.ts";

const PROGRAM = new URL("../../programs/ssh_bundle.ts", import.meta.url).href;

/** Nothing listens there: no test gets further than making the program. */
const HOST = "ssh://127.0.0.1:1/1";

/**
 * An npm registry that never answers, and a cache without esbuild, which `deno
 * bundle` therefore requests from it.
 */
class SilentRegistry implements AsyncDisposable {
  /** The environment of programs that use only this registry. */
  readonly env: Readonly<Record<string, string>>;
  readonly #folder = Deno.makeTempDirSync();
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });

  constructor() {
    this.env = {
      DENO_DIR: `${this.#folder}/deno`,
      XDG_CACHE_HOME: `${this.#folder}/cache`,
      NPM_CONFIG_REGISTRY: `http://127.0.0.1:${this.#listener.addr.port}/`,
    };
  }

  /** Sets the environment of this process until the end of the scope. */
  use(): Disposable {
    const before = Object.keys(this.env).map((name) =>
      [name, Deno.env.get(name)] as const
    );
    for (const [name, value] of Object.entries(this.env)) {
      Deno.env.set(name, value);
    }
    return {
      [Symbol.dispose]() {
        for (const [name, value] of before) {
          if (value === undefined) Deno.env.delete(name);
          else Deno.env.set(name, value);
        }
      },
    };
  }

  /** Waits for the connection of a bundler. */
  accept(): Promise<Deno.Conn> {
    return this.#listener.accept();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** Reads the requests of a bundler until it is gone. */
async function gone(bundler: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(4_096);
  // A killed bundler may leave data unread.
  while (await bundler.read(buffer).catch(() => null) !== null);
}

/**
 * Waits until a program has written to its children what it was about to write: the
 * sockets and pipes of its event loop have their turn together.
 */
async function echo(program: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(1);
  for (let turn = 0; turn < 3; turn++) {
    await program.write(buffer);
    await program.read(buffer);
  }
}

Deno.test("Pool explains that the program for ssh hosts was not made in time", async () => {
  await using registry = new SilentRegistry();
  using _env = registry.use();
  await using pool = new Pool({ workers: 0, hosts: HOST, startTimeout: 1_000 });
  const { cause } = await assertRejects(() => pool.ready, BrokenPoolError);
  assertInstanceOf(cause, HostError);
  for (const part of ["1000 ms", "'deno bundle'", "npm registry"]) {
    assertStringIncludes(cause.message, part);
  }
});

Deno.test("Pool ends the bundler when it is shut down while the program for ssh hosts is made", async () => {
  await using registry = new SilentRegistry();
  using _env = registry.use();
  await using pool = new Pool({ workers: 0, hosts: HOST });
  const failed = assertRejects(() => pool.ready, Error, "shut down");
  using bundler = await registry.accept();
  await pool.shutdown();
  await failed;
  await gone(bundler);
});

Deno.test({
  name: "Pool leaves no bundler when its program is killed",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using registry = new SilentRegistry();
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    const program = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", PROGRAM],
        ...[JSON.stringify(registry.env), HOST, String(port)],
      ],
      stdin: "null",
    }).spawn();
    using connection = await listener.accept();
    using bundler = await registry.accept();
    await echo(connection);
    program.kill("SIGKILL");
    await program.status;
    await gone(bundler);
  },
});
