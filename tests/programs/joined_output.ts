// Prints the output of two agents that have the same name.

import { JoinedPool } from "../helpers/joined_pool.ts";

await using site = new JoinedPool();
await site.join(1, "--name", "mini");
await site.join(1, "--name", "mini");
await site.pool.runOnAll(() => console.log("hello"));
