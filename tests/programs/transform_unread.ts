/** Leaves a transform that nobody reads, with a value that waits. */

import { Pool } from "../../mod.ts";

const pool = new Pool(1);
const { writable } = pool.transform((x: number) => x);
writable.getWriter().write(1);
await pool.ready;
console.log("ready");
