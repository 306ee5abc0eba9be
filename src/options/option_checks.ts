/**
 * Checks that an option is an integer.
 *
 * @param least The least that it may be.
 * @param or What else it may be, as the end of the message.
 * @throws {RangeError} If it isn't.
 */
export function checkInteger(
  name: string,
  value: number,
  least: number,
  or = "",
): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw invalid(name, value, `an integer of at least ${least}${or}`);
}

/**
 * Checks that an option is one of some strings.
 *
 * @throws {RangeError} If it isn't.
 */
export function checkChoice(
  name: string,
  value: string,
  choices: readonly string[],
): void {
  if (choices.includes(value)) return;
  const quoted = choices.map((choice) => `"${choice}"`).join(" or ");
  throw invalid(name, value, quoted);
}

/**
 * Checks that an option is a time that timers can wait for.
 *
 * @throws {RangeError} If it isn't.
 */
export function checkMilliseconds(name: string, value: number): void {
  if (value > 0 && value < 2 ** 31) return;
  throw invalid(
    name,
    value,
    `a number of milliseconds above 0 and below ${2 ** 31}`,
  );
}

/**
 * Checks that an option, if it is given, is a signal.
 *
 * @throws {RangeError} If it isn't.
 */
export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal === undefined || signal instanceof AbortSignal) return;
  throw invalid("signal", signal, "an AbortSignal");
}

/**
 * Checks that an option, if it is given, is a string.
 *
 * @throws {RangeError} If it isn't.
 */
export function checkText(name: string, value: string | undefined): void {
  if (value === undefined || typeof value === "string") return;
  throw invalid(name, value, "a string");
}

/**
 * Checks that an option, if it is given, is a string, which is a secret.
 *
 * @throws {RangeError} If it isn't; its message doesn't tell what it is.
 */
export function checkSecret(name: string, value: string | undefined): void {
  if (value === undefined || typeof value === "string") return;
  throw new RangeError(
    `'${name}' must be a string, and is of type ${typeof value}`,
  );
}

/**
 * Checks that an option, if it is given, is an array of strings.
 *
 * @throws {RangeError} If it isn't.
 */
export function checkTexts(
  name: string,
  value: readonly string[] | undefined,
): void {
  if (value === undefined) return;
  if (Array.isArray(value) && value.every(isText)) return;
  throw invalid(name, value, "an array of strings");
}

/**
 * Checks that an option, if it is given, is an object of strings.
 *
 * @throws {RangeError} If it isn't; its message has none of the strings, as
 * they may be secrets.
 */
export function checkTextsByName(
  name: string,
  value: Readonly<Record<string, string>> | undefined,
): void {
  if (value === undefined) return;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalid(name, value, "an object of strings");
  }
  for (const [key, text] of Object.entries(value)) {
    if (!isText(text)) throw invalid(`${name}.${key}`, text, "a string");
  }
}

/**
 * Checks that there are no other options than those that are known.
 *
 * @param of What has the options.
 * @throws {TypeError} If there is one.
 */
export function checkNames(of: string, options: object, known: object): void {
  for (const name of Object.keys(options)) {
    if (name in known) continue;
    throw new TypeError(
      `${of} has no option '${name}'; it has ${Object.keys(known).join(", ")}`,
    );
  }
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}

/** Makes the error for an option that can't have its value. */
export function invalid(
  name: string,
  value: unknown,
  expected: string,
): RangeError {
  const inspected = Deno.inspect(value);
  return new RangeError(`'${name}' must be ${expected}, and is ${inspected}`);
}
