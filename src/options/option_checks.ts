/**
 * Checks that an option is an integer.
 *
 * @param min The smallest allowed value.
 * @param alternative Another allowed value, such as `"auto"`.
 * @throws {TypeError} If it isn't a number.
 * @throws {RangeError} If it isn't an integer of at least `min`.
 */
export function checkInteger(
  name: string,
  value: unknown,
  min: number,
  alternative?: string | number,
): void {
  if (value === alternative && alternative !== undefined) return;
  if (Number.isSafeInteger(value) && (value as number) >= min) return;
  const or = alternative === undefined
    ? ""
    : `, or ${Deno.inspect(alternative)}`;
  const expected = `an integer of at least ${min}${or}`;
  // A misspelt "auto" has the right type.
  if (typeof value === "number" || typeof value === typeof alternative) {
    throw wrongValue(name, value, expected);
  }
  throw wrongType(name, value, expected);
}

/**
 * Checks that an option is a finite number.
 *
 * @throws {TypeError} If it isn't a number.
 * @throws {RangeError} If it isn't finite.
 */
export function checkFinite(name: string, value: unknown): void {
  const expected = "a finite number";
  if (typeof value !== "number") throw wrongType(name, value, expected);
  if (!Number.isFinite(value)) throw wrongValue(name, value, expected);
}

/**
 * Checks that an option is a port number; 0 means any free port.
 *
 * @throws {TypeError} If it isn't a number.
 * @throws {RangeError} If it isn't an integer from 0 to 65535.
 */
export function checkPort(name: string, value: unknown): void {
  const expected = "an integer from 0 to 65535";
  if (typeof value !== "number") throw wrongType(name, value, expected);
  if (Number.isInteger(value) && value >= 0 && value <= 65_535) return;
  throw wrongValue(name, value, expected);
}

/**
 * Checks that an option is one of several strings.
 *
 * @throws {TypeError} If it isn't a string.
 * @throws {RangeError} If it is another string.
 */
export function checkChoice(
  name: string,
  value: unknown,
  choices: readonly string[],
): void {
  const expected = choices.map((choice) => `"${choice}"`).join(" or ");
  if (typeof value !== "string") throw wrongType(name, value, expected);
  if (!choices.includes(value)) throw wrongValue(name, value, expected);
}

/**
 * Checks that an option is a time in milliseconds that a timer can wait for.
 *
 * @param other Another value that is valid, and means that there is no timer.
 * @throws {TypeError} If it isn't a number.
 * @throws {RangeError} If it is out of range.
 */
export function checkMilliseconds(
  name: string,
  value: unknown,
  other?: 0,
): void {
  const or = other === undefined ? "" : ", or 0 for none";
  const expected = `a number of milliseconds above 0 and below ${2 ** 31}${or}`;
  if (typeof value !== "number") throw wrongType(name, value, expected);
  const isValid = value > 0 && value < 2 ** 31 || value === other;
  if (!isValid) throw wrongValue(name, value, expected);
}

/**
 * Checks that an option is a boolean.
 *
 * @throws {TypeError} If it isn't.
 */
export function checkBoolean(name: string, value: unknown): void {
  if (typeof value === "boolean") return;
  throw wrongType(name, value, "true or false");
}

/**
 * Checks that an option is an `AbortSignal` or `undefined`.
 *
 * @throws {TypeError} If it isn't.
 */
export function checkSignal(value: unknown): void {
  if (value === undefined || value instanceof AbortSignal) return;
  throw wrongType("signal", value, "an AbortSignal");
}

/**
 * Checks that an option is a queuing strategy of a stream.
 *
 * @throws {TypeError} If it isn't an object, or one of its properties has the
 * wrong type.
 * @throws {RangeError} If its `highWaterMark` is out of range.
 */
