import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { Pool, type PoolOptions } from "../../mod.ts";
import { DebuggedProgram } from "../helpers/debugged_program.ts";
import { startSpawnerServer } from "../helpers/spawner_server.ts";
import { sharedSite } from "../helpers/ssh_fixture.ts";
import { sshTest } from "../helpers/ssh_server.ts";

const shared = sharedSite();

/**
 * Stops a task at a breakpoint, changes one of its variables, and returns how the
 * program ended.
 */
async function debugTask(options: PoolOptions) {
  await using program = await DebuggedProgram.start(options);
  const client = await program.connect();
  const pause = await client.pauseAt("return result.y;");
  assertEquals([pause.functionName, pause.isAtText], ["square", true]);
  assertEquals(await pause.evaluate("x + result.y"), 7 + 49);
  const expression = "Deno.args.includes('--worker')";
  const { result } = await client.send("Runtime.evaluate", { expression });
  assertEquals(result.value, true);
  await pause.evaluate("result.y = 64");
  await client.resume();
  await client[Symbol.asyncDispose]();
  const { code, stdout, stderr } = await program.ended();
  // Deno itself reports when a debugger comes and goes.
  const [announcement] = stderr.split("\n");
  return { code, stdout, announcement: announcement! };
}

for (const inspect of [true, "wait"] as const) {
  Deno.test(`Pool with inspect ${inspect} stops at a breakpoint in a local worker`, async () => {
    const end = await debugTask({ workers: 1, inspect });
    assertEquals([end.code, end.stdout], [0, "64\n"]);
    assertMatch(
      end.announcement,
      /^\[distex\] local worker 1: debugger on ws:\/\/127\.0\.0\.1:\d+\/[0-9a-f-]+$/,
    );
  });

  sshTest(
    `Pool with inspect ${inspect} stops at a breakpoint in a worker over ssh`,
    async () => {
      const hosts = shared.site.host(1);
      const end = await debugTask({ workers: 0, hosts, inspect });
      assertEquals([end.code, end.stdout], [0, "64\n"]);
      assertMatch(
        end.announcement,
        /^\[distex\] 127\.0\.0\.1 worker 1: debugger on ws:\/\/127\.0\.0\.1:(\d+)\/\S+ there; forward its port: ssh -NL \1:127\.0\.0\.1:\1 -p \d+ (\S+@)?127\.0\.0\.1$/,
      );
    },
  );

  Deno.test(`Pool with inspect ${inspect} stops at a breakpoint in a worker of a spawner`, async () => {
    await using server = await startSpawnerServer();
    const hosts = server.spec(1);
    const end = await debugTask({ workers: 0, hosts, inspect });
    assertEquals([end.code, end.stdout], [0, "64\n"]);
    assertMatch(
      end.announcement,
      /^\[distex\] 127\.0\.0\.1 worker 1: debugger on ws:\/\/127\.0\.0\.1:(\d+)\/\S+ there; forward its port: ssh -NL \1:127\.0\.0\.1:\1 127\.0\.0\.1$/,
    );
  });
}

for (const stdio of ["null", "inherit"] as const) {
  Deno.test(`Pool with inspect prints where debuggers listen with stdio '${stdio}'`, async () => {
    const end = await debugTask({ workers: 1, inspect: true, stdio });
    assertMatch(
      end.announcement,
      /^\[distex\] local worker 1: debugger on ws:\S+$/,
    );
  });
}

Deno.test("Pool with inspect gives each worker an address of its own, which HTTP doesn't show", async () => {
  const options = { workers: 2, inspect: "wait" } as const;
  await using program = await DebuggedProgram.start(options);
  const lines = await Promise.all(
    [1, 2].map((worker) =>
      program.logged(new RegExp(`worker ${worker}: debugger on `))
    ),
  );
  const addresses = lines.map((line) => new URL(line.match(/ws:\S+/)![0]));
  assertEquals(new Set(addresses.map(({ port }) => port)).size, 2);
  for (const { host } of addresses) {
    const response = await fetch(`http://${host}/json`);
    assertEquals(response.status, 404);
    await response.body?.cancel();
  }
});

Deno.test("Pool with inspect 'wait' starts workers however long they wait for a debugger", async () => {
  const options = { workers: 1, inspect: "wait", startTimeout: 1 } as const;
  const end = await debugTask(options);
  assertEquals([end.code, end.stdout], [0, "64\n"]);
});

Deno.test("Pool without inspect gives workers no debugger", async () => {
  await using pool = new Pool({ workers: 1, lazy: true });
  const [plan] = await pool.dryRun();
  const { args } = plan!.commands[0]!;
  assertEquals(args.filter((arg) => arg.startsWith("--inspect")), []);
});

Deno.test("Pool with inspect publishes addresses as 'denoArgs' have it", async () => {
  const publish = "--inspect-publish-uid=stderr,http";
  await using pool = new Pool({
    workers: 1,
    lazy: true,
    inspect: true,
    denoArgs: [publish],
  });
  const [plan] = await pool.dryRun();
  const { args } = plan!.commands[0]!;
  assertEquals(args.filter((arg) => arg.startsWith("--inspect")), [
    "--inspect=127.0.0.1:0",
    publish,
  ]);
});

Deno.test("Pool refuses inspect if the program is its only worker", () => {
  assertThrows(
    () => new Pool({ workers: "inline", inspect: true }),
    RangeError,
    "deno run --inspect-wait",
  );
});
