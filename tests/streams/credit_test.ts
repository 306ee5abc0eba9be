import { assert, assertEquals, assertFalse, assertThrows } from "@std/assert";
import { Credit } from "../../src/streams/credit.ts";
import { CreditAccount } from "../../src/streams/credit_account.ts";
import { MIN_ATTACHMENT_BYTES } from "../../src/codec/wire_limits.ts";
import { FrameWriter } from "../../src/transport/frame_writer.ts";
import { settled } from "../helpers/fake_worker.ts";
import { takePieces } from "../helpers/frames.ts";

const MOST = { values: 4, bytes: 100 };

Deno.test("Credit is open while both values and bytes are left", () => {
  const credit = new Credit(MOST);
  credit.spend(99);
  assert(credit.isOpen);
  credit.spend(1_000);
  assertFalse(credit.isOpen);
  credit.grant({ values: 2, bytes: 998 });
  assertFalse(credit.isOpen);
  credit.grant({ values: 0, bytes: 2 });
  assert(credit.isOpen);
  for (let value = 0; value < 4; value++) credit.spend(0);
  assertFalse(credit.isOpen);
});

Deno.test("Credit wakes its sender when it is open or cancelled", async () => {
  const credit = new Credit({ values: 0, bytes: 0 });
  let wakes = 0;
  const wait = () => credit.whenOpen().then(() => wakes++);
  wait();
  wait();
  credit.grant({ values: 1, bytes: 0 });
  await settled();
  assertEquals(wakes, 0);
  credit.grant({ values: 0, bytes: 1 });
  await settled();
  assertEquals(wakes, 2);
  credit.spend(1);
  wait();
  credit.cancel();
  await settled();
  wait();
  await settled();
  assertEquals(wakes, 4);
});

Deno.test("CreditAccount grants what was read once it is half of the credit", () => {
  const account = new CreditAccount(MOST);
  account.received(4, 40);
  assert(account.isExhausted);
  assertEquals(account.read(1, 10), undefined);
  assertEquals(account.read(1, 10), { values: 2, bytes: 20 });
  assertFalse(account.isExhausted);
  assertEquals(account.read(1, 50), { values: 1, bytes: 50 });
  assertEquals(account.read(1, 10), undefined);
  assertEquals(account.grant(), { values: 1, bytes: 10 });
  assertEquals(account.grant(), { values: 0, bytes: 0 });
});

Deno.test("CreditAccount knows that its sender may have waited", () => {
  const account = new CreditAccount(MOST);
  account.received(3, 30);
  assertEquals(account.read(3, 30), { values: 3, bytes: 30 });
  assertFalse(account.mayHaveWaited);
  // The grant may not have arrived before the sender's last credit was used.
  account.received(1, 1);
  assert(account.mayHaveWaited);
  const large = new CreditAccount(MOST);
  large.received(1, 100);
  assert(large.mayHaveWaited);
});

Deno.test("CreditAccount refuses values without credit, except for bytes of the last one", () => {
  const account = new CreditAccount(MOST);
  account.received(2, 1_000);
  assert(account.isExhausted);
  assertThrows(() => account.received(1, 0), RangeError, "credit");
  const other = new CreditAccount(MOST);
  assertThrows(() => other.received(5, 0), RangeError, "credit");
  other.received(4, 4);
  assertThrows(() => other.received(1, 0), RangeError, "credit");
});

Deno.test("FrameWriter counts the bytes of values as the receiver does", () => {
  const writer = new FrameWriter();
  let counted = 0;
  let sent = 0;
  for (const size of [0, 1, 5, MIN_ATTACHMENT_BYTES, 70_000, 70_000, 3]) {
    const before = writer.byteLength;
    if (!writer.isListOpen) writer.beginList([11, 0, 0], false);
    writer.append([new Uint8Array(size), "text", new Blob(["blob"])]);
    counted += writer.byteLength - before;
    if (size === 5 || size === 3) {
      sent += takePieces(writer).reduce((sum, { length }) => sum + length, 0);
      writer.recycle();
    }
  }
  assertEquals(counted, sent);
});
