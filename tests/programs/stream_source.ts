/** Ends a pool while a source still sends values to a task that has ended. */

import { Pool } from "../../mod.ts";

const { promise: closed, resolve } = Promise.withResolvers<void>();
const blocks = async function* () {
  try {
    for (;;) yield new Uint8Array(2 ** 20);
  } finally {
    resolve();
  }
};
await using pool = new Pool(1);
await pool.run(async (blocks: ReadableStream<Uint8Array<ArrayBuffer>>) => {
  await blocks.getReader().read();
}, blocks());
await closed;
