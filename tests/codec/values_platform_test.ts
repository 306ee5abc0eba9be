import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { createSecretKey, generateKeyPairSync, KeyObject } from "node:crypto";
import { MIN_ATTACHMENT_BYTES } from "../../src/codec/wire_limits.ts";
import { roundTrip, roundTripWithBlobs } from "../helpers/frames.ts";

const BIG = new Uint8Array(MIN_ATTACHMENT_BYTES).fill(1);

Deno.test("Encoder round-trips blobs of any size with their type", async () => {
  for (const size of [0, 1, 1_000, MIN_ATTACHMENT_BYTES, 3_000_000]) {
    const bytes = new Uint8Array(size).fill(7);
    const sent = new Blob([bytes], { type: "Text/Plain" });
    const received = await roundTripWithBlobs(sent);
    assertStrictEquals(Object.getPrototypeOf(received), Blob.prototype);
    assertEquals(received.type, "text/plain");
    assertEquals(received.size, size);
    assertEquals(await received.bytes(), bytes);
  }
});

Deno.test("Encoder round-trips files with their name and time", async () => {
  for (const name of ["a.txt", "é", "", "\ufffd"]) {
    for (const lastModified of [0, -1, 2 ** 45]) {
      const sent = new File(["text"], name, { lastModified, type: "a/b" });
      const received = await roundTripWithBlobs(sent);
      assertStrictEquals(Object.getPrototypeOf(received), File.prototype);
      assertEquals(received.name, name);
      assertEquals(received.lastModified, lastModified);
      assertEquals(received.type, "a/b");
      assertEquals(await received.text(), "text");
    }
  }
});

Deno.test("Encoder attaches blobs among other values, in their order", async () => {
  const blob = new Blob(["first"]);
  const sent = {
    blob,
    big: BIG,
    map: new Map([[new Blob(["second"]), [BIG.with(0, 2), blob]]]),
    error: Object.assign(new Error("message"), { blob: new Blob(["third"]) }),
    refused: Object.assign(new Error("left out"), {
      value: [new Blob(["lost"]), () => {}],
    }),
    last: new Blob([BIG, "last"]),
  };
  const received = await roundTripWithBlobs(sent);
  assertEquals(await received.blob.text(), "first");
  assertEquals(received.big, BIG);
  const [[second, [big, first]]] = [...received.map] as [
    [Blob, [Uint8Array, Blob]],
  ];
  assertEquals(await second.text(), "second");
  assertEquals(big, BIG.with(0, 2));
  assertEquals(await first.text(), "first");
  assertEquals(await received.error.blob.text(), "third");
  assertEquals(Object.keys(received.refused), []);
  assertEquals(received.last.size, BIG.length + 4);
  assert((await received.last.text()).endsWith("last"));
});

Deno.test("Encoder sends an instance of a subclass of Blob as a Blob", async () => {
  class Shouting extends Blob {
    override text(): Promise<string> {
      return Promise.resolve("overridden");
    }
  }
  const received = await roundTripWithBlobs<Blob>(new Shouting(["text"]));
  assertStrictEquals(Object.getPrototypeOf(received), Blob.prototype);
  assertEquals(await received.text(), "text");
});

/** Generates a key or a pair of keys. */
type Generate = () => Promise<CryptoKey | CryptoKeyPair>;

const { subtle } = crypto;
const RSA = {
  modulusLength: 2_048,
  publicExponent: new Uint8Array([1, 0, 1]),
  hash: "SHA-256",
};

const KEYS: readonly [string, Generate][] = [
  [
    "AES-GCM",
    () =>
      subtle.generateKey({ name: "AES-GCM", length: 256 }, true, ["encrypt"]),
  ],
  [
    "HMAC",
    () => subtle.generateKey({ name: "HMAC", hash: "SHA-512" }, true, ["sign"]),
  ],
  [
    "ECDSA",
    () =>
      subtle.generateKey({ name: "ECDSA", namedCurve: "P-384" }, true, [
        "sign",
        "verify",
      ]),
  ],
  [
    "ECDH",
    () =>
      subtle.generateKey({ name: "ECDH", namedCurve: "P-256" }, true, [
        "deriveBits",
      ]),
  ],
  ["Ed25519", () => subtle.generateKey("Ed25519", true, ["sign", "verify"])],
  ["X25519", () => subtle.generateKey("X25519", true, ["deriveBits"])],
  [
    "RSA-PSS",
    () => subtle.generateKey({ name: "RSA-PSS", ...RSA }, true, ["sign"]),
  ],
  [
    "RSA-OAEP",
    () => subtle.generateKey({ name: "RSA-OAEP", ...RSA }, true, ["decrypt"]),
  ],
];

for (const [name, generate] of KEYS) {
  Deno.test(`Encoder round-trips keys for ${name}`, async () => {
    const generated = await generate();
    const keys: CryptoKey[] = "publicKey" in generated
      ? [generated.privateKey, generated.publicKey]
      : [generated];
    for (const sent of keys) {
      const received = roundTrip(sent);
      assertStrictEquals(
        Object.getPrototypeOf(received),
        CryptoKey.prototype,
      );
      assertEquals(received.type, sent.type);
      assertEquals(received.algorithm, sent.algorithm);
      assertEquals(received.extractable, sent.extractable);
      assertEquals(received.usages, sent.usages);
      assertEquals(
        await subtle.exportKey("jwk", received),
        await subtle.exportKey("jwk", sent),
      );
    }
  });
}

Deno.test("Encoder round-trips keys that can't be exported", async () => {
  const sent = await subtle.generateKey(
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign", "verify"],
  );
  const received = roundTrip(sent);
  assertEquals(received.extractable, false);
  const data = new Uint8Array([1, 2, 3]);
  const signature = await subtle.sign("HMAC", received, data);
  assert(await subtle.verify("HMAC", sent, signature, data));
});

Deno.test("Encoder round-trips Node's keys", () => {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const secret = createSecretKey(new Uint8Array([1, 2, 3]));
  const [one, two, three] = roundTrip([secret, privateKey, publicKey]);
  for (const key of [one, two, three]) assert(key instanceof KeyObject);
  assert(secret.equals(one!));
  assert(privateKey.equals(two!));
  assert(publicKey.equals(three!));
});
