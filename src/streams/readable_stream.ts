// A task may replace the globals.
const { Blob } = globalThis;
const { stream } = Blob.prototype;

let loaded: typeof ReadableStream | undefined;

/**
 * Returns the platform's `ReadableStream`, even if a task has replaced the
 * global. Deno loads the class when a program reads the global, and that takes
 * 3 ms. So this takes the class from a stream that the platform makes.
 */
export function platformReadableStream(): typeof ReadableStream {
  return loaded ??= stream.call(new Blob())
    .constructor as typeof ReadableStream;
}
