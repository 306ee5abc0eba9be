import { assertEquals } from "@std/assert";
import { ContainerLauncher } from "../../../src/hosts/containers/container_launcher.ts";
import {
  type ContainerOptions,
  containerSettings,
} from "../../../src/options/container_options.ts";
import { launchRequest } from "../../helpers/launchers.ts";

function plan(options: ContainerOptions): readonly string[] {
  const launcher = new ContainerLauncher(
    containerSettings(options),
    "/home/me/files",
  );
  const request = launchRequest({
    command: ["deno", "run", "/home/me/files/agent.js"],
    env: { A: "b" },
  });
  const { commands } = launcher.plan(request);
  assertEquals(commands.length, 2);
  assertEquals(commands[0]!.env, { A: "b" });
  return commands[0]!.args;
}

Deno.test("ContainerLauncher.plan() shows the command of each container", () => {
  assertEquals(plan({ host: "docker://denoland/deno:2.9.6/6" }), [
    "docker",
    "run",
    "--rm",
    "--name=pool-1-0",
    "--cidfile=/home/me/files/pool-1-0.id",
    "--volume=/home/me/files:/home/me/files:ro",
    "--entrypoint=",
    "--env=A",
    "denoland/deno:2.9.6",
    "deno",
    "run",
    "/home/me/files/agent.js",
    "--job",
    "pool-1-0",
  ]);
});

Deno.test("ContainerLauncher.plan() gives a container its workers' shares", () => {
  const options: Partial<ContainerOptions> = {
    cpus: 0.5,
    memory: "512m",
    gpus: "device=1",
    network: "host",
    runArgs: ["--init", "--user=1000"],
  };
  const flags = [
    "--cpus=1.5",
    "--memory=1536m",
    "--network=host",
    "--env=A",
    "--init",
    "--user=1000",
  ];
  for (
    const [host, gpus] of [
      ["docker://deno/6", "--gpus=device=1"],
      ["podman://deno/6", "--device=nvidia.com/gpu=1"],
    ]
  ) {
    const args = plan({ host: host!, ...options });
    const [first, second, ...others] = flags;
    assertEquals(args.slice(7, args.indexOf("deno")), [
      first,
      second,
      gpus,
      ...others,
    ]);
  }
});
