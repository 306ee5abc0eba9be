import { assertEquals } from "@std/assert";
import { expandTemplate } from "../../../src/hosts/template/expand_template.ts";
import { runProgram } from "../../helpers/run_program.ts";

const VALUES = {
  command: ["deno", "run", "it's $HOME", ""],
  name: "pool-1",
  job: "pool-1-0",
  workers: "2",
  folder: "/my files",
};

Deno.test("expandTemplate() makes arguments of a {command} that stands alone", () => {
  assertEquals(
    expandTemplate(["run", "{command}", "--n={workers}"], VALUES),
    ["run", "deno", "run", "it's $HOME", "", "--n=2"],
  );
});

Deno.test("expandTemplate() quotes a {command} within a text for a shell", async () => {
  const [text] = expandTemplate(["printf '<%s>' {command}"], VALUES);
  const { stdout } = await runProgram("sh", ["-c", text!]);
  assertEquals(stdout, "<deno><run><it's $HOME><>");
});

Deno.test("expandTemplate() replaces the other placeholders anywhere", () => {
  assertEquals(
    expandTemplate(
      ["-v{folder}:/x", "{name}/{job}", "${HOME} {{.job}}"],
      VALUES,
    ),
    ["-v/my files:/x", "pool-1/pool-1-0", "${HOME} {{.job}}"],
  );
});
