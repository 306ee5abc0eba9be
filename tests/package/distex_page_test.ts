import { assert, assertArrayIncludes, assertEquals } from "@std/assert";

const ROOT = new URL("../../", import.meta.url);

const PAGE = await Deno.readTextFile(
  new URL("docs/coming_from_distex.md", ROOT),
);

/** The code in the documentation of distex 0.7.2, in its order. */
const NAMES = `
  concurrent.futures; pip3 install -U distex; distex_proc; uvloop
  ssh <host> distex_proc; Pool(4); Sequence(data); poolmap(pool, bz2.compress)
  map(len); mean(); last(); pipe.run(); await pool; print(await pipe)
  pool.shutdown(); init(); builtins.t0; async def timer; async def ait()
  async with Pool(4; pool.map_async(; pool.run_on_all_async(; asyncio.run(main())
  Pool(0, 'ssh://maxi/8'); python3 -m distex.server; Pool(0, 'mini/2')
  Pool(4, ['ssh://maxi/8', 'mini/2']); ssh://username@maxi:10022/8; ssh-keygen
  ssh-copy-id; num_workers; hosts; qsize; initializer; initargs; localhost
  localport; lazy_create; worker_loop; func_pickle; data_pickle
  LoopType.default; asyncio; uvloop; proactor; quamash
  PickleType.pickle; cloudpickle; dill; ProcessPoolExecutor
  Pool.TimeoutError; create(); is_ready(); ready; total_workers(); submit(; map(
  timeout; chunksize; ordered; star; functools.partial; map_async(); run(
  run_async(); run_on_all(; run_on_all_async(); shutdown(wait; shutdown_async()
  PoolMap; pool; func; source; HostSpec; PickleType; LoopType; RemoteException
  is_ssh; host; port; num_workers; __version__; __version_info__
`.split(/[;\n]/).map((name) => name.trim()).filter((name) => name !== "");

/** Runs or imports an example, in the tests of examples. */
const RUN =
  /(?:\b(?:linesOf|runExample|denoArgs)\(\s*"|from "\.\.\/\.\.\/examples\/)([^"]+)"/g;

/** Returns the texts of all test files in a folder and below. */
async function* textsOf(folder: URL): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) yield* textsOf(new URL(`${name}/`, folder));
    else if (name.endsWith("_test.ts")) {
      yield await Deno.readTextFile(new URL(name, folder));
    }
  }
}

/** Finds the examples that tests run. Notebooks have a runner of their own. */
async function findRunExamples(): Promise<Set<string>> {
  const found = new Set<string>();
  for await (const text of textsOf(new URL("tests/", ROOT))) {
    for (const [, name] of text.matchAll(RUN)) found.add(name!);
    for (const [name] of text.matchAll(/\w+\.ipynb\b/g)) found.add(name);
  }
  return found;
}

/** Returns the inline code in a page. */
function codeIn(page: string): string {
  const prose = page.replaceAll(/^```.*?^```$/gms, "");
  return Array.from(prose.matchAll(/`[^`]+`/g), ([code]) => code).join("\n");
}

/** Returns the examples that a page names, in its order. */
function examplesIn(page: string): string[] {
  const links = page.matchAll(/\]\(\.\.\/examples\/([^)\s]+)\)/g);
  return [...new Set(Array.from(links, ([, name]) => name!))];
}

Deno.test("coming_from_distex.md names only examples that exist and that tests run", async () => {
  const examples = examplesIn(PAGE);
  assert(examples.length >= 10, `${examples}`);
  for (const name of examples) {
    const { isFile } = await Deno.stat(new URL(`examples/${name}`, ROOT));
    assert(isFile);
  }
  assertArrayIncludes([...await findRunExamples()], examples);
});

Deno.test("coming_from_distex.md has every name of distex's page", () => {
  const code = codeIn(PAGE);
  assertEquals(NAMES.filter((name) => !code.includes(name)), []);
});

Deno.test("examples/ holds programs that tests run, and modules of these programs", async () => {
  const run = await findRunExamples();
  const files = Array.from(
    Deno.readDirSync(new URL("examples/", ROOT)),
    ({ name }) => name,
  );
  const texts = await Promise.all(
    files.map((name) => Deno.readTextFile(new URL(`examples/${name}`, ROOT))),
  );
  const isImported = (name: string) =>
    texts.some((text) => text.includes(`./${name}`));
  const loose = files.filter((name) => !run.has(name) && !isImported(name));
  assertEquals(loose, []);
});
