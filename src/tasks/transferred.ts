/** A type that copying doesn't change. */
type Scalar = bigint | boolean | null | number | string | undefined | void;

/** The built-in classes whose instances keep their class, by name. */
interface BuiltIns {
  ArrayBuffer: ArrayBuffer;
  BigInt64Array: BigInt64Array<ArrayBuffer>;
  BigUint64Array: BigUint64Array<ArrayBuffer>;
  DataView: DataView<ArrayBuffer>;
  Date: Date;
  Float16Array: Float16Array<ArrayBuffer>;
  Float32Array: Float32Array<ArrayBuffer>;
  Float64Array: Float64Array<ArrayBuffer>;
  Int16Array: Int16Array<ArrayBuffer>;
  Int32Array: Int32Array<ArrayBuffer>;
  Int8Array: Int8Array<ArrayBuffer>;
  Uint16Array: Uint16Array<ArrayBuffer>;
  Uint32Array: Uint32Array<ArrayBuffer>;
  Uint8Array: Uint8Array<ArrayBuffer>;
  Uint8ClampedArray: Uint8ClampedArray<ArrayBuffer>;
}

// deno-lint-ignore ban-types
type AnyFunction = Function;

// deno-lint-ignore ban-types
type Boxed = BigInt | Boolean | Number | String;

/**
 * The type of a value after it was sent to another process. Scalars, plain
 * data, arrays, `Map`, `Set`, `Date`, `RegExp`, `URL`, `ArrayBuffer`, typed
 * arrays, `Blob`, `File`, `CryptoKey` and errors keep their types. An instance
 * of any other class arrives as a plain object with its data properties, and an
 * instance of a subclass of a built-in class, such as Node's `Buffer`, as one of
 * the built-in class.
 *
 * TypeScript can't distinguish accessors of a class from its data properties,
 * so this type keeps accessors, although they don't arrive.
 *
 * @example Usage
 * ```ts
 * import { Pool, type Transferred } from "@distex/pool";
 * import { assertEquals } from "@std/assert";
 *
 * class Point {
 *   constructor(readonly x: number, readonly y: number) {}
 *   length(): number {
 *     return Math.hypot(this.x, this.y);
 *   }
 * }
 *
 * await using pool = new Pool(1);
 * const point: Transferred<Point> = await pool.run(
 *   (point: Transferred<Point>) => point,
 *   new Point(3, 4),
 * );
 * // There is no point.length().
 * assertEquals(point, { x: 3, y: 4 });
 * ```
 *
 * @typeParam T The type before sending.
 */
export type Transferred<T> = IsAny<T> extends true ? T : Simplest<T, Copy<T>>;

/** @internal */
type IsAny<T> = 0 extends 1 & T ? true : false;

/**
 * The type itself if its copy has the same type, for short messages.
 *
 * @internal
 */
type Simplest<T, Copied> = [T] extends [Copied]
  ? [Copied] extends [T] ? T : Copied
  : Copied;

/** The depth of the conversion, because a recursive type has no end. */
type MaxDepth = 6;

/** @internal */
type Copy<T, Depth extends 0[] = []> = IsAny<T> extends true ? T
  : Depth["length"] extends MaxDepth ? T
  : T extends Scalar ? T
  : T extends AnyFunction | symbol ? never
  : T extends
    { readonly [Symbol.toStringTag]: infer Tag extends keyof BuiltIns }
    ? BuiltIns[Tag]
  : T extends Boxed | CryptoKey ? T
  : T extends File ? File
  : T extends Blob ? Blob
  : T extends Date ? Date
  : T extends RegExp ? RegExp
  : T extends URL ? URL
  : T extends ReadonlyMap<infer Key, infer Value>
    ? Map<Copy<Key, [...Depth, 0]>, Copy<Value, [...Depth, 0]>>
  : T extends ReadonlySet<infer Value> ? Set<Copy<Value, [...Depth, 0]>>
  : T extends DOMException ? DOMException
  : T extends Error ? ErrorCopy<T, [...Depth, 0]>
  : T extends readonly unknown[] ? ArrayWithExtra<T, [...Depth, 0]>
  : T extends object ? DataCopy<T, [...Depth, 0]>
  : T;

type ErrorCopy<T extends Error, Depth extends 0[]> = keyof T extends keyof Error
  ? T
  : Error & DataCopy<Omit<T, keyof Error>, Depth>;

type ArrayCopy<T extends unknown[], Depth extends 0[]> = {
  [Index in keyof T]: Copy<T[Index], Depth>;
};

/** The properties of an array type besides its elements, such as `index`. */
type ArrayExtra<T> = Exclude<
  keyof T,
  keyof (readonly unknown[]) | keyof unknown[] | `${number}`
>;

type ArrayWithExtra<T extends readonly unknown[], Depth extends 0[]> =
  [ArrayExtra<T>] extends [never] ? ArrayCopy<[...T], Depth>
    : ArrayCopy<[...T], Depth> & DataCopy<Pick<T, ArrayExtra<T>>, Depth>;

type DataCopy<T, Depth extends 0[]> = {
  [Name in keyof T as DataName<T, Name>]: Copy<T[Name], Depth>;
};

/** The name of a property, or `never` if it is a method or has a symbol. */
type DataName<T, Name extends keyof T> = Name extends symbol ? never
  : IsAny<T[Name]> extends true ? Name
  : [NonNullable<T[Name]>] extends [never] ? Name
  : [NonNullable<T[Name]>] extends [AnyFunction] ? never
  : Name;
