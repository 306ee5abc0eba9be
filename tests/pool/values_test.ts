// deno-lint-ignore-file no-sparse-arrays

import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { Pool } from "../../mod.ts";

Deno.test("Pool.run() sends blobs and files, and receives others", async () => {
  await using pool = new Pool(1);
  const { file, sizes } = await pool.run(
    async (blob: Blob, files: File[]) => {
      const texts = await Promise.all(files.map((file) => file.text()));
      const parts = [await blob.text(), ...texts];
      const name = files[0]!.name.toUpperCase();
      const file = new File(parts, name, { type: blob.type });
      return { file, sizes: [blob.size, ...files.map(({ size }) => size)] };
    },
    new Blob(["one "], { type: "text/plain" }),
    [new File(["two"], "name"), new File([], "empty")],
  );
  assertInstanceOf(file, File);
  assertEquals(file.name, "NAME");
  assertEquals(file.type, "text/plain");
  assertEquals(await file.text(), "one two");
  assertEquals(sizes, [4, 3, 0]);
});

Deno.test("Pool.map() sends blobs in chunks and keeps the order", async () => {
  await using pool = new Pool(2);
  const blobs = Array.from({ length: 200 }, (_, n) => new Blob([`${n}`]));
  const results = pool.map((blob: Blob) => blob.slice(0, 2), blobs);
  let n = 0;
  for await (const result of results) {
    assertEquals(await result.text(), `${n++}`.slice(0, 2));
  }
  assertEquals(n, 200);
});

Deno.test("Pool.submit() sends a large blob while other calls run", async () => {
  await using pool = new Pool(2);
  const bytes = new Uint8Array(20_000_000).fill(1);
  const large = pool.submit(
    async (blob: Blob) => (await blob.bytes()).lastIndexOf(1),
    new Blob([bytes]),
  );
  const small = Array.from(
    { length: 100 },
    (_, n) => pool.run((x: number) => x + 1, n),
  );
  assertEquals((await Promise.all(small)).length, 100);
  assertEquals(await large, bytes.length - 1);
});

Deno.test("Pool.run() rejects with an error that keeps its blob", async () => {
  await using pool = new Pool(1);
  const error = await pool.run(() => {
    throw Object.assign(new Error("message"), { body: new Blob(["text"]) });
  }).catch((error) => error);
  assertEquals(await error.body.text(), "text");
});

Deno.test("Pool.run() sends keys that sign in the worker", async () => {
  await using pool = new Pool(1);
  const key = await crypto.subtle.generateKey(
    { name: "HMAC", hash: "SHA-256" } satisfies HmacKeyGenParams,
    false,
    ["sign", "verify"],
  );
  const data = new Uint8Array([1, 2, 3]);
  const signature = await pool.run(
    (key: CryptoKey, data: Uint8Array<ArrayBuffer>) =>
      crypto.subtle.sign("HMAC", key, data),
    key,
    data,
  );
  assert(await crypto.subtle.verify("HMAC", key, signature, data));
});

Deno.test("Pool.run() sends sparse arrays and matches of regular expressions", async () => {
  await using pool = new Pool(1);
  const keys = await pool.run((array: unknown[]) => Object.keys(array), [
    1,
    ,
    2,
  ]);
  assertEquals(keys, ["0", "2"]);
  const match = await pool.run((text: string) => /b/.exec(text), "abc");
  assertEquals([match?.index, match?.input], [1, "abc"]);
});

Deno.test("Pool.run() sends resizable buffers", async () => {
  await using pool = new Pool(1);
  const buffer = await pool.run(
    (view: Uint8Array<ArrayBuffer>) => {
      view.buffer.resize(4);
      view[3] = 7;
      return view.buffer;
    },
    new Uint8Array(new ArrayBuffer(2, { maxByteLength: 8 })),
  );
  assertEquals(buffer.maxByteLength, 8);
  assertEquals(new Uint8Array(buffer), new Uint8Array([0, 0, 0, 7]));
});
