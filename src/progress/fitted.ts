/** What would move the cursor or change how the terminal prints. */
const CONTROLS = /\p{Cc}/gu;

/** Characters that take one column: most alphabets, punctuation and arrows. */
const NARROW = /[\0-\u10ff\u2000-\u23ff]/;

const ELLIPSIS = "…";

/** Returns how many columns of a terminal a text takes at most. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += columnsOf(character);
  return width;
}

/** Returns a text for one line of a terminal, cut to this many columns. */
export function fitted(text: string, columns: number): string {
  const line = text.replaceAll(CONTROLS, " ");
  if (widthOf(line) <= columns) return line;
  let kept = "";
  let width = ELLIPSIS.length;
  for (const character of line) {
    width += columnsOf(character);
    if (width > columns) break;
    kept += character;
  }
  return `${kept}${ELLIPSIS}`;
}

function columnsOf(character: string): number {
  return NARROW.test(character) ? 1 : 2;
}
