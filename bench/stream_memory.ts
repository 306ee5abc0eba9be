/**
 * Measures the memory of a web server whose pool compresses a large request in a
 * worker, and of that worker. `deno run -A bench/stream_memory.ts [gigabytes]`
 *
 * The client is a process of its own: it runs this module with the server's URL.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { compress } from "../examples/gzip_server.ts";
import { Pool } from "../mod.ts";

const CHUNK_BYTES = 65_536;

/** The figures of one request. */
export interface StreamMemory {
  /** The size of the request's body, in bytes. */
  readonly bytes: number;
  /** The size of the response's body, in bytes. */
  readonly compressed: number;
  readonly seconds: number;
  /** The peak memory of the process with the pool, in bytes. */
  readonly pool: number;
  /** The peak memory of the worker, in bytes. */
  readonly worker: number;
}

/** Sends a body of `bytes` through a worker. Works on Linux only. */
export async function streamMemory(bytes: number): Promise<StreamMemory> {
  await using pool = new Pool(1);
  const worker = await pool.run(() => Deno.pid);
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => compress(pool, request),
  );
  const start = performance.now();
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--quiet", fileURLToPath(import.meta.url)],
      ...[`http://127.0.0.1:${server.addr.port}`, String(bytes)],
    ],
    stdin: "null",
    stderr: "inherit",
  }).output();
  if (code !== 0) throw new Error(`The client ended with exit code ${code}`);
  return {
    bytes,
    compressed: Number(new TextDecoder().decode(stdout)),
    seconds: (performance.now() - start) / 1_000,
    pool: peak(Deno.pid),
    worker: peak(worker),
  };
}

/** Returns the peak memory that Linux recorded of a process, in bytes. */
function peak(pid: number): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(status) ?? [];
  return Number(kilobytes) * 1_024;
}

/** Sends text and random bytes by turns; returns the size of the answer. */
async function request(url: string, bytes: number): Promise<number> {
  const random = crypto.getRandomValues(new Uint8Array(CHUNK_BYTES));
  const text = new Uint8Array(CHUNK_BYTES).map((_, index) => 97 + index % 26);
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (sent >= bytes) return controller.close();
      controller.enqueue(sent / CHUNK_BYTES % 2 === 0 ? random : text);
      sent += CHUNK_BYTES;
    },
  }, { highWaterMark: 0 });
  const response = await fetch(url, { method: "POST", body });
  let received = 0;
  for await (const chunk of response.body!) received += chunk.length;
  return received;
}

if (import.meta.main) {
  const [first, bytes] = Deno.args;
  if (bytes !== undefined) console.log(await request(first!, Number(bytes)));
  else {
    const figures = await streamMemory(Number(first ?? 10) * 1e9);
    const { compressed, seconds, pool, worker } = figures;
    const rate = figures.bytes / seconds / 1e6;
    console.log(
      `${figures.bytes / 1e9} GB became ${
        (compressed / 1e9).toFixed(2)
      } GB in ${seconds.toFixed(1)} s (${rate.toFixed(0)} MB/s); peak memory: ${
        (pool / 1e6).toFixed(0)
      } MB in the program, ${(worker / 1e6).toFixed(0)} MB in the worker`,
    );
  }
}
