import { isBoxedPrimitive, isDate } from "node:util/types";
import { unbox } from "../codec/boxed.ts";
import { Encoder } from "../codec/encoder.ts";
import type { Place, V8Serializer } from "../codec/v8_serializer.ts";

/** What follows in a list of the parts of values. */
const Part = {
  PRIMITIVE: 0,
  /** An object that occurred before. */
  REFERENCE: 1,
  PLACE: 2,
  ARRAY: 3,
  OBJECT: 4,
  MAP: 5,
  SET: 6,
  DATE: 7,
  BOXED: 8,
} as const;

/** An object in whose stead only its place is serialized. */
class StandIn {
  constructor(readonly place: Place) {}
}

/**
 * Returns a serializer whose bytes depend only on the values. Those of V8 also
 * depend on how it keeps numbers and texts in memory, which changes while a
 * program runs.
 *
 * @param serializer Deserializes what V8 has serialized.
 */
export function canonicalSerializer(serializer: V8Serializer): V8Serializer {
  return {
    ...serializer,
    stand: (place) => new StandIn(place),
    serialize: (values) => {
      const list = new PartList();
      for (const value of values) list.add(value);
      const encoder = new Encoder();
      encoder.value(list.parts);
      return encoder.bytes.slice(0, encoder.position);
    },
  };
}

/** The parts of values, one after the other, each with its kind before it. */
class PartList {
  /** The kinds, primitives and sizes. */
  readonly parts: unknown[] = [];
  /** The number of each object, in the order of their first occurrences. */
  readonly #numbers = new Map<object, number>();

  /** Adds a value. */
  add(value: unknown): void {
    const { parts } = this;
    if (typeof value !== "object" || value === null) {
      parts.push(Part.PRIMITIVE, value);
      return;
    }
    const number = this.#numbers.get(value);
    if (number !== undefined) {
      parts.push(Part.REFERENCE, number);
      return;
    }
    this.#numbers.set(value, this.#numbers.size);
    if (value instanceof StandIn) {
      parts.push(Part.PLACE, value.place.table, value.place.index);
    } else if (Array.isArray(value)) {
      this.#addAll(Part.ARRAY, value.length, value);
    } else if (value instanceof Map) {
      this.#addAll(Part.MAP, value.size, [...value].flat());
    } else if (value instanceof Set) {
      this.#addAll(Part.SET, value.size, value);
    } else if (isDate(value)) {
      parts.push(Part.DATE, value.getTime());
    } else if (isBoxedPrimitive(value)) {
      parts.push(Part.BOXED, unbox(value));
    } else {
      const entries = Object.entries(value);
      this.#addAll(Part.OBJECT, entries.length, entries.flat());
    }
  }

  #addAll(kind: number, size: number, members: Iterable<unknown>): void {
    this.parts.push(kind, size);
    for (const member of members) this.add(member);
  }
}
