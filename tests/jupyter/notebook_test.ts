import { assertEquals } from "@std/assert";
import {
  type Bundle,
  type Cell,
  EXAMPLES,
  JupyterKernel,
  jupyterTest,
  type Output,
  runNotebook,
} from "../helpers/jupyter_kernel.ts";

const NOTEBOOK = `${EXAMPLES}/notebook.ipynb`;

/** Lines of a text in a notebook's file. */
type Lines = readonly string[];

/** A cell in a notebook's file. */
interface SavedCell {
  readonly cell_type: "code" | "markdown";
  readonly source: Lines;
  readonly outputs?: readonly SavedOutput[];
}

interface SavedOutput {
  readonly name?: "stdout" | "stderr";
  readonly text?: Lines;
  readonly data?: Readonly<Record<string, Lines>>;
}

/** The cells with code in the notebook's file. */
async function savedCells(): Promise<SavedCell[]> {
  const { cells } = JSON.parse(await Deno.readTextFile(NOTEBOOK));
  return cells.filter(({ cell_type }: SavedCell) => cell_type === "code");
}

/** Waits for an output that equals a saved one, but for numbers in tables. */
async function assertOutput(
  cell: Cell,
  { name, text, data }: SavedOutput,
): Promise<void> {
  if (name !== undefined) return await cell.printed(name, text!.join(""));
  const saved = Object.entries(data ?? {})
    .map(([type, lines]) => [type, lines.join("")]);
  assertEquals(
    withoutNumbers(await cell.data()),
    withoutNumbers(Object.fromEntries(saved)),
  );
}

/** Makes bundles with the same table equal. */
function withoutNumbers(bundle: Bundle): Bundle {
  if (bundle["text/html"] === undefined) return bundle;
  const entries = Object.entries(bundle).map(([type, text]) => [
    type,
    text.replaceAll(/\b\d[\d.,]*/g, "0").replaceAll(/ +/g, " "),
  ]);
  return Object.fromEntries(entries);
}

jupyterTest("nbclient runs the notebook example", async () => {
  const cells = await runNotebook(NOTEBOOK);
  assertEquals(
    cells.map(({ source }) => source),
    (await savedCells()).map(({ source }) => source.join("")),
  );
  const types = cells.flatMap(({ outputs }: { outputs: readonly Output[] }) =>
    outputs.map(({ output_type }) => output_type)
  );
  assertEquals(types.filter((type) => type === "error"), []);
});

jupyterTest("the notebook example displays what its file shows", async () => {
  await using kernel = await JupyterKernel.start();
  for (const { source, outputs = [] } of await savedCells()) {
    const cell = await kernel.send(source.join(""));
    await cell.end();
    for (const output of outputs) await assertOutput(cell, output);
  }
});
