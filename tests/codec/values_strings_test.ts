import { assertSame, roundTrip } from "../helpers/frames.ts";
import { Random } from "../helpers/random.ts";

/** Lengths at which the header or the encoding changes, and lengths 1 off. */
const LENGTHS = [12, 24, 31, 85, 128, 255, 256, 21_845, 65_535]
  .flatMap((length) => [length - 1, length, length + 1]);

/** Checks that a string arrives as a value, in a list and as a key. */
function assertArrives(text: string): void {
  assertSame(roundTrip(text), text);
  const received = roundTrip(["before", text, { [text]: text }, "after"]);
  assertSame(received, ["before", text, { [text]: text }, "after"]);
}

/** Makes a string of `length` UTF-16 code units. */
function fill(length: number, character: string): string {
  return character.repeat(length / character.length)
    .padEnd(length, "x");
}

Deno.test("Encoder round-trips empty and very short strings", () => {
  ["", "a", "é", "€", "😀", "\0", "\x7f", "\x80"].forEach(assertArrives);
});

for (const character of ["a", "é", "€", "😀"]) {
  Deno.test(`Encoder round-trips strings of ${character} at each header boundary`, () => {
    for (const length of LENGTHS) {
      assertArrives(fill(length, character));
    }
  });
}

Deno.test("Encoder round-trips strings with late non-ASCII characters", () => {
  for (const length of LENGTHS) {
    assertArrives("a".repeat(length - 1) + "é");
    assertArrives("a".repeat(length - 2) + "😀");
  }
});

Deno.test("Encoder round-trips strings with lone surrogates", () => {
  const texts = ["\ud800", "\udfff", "a\ud800", "\ud800a", "\udc00\ud800"];
  texts.forEach(assertArrives);
  for (const length of LENGTHS) {
    assertArrives("a".repeat(length - 1) + "\ud83d");
    assertArrives("\ude00" + "é".repeat(length - 1));
  }
});

Deno.test("Encoder keeps byte order marks in short and long strings", () => {
  const mark = "\ufeff";
  for (const rest of ["", "a", "é", "a".repeat(100), "é".repeat(30_000)]) {
    assertArrives(mark + rest);
    assertArrives(mark + mark + rest);
    assertArrives(rest + mark);
  }
});

Deno.test("Encoder round-trips strings of megabytes", () => {
  assertSame(roundTrip("a".repeat(5e6)), "a".repeat(5e6));
  assertSame(roundTrip("é".repeat(5e6)), "é".repeat(5e6));
});

Deno.test("Encoder round-trips random strings", () => {
  const random = new Random(2);
  for (let round = 0; round < 2_000; round++) assertArrives(random.text(100));
});

Deno.test("Decoder distinguishes keys that alternate in a message", () => {
  const random = new Random(3);
  const objects = Array.from({ length: 3_000 }, (_, index) => ({
    [random.text(4)]: index,
    [`k${random.below(2_000)}`]: index,
    [random.pick(["é", "Ã©", "ab", "ba", "", "\0", "\ufeff"])]: index,
  }));
  const received = roundTrip(objects);
  assertSame(
    received.map((object) => Object.entries(object)),
    objects.map((object) => Object.entries(object)),
  );
});
