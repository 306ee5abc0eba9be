/**
 * A web server that compresses what it gets, in the workers of a pool. Bodies of
 * any size pass through the pool with little memory.
 *
 * Deno's web server itself reads ahead while a response is under way: a client
 * that is faster than the compression fills its memory, with or without a pool.
 *
 * Run it with `deno run -A examples/gzip_server.ts`, and send it a file with
 * `curl --data-binary @file http://localhost:8000 | gunzip`.
 *
 * @module
 */

import { Pool } from "@distex/pool";

/** Compresses a stream. It runs in a worker. */
function gzip(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return body.pipeThrough(new CompressionStream("gzip"));
}

/** Answers requests with their compressed bodies. */
export function compress(pool: Pool, { body }: Request): Response {
  if (body === null) return new Response("Send a body", { status: 400 });
  return new Response(pool.stream(gzip, body));
}

if (import.meta.main) {
  const pool = new Pool();
  Deno.serve((request) => compress(pool, request));
}
