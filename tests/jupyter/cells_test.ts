import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { JupyterKernel, jupyterTest } from "../helpers/jupyter_kernel.ts";
import {
  PACKAGE,
  Projects,
  readPublishedFiles,
} from "../helpers/package_fixture.ts";

const START = `
import { bind, importTasks, Pool } from "@distex/pool";
const pool = new Pool(2);`;

/** A kernel with a pool. */
async function startWithPool(): Promise<JupyterKernel> {
  const kernel = await JupyterKernel.start();
  await kernel.run(START);
  return kernel;
}

jupyterTest("a notebook's pool runs functions of cells", async () => {
  await using kernel = await startWithPool();
  await kernel.run(`
    interface Point { x: number; y: number }
    function length({ x, y }: Point): number { return Math.hypot(x, y) }`);
  await kernel.run("const double = <T extends number>(x: T): number => x * 2;");

  assertEquals(await kernel.value("await pool.run(length, {x: 3, y: 4})"), "5");
  assertEquals(
    await kernel.value("await pool.map(double, [1, 2, 3]).toArray()"),
    "[ 2, 4, 6 ]",
  );
});

jupyterTest(
  "a notebook's pool explains that variables of cells aren't sent",
  async () => {
    await using kernel = await startWithPool();
    await kernel.run(
      "const factor = 7; const times = (x: number) => x * factor;",
    );

    const cell = await kernel.send("await pool.run(times, 6)");
    const message = await cell.message();

    assertStringIncludes(
      message,
      "factor is not defined: an inline task is sent as source",
    );
    assertStringIncludes(message, "pass 'factor' as an argument");
    assertEquals(
      await kernel.value(
        "await pool.run(bind((factor: number, x: number) => factor * x, factor), 6)",
      ),
      "42",
    );
  },
);

jupyterTest("a notebook's pool loads modules beside the notebook", async () => {
  await using projects = await Projects.make(await readPublishedFiles());
  const folder = await projects.add("notebook", {
    "deno.json": JSON.stringify({
      imports: { "@distex/pool": PACKAGE, "words": "./lib/words.ts" },
      vendor: true,
      nodeModulesDir: "none",
      lock: false,
    }),
    "lib/words.ts":
      "export const shout = (text: string) => text.toUpperCase();",
    "tasks.ts":
      `import { shout } from "words"; export const greet = (name: string) => shout("hello " + name);`,
  });
  await using kernel = await JupyterKernel.start(folder);
  await kernel.run(START);

  await kernel.run(`
    import { pathToFileURL } from "node:url";
    const tasks = importTasks<typeof import("./tasks.ts")>(pathToFileURL("tasks.ts"));`);

  assertEquals(
    await kernel.value(`await pool.run(tasks.greet, "you")`),
    `"HELLO YOU"`,
  );
});

jupyterTest(
  "importTasks() names a way to a module's URL that works in cells",
  async () => {
    await using kernel = await startWithPool();
    const cell = await kernel.send(`importTasks("./tasks.ts")`);
    assertMatch(
      await cell.message(),
      /must be absolute, but is "\.\/tasks\.ts": use pathToFileURL\("\.\/tasks\.ts"\) from "node:url"$/,
    );
  },
);

jupyterTest("a notebook shows what workers print below the cell", async () => {
  await using kernel = await startWithPool();
  const cell = await kernel.send(`await new Pool(1).run(() => {
    console.log("100 %s of");
    console.log("two lines");
    console.error("a warning");
  })`);

  await cell.printed("stdout", "[local worker 1] 100 %s of\n");
  await cell.printed("stdout", "[local worker 1] two lines\n");
  await cell.printed("stderr", "[local worker 1] a warning\n");
});

jupyterTest(
  "a notebook keeps a pool of 'await using' after its cell, but not after a block",
  async () => {
    await using kernel = await JupyterKernel.start();
    await kernel.run(`
    import { Pool } from "@distex/pool";
    await using kept = new Pool(1);`);
    await kernel.run(`{
    await using ended = new Pool(1);
    await ended.ready;
    globalThis.stats = () => ended.stats();
  }`);

    assertEquals(await kernel.value("await kept.run(() => 42)"), "42");
    assertEquals(await kernel.value("stats().workers"), "0");
  },
);

jupyterTest("a notebook shows the progress of a map", async () => {
  await using kernel = await startWithPool();
  await kernel.run(`import { showProgress } from "@distex/pool/progress";`);
  const cell = await kernel.send(`
    const results = [];
    const shown = Promise.withResolvers();
    const map = pool.map(function same(x: number) { return x }, [1, 2, 3], {
      onProgress: shown.resolve,
    });
    for await (const x of showProgress(map, { label: "Numbers" })) {
      await shown.promise;
      console.log("result", x);
    }`);

  await cell.displayed(/^Numbers: \d+%, \d of 3, /);
  await cell.displayed(/^Numbers: 100%, 3 of 3, .*, in \d:\d\d$/);
  await cell.printed("stdout", "result 3\n");
});

jupyterTest(
  "a notebook displays statistics and a map under way as tables",
  async () => {
    await using kernel = await startWithPool();
    await kernel.run("await pool.ready");
    const stats = await (await kernel.send("pool.stats()")).data();
    assertStringIncludes(stats["text/html"] ?? "", "<table>");
    assertStringIncludes(
      stats["text/plain"] ?? "",
      `
local  local        2                0     0       0         0     0
all                 2       0        0     0       0         0     0`,
    );

    await kernel.run(`
    const next = Promise.withResolvers();
    async function* inputs() { yield 1; yield await next.promise; }
    const roots = pool.map(function root(x: number) { return Math.sqrt(x) }, inputs());
    await roots.next();`);
    const map = await (await kernel.send("roots")).data();
    assertStringIncludes(map["text/html"] ?? "", "<table>");
    assertEquals(
      map["text/plain"],
      `
task  state    items taken  done  order of results
root  running            1     1  as the items`.trimStart(),
    );
    await kernel.run("next.resolve(4)");
    assertEquals(await kernel.value("await roots.toArray()"), "[ 2 ]");
  },
);
