/**
 * Leaves streams unread and half read, and ends without shutting its pool down.
 */

import { Pool } from "../../mod.ts";

const numbers = function* () {
  for (let x = 0;; x++) yield x;
};
const pool = new Pool(1);
pool.stream(numbers);
const reader = pool.stream(numbers).getReader();
console.log("first", (await reader.read()).value);
