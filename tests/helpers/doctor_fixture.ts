/**
 * Runs the doctor as users do, in a process of its own, and checks that it leaves
 * nothing behind.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import type { Report } from "../../src/doctor/report.ts";
import { until } from "./processes.ts";

const PROGRAM = new URL("../../doctor.ts", import.meta.url).href;

/** The variable that marks the processes that the doctor starts here. */
const MARKER = "DISTEX_TEST_DOCTOR";

/** The outcome of a run of the doctor. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the doctor; fails if it leaves a process or a file behind. */
export async function runDoctor(...args: string[]): Promise<Outcome> {
  return await runDoctorWith({}, ...args);
}

/** Runs the doctor with further environment variables. */
export async function runDoctorWith(
  env: Record<string, string>,
  ...args: string[]
): Promise<Outcome> {
  const folder = await Deno.makeTempDir({ prefix: "dxdoctor-" });
  try {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", PROGRAM, ...args],
      env: { [MARKER]: folder, TMPDIR: folder, ...env },
      stdin: "null",
    }).output();
    await assertNoProcess(`${MARKER}=${folder}`);
    await assertEmpty(folder);
    const decoder = new TextDecoder();
    return {
      code,
      stdout: decoder.decode(stdout),
      stderr: decoder.decode(stderr),
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Runs the doctor with `--json`; fails if it prints anything else. */
export async function runDoctorJson(
  ...args: string[]
): Promise<Report & { code: number }> {
  const { code, stdout, stderr } = await runDoctor("--json", ...args);
  assertEquals(stderr, "");
  return { code, ...JSON.parse(stdout) };
}

/** Waits until no process has the variable in its environment. */
export async function assertNoProcess(variable: string): Promise<void> {
  if (Deno.build.os !== "linux") return;
  await until(
    () => !hasProcess(variable),
    `There is still a process with ${variable}`,
  );
}

/** Waits until a folder is empty. */
export async function assertEmpty(folder: string): Promise<void> {
  await until(
    () => [...Deno.readDirSync(folder)].length === 0,
    `There is still something in ${folder}`,
  );
}

function hasProcess(variable: string): boolean {
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const environment = Deno.readTextFileSync(`/proc/${name}/environ`);
      if (environment.split("\0").includes(variable)) return true;
    } catch {
      // The process has ended, or belongs to another user.
    }
  }
  return false;
}
