import { checkV8Data } from "./check_v8_data.ts";
import { defineHidden, defineProperty, makeError } from "./error_classes.ts";
import { makeBinary, makeView } from "./extensions.ts";
import type { ErrorHeader, ViewEntry } from "./graph_copy.ts";
import { makeSparseArray } from "./sparse_arrays.ts";
import { setLength, setOwnProperty } from "./set_own_property.ts";
import { malformed } from "./texts.ts";
import type { Place, V8Serializer } from "./v8_serializer.ts";

/** The properties of an error that its header has. */
const TEXTS: ReadonlySet<string> = new Set(["name", "message", "stack"]);

/** Memory must begin at a multiple of this for any kind of view, in bytes. */
const ALIGNMENT = 8;

/**
 * Makes the value of a graph.
 *
 * @param tables The decoded leaves, shells, buffers and views.
 * @param data V8's data.
 * @throws {RangeError} If they aren't a graph.
 */
export function readGraph(
  [leaves, headers, memories, entries]: readonly unknown[][],
  data: unknown,
  serializer: V8Serializer,
): unknown {
  if (!(data instanceof Uint8Array)) {
    throw malformed("a graph's data isn't binary");
  }
  const bytes = data as Uint8Array<ArrayBuffer>;
  const buffers = memories!.map(makeMemory);
  const tables: readonly (readonly object[])[] = [
    leaves!.map(checkLeaf),
    headers!.map(makeShell),
    buffers.map(({ buffer }) => buffer),
    entries!.map((entry) => viewOf(entry, buffers)),
  ];
  const shells = tables[1]!;
  const count = 1 + shells.length;
  checkV8Data(bytes, count, tables.map(({ length }) => length));
  const resolve = ({ table, index }: Place) => tables[table]![index]!;
  const [root, ...properties] = deserialize(
    () => serializer.deserialize(bytes, count, resolve),
  );
  for (const [index, shell] of shells.entries()) {
    fill(shell, headers![index], properties[index]);
  }
  return root;
}

function deserialize(read: () => unknown[]): unknown[] {
  try {
    return read();
  } catch {
    throw malformed("V8 can't read its data");
  }
}

function checkLeaf(leaf: unknown): object {
  if (typeof leaf === "object" && leaf !== null) return leaf;
  throw malformed("a leaf of a graph isn't an object");
}

/** Makes an object that gets its properties later. */
function makeShell(header: unknown): object {
  if (header === null) return {};
  if (typeof header === "number") return makeSparseArray(0, 0);
  if (!isErrorHeader(header)) throw malformed("a shell has a wrong header");
  const [className, name, message, stack] = header;
  const error = makeError(className, name, message ?? undefined);
  defineHidden(error, "stack", stack);
  return error;
}

/** Adds the properties to a shell. */
function fill(shell: object, header: unknown, properties: unknown): void {
  if (!Array.isArray(properties) || properties.length % 2 !== 0) {
    throw malformed("a shell has wrong properties");
  }
  const size = properties.length / 2;
  for (let index = 0; index < properties.length; index += 2) {
    const key: unknown = properties[index];
    const value: unknown = properties[index + 1];
    if (!isText(key)) throw malformed("a key is a string");
    if (shell instanceof Error) setErrorProperty(shell, key, value);
    else if (key === "length" && Array.isArray(shell)) {
      throw malformed("an array's length comes twice");
    } else {
      setOwnProperty(shell as Record<string, unknown>, key, value, size);
    }
  }
  if (Array.isArray(shell)) setArrayLength(shell, header, size);
}

function setErrorProperty(error: Error, key: string, value: unknown): void {
  // These already came as texts; here they could be any value.
  if (TEXTS.has(key)) throw malformed(`an error's ${key} comes twice`);
  defineProperty(error, key, value);
}

/** Sets the length of an array that has its elements. */
function setArrayLength(array: unknown[], length: unknown, size: number): void {
  if (!isUint32(length) || length < array.length) {
    throw malformed("an array has a wrong length");
  }
  setLength(array, length, size);
}

/** The memory of views. */
interface Memory {
  readonly buffer: ArrayBuffer;
  readonly offset: number;
  readonly length: number;
}

/** Makes a buffer, or the memory of views, which may be part of a buffer. */
function makeMemory(value: unknown): Memory {
  if (value instanceof ArrayBuffer) {
    return { buffer: value, offset: 0, length: value.byteLength };
  }
  if (!(value instanceof Uint8Array)) {
    throw malformed("a graph's buffer isn't binary");
  }
  const bytes = value as Uint8Array<ArrayBuffer>;
  const { buffer, byteOffset, length } = bytes.byteOffset % ALIGNMENT === 0
    ? bytes
    : bytes.slice();
  return { buffer, offset: byteOffset, length };
}

function viewOf(
  entry: unknown,
  memories: readonly Memory[],
): ArrayBuffer | ArrayBufferView {
  if (!isViewEntry(entry)) throw malformed("a view has a wrong entry");
  const [kind, index, offset, length] = entry;
  const memory = memories[index];
  if (memory === undefined || offset + (length ?? 0) > memory.length) {
    throw malformed("a view lies outside of its buffer");
  }
  const { buffer } = memory;
  if (length === null) {
    if (!buffer.resizable) throw malformed("a view has no length");
    return makeView(kind, buffer, memory.offset + offset, null);
  }
  return makeBinary(kind, buffer, memory.offset + offset, length, false);
}

function isErrorHeader(header: unknown): header is ErrorHeader {
  if (!Array.isArray(header) || header.length !== 4) return false;
  const [className, name, message, stack] = header;
  return isText(className) && isText(name) && isText(stack) &&
    (message === null || isText(message));
}

function isViewEntry(entry: unknown): entry is ViewEntry {
  if (!Array.isArray(entry) || entry.length !== 4) return false;
  const [kind, buffer, offset, length] = entry;
  return isUint32(kind) && isUint32(buffer) && isUint32(offset) &&
    (length === null || isUint32(length));
}

function isUint32(value: unknown): value is number {
  return typeof value === "number" && value >>> 0 === value;
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}
