import {
  assert,
  assertEquals,
  assertFalse,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { fileURLToPath } from "node:url";
import { denoBundle } from "../../src/bundle/deno_bundle.ts";
import { Project, runDeno, valueOf } from "../helpers/bundle_fixture.ts";

const BUNDLE_MODULE = fileURLToPath(
  import.meta.resolve("../programs/bundle_module.ts"),
);

const REPOSITORY_CONFIG = fileURLToPath(
  import.meta.resolve("../../deno.json"),
);

/** Returns the message of a denoBundle() that fails. */
async function failureOf(
  project: Project,
  entry = project.url("tasks.ts"),
): Promise<string> {
  const { message } = await assertRejects(
    () => denoBundle(entry, undefined),
    Error,
    `Can't bundle ${entry} for a remote worker: `,
  );
  for (const noise of ["\x1b", "backtrace", "bundling failed", "\nerror:"]) {
    assertFalse(message.includes(noise), message);
  }
  return message;
}

/** Tests the message of the failure to bundle a `tasks.ts`. */
function testFailure(
  name: string,
  text: string,
  ...parts: ((project: Project) => string)[]
): void {
  Deno.test(`denoBundle() reports ${name}`, async () => {
    await using project = await Project.with({ "tasks.ts": text });
    const message = await failureOf(project);
    for (const part of parts) assertStringIncludes(message, part(project));
  });
}

testFailure(
  "an import that does not exist",
  'export const x = 1;\nexport * from "./none.ts";',
  (project) => `Module not found "${project.url("none.ts")}"`,
  (project) => `at ${project.url("tasks.ts")}:2:15`,
);

testFailure(
  "a syntax error",
  "export const x = 1;\nexport function f( { return 1 }",
  () => "SyntaxError: Expected ','",
  (project) => `at ${project.url("tasks.ts")}:2:29`,
);

testFailure(
  "a name that the import map lacks",
  'export * from "bare";',
  () => 'Import "bare" not a dependency',
  (project) => `at ${project.url("tasks.ts")}:1:1`,
  () => "its option 'config'",
  () => "--import-map",
);

testFailure(
  "a host that imports are not allowed from",
  'export * from "http://127.0.0.1:9/x.ts";',
  () => 'Requires import access to "127.0.0.1:9"',
  () => "Run the program with --allow-import for that host",
);

Deno.test("denoBundle() reports a module that does not exist", async () => {
  await using project = await Project.with({});
  const message = await failureOf(project);
  assertStringIncludes(message, `Module not found "${project.url("tasks.ts")}`);
});

Deno.test("denoBundle() reports a configuration that does not exist", async () => {
  await using project = await Project.with({ "tasks.ts": "" });
  await assertRejects(
    () => denoBundle(project.url("tasks.ts"), `${project.path}/none.json`),
    Error,
    "none.json",
  );
});

/** Returns the message of a denoBundle() that fails in a program of its own. */
async function messageIn(
  project: Project,
  flags: readonly string[],
  variables: readonly string[] = [],
): Promise<string> {
  const { stdout, stderr } = await runDeno([
    "run",
    "--no-prompt",
    ...flags,
    "--config",
    REPOSITORY_CONFIG,
    BUNDLE_MODULE,
    project.url("tasks.ts"),
    ...variables,
  ]);
  assertFalse(stdout === "", stderr);
  return stdout.trimEnd();
}

Deno.test("denoBundle() reports that it needs the npm registry the first time", async () => {
  await using project = await Project.with({ "tasks.ts": "" });
  const registry = "http://127.0.0.1:9/";
  const message = await messageIn(project, ["-A"], [
    `DENO_DIR=${project.path}/deno`,
    `NPM_CONFIG_REGISTRY=${registry}`,
  ]);
  assertStringIncludes(message, registry);
  assertStringIncludes(message, "downloads once from the npm registry");
});

Deno.test("denoBundle() reports that a program needs --allow-run", async () => {
  await using project = await Project.with({ "tasks.ts": "" });
  assertEquals(
    await messageIn(project, ["--allow-read"]),
    `Can't bundle ${
      project.url("tasks.ts")
    } for a remote worker: Run the program with --allow-run`,
  );
});

Deno.test("denoBundle() accepts a path", async () => {
  await using project = await Project.with({
    "-a b.ts": "export const f = (x: number) => x + 1;",
  });
  const code = await denoBundle(`${project.path}/-a b.ts`, undefined);
  assertEquals(await valueOf(code, "f", 1), 2);
  assertFalse(code.includes("sourceMappingURL"));
});

Deno.test("denoBundle() returns large code", async () => {
  const text = "0123456789".repeat(500_000);
  await using project = await Project.with({
    "tasks.ts": `export const f = () => ${JSON.stringify(text)}.length;`,
  });
  const code = await denoBundle(project.url("tasks.ts"), undefined, {
    sourceMap: true,
  });
  assert(code.length > text.length);
  assertEquals(await valueOf(code, "f"), text.length);
});
