import { assert, assertEquals } from "@std/assert";
import { JupyterKernel, jupyterTest } from "../helpers/jupyter_kernel.ts";
import { isAlive, until } from "../helpers/processes.ts";

/** Starts a pool with a worker that never yields and one that is idle. */
async function startBusyPool(kernel: JupyterKernel): Promise<void> {
  const cell = await kernel.send(`
    import { Pool } from "@distex/pool";
    const pool = new Pool(2);
    await pool.ready;
    pool.submit(() => {
      console.log("busy");
      for (;;);
    });`);
  await cell.printed("stdout", "busy\n");
}

/** Ways in which a kernel ends, and whether a new one takes its place. */
const ENDS: Readonly<
  Record<string, (kernel: JupyterKernel) => Promise<void> | void>
> = {
  "restarts": (kernel) => kernel.restart(false),
  "is restarted by force": (kernel) => kernel.restart(true),
  "is shut down": (kernel) => kernel.shutdown(),
  "is killed": ({ pid }) => Deno.kill(pid, "SIGKILL"),
};

for (const [way, end] of Object.entries(ENDS)) {
  jupyterTest(
    `a pool leaves nothing behind when its kernel ${way}`,
    async () => {
      await using kernel = await JupyterKernel.start();
      await startBusyPool(kernel);
      const { processes } = kernel;
      // The kernel, the reaper and the workers.
      assertEquals(processes.length, 4);
      assertEquals(kernel.poolFolders.length, 1);

      await end(kernel);

      await until(() => !processes.some(isAlive));
      await until(() => kernel.poolFolders.length === 0);
    },
  );
}

jupyterTest("a restarted kernel starts a new pool", async () => {
  await using kernel = await JupyterKernel.start();
  await startBusyPool(kernel);
  await kernel.restart(false);
  await startBusyPool(kernel);
  assertEquals(await kernel.value("await pool.run(() => 42)"), "42");
});

jupyterTest(
  "an interrupt aborts a call whose signal follows SIGINT",
  async () => {
    await using kernel = await JupyterKernel.start();
    await kernel.run(`
    import { Pool } from "@distex/pool";
    const pool = new Pool(1);
    function interrupted(): AbortSignal {
      const controller = new AbortController();
      const onInterrupt = () => {
        Deno.removeSignalListener("SIGINT", onInterrupt);
        controller.abort();
      };
      Deno.addSignalListener("SIGINT", onInterrupt);
      return controller.signal;
    }`);
    const cell = await kernel.send(`
    await pool.with({ signal: interrupted() }).run(() => {
      console.log("busy");
      for (;;);
    });`);
    await cell.printed("stdout", "busy\n");

    await kernel.interrupt();

    assert((await cell.message()).includes("aborted"));
    assertEquals(await kernel.value("await pool.run(() => 42)"), "42");
  },
);
