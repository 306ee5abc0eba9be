/**
 * The name of the method that Deno's Jupyter kernel calls to display an object.
 *
 * @see {@link https://docs.deno.com/runtime/reference/cli/jupyter/#rich-content-output}
 */
export const DISPLAY: unique symbol = Symbol.for("Jupyter.display");

/** The same content in several formats, by their MIME types. */
export interface MediaBundle {
  /** The content for terminals and plain notebooks. */
  readonly "text/plain": string;
  /** The content for browsers. */
  readonly "text/html": string;
}

/** A cell of a table. Numbers are aligned on the right. */
export type TableCell = string | number;

/** Formats a table for a notebook. */
export function displayTable(
  columns: readonly string[],
  rows: readonly (readonly TableCell[])[],
): MediaBundle {
  return {
    "text/plain": plain(columns, rows),
    "text/html": html(columns, rows),
  };
}

function plain(
  columns: readonly string[],
  rows: readonly (readonly TableCell[])[],
): string {
  const widths = columns.map((column, index) =>
    Math.max(column.length, ...rows.map((row) => text(row[index]!).length))
  );
  const align = (cell: TableCell, index: number) =>
    isNumeric(rows, index)
      ? text(cell).padStart(widths[index]!)
      : text(cell).padEnd(widths[index]!);
  return [columns, ...rows]
    .map((row) => row.map(align).join("  ").trimEnd())
    .join("\n");
}

function html(
  columns: readonly string[],
  rows: readonly (readonly TableCell[])[],
): string {
  const line = (tag: "th" | "td", row: readonly TableCell[]) => {
    const cells = row.map((cell, index) => {
      const side = isNumeric(rows, index) ? "right" : "left";
      return `<${tag} style="text-align: ${side}">${
        escapeHtml(text(cell))
      }</${tag}>`;
    });
    return `<tr>${cells.join("")}</tr>`;
  };
  const body = rows.map((row) => line("td", row)).join("");
  return `<table><thead>${
    line("th", columns)
  }</thead><tbody>${body}</tbody></table>`;
}

function isNumeric(
  rows: readonly (readonly TableCell[])[],
  column: number,
): boolean {
  return rows.some((row) => typeof row[column] === "number");
}

function text(cell: TableCell): string {
  return typeof cell === "number" ? cell.toLocaleString("en") : cell;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
};

/** Replaces the characters that have a meaning in HTML. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>]/g, (character) => ENTITIES[character]!);
}
