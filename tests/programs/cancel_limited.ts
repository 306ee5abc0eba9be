/** Prints what tasks may do that inherit this program's limited permissions. */

import { Pool } from "../../mod.ts";

const deeds = {
  read: () => Deno.readTextFile("/etc/hostname"),
  env: () => Deno.env.get("HOME"),
  run: () => new Deno.Command("true").output(),
  hostname: () => Deno.hostname(),
  ffi: () => void Deno.dlopen("libc.so.6", {}),
};

await using pool = new Pool(1);
const outcomes: Record<string, string> = {};
for (const [name, deed] of Object.entries(deeds)) {
  outcomes[name] = await pool.run(deed as () => unknown)
    .then(() => "done", ({ name }) => name);
}
console.log(JSON.stringify(outcomes));
