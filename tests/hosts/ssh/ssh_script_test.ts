import { assert, assertEquals, assertNotMatch } from "@std/assert";
import { remoteCommand } from "../../../src/hosts/ssh/ssh_script.ts";

const COMMAND = remoteCommand("/tmp/it's", "", 7, 1);

Deno.test("remoteCommand() makes one line that all login shells accept", () => {
  assertNotMatch(COMMAND, /[\n!]/);
  const [, script, args] = COMMAND.match(/^exec sh -c '([^']*)' sh (.*)$/)!;
  assertNotMatch(script!, /\\/);
  assertEquals(args, `'/tmp/it'\\''s' '' '7' '1'`);
});

Deno.test("remoteCommand() gives the secret only to a builtin of the shell", () => {
  const uses = COMMAND.split(/; |\|\| | \| |&& /)
    .filter((command) => /\bsecret\b/.test(command));
  assert(uses.length > 1);
  for (const command of uses) {
    assert(/^(IFS= read -r|echo) /.test(command.trim()), command);
  }
});
