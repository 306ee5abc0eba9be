import { assert, assertEquals } from "@std/assert";

/** Statements of a program whose {@linkcode OutputLines} is `lines`. */
function programOf(body: string): string {
  const module = import.meta.resolve("../../src/hosts/output_lines.ts");
  const text = `
import { OutputLines } from ${JSON.stringify(module)};
const lines = new OutputLines();
const bytes = (text) => new TextEncoder().encode(text);
const out = (worker, text) => lines.write(worker, "stdout", bytes(text));
const err = (worker, text) => lines.write(worker, "stderr", bytes(text));
lines.name(1, "mini worker 1");
lines.name(2, "$& worker");
${body}`;
  return `data:text/javascript,${encodeURIComponent(text)}`;
}

interface Printed {
  readonly stdout: string;
  readonly stderr: string;
}

/** The output of such a program. */
async function printed(body: string): Promise<Printed> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-read", "--quiet", "--no-config", programOf(body)],
    stdin: "null",
  }).output();
  const read = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assert(success, read(stderr));
  return { stdout: read(stdout), stderr: read(stderr) };
}

Deno.test("OutputLines.write() prints each line with the worker's name", async () => {
  assertEquals(
    await printed(`
      out(1, "one\\ntwo\\n");
      out(2, "three\\n\\n");
      err(1, "four\\n");
      out(7, "unknown\\n");`),
    {
      stdout: "[mini worker 1] one\n[mini worker 1] two\n" +
        "[$& worker] three\n[$& worker] \n[worker 7] unknown\n",
      stderr: "[mini worker 1] four\n",
    },
  );
});

Deno.test("OutputLines.mute() drops what a worker prints until it has ended", async () => {
  assertEquals(
    await printed(`
      out(1, "before\\n");
      lines.mute(1);
      err(1, "after\\n");
      lines.ended(1);
      err(1, "another\\n");`),
    { stdout: "[mini worker 1] before\n", stderr: "[worker 1] another\n" },
  );
});

Deno.test("OutputLines.write() holds an incomplete line back until its end arrives", async () => {
  assertEquals(
    await printed(`
      out(1, "a");
      out(2, "x");
      err(1, "e");
      out(1, "b");
      out(2, "y\\nz");
      out(1, "c\\nd");
      err(1, "f\\n");
      out(2, "\\n");`),
    {
      stdout: "[$& worker] xy\n[mini worker 1] abc\n[$& worker] z\n",
      stderr: "[mini worker 1] ef\n",
    },
  );
});

Deno.test("OutputLines.ended() prints incomplete lines, and forgets the worker", async () => {
  assertEquals(
    await printed(`
      out(1, "a\\nb");
      err(1, "c");
      out(2, "d");
      lines.ended(1);
      lines.ended(1);
      lines.ended(3);
      out(2, "e\\n");
      out(1, "f\\n");`),
    {
      stdout: "[mini worker 1] a\n[mini worker 1] b\n" +
        "[$& worker] de\n[worker 1] f\n",
      stderr: "[mini worker 1] c\n",
    },
  );
});

Deno.test("OutputLines.report() prints each line with the host's name", async () => {
  assertEquals(
    await printed(`
      out(1, "begun");
      lines.report("mini", "no\\nway");
      lines.report("mini", "");`),
    { stdout: "", stderr: "[mini] no\n[mini] way\n[mini] \n" },
  );
});

Deno.test("OutputLines.write() joins the parts of a character", async () => {
  const { stdout } = await printed(`
    for (const byte of bytes("aé€😀\\n")) {
      lines.write(1, "stdout", Uint8Array.of(byte));
    }`);
  assertEquals(stdout, "[mini worker 1] aé€😀\n");
});

Deno.test("OutputLines.write() adds the name after line feeds only", async () => {
  const { stdout } = await printed(`
    out(1, "a\\r\\nb\\r\\n");
    out(1, "10 %\\r20 %\\r");
    out(1, "\\r\\n");
    out(1, "\\ufeffc\\u2028d\\n");`);
  assertEquals(
    stdout,
    "[mini worker 1] a\r\n[mini worker 1] b\r\n" +
      "[mini worker 1] 10 %\r20 %\r\r\n[mini worker 1] \ufeffc\u2028d\n",
  );
});

Deno.test("OutputLines.write() prints bytes that aren't text unchanged", async () => {
  const { stdout } = await printed(`
    lines.write(1, "stdout", Uint8Array.of(255, 10, 128, 195, 10));`);
  // Each is decoded as one replacement character.
  assertEquals(
    stdout,
    "[mini worker 1] \ufffd\n[mini worker 1] \ufffd\ufffd\n",
  );
});

for (const character of ["a", "é", "€", "😀"]) {
  Deno.test(`OutputLines.write() cuts long lines between characters like ${character}`, async () => {
    // The line is cut at each position within a character.
    const { stdout } = await printed(`
      const line = bytes("x" + ${JSON.stringify(character)}.repeat(70_000));
      for (let at = 0; at < line.length; at += 65_537) {
        lines.write(1, "stdout", line.slice(at, at + 65_537));
      }
      out(1, "\\n");`);
    const pieces = stdout.split("\n").map((line) =>
      line.replace("[mini worker 1] ", "")
    );
    assert(pieces.length > 2, `${pieces.length} lines`);
    assertEquals(pieces.join(""), `x${character.repeat(70_000)}`);
  });
}

Deno.test("OutputLines.write() continues when nobody reads the output", async () => {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--allow-read",
      "--quiet",
      "--no-config",
      programOf(`
        await new Response(Deno.stdin.readable).text();
        out(1, "unread\\n");
        err(1, "went on\\n");`),
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  await child.stdout.cancel();
  await child.stdin.close();
  const stderr = await new Response(child.stderr).text();
  assertEquals(
    [stderr, (await child.status).code],
    ["[mini worker 1] went on\n", 0],
  );
});
