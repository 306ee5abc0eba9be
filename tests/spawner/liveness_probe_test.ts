import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { probeUntilUnreachable } from "../../src/spawner/liveness_probe.ts";
import type { Address } from "../../src/transport/address.ts";

/**
 * Shortens pauses of seconds, and holds deadlines until the test expires them. The
 * end of the scope undoes this.
 */
class Clock implements Disposable {
  /** The requested pauses, in milliseconds. */
  readonly pauses: number[] = [];
  /** The requested deadlines, in milliseconds. */
  readonly deadlines: number[] = [];
  readonly #setTimeout = globalThis.setTimeout;
  readonly #timeout = AbortSignal.timeout;
  #running: AbortController | undefined;

  constructor() {
    const [setTimeout, clock] = [this.#setTimeout, this];
    globalThis.setTimeout = ((handler: () => void, ms = 0) => {
      if (ms < 1_000) return setTimeout(handler, ms);
      clock.pauses.push(ms);
      return setTimeout(handler, 0);
    }) as typeof globalThis.setTimeout;
    AbortSignal.timeout = (ms) => {
      clock.deadlines.push(ms);
      clock.#running = new AbortController();
      return clock.#running.signal;
    };
  }

  /** Expires the last deadline. */
  expire(): void {
    this.#running!.abort(new DOMException("timed out", "TimeoutError"));
  }

  [Symbol.dispose](): void {
    globalThis.setTimeout = this.#setTimeout;
    AbortSignal.timeout = this.#timeout;
  }
}

/** A listener for probes, until the end of its scope. */
class Target implements AsyncDisposable {
  readonly address: Address;
  readonly #listener: Deno.Listener;
  readonly #folder: string | undefined;

  private constructor(address: Address, folder?: string) {
    this.#folder = folder;
    if (address.transport === "unix") {
      this.address = address;
      this.#listener = Deno.listen({ transport: "unix", path: address.path });
    } else {
      const { hostname } = address;
      const listener = Deno.listen({ hostname, port: 0 });
      this.#listener = listener;
      this.address = { ...address, port: listener.addr.port };
    }
  }

  static async listen(transport: "unix" | "tcp"): Promise<Target> {
    if (transport === "tcp") {
      return new Target({ transport, hostname: "127.0.0.1", port: 0 });
    }
    const folder = await Deno.makeTempDir();
    return new Target({ transport, path: `${folder}/probe.sock` }, folder);
  }

  /** Accepts a probe. */
  accept(): Promise<Deno.Conn> {
    return this.#listener.accept();
  }

  /** Stops listening, as a tunnel does when it breaks. */
  close(): void {
    this.#listener.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#listener.close();
    } catch {
      // The test has closed it.
    }
    if (this.#folder !== undefined) {
      await Deno.remove(this.#folder, { recursive: true });
    }
  }
}

/** Closes a probe's connection, and waits until the peer has noticed. */
async function hangUp(probe: Deno.Conn): Promise<void> {
  await probe.closeWrite();
  assertEquals(await probe.read(new Uint8Array(1)), null);
  probe.close();
}

const TRANSPORTS = Deno.build.os === "windows"
  ? ["tcp"] as const
  : ["unix", "tcp"] as const;

for (const transport of TRANSPORTS) {
  Deno.test(`probeUntilUnreachable() continues while probes are answered (${transport})`, async () => {
    using clock = new Clock();
    await using target = await Target.listen(transport);
    const over = new AbortController();
    const cut = probeUntilUnreachable(target.address, over.signal);
    for (let count = 0; count < 5; count++) await hangUp(await target.accept());
    over.abort(new Error("over"));
    await assertRejects(() => cut, Error, "over");
    assertEquals(new Set(clock.pauses), new Set([2_000]));
    assertEquals(new Set(clock.deadlines), new Set([5_000]));
  });

  Deno.test(`probeUntilUnreachable() returns when nobody listens any more (${transport})`, async () => {
    using _ = new Clock();
    await using target = await Target.listen(transport);
    const over = new AbortController();
    const cut = probeUntilUnreachable(target.address, over.signal);
    await hangUp(await target.accept());
    target.close();
    const reason = await cut;
    assertStringIncludes(reason, "The pool can't be reached any more: ");
    over.abort();
  });
}

Deno.test({
  name: "probeUntilUnreachable() returns when a probe isn't answered",
  ignore: Deno.build.os === "windows",
  async fn() {
    using clock = new Clock();
    await using target = await Target.listen("unix");
    const over = new AbortController();
    const cut = probeUntilUnreachable(target.address, over.signal);
    await hangUp(await target.accept());
    const probe = await target.accept();
    clock.expire();
    const reason = await cut;
    assertStringIncludes(reason, "can't be reached any more: TimeoutError");
    await hangUp(probe);
  },
});

Deno.test("probeUntilUnreachable() rejects when its signal is aborted during a pause", async () => {
  const over = new AbortController();
  const address = { transport: "tcp", hostname: "127.0.0.1", port: 1 } as const;
  const cut = probeUntilUnreachable(address, over.signal);
  over.abort(new Error("over"));
  await assertRejects(() => cut, Error, "over");
});
