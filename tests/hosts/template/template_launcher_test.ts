import { assert, assertEquals, assertRejects } from "@std/assert";
import { HostError } from "../../../src/errors/host_error.ts";
import { TemplateLauncher } from "../../../src/hosts/template/template_launcher.ts";
import {
  type TemplateOptions,
  templateSettings,
} from "../../../src/options/template_options.ts";
import { launchRequest, untilState } from "../../helpers/launchers.ts";
import { exists, gone, isAlive, until } from "../../helpers/processes.ts";
import { runProgram } from "../../helpers/run_program.ts";

const { signal } = new AbortController();

function launcherOf(
  options: Pick<TemplateOptions, "launch"> & Partial<TemplateOptions>,
  folder = "/none",
): TemplateLauncher {
  const settings = templateSettings({ workers: 1, name: "flux", ...options });
  return new TemplateLauncher(settings, folder);
}

Deno.test("TemplateLauncher.plan() shows commands and files without secrets", () => {
  const launcher = launcherOf({
    launch: ["flux", "-n{workers}", "--name={name}", "sh -c {command}"],
  }, "/shared");
  const files = [
    { name: "token", text: "hush", isSecret: true },
    { name: "note", text: "hello", isSecret: false },
    { name: "program.js", text: "x".repeat(10_000), isSecret: false },
  ];
  const plan = launcher.plan(launchRequest({ files, env: { A: "b" } }));
  assertEquals(plan, {
    files: [
      { path: "/shared/token", mode: 0o600, text: "(secret)" },
      { path: "/shared/note", mode: 0o644, text: "hello" },
      { path: "/shared/program.js", mode: 0o644, text: "(10000 characters)" },
    ],
    commands: [0, 1].map((index) => ({
      args: [
        "flux",
        "-n3",
        "--name=pool-1",
        `sh -c true --job pool-1-${index}`,
      ],
      env: { A: "b" },
    })),
  });
});

Deno.test("TemplateLauncher runs a process for each agent, and reports its end", async () => {
  const launcher = launcherOf({ launch: ["sh", "-c", "exec {command}"] });
  const script = 'echo "$GREETING $2" >&2; exit 3';
  const ids = await launcher.submit(
    launchRequest({
      command: ["sh", "-c", script, "sh"],
      env: { GREETING: "hello" },
    }),
    signal,
  );
  assertEquals(ids, ["pool-1-0", "pool-1-1"]);
  for (const id of ids) {
    const { reason } = await untilState(launcher, id, "ended");
    assertEquals(reason, "exit code 3");
    assertEquals(await launcher.output(id), `hello ${id}`);
  }
  await launcher.cancel(ids);
  assertEquals((await launcher.query(ids, signal)).size, 0);
});

Deno.test("TemplateLauncher.cancel() ends the processes with their children", async () => {
  const file = await Deno.makeTempFile();
  const launcher = launcherOf({
    launch: ["sh", "-c", "sleep 1000 & echo $! >>$PIDS; wait; {command}"],
  });
  const ids = await launcher.submit(
    launchRequest({ env: { PIDS: file } }),
    signal,
  );
  const read = () => Deno.readTextFileSync(file).trim().split("\n").map(Number);
  await until(() => read().filter(Boolean).length === 2);
  const states = await launcher.query(ids, signal);
  assertEquals(
    [...states.values()],
    Array(2).fill({ state: "running", reason: "" }),
  );
  await launcher.cancel(ids);
  for (const pid of read()) await gone(pid);
  await Deno.remove(file);
});

Deno.test("TemplateLauncher.cancelCommand() ends the processes too", async () => {
  const launcher = launcherOf({ launch: ["sh", "-c", "sleep 999; {command}"] });
  const ids = await launcher.submit(launchRequest(), signal);
  const [program, ...args] = launcher.cancelCommand(ids);
  assertEquals((await runProgram(program!, args)).stderr, "");
  for (const id of ids) {
    assertEquals((await untilState(launcher, id, "ended")).reason, "SIGTERM");
  }
  await launcher.cancel(ids);
});

/** A "batch system" whose jobs are files in a folder. */
function fileLauncher(folder: string): TemplateLauncher {
  return launcherOf({
    launch: ["sh", "-c", "echo queued >{folder}/{job}; : {command}"],
    query: ["sh", "-c", "cat {folder}/{job} | sed s/queued/pending/"],
    end: ["rm", "{folder}/{job}"],
  }, folder);
}

/** Whether an agent's command has written its file. */
function isWritten(path: string): boolean {
  return exists(path) && Deno.readTextFileSync(path) === "queued\n";
}

Deno.test("TemplateLauncher asks and ends agents by the given commands", async () => {
  const folder = await Deno.makeTempDir();
  const launcher = fileLauncher(folder);
  const ids = await launcher.submit(launchRequest(), signal);
  await until(() => ids.every((id) => isWritten(`${folder}/${id}`)));
  Deno.writeTextFileSync(`${folder}/${ids[0]}`, "pending (nodes are down)");
  Deno.writeTextFileSync(`${folder}/${ids[1]}`, "running");
  const states = await launcher.query(ids, signal);
  assertEquals(ids.map((id) => states.get(id)), [
    { state: "pending", reason: "(nodes are down)" },
    { state: "running", reason: "" },
  ]);
  const [program, ...args] = launcher.cancelCommand(ids.slice(1));
  await runProgram(program!, args);
  assert(!exists(`${folder}/${ids[1]}`));
  // The second is gone already.
  await launcher.cancel(ids);
  assertEquals([...Deno.readDirSync(folder)], []);
  await Deno.remove(folder);
});

Deno.test("TemplateLauncher lets agents run in the background", async () => {
  const file = await Deno.makeTempFile();
  const launcher = launcherOf({
    launch: [
      "sh",
      "-c",
      "sleep 1000 >/dev/null 2>&1 & echo $! >$PID; : {command}",
    ],
    end: ["sh", "-c", `kill $(cat ${file})`],
  });
  const ids = await launcher.submit(
    launchRequest({ agents: 1, env: { PID: file } }),
    signal,
  );
  await until(() => Deno.readTextFileSync(file) !== "");
  const pid = Number(Deno.readTextFileSync(file));
  assertEquals((await launcher.query(ids, signal)).get(ids[0]!), {
    state: "running",
    reason: "",
  });
  assert(isAlive(pid));
  await launcher.cancel(ids);
  await gone(pid);
  await Deno.remove(file);
});

Deno.test("TemplateLauncher names the option whose program is missing", async () => {
  const launcher = launcherOf({ launch: ["no-such-program", "{command}"] });
  const error = await assertRejects(
    () => launcher.submit(launchRequest(), signal),
    HostError,
    "Can't use the host flux: its option 'launch' runs the program 'no-such-program', which can't be run (NotFound",
  );
  assertEquals([error.host, error.step], ["flux", "launcher"]);
  const other = launcherOf({
    launch: ["true", "{command}"],
    query: ["no-such-query"],
  });
  const ids = await other.submit(launchRequest(), signal);
  await assertRejects(
    () => other.query(ids, signal),
    HostError,
    "its option 'query' runs the program 'no-such-query'",
  );
  await other.cancel(ids);
});
