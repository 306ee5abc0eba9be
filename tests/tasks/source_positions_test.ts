import { assert, assertEquals, assertRejects } from "@std/assert";
import { Pool } from "../../mod.ts";
import { withSourcePositions } from "../../src/tasks/source_positions.ts";
import { TaskRegistry } from "../../src/tasks/task_registry.ts";

// deno-fmt-ignore
const tasks = {
  arrow: (x: number, { y = 1 }: { y?: number } = {}) => {
    // The compiler leaves this comment out, and the empty line.

    const sum = x + y; throw new Error(`${sum} HERE`);
  },
  async method(x: number) {
    await undefined;
    return [x].map((each) => { throw new Error('quoted' + each + "HERE") });
  },
  short: (x: number) => Promise.reject(new RangeError("HERE" + x)),
};

function typed(x: number): number {
  const text: string = `HERE ${x}` as string;

  const unique = text.length + 12345;
  const error = new Error(text + unique satisfies string);
  if (unique > 0) throw new Error(text + "is in typed()");
  return error.message.length;
}

async function declaration(x: number): Promise<void> {
  const message = "HERE" + x;
  await Promise.resolve(message);
  throw new Error(message);
}

/** Finds the lines of this file where the tasks throw. */
function linesHere(): string[] {
  return Deno.readTextFileSync(new URL(import.meta.url)).split("\n");
}

/** Returns the first frame of an error as line and column of this file. */
function firstFrame(error: Error): [number, number] {
  const frame = error.stack!.split("\n").find((line) => /^ +at /.test(line))!;
  assert(frame.includes(import.meta.url), error.stack);
  const [line, column] = frame.slice(0, -1).split(":").slice(-2);
  return [Number(line), Number(column)];
}

Deno.test("Pool names the line of an inline task in the user's file", async () => {
  await using pool = new Pool(1);
  const lines = linesHere();
  const all = [tasks.arrow, tasks.method, tasks.short, declaration, typed];
  for (const task of all) {
    const run = pool.run(task as (x: number) => unknown, 1);
    const error = await assertRejects(async () => await run, Error);
    const [line, column] = firstFrame(error);
    const text = lines[line - 1]!;
    assert(/new (Range)?Error\(/.test(text), text);
    assertEquals(text.slice(column - 1).startsWith("new "), true, text);
  }
});

Deno.test("Pool names the line of an inline task of a map", async () => {
  await using pool = new Pool(1);
  const map = pool.map(tasks.arrow as (x: number) => unknown, [1]);
  const error = await assertRejects(() => map.toArray(), Error);
  const [line] = firstFrame(error);
  assert(linesHere()[line - 1]!.includes("new "));
});

Deno.test("Pool names the line for calls that aren't traced", async () => {
  await using pool = new Pool(1);
  const calls = Array.from({ length: 50 }, async () => {
    await pool.run(tasks.arrow, 1);
  });
  const outcomes = await Promise.allSettled(calls);
  for (const outcome of outcomes) {
    assert(outcome.status === "rejected");
    firstFrame(outcome.reason);
  }
});

/** Places the frames of a task whose callers are in a file with this text. */
function place(task: () => unknown, text: string, frame: string): string {
  const file = Deno.makeTempFileSync({ suffix: ".ts" });
  try {
    Deno.writeTextFileSync(file, text);
    const registered = new TaskRegistry(() => {}).register(task);
    const callers = `    at main (file://${file}:1:1)`;
    return withSourcePositions(`Error: x\n${frame}`, registered, callers)
      .split("\n")[1]!.replace(file, "FILE");
  } finally {
    Deno.removeSync(file);
  }
}

const FRAME = "    at f (task:f:1:10)";

Deno.test("withSourcePositions() finds a source once, or leaves the frame", () => {
  const f = new Function("return () => [alpha, beta]")();
  Object.defineProperty(f, "name", { value: "f" });
  const found = "    at f (file://FILE:2:13)";
  const text = "\nrun(() => [ alpha, beta ]);";
  assertEquals(place(f, text, "    at f (task:f:1:8)"), found);
  assertEquals(place(f, `${text}${text}`, FRAME), FRAME);
  assertEquals(place(f, "\nrun(() => [alpha, gamma]);", FRAME), FRAME);
  assertEquals(place(f, "", FRAME), FRAME);
  assertEquals(
    place(f, text, "    at g (task:g:1:8)"),
    "    at g (task:g:1:8)",
  );
});

Deno.test("withSourcePositions() leaves the frames of other tasks", () => {
  const registered = new TaskRegistry(() => {}).register(tasks.short);
  for (
    const callers of ["", "    at file:///no/such/file.ts:1:1", "    at x"]
  ) {
    const stack = "Error: x\n    at short (task:short:1:5)";
    assertEquals(withSourcePositions(stack, registered, callers), stack);
  }
});
