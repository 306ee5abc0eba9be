import { type AnyIterable, isAsyncIterable, isIterable } from "./items.ts";
import type { MapOptions } from "../options/map_options.ts";

/**
 * The iterables of a map, one for each parameter of the task.
 *
 * @typeParam Args The task's parameters.
 *
 * @internal
 */
export type MapIterables<Args extends unknown[]> = {
  [Index in keyof Args]: AnyIterable<Args[Index]>;
};

/**
 * Separates a map's iterables from its options.
 *
 * @throws {TypeError} If there is no iterable, or if an input isn't iterable.
 */
export function parseInputs(
  inputs: readonly unknown[],
): { iterables: AnyIterable<unknown>[]; options: MapOptions } {
  const last = inputs.at(-1);
  const hasOptions = typeof last === "object" && last !== null &&
    !isIterable(last) && !isAsyncIterable(last);
  // A wrapper function may pass on its own missing options as `undefined`.
  const lacksOptions = last === undefined && inputs.length > 1;
  const iterables = hasOptions || lacksOptions ? inputs.slice(0, -1) : inputs;
  if (iterables.length === 0) {
    throw new TypeError(
      "A map needs an iterable of arguments: pool.map(task, [1, 2, 3])",
    );
  }
  iterables.forEach((iterable, index) => {
    if (isIterable(iterable) || isAsyncIterable(iterable)) return;
    throw new TypeError(
      `The 'iterables[${index}]' of a map must be iterable, but is ${
        Deno.inspect(iterable)
      }`,
    );
  });
  return {
    iterables: iterables as AnyIterable<unknown>[],
    options: hasOptions ? last as MapOptions : {},
  };
}
