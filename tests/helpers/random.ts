/** Numbers that look random and are the same in every run (mulberry32). */
export class Random {
  #state: number;

  /** Constructs a sequence that `seed` determines. */
  constructor(seed: number) {
    this.#state = seed;
  }

  /** A number from 0 up to but not including 1. */
  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer from 0 up to but not including `limit`. */
  below(limit: number): number {
    return Math.floor(this.fraction() * limit);
  }

  /** One of some items. */
  pick<T>(items: readonly [T, ...T[]]): T {
    return items[this.below(items.length)]!;
  }

  /** A list of up to `most` results of `make`. */
  list<T>(most: number, make: () => T): T[] {
    return Array.from({ length: this.below(most + 1) }, make);
  }

  /** Some bytes. */
  bytes(length: number): Uint8Array<ArrayBuffer> {
    return Uint8Array.from({ length }, () => this.below(256));
  }

  /** A text of up to `most` characters, most of them ASCII. */
  text(most: number): string {
    const { length } = this.list(most, () => 0);
    const wide = this.below(3) === 0;
    const limit = wide ? 0x1_0000 : 0x80;
    return Array.from({ length }, () => this.#character(limit)).join("");
  }

  /** A value as `JSON.parse` makes them. */
  json(depth: number): unknown {
    const kind = this.below(depth > 0 ? 7 : 5);
    switch (kind) {
      case 0:
        return this.pick([null, true, false]);
      case 1:
        return this.below(2 ** 31) >> this.below(31);
      case 2:
        return -this.below(2 ** 31);
      case 3:
        return (this.fraction() - 0.5) * 10 ** this.below(12);
      case 4:
        return this.text(40);
      case 5:
        return this.list(20, () => this.json(depth - 1));
      default:
        return Object.fromEntries(
          this.list(20, () => [this.text(8), this.json(depth - 1)]),
        );
    }
  }

  /** A value of any kind that can be sent and that `structuredClone` knows. */
  value(depth: number): unknown {
    const nested = () => this.value(depth - 1);
    const kind = this.below(depth > 0 ? 11 : 8);
    switch (kind) {
      case 0:
        return undefined;
      case 1:
        return this.pick([NaN, Infinity, -Infinity]);
      case 2:
        return BigInt(this.below(2 ** 32)) ** BigInt(this.below(6));
      case 3:
        return new Date(this.below(2 ** 40));
      case 4:
        return new RegExp(
          this.pick(["a+", "", "/", "é"]),
          this.pick(["", "gu"]),
        );
      case 5:
        return this.bytes(this.below(100));
      case 6:
        return new Float64Array(this.list(50, () => this.fraction()));
      case 7:
        return this.json(depth);
      case 8:
        return new Map(this.list(9, () => [nested(), nested()]));
      case 9:
        return new Set(this.list(9, nested));
      default:
        return this.list(9, nested);
    }
  }

  #character(limit: number): string {
    const code = this.below(limit);
    const isSurrogate = code >= 0xd800 && code < 0xe000;
    return isSurrogate ? "😀" : String.fromCharCode(code);
  }
}
