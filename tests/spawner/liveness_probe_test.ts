import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { FakeTime } from "../helpers/fake_time.ts";
import { probeUntilUnreachable } from "../../src/spawner/liveness_probe.ts";
import type { Address } from "../../src/transport/address.ts";

/** The pause between two probes, in milliseconds. */
const INTERVAL = 2_000;

/** How long an answer may take, in milliseconds. */
const TIMEOUT = 5_000;

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

/** Returns whether a promise is still pending after a turn of the event loop. */
async function isPending(
  promise: Promise<unknown>,
  time: FakeTime,
): Promise<boolean> {
  const pending = Symbol();
  const turn = time.delay(0).then(() => pending);
  return await Promise.race([promise, turn]) === pending;
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
    using time = new FakeTime();
    await using target = await Target.listen(transport);
    const over = new AbortController();
    const cut = probeUntilUnreachable(target.address, over.signal);
    for (let count = 0; count < 5; count++) {
      const probe = target.accept();
      time.tick(INTERVAL - 1);
      assert(await isPending(probe, time));
      time.tick(1);
      await hangUp(await probe);
    }
    over.abort(new Error("over"));
    await assertRejects(() => cut, Error, "over");
  });

  Deno.test(`probeUntilUnreachable() returns when nobody listens any more (${transport})`, async () => {
    using time = new FakeTime();
    await using target = await Target.listen(transport);
    const over = new AbortController();
    const cut = probeUntilUnreachable(target.address, over.signal);
    time.tick(INTERVAL);
    await hangUp(await target.accept());
    target.close();
    time.tick(INTERVAL);
    const reason = await cut;
    assertStringIncludes(reason, "The pool can't be reached any more: ");
    over.abort();
  });
}

Deno.test({
  name: "probeUntilUnreachable() returns when a probe isn't answered",
  ignore: Deno.build.os === "windows",
  async fn() {
    using time = new FakeTime();
    await using target = await Target.listen("unix");
    const over = new AbortController();
    const cut = probeUntilUnreachable(target.address, over.signal);
    time.tick(INTERVAL);
    await hangUp(await target.accept());
    time.tick(INTERVAL);
    const probe = await target.accept();
    time.tick(TIMEOUT - 1);
    assert(await isPending(cut, time));
    time.tick(1);
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