export function checkStrategy(name: string, value: unknown): void {
  if (typeof value !== "object" || value === null) {
    throw wrongType(name, value, "a queuing strategy");
  }
  const { highWaterMark: mark, size } = value as Record<string, unknown>;
  if (mark !== undefined) {
    const expected = "a number of at least 0";
    const markName = `${name}.highWaterMark`;
    if (typeof mark !== "number") throw wrongType(markName, mark, expected);
    if (!(mark >= 0)) throw wrongValue(markName, mark, expected);
  }
  checkFunction(`${name}.size`, size);
}

/**
 * Checks that an option is a function or `undefined`.
 *
 * @throws {TypeError} If it isn't.
 */
export function checkFunction(name: string, value: unknown): void {
  if (value === undefined || typeof value === "function") return;
  throw wrongType(name, value, "a function");
}

/**
 * Checks that an option is a string or `undefined`.
 *
 * @throws {TypeError} If it isn't.
 */
export function checkString(name: string, value: unknown): void {
  if (value === undefined || typeof value === "string") return;
  throw wrongType(name, value, "a string");
}

/**
 * Checks that an option that holds a secret is a string or `undefined`.
 *
 * @throws {TypeError} If it isn't. The message doesn't contain the value.
 */
export function checkSecret(name: string, value: unknown): void {
  if (value === undefined || typeof value === "string") return;
  throw new TypeError(
    `'${name}' must be a string, but is of type ${typeof value}`,
  );
}

/**
 * Checks that an option is an array of strings or `undefined`.
 *
 * @throws {TypeError} If it isn't.
 */
export function checkStrings(name: string, value: unknown): void {
  if (value === undefined) return;
  if (Array.isArray(value) && value.every(isString)) return;
  throw wrongType(name, value, "an array of strings");
}

/**
 * Checks that an option is an object whose values are strings, or `undefined`.
 *
 * @throws {TypeError} If it isn't. The message contains none of the strings,
 * because they may be secrets.
 */
export function checkStringRecord(name: string, value: unknown): void {
  if (value === undefined) return;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw wrongType(name, value, "an object of strings");
  }
  for (const [key, text] of Object.entries(value)) {
    if (!isString(text)) throw wrongType(`${name}.${key}`, text, "a string");
  }
}

/**
 * Checks that options are an object.
 *
 * @param owner The name, in the message, of the function or class that takes
 * the options.
 * @throws {TypeError} If they aren't.
 */
export function checkObject(owner: string, options: unknown): void {
  if (
    typeof options === "object" && options !== null && !Array.isArray(options)
  ) return;
  throw new TypeError(
    `The options of ${owner} must be an object, but are ${
      Deno.inspect(options)
    }`,
  );
}

/**
 * Checks that all options exist.
 *
 * @param owner The name, in the message, of the function or class that takes
 * the options.
 * @param known An object that has all options that exist.
 * @param renamed For each old name or Python name, what to write instead.
 * @throws {TypeError} If there is an option that doesn't exist.
 */
export function checkNames(
  owner: string,
  options: object,
  known: object,
  renamed: ReadonlyMap<string, string> = new Map(),
): void {
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(known, name)) continue;
    const instead = renamed.get(name);
    throw new TypeError(
      instead === undefined
        ? `${owner} has no option '${name}'; it has ${
          Object.keys(known).join(", ")
        }`
        : `${owner} has no option '${name}': ${instead}`,
    );
  }
}

function isString(value: unknown): boolean {
  return typeof value === "string";
}

/** Makes the error for an option whose value has the wrong type. */
export function wrongType(
  name: string,
  value: unknown,
  expected: string,
): TypeError {
  return new TypeError(message(name, value, expected));
}

/** Makes the error for an option whose value is out of range. */
export function wrongValue(
  name: string,
  value: unknown,
  expected: string,
): RangeError {
  return new RangeError(message(name, value, expected));
}

function message(name: string, value: unknown, expected: string): string {
  return `'${name}' must be ${expected}, but is ${Deno.inspect(value)}`;
}
