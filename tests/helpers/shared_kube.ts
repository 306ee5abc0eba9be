import { kubectlProblem } from "./kube_api.ts";

const PROGRAM = new URL("../programs/kube_api.ts", import.meta.url).href;

/** A `KubeApi` in a process of its own, for all tests of a file. */
export interface SharedKube {
  /** The arguments with which `kubectl` uses it. */
  readonly kubectlArgs: readonly string[];
}

/** Starts a server before the tests of a file, and stops it after them. */
export function sharedKube(): SharedKube {
  let child: Deno.ChildProcess | undefined;
  let kubectlArgs: readonly string[] = [];
  Deno.test.beforeAll(async () => {
    if (kubectlProblem !== undefined) return;
    child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-check", "-A", PROGRAM],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const reader = child.stdout.getReader();
    const { value } = await reader.read();
    reader.releaseLock();
    kubectlArgs = JSON.parse(new TextDecoder().decode(value));
  });
  Deno.test.afterAll(async () => {
    await child?.stdin.close();
    await child?.stdout.cancel();
    await child?.status;
  });
  return {
    get kubectlArgs() {
      return kubectlArgs;
    },
  };
}
