import type { Deserializer, Serializer } from "node:v8";

/** Where an object is that V8's data refers to instead of containing it. */
export interface Place {
  /** The number of the table. */
  readonly table: number;
  /** The index in the table. */
  readonly index: number;
}

/** Returns the object at a place. */
export type Resolve = (place: Place) => object;

/** V8's serializer, as `node:v8` exposes it. */
export interface V8Serializer {
  /** Makes an object in whose stead only its place is serialized. */
  stand(place: Place): object;
  /**
   * Serializes values one after another. An object that occurs again, in the
   * same value or another, becomes a reference.
   */
  serialize(values: readonly unknown[]): Uint8Array<ArrayBuffer>;
  /**
   * Deserializes as many values as were serialized.
   *
   * @param resolve Returns the object for each place.
   * @throws {Error} If V8 refuses the bytes. Bytes from another process must be
   * checked first: V8 itself lets a few of them exhaust the memory.
   */
  deserialize(
    bytes: Uint8Array<ArrayBuffer>,
    count: number,
    resolve: Resolve,
  ): unknown[];
}

/** The members that subclasses call or implement, which have no types. */
interface HostObjects {
  _setTreatArrayBufferViewsAsHostObjects(enabled: boolean): void;
}

const NO_MEMORY = new ArrayBuffer(0);

/** How much memory a serializer has that the garbage collector doesn't see. */
const HIDDEN_BYTES = 8_192;

let loading: Promise<V8Serializer> | undefined;

/**
 * Loads V8's serializer. Only processes that use it pay for loading `node:v8`.
 *
 * @see {@link https://nodejs.org/api/v8.html#serialization-api}
 */
export function loadV8Serializer(): Promise<V8Serializer> {
  loading ??= load();
  return loading;
}

async function load(): Promise<V8Serializer> {
  const { Serializer, Deserializer } = await import("node:v8");

  // V8 asks how to serialize views, and nothing else that JavaScript can make.
  class StandIn extends DataView<ArrayBuffer> {
    constructor(readonly place: Place) {
      super(NO_MEMORY);
    }
  }

  class PlaceSerializer extends Serializer {
    /** Makes the garbage collector run in time; otherwise, it waits for GBs. */
    readonly weight = new ArrayBuffer(HIDDEN_BYTES);

    _writeHostObject({ place }: StandIn): void {
      this.writeUint32(place.table);
      this.writeUint32(place.index);
    }
  }

  class PlaceDeserializer extends Deserializer {
    readonly weight = new ArrayBuffer(HIDDEN_BYTES);
    #resolve: Resolve;

    constructor(bytes: Uint8Array, resolve: Resolve) {
      super(bytes);
      this.#resolve = resolve;
    }

    _readHostObject(): object {
      const table = this.readUint32();
      return this.#resolve({ table, index: this.readUint32() });
    }
  }

  return {
    stand: (place) => new StandIn(place),
    serialize: (values) => {
      const serializer: Serializer & Partial<HostObjects> =
        new PlaceSerializer();
      serializer._setTreatArrayBufferViewsAsHostObjects!(true);
      serializer.writeHeader();
      for (const value of values) serializer.writeValue(value);
      const { buffer, byteOffset, byteLength } = serializer.releaseBuffer();
      return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
    },
    deserialize: (bytes, count, resolve) => {
      const deserializer: Deserializer = new PlaceDeserializer(bytes, resolve);
      deserializer.readHeader();
      const values: unknown[] = [];
      while (values.length < count) values.push(deserializer.readValue());
      return values;
    },
  };
}
