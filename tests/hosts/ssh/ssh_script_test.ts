import { assert, assertEquals, assertNotMatch } from "@std/assert";
import { remoteCommand } from "../../../src/hosts/ssh/ssh_script.ts";

const COMMAND = remoteCommand("/tmp/it's", "", 7, 1);

Deno.test("remoteCommand() makes one line that all login shells can read", () => {
  assertNotMatch(COMMAND, /[\n!]/);
  const [, script, args] = COMMAND.match(/^exec sh -c '([^']*)' sh (.*)$/)!;
  assertNotMatch(script!, /\\/);
  assertEquals(args, `'/tmp/it'\\''s' '' '7' '1'`);
});

Deno.test("remoteCommand() gives the secret to no command but a part of the shell", () => {
  const uses = COMMAND.split(/; |\|\| | \| |&& /)
    .filter((command) => /\bsecret\b/.test(command));
  assert(uses.length > 1);
  for (const command of uses) {
    assert(/^(IFS= read -r|echo) /.test(command.trim()), command);
  }
});
