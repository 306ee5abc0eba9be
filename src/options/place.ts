import { parseAmount } from "../util/parse_amount.ts";
import { checkObject, wrongType, wrongValue } from "./option_checks.ts";

/**
 * Labels of a machine by name, such as `{ region: "eu" }`.
 *
 * @example Usage
 * ```ts
 * import { type Labels, Pool } from "@distex/pool";
 * import { assertEquals } from "@std/assert";
 *
 * const labels: Labels = { region: "eu" };
 * await using pool = new Pool({ workers: 1, labels });
 * const inEurope = pool.with({ where: { region: "eu" } });
 * assertEquals(await inEurope.run(() => "here"), "here");
 * ```
 */
export type Labels = Readonly<Record<string, string>>;

/**
 * Amounts of resources by name, such as `{ gpu: 2, memory: "64G" }`. A string may
 * have a unit: K, M, G, T or P for powers of 1,000, Ki, Mi, Gi, Ti or Pi for
 * powers of 1,024, with or without a B.
 *
 * @example Usage
 * ```ts
 * import { Pool, type Resources, type TaskThis } from "@distex/pool";
 * import { assertEquals } from "@std/assert";
 *
 * const resources: Resources = { memory: "64G" };
 * await using pool = new Pool({ workers: 1, resources });
 * const large = pool.with({ resources: { memory: "1.5Gi" } });
 * const memory = await large.run(function (this: TaskThis) {
 *   return this.resources.memory;
 * });
 * assertEquals(memory, 1.5 * 2 ** 30);
 * ```
 */
export type Resources = Readonly<Record<string, number | string>>;

/**
 * The options that describe a machine: this one, or another host.
 *
 * @example Usage
 * ```ts
 * import { type PlaceOptions, Pool } from "@distex/pool";
 * import { assertEquals } from "@std/assert";
 *
 * const place: PlaceOptions = {
 *   labels: { region: "eu" },
 *   resources: { gpu: 1 },
 * };
 * await using pool = new Pool({ workers: 2, ...place });
 * const gpus = pool.with({ resources: { gpu: 1 } });
 * assertEquals(await gpus.run(() => "trained"), "trained");
 * ```
 */
export interface PlaceOptions {
  /**
   * Labels of the machine. Calls with the option `where` run only on machines
   * that have the same.
   *
   * @default {{}}
   */
  readonly labels?: Labels;
  /**
   * What the machine has, such as `{ gpu: 2, memory: "64G" }`. Its workers share
   * it: a call with the option `resources` runs when there is enough. A whole
   * number up to 1,024 is a number of units, which calls take one by one.
   *
   * The pool only counts: it doesn't look for GPUs, or limit memory.
   *
   * @default {{}}
   */
  readonly resources?: Resources;
}

/**
 * Where a worker runs: the labels and the amounts of its machine. Workers whose
 * place is the same object share its amounts.
 */
export interface WorkerPlace {
  /** Labels by name, such as `{ region: "eu" }`. */
  readonly labels: Labels;
  /** Amounts by name, such as `{ gpu: 2, memory: 64e9 }`; memory in bytes. */
  readonly resources: Readonly<Record<string, number>>;
}

/** The highest whole number that is a count of numbered units. */
const MAX_UNITS = 1_024;

/** Returns whether an amount is a count of units with numbers, such as GPUs. */
export function isCount(amount: number): boolean {
  return Number.isInteger(amount) && amount <= MAX_UNITS;
}

/**
 * Returns whether a machine has an amount while nothing uses it. Units can be
 * taken whole, or a share of one of them.
 */
export function hasEver(
  resources: WorkerPlace["resources"],
  name: string,
  amount: number,
): boolean {
  const total = Object.hasOwn(resources, name) ? resources[name]! : 0;
  return amount <= total &&
    (!isCount(total) || amount < 1 || Number.isInteger(amount));
}

/** Makes the place of a machine without labels and amounts. */
export function unlabeledPlace(): WorkerPlace {
  return { labels: {}, resources: {} };
}

/** Returns the place of a machine that these settings describe. */
export function placeOf(
  { labels = {}, resources = {} }: Partial<WorkerPlace>,
): WorkerPlace {
  return { labels, resources };
}

/**
 * Checks the options that describe a machine, and parses its amounts.
 *
 * @throws {TypeError} If an option has the wrong type.
 * @throws {RangeError} If a name or an amount is out of range.
 */
export function parsePlace(
  { labels = {}, resources = {} }: PlaceOptions,
): WorkerPlace {
  checkLabels("labels", labels);
  return {
    labels: { ...labels },
    resources: parseResources("resources", resources),
  };
}

/**
 * Checks labels.
 *
 * @param option The name of the option in messages.
 * @throws {TypeError} If they aren't an object whose values are strings.
 * @throws {RangeError} If a name is empty or has characters that a command line
 * can't contain.
 */
export function checkLabels(option: string, labels: unknown): void {
  checkObject(`'${option}'`, labels);
  for (const [name, value] of Object.entries(labels as object)) {
    checkName(option, name);
    if (typeof value !== "string") {
      throw wrongType(`${option}.${name}`, value, "a string");
    }
  }
}

/**
 * Parses amounts.
 *
 * @param option The name of the option in messages.
 * @throws {TypeError} If they aren't an object whose values are numbers or
 * strings.
 * @throws {RangeError} If a name or an amount is out of range.
 */
export function parseResources(
  option: string,
  resources: unknown,
): Record<string, number> {
  checkObject(`'${option}'`, resources);
  return Object.fromEntries(
    Object.entries(resources as object).map(([name, value]) => {
      checkName(option, name);
      return [name, parseValue(`${option}.${name}`, value)];
    }),
  );
}

/**
 * Parses labels of the form `name=value,…`.
 *
 * @param option The name of the option in messages.
 * @throws {RangeError} If the text has another form.
 */
export function parseLabelList(option: string, text: string): Labels {
  const labels = splitList(option, text, "region=eu");
  checkLabels(option, labels);
  return labels;
}

/**
 * Parses amounts of the form `name=amount,…`.
 *
 * @param option The name of the option in messages.
 * @throws {RangeError} If the text has another form.
 */
export function parseResourceList(
  option: string,
  text: string,
): Record<string, number> {
  return parseResources(option, splitList(option, text, "gpu=2,memory=64G"));
}

function splitList(
  option: string,
  text: string,
  example: string,
): Record<string, string> {
  const entries = text.split(",").filter((part) => part.trim() !== "").map(
    (part): [name: string, value: string] => {
      const at = part.indexOf("=");
      if (at > 0) return [part.slice(0, at).trim(), part.slice(at + 1).trim()];
      throw wrongValue(option, text, `a list like ${example}`);
    },
  );
  return Object.fromEntries(entries);
}

function checkName(option: string, name: string): void {
  if (/^[\w./-]+$/.test(name)) return;
  throw new RangeError(
    `A name in '${option}' must consist of letters, digits and the characters _ . / and -, but is ${
      Deno.inspect(name)
    }`,
  );
}

function parseValue(name: string, value: unknown): number {
  const expected =
    `a number of at least 0, or a string such as "0.5", "64G" or "1.5Gi"`;
  if (typeof value !== "number" && typeof value !== "string") {
    throw wrongType(name, value, expected);
  }
  const amount = typeof value === "number" ? value : parseAmount(value);
  if (amount !== undefined && amount >= 0 && amount < Infinity) return amount;
  throw wrongValue(name, value, expected);
}
