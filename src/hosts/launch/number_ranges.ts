/** Consecutive numbers. */
export type NumberRange = readonly [first: number, last: number];

/** Returns the fewest ranges that hold exactly these numbers. */
export function numberRanges(numbers: readonly number[]): NumberRange[] {
  const ranges: [first: number, last: number][] = [];
  for (const number of numbers.toSorted((one, other) => one - other)) {
    const range = ranges.at(-1);
    if (range !== undefined && number <= range[1] + 1) range[1] = number;
    else ranges.push([number, number]);
  }
  return ranges;
}
