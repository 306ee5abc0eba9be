import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { Pool } from "../../mod.ts";
import { testSharedConformance } from "../conformance/shared_conformance.ts";
import { XS } from "../conformance/conformance_fixture.ts";
import { useMixedHosts } from "../helpers/mixed_fixture.ts";
import { sshTest } from "../helpers/ssh_server.ts";

const mixed = useMixedHosts();

testSharedConformance({
  name: "local, codec: 'structured'",
  options: () => ({ workers: 2, codec: "structured" }),
});

/** An object that contains itself. */
interface Loop {
  n: number;
  self?: Loop;
}

sshTest(
  "Pool keeps cycles on every kind of host with codec: 'structured'",
  async () => {
    await using pool = new Pool({ ...mixed(), codec: "structured" });
    const loop: Loop = { n: 1 };
    loop.self = loop;
    const next = (loop: Loop) => {
      if (loop.self !== loop) throw new Error("not a cycle");
      loop.n++;
      return [loop, loop.self];
    };
    for (const host of ["local", "by ssh", "at spawner"]) {
      const place = pool.with({ host });
      const [one, other] = await place.run(next, loop);
      assertStrictEquals(one, other);
      assertStrictEquals(one!.self, one);
      assertEquals(one!.n, 2);
      for await (const [one, other] of place.map(next, XS.map(() => loop))) {
        assert(one === other && one!.self === one);
      }
    }
  },
);
