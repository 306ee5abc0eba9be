import { assert, assertEquals, assertFalse, assertMatch } from "@std/assert";
import { settled } from "../helpers/fake_worker.ts";
import { DIED, Scene } from "../helpers/supervisor_fixture.ts";

/** A supervisor whose two workers have connected. */
async function started(): Promise<Scene> {
  const scene = new Scene();
  await scene.supervisor.start();
  return scene;
}

Deno.test("WorkerSupervisor.replace() starts another worker while the present one goes on", async () => {
  await using scene = await started();
  const { supervisor, replacements } = scene;
  const [first] = await scene.processes(2);
  supervisor.replace(first!.process);
  await scene.until(() => replacements.length === 1);
  assertEquals(replacements[0]!.replaces, first!.process);
  assertFalse(first!.hasEnded);
  assertEquals((await scene.processes(3))[2]!.process.name, "fake worker 1");
  supervisor.release(first!.process);
  await scene.until(() => first!.hasEnded);
  assertEquals([supervisor.workers, supervisor.lostWorkers], [2, 0]);
  await settled();
  assertEquals((await scene.processes(3)).length, 3);
});

Deno.test("WorkerSupervisor.replace() doesn't count the end of the present worker as a loss", async () => {
  await using scene = await started();
  const { supervisor, replacements } = scene;
  const [first] = await scene.processes(2);
  supervisor.replace(first!.process);
  await scene.until(() => replacements.length === 1);
  first!.end(DIED);
  await settled();
  assertEquals(supervisor.lostWorkers, 0);
  assertEquals((await scene.processes(3)).length, 3);
});

Deno.test("WorkerSupervisor.replace() counts the present worker as lost if it was refused", async () => {
  await using scene = await Scene.started({ maxRestarts: 1 });
  const { supervisor, replacements } = scene;
  for (let count = 1; count <= 3; count++) {
    const { process } = (await scene.processes(count)).at(-1)!;
    supervisor.replace(process);
    await scene.until(() => replacements.length === count);
    process.refuse("no good");
    supervisor.release(process);
    await settled();
    assertEquals(supervisor.lostWorkers, count);
  }
  assertEquals(scene.givenUp, 1);
  assertMatch(supervisor.error!.message, /the last one ended \(no good\)/);
});

Deno.test("WorkerSupervisor.replace() does nothing the second time", async () => {
  await using scene = await started();
  const { supervisor, replacements } = scene;
  const [first] = await scene.processes(2);
  supervisor.replace(first!.process);
  supervisor.replace(first!.process);
  await scene.until(() => replacements.length === 1);
  await settled();
  assertEquals((await scene.processes(3)).length, 3);
});

Deno.test("WorkerSupervisor.replace() starts the other worker later if there is no room for both", async () => {
  await using scene = await started();
  const { supervisor, replacements } = scene;
  const [first] = await scene.processes(2);
  scene.connects = false;
  supervisor.replace(first!.process);
  const refused = (await scene.processes(3))[2]!;
  refused.end({ exitStatus: "was refused", stderrTail: "" });
  await settled();
  assertEquals((await scene.processes(3)).length, 3);
  assertEquals(supervisor.error, undefined);
  scene.connects = true;
  supervisor.release(first!.process);
  await scene.until(() => replacements.length === 1);
  assert(first!.hasEnded);
  assertEquals(supervisor.error, undefined);
});

Deno.test("WorkerSupervisor.replace() starts the other worker in the same place if others are free", async () => {
  await using scene = await started();
  const { supervisor, replacements } = scene;
  const [first, second] = await scene.processes(2);
  supervisor.resize(1);
  supervisor.release(first!.process);
  await scene.until(() => first!.hasEnded);
  supervisor.replace(second!.process);
  await scene.until(() => replacements.length === 1);
  supervisor.resize(2);
  await scene.until(() => replacements.length === 2);
  assertEquals(
    replacements.map(({ replaces }) => replaces),
    [second!.process, undefined],
  );
});
