/**
 * Imports a bundle as a remote worker does, without permissions or
 * configuration, calls its exports, and prints the results.
 *
 * @module
 */

import type { Call, Outcome } from "../helpers/bundle_fixture.ts";

const { code, calls, uncaught }: {
  code: string;
  calls: Call[];
  uncaught: boolean;
} = await new Response(Deno.stdin.readable).json();

const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
const module: Record<string, (...args: unknown[]) => unknown> = await import(
  url
);
URL.revokeObjectURL(url);

if (uncaught) await module[calls[0]![0]]!();

const outcomes: Outcome[] = [];
for (const [name, ...args] of calls) {
  try {
    outcomes.push({ value: await module[name]!(...args) });
  } catch (error) {
    const { name, stack = "" } = error as Error;
    outcomes.push({ name, stack });
  }
}
console.log(JSON.stringify(outcomes));
