import { FakeTime } from "../helpers/fake_time.ts";
import { KeepAlive } from "../../src/util/keep_alive.ts";

Deno.test("KeepAlive works when the program fakes timers", () => {
  using _ = new FakeTime();
  const keepAlive = new KeepAlive();
  keepAlive.hold();
  keepAlive.release();
  keepAlive.hold();
  keepAlive.release();
  keepAlive.close();
});
