/**
 * Types that `deno check` tests. Nothing here runs: each `isSame` must hold, and
 * each `@ts-expect-error` must be an error.
 */

import type { Buffer } from "node:buffer";
import { map, type Observable, type OperatorFunction } from "rxjs";
import type {
  ImportedTasks,
  MapOptions,
  Pool,
  TaskRunner,
  TaskThis,
} from "../../mod.ts";
import { poolMap } from "../../rx.ts";

/** Whether two types are identical. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends
  (<T>() => T extends B ? 1 : 2) ? true : false;

declare const pool: Pool;
declare const runner: TaskRunner;
declare const numbers: Observable<number>;
declare const words: Observable<string>;

/** Takes code that is compiled but not run. */
function compile(_code: () => unknown): void {}

/** Checks the type of an observable's values. */
function isSame<Expected>() {
  return <Actual>(
    _actual: Observable<Actual>,
    ..._same: Same<Actual, Expected> extends true ? [] : [never]
  ): void => {};
}

Deno.test("poolMap() infers the task's argument from the source", () => {
  compile(() => {
    isSame<number>()(numbers.pipe(poolMap(pool, (x) => x * 2)));
    isSame<string>()(numbers.pipe(poolMap(runner, (x) => x.toFixed())));
    isSame<number>()(
      words.pipe(
        map((word) => word.trim()),
        poolMap(pool, (word) => word.length, { ordered: false }),
        poolMap(pool, (length) => length + 1),
      ),
    );
    isSame<boolean>()(numbers.pipe(poolMap(pool, function (x) {
      return this.signal.aborted && x > 1;
    })));
    // @ts-expect-error A number has no length.
    numbers.pipe(poolMap(pool, (x) => x.length));
  });
});

Deno.test("poolMap() infers the results from the task", () => {
  compile(() => {
    const read = {} as ImportedTasks<{ read(path: string): Promise<Buffer> }>;
    isSame<Uint8Array<ArrayBuffer>>()(words.pipe(poolMap(pool, read.read)));
    isSame<number>()(numbers.pipe(poolMap(pool, (x, y = 2) => x * y)));
    const reverse = <T>(items: T[]): T[] => items.toReversed();
    isSame<string[]>()(
      words.pipe(map((word) => [word]), poolMap(pool, reverse)),
    );
    isSame<number>()(numbers.pipe(poolMap(pool, () => Deno.pid)));
    const options: MapOptions = { chunkSize: 1 };
    isSame<number>()(numbers.pipe(poolMap(pool, (x) => x, options)));
    const operator: OperatorFunction<number, string> = poolMap(
      pool,
      (x: number) => `${x}`,
    );
    isSame<string>()(numbers.pipe(operator));
  });
});

Deno.test("poolMap() infers the values that a task yields", () => {
  compile(() => {
    isSame<string>()(words.pipe(poolMap(pool, function* (text) {
      yield* text;
    })));
    const tasks = {} as ImportedTasks<{ count(to: number): Generator<number> }>;
    isSame<number>()(numbers.pipe(poolMap(pool, tasks.count)));
  });
});

Deno.test("poolMap() with spread takes arrays of arguments", () => {
  compile(() => {
    const pairs = {} as Observable<[string, number]>;
    const repeat = (text: string, times: number) => text.repeat(times);
    isSame<string>()(pairs.pipe(poolMap(pool, repeat, { spread: true })));
    isSame<string>()(
      pairs.pipe(
        poolMap(pool, (text, times) => text.repeat(times), { spread: true }),
      ),
    );
    // @ts-expect-error The values aren't arrays.
    words.pipe(poolMap(pool, repeat, { spread: true }));
    // @ts-expect-error The second argument is missing.
    words.pipe(poolMap(pool, repeat));
  });
});

Deno.test("poolMap() refuses wrong uses", () => {
  compile(() => {
    const length = (text: string) => text.length;
    // @ts-expect-error The task takes a string.
    numbers.pipe(poolMap(pool, length));
    // @ts-expect-error There is no such option.
    words.pipe(poolMap(pool, length, { chunksize: 1 }));
    // @ts-expect-error The pool comes first.
    words.pipe(poolMap(length, pool));
    // @ts-expect-error A function can't be sent.
    words.pipe(poolMap(pool, () => () => 1));
    // @ts-expect-error A symbol can't be sent.
    words.pipe(poolMap(pool, () => Symbol()));
    // @ts-expect-error A task has no such `this`.
    words.pipe(poolMap(pool, function (this: Date) {
      return this.getTime();
    }));
    words.pipe(poolMap(pool, function (this: TaskThis, text: string) {
      return text.length;
    }));
  });
});
