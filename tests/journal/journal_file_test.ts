import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { JournalError, Pool } from "../../mod.ts";
import { runProgram } from "../helpers/run_program.ts";
import { LoggedProcess } from "../helpers/logged_process.ts";
import { TempJournal } from "../helpers/temp_journal.ts";
import { exists } from "../helpers/processes.ts";

const PROGRAM = new URL("../programs/journal_lines.ts", import.meta.url);
const FULL_DISK = new URL(
  "../programs/journal_full_disk.ts",
  import.meta.url,
);

/** Maps some items with a journal at a path. */
async function map(path: string | URL): Promise<number[]> {
  await using pool = new Pool(1);
  return await pool.map((x: number) => x * 2, [1, 2, 3], { journal: path })
    .toArray();
}

function refusal(path: string, message: string): Promise<JournalError> {
  return assertRejects(() => map(path), JournalError, message);
}

Deno.test("map() takes the URL of a journal, and an empty file", async () => {
  using file = new TempJournal();
  Deno.writeTextFileSync(file.path, "");
  assertEquals(await map(new URL(`file://${file.path}`)), [2, 4, 6]);
  assertEquals(file.rows.length, 3);
});

Deno.test("map() locks a journal under its own name if its path is a link", async () => {
  using file = new TempJournal();
  await using pool = new Pool(1);
  const task = (x: number) => x * 2;
  await pool.map(task, [1], { journal: file.path }).toArray();
  const link = `${file.folder}/link.db`;
  Deno.symlinkSync(file.path, link);
  const first = pool.map(task, [1, 2, 3], { journal: file.path });
  await first.next();
  await assertRejects(
    () => pool.map(task, [1, 2, 3], { journal: link }).toArray(),
    JournalError,
    "is in use",
  );
  await first.return?.();
});

Deno.test("map() refuses a file that isn't a journal, and leaves it alone", async () => {
  using file = new TempJournal();
  for (const content of ["notes", "SQLite format 4\0 and more"]) {
    Deno.writeTextFileSync(file.path, content);
    await refusal(file.path, "is no SQLite database, not a journal");
    assertEquals(Deno.readTextFileSync(file.path), content);
  }
  assertEquals(file.files, ["run.db"]);
});

Deno.test("map() refuses the database of another program, and leaves it alone", async () => {
  for (
    const sql of [
      "CREATE TABLE items (name TEXT)",
      "PRAGMA application_id = 5",
    ]
  ) {
    using file = new TempJournal();
    file.exec(sql);
    const before = Deno.readFileSync(file.path);
    await refusal(file.path, "is the SQLite database of another program");
    assertEquals(Deno.readFileSync(file.path), before);
  }
});

Deno.test("map() refuses a journal of another format", async () => {
  using file = new TempJournal();
  await map(file.path);
  file.exec("PRAGMA user_version = 9");
  await refusal(file.path, "has format 9, but this version");
});

Deno.test("map() refuses a journal that is damaged", async () => {
  using file = new TempJournal();
  await map(file.path);
  file.exec("UPDATE journal SET value = '{' WHERE name = 'task'");
  await refusal(file.path, "can't be used: ");
  file.exec("DROP TABLE journal");
  await refusal(file.path, "can't be used: no such table");
  using value = new TempJournal();
  await map(value.path);
  value.exec("UPDATE items SET value = x'00'");
  await assertRejects(() => map(value.path), JournalError, "item 0");
});

Deno.test("map() refuses a journal whose items can't be read", async () => {
  using file = new TempJournal();
  await map(file.path);
  using database = new DatabaseSync(file.path);
  const { page, size } = database.prepare(
    "SELECT rootpage AS page, page_size AS size FROM sqlite_schema, pragma_page_size WHERE name = 'items'",
  ).get() as { page: number; size: number };
  database.close();
  const bytes = Deno.readFileSync(file.path);
  Deno.writeFileSync(
    file.path,
    bytes.fill(0xff, (page - 1) * size, page * size),
  );
  await refusal(file.path, "can't be used: database disk image is malformed");
});

Deno.test("map() refuses the path of a folder, and one in a folder that doesn't exist", async () => {
  using file = new TempJournal();
  await refusal(`${file.folder}/none/run.db`, "make its folder first");
  Deno.mkdirSync(file.path);
  await refusal(file.path, "can't be used: ");
});

Deno.test("map() names the permissions that a journal needs", async () => {
  using file = new TempJournal();
  const run = (...permissions: string[]) =>
    runProgram(Deno.execPath(), [
      "run",
      "--no-prompt",
      "--allow-run",
      "--allow-env",
      "--allow-sys",
      "--allow-net",
      "--allow-import",
      ...permissions,
      PROGRAM.pathname,
      file.path,
    ]);
  const folders = `${Deno.cwd()},/tmp`;
  const without = await run(
    `--allow-read=${folders}`,
    "--allow-write=/nowhere",
  );
  assertMatch(
    without.stderr,
    /it needs the permissions --allow-read=.*run\.db,.*run\.db-lock and --allow-write=/,
  );
  const files = `${file.path},${file.path}-lock`;
  const { stdout, stderr } = await run(
    `--allow-read=${folders}`,
    `--allow-write=${files},${Deno.env.get("TMPDIR") ?? "/tmp"}`,
  );
  assertEquals([stdout, stderr], ["0 2 4\n", ""]);
});

Deno.test("map() refuses a journal that another program uses, and names the process", async () => {
  using file = new TempJournal();
  // It is removed with the program.
  const folder = Deno.makeTempDirSync();
  await using program = new LoggedProcess(
    "journal_lines.ts",
    PROGRAM.pathname,
    [file.path, "hold"],
    folder,
  );
  await program.logged(/holds/);
  const { message } = await refusal(file.path, "is in use by the process ");
  assertMatch(message, new RegExp(`the process ${program.pid}:`));
  program.kill("SIGKILL");
  await program.ended();
  // The lock ended with the process, although its file is there.
  assertEquals(exists(`${file.path}-lock`), true);
  const { code, stdout } = await runProgram(Deno.execPath(), [
    "run",
    "-A",
    PROGRAM.pathname,
    file.path,
  ]);
  assertEquals([code, stdout], [0, "0 2 4\n"]);
  assertEquals(exists(`${file.path}-lock`), false);
});

Deno.test({
  name:
    "map() ends with a JournalError when the disk takes no more, and goes on from what was recorded",
  ignore: Deno.build.os === "windows",
  async fn() {
    using file = new TempJournal();
    const run = (blocks: string) =>
      runProgram("sh", [
        "-c",
        `trap "" XFSZ; ulimit -f ${blocks}; exec "$@"`,
        "sh",
        Deno.execPath(),
        "run",
        "-A",
        FULL_DISK.pathname,
        file.path,
      ]);
    const limited = await run("4000");
    assertMatch(
      limited.stderr,
      /JournalError: The journal '.*run\.db' can't be used: .*; once that is solved, the same map goes on/,
    );
    assertEquals(limited.code, 1);
    const lines = limited.stdout.trimEnd().split("\n");
    const recorded = file.rows.length;
    assert(lines.length <= recorded && recorded < 1_000);
    const unlimited = await run("unlimited");
    assertEquals(unlimited.code, 0);
    const all = unlimited.stdout.trimEnd().split("\n");
    assertEquals(all.length, 1_000);
    assertEquals(all.slice(0, lines.length), lines);
  },
});
