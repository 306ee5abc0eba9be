import { assertEquals } from "@std/assert";
import { importF, testWith } from "../helpers/module_pools.ts";
import { SITE_KINDS } from "../helpers/module_sites.ts";

/** A package whose binaries are in packages of their own. */
const TEXT = `
import { xxh32 } from "npm:@node-rs/xxhash@1.7.6";

export async function f(text: string): Promise<unknown[]> {
  const { xxh64 } = await import("npm:@node-rs/xxhash@1.7.6");
  return [xxh32(text), String(xxh64(text))];
}
`;

for (const kind of SITE_KINDS) {
  testWith(
    kind,
    "lets remote workers import packages with native code themselves",
    () => ({}),
    async (pool, project) => {
      await project.write("native.ts", TEXT);
      const f = importF(project.url("native.ts"));
      assertEquals(await pool.run(f, "a"), [
        1426945110,
        "15154266338359012955",
      ]);
    },
  );
}
