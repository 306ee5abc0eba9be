import { assertEquals } from "@std/assert";
import { Pool } from "../../../mod.ts";
import { ContainerLauncher } from "../../../src/hosts/containers/container_launcher.ts";
import {
  type ContainerOptions,
  containerSettings,
} from "../../../src/options/container_options.ts";
import {
  launchRequest,
  untilOutput,
  untilState,
} from "../../helpers/launchers.ts";
import { IMAGE, podmanTest } from "../../helpers/podman.ts";
import { until } from "../../helpers/processes.ts";
import { runProgram } from "../../helpers/run_program.ts";

const { signal } = new AbortController();

function launcherOf(
  folder: string,
  options: Partial<ContainerOptions> = {},
): ContainerLauncher {
  const host = `podman://${IMAGE}/2`;
  return new ContainerLauncher(
    containerSettings({ host, ...options }),
    folder,
  );
}

podmanTest(
  "ContainerLauncher runs an agent in each container of Podman",
  async (podman, folder) => {
    const launcher = launcherOf(folder, { runArgs: ["--workdir=/usr"] });
    const note = `${folder}/note`;
    await Deno.writeTextFile(note, "read me");
    const script = `
    console.log(Deno.readTextFileSync(Deno.args[0]), Deno.env.get("GREETING"));
    console.log(Deno.args[2], Deno.cwd());
    await new Promise((resolve) => Deno.addSignalListener("SIGTERM", resolve));
    Deno.exit(7);`;
    const ids = await launcher.submit(
      launchRequest({
        command: [Deno.execPath(), "eval", script, note],
        env: { GREETING: "hello" },
      }),
      signal,
    );
    for (const id of ids) await untilState(launcher, id, "running");
    const names = await podman.run("ps", "--format={{.Names}}");
    assertEquals(names.split("\n").sort(), ids);
    // It may be told to end only once it listens for that.
    const output = await untilOutput(launcher, ids[0]!, "/usr");
    assertEquals(output, `read me hello\n${ids[0]} /usr`);
    await podman.run("kill", "--signal=TERM", ids[0]!);
    const { reason } = await untilState(launcher, ids[0]!, "ended");
    assertEquals(reason, "exit code 7");
    await launcher.cancel(ids);
    assertEquals(await podman.run("ps", "--all", "--quiet"), "");
  },
);

podmanTest(
  "ContainerLauncher.cancelCommand() removes containers of Podman",
  async (podman, folder) => {
    const launcher = launcherOf(folder);
    const ids = await launcher.submit(
      launchRequest({ command: ["sh", "-c", "exec sleep 1000"] }),
      signal,
    );
    for (const id of ids) await untilState(launcher, id, "running");
    const [program, ...args] = launcher.cancelCommand(ids);
    const { code, stderr } = await runProgram(program!, args);
    assertEquals(code, 0, stderr);
    assertEquals(await podman.run("ps", "--all", "--quiet"), "");
    await launcher.cancel(ids);
  },
);

podmanTest(
  "Pool runs workers in containers of Podman, and replaces those that are lost",
  async (podman, folder) => {
    await using pool = new Pool({
      workers: 0,
      hosts: { host: `podman://${IMAGE}/2`, deno: Deno.execPath(), folder },
      listen: { hostname: "127.0.0.1" },
    });
    await until(() => pool.stats().workers === 2);
    const names = await podman.run("ps", "--format={{.Names}}");
    const [first, ...others] = names.split("\n");
    assertEquals(others.length, 1);
    await podman.run("kill", "--signal=KILL", first!);
    await until(() => pool.stats().hosts[0]!.lost === 1);
    await until(() => pool.stats().workers === 2);
    const all = await pool.map((x: number) => x * 2, [1, 2, 3]).toArray();
    assertEquals(all, [2, 4, 6]);
    await pool.shutdown();
    assertEquals(await podman.run("ps", "--all", "--quiet"), "");
  },
);

podmanTest("ContainerLauncher reports what Podman says", async (_, folder) => {
  const launcher = launcherOf(folder, { runArgs: ["--no-such-flag"] });
  const [id] = await launcher.submit(launchRequest({ agents: 1 }), signal);
  const { reason } = await untilState(launcher, id!, "ended");
  assertEquals(reason, "exit code 125");
  assertEquals(
    (await launcher.output(id!)).split("\n")[0],
    "Error: unknown flag: --no-such-flag",
  );
  await launcher.cancel([id!]);
});
