/**
 * Sends the body of a large request through `gzip` in a worker, and measures the
 * memory of the program and of the worker. It works on Linux only.
 *
 * `deno run -A bench/stream_memory.ts [gigabytes]`
 *
 * There is no network between: Deno's web server reads ahead without a limit
 * while a response is under way, so a faster client would measure that.
 *
 * @module
 */

import { compress } from "../examples/gzip_server.ts";
import { Pool } from "../mod.ts";

const CHUNK_BYTES = 65_536;

/** The figures of one request; sizes are in bytes. */
export interface StreamMemory {
  /** The size of the request's body. */
  readonly sent: number;
  /** The size of the response's body. */
  readonly received: number;
  readonly seconds: number;
  /** The peak memory of this process. */
  readonly program: number;
  /** The peak memory of the worker. */
  readonly worker: number;
}

/** Sends at least `bytes` through a worker. */
export async function streamMemory(bytes: number): Promise<StreamMemory> {
  await using pool = new Pool(1);
  const worker = await pool.run(() => Deno.pid);
  const start = performance.now();
  let sent = 0;
  const body = ReadableStream.from((function* () {
    for (const chunk of chunks()) {
      if (sent >= bytes) return;
      sent += chunk.length;
      yield chunk;
    }
  })());
  const request = new Request("http://localhost", { method: "POST", body });
  let received = 0;
  for await (const chunk of compress(pool, request).body!) {
    received += chunk.length;
  }
  const seconds = (performance.now() - start) / 1_000;
  return {
    sent,
    received,
    seconds,
    program: peak(Deno.pid),
    worker: peak(worker),
  };
}

/** Yields text and random bytes by turns, from the same memory each time. */
function* chunks(): Generator<Uint8Array<ArrayBuffer>> {
  const random = crypto.getRandomValues(new Uint8Array(CHUNK_BYTES));
  const text = new Uint8Array(CHUNK_BYTES).map((_, index) => 97 + index % 26);
  while (true) {
    yield random;
    yield text;
  }
}

/** Returns the peak memory that Linux recorded of a process, in bytes. */
function peak(pid: number): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(status) ?? [];
  return Number(kilobytes) * 1_024;
}

if (import.meta.main) {
  const figures = await streamMemory(Number(Deno.args[0] ?? 10) * 1e9);
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(2)} GB`;
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;
  const { sent, received, seconds, program, worker } = figures;
  console.log(
    `${gigabytes(sent)} became ${gigabytes(received)} in ${
      seconds.toFixed(1)
    } s (${megabytes(sent / seconds)}/s); peak memory: ${
      megabytes(program)
    } in the program, ${megabytes(worker)} in the worker`,
  );
}
