import { decode, encode } from "@jridgewell/sourcemap-codec";
import jsTokens, { type Token } from "js-tokens";
import type { MappedCode, SourceMap } from "./source_map.ts";

/** A replacement of text in a line of the code. */
interface Edit {
  readonly row: number;
  readonly column: number;
  readonly length: number;
  readonly text: string;
}

/**
 * Replaces the specifiers of imports in a bundle.
 *
 * @param targets The specifiers to replace, and their replacements.
 */
export function replaceImports(
  mapped: MappedCode,
  targets: ReadonlyMap<string, string>,
): MappedCode {
  if (targets.size === 0) return mapped;
  const edits = findImports(mapped.code, targets);
  if (edits.length === 0) return mapped;
  const lines = mapped.code.split("\n");
  // In reverse order, so the columns of the other edits stay valid.
  for (const { row, column, length, text } of edits.toReversed()) {
    const line = lines[row]!;
    lines[row] = line.slice(0, column) + text + line.slice(column + length);
  }
  return { code: lines.join("\n"), map: withEdits(mapped.map, edits) };
}

function findImports(
  code: string,
  targets: ReadonlyMap<string, string>,
): Edit[] {
  const edits: Edit[] = [];
  let row = 0;
  let column = 0;
  let before: string[] = [];
  for (const token of jsTokens(code)) {
    const { type, value } = token;
    if (type === "StringLiteral" && isImport(before)) {
      const target = targets.get(value.slice(1, -1));
      if (target !== undefined) {
        const text = JSON.stringify(target);
        edits.push({ row, column, length: value.length, text });
      }
    }
    const lines = value.split("\n");
    row += lines.length - 1;
    column = lines.at(-1)!.length + (lines.length === 1 ? column : 0);
    if (isCode(token)) before = [...before.slice(-2), value];
  }
  return edits;
}

/** Whether a string that follows these tokens is the specifier of an import. */
function isImport(before: readonly string[]): boolean {
  const [third, second, last] = [before.at(-3), before.at(-2), before.at(-1)];
  if (last === "from" || last === "import") return second !== ".";
  return last === "(" && second === "import" && third !== ".";
}

function isCode({ type }: Token): boolean {
  return type !== "WhiteSpace" && type !== "LineTerminatorSequence" &&
    type !== "SingleLineComment" && type !== "MultiLineComment";
}

/** Shifts the columns in the map that follow an edit on the same line. */
function withEdits(map: SourceMap, edits: readonly Edit[]): SourceMap {
  const rows = decode(map.mappings);
  for (const { row, column, length, text } of edits.toReversed()) {
    for (const segment of rows[row] ?? []) {
      if (segment[0] > column) segment[0] += text.length - length;
    }
  }
  return { ...map, mappings: encode(rows) };
}
