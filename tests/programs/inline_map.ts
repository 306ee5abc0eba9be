// Maps in the program's own thread.

import { Pool } from "../../mod.ts";

await using pool = new Pool({ workers: "inline" });
console.log((await pool.map((x: number) => x * 2, [1, 2]).toArray()).join());
