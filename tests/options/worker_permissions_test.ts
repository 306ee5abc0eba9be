import { assertEquals, assertThrows } from "@std/assert";
import {
  grantedBy,
  type WorkerPermissions,
} from "../../src/options/worker_permissions.ts";
import { permissionFlags } from "../../src/spawner/permission_flags.ts";
import type { Address } from "../../src/transport/address.ts";

const UNIX: Address = { transport: "unix", path: "/tmp/a b/pool.sock" };
const TCP: Address = { transport: "tcp", hostname: "127.0.0.1", port: 4_711 };

const UNIX_FLAGS = [
  "--allow-read=/tmp/a b/pool.sock",
  "--allow-write=/tmp/a b/pool.sock",
  "--allow-net=unix:/tmp/a b/pool.sock",
];
const TCP_FLAGS = ["--allow-net=127.0.0.1:4711"];

/** The flag that denies imports from other hosts. */
const NO_IMPORT = "--cached-only";

const ALL = {
  read: true,
  write: true,
  net: true,
  env: true,
  run: true,
  ffi: true,
  sys: true,
  import: true,
};

/** Computes the flags of workers in a program with the given flags. */
async function flagsUnder(
  flags: string[],
  permissions: WorkerPermissions,
): Promise<string[]> {
  const module = import.meta.resolve("../../src/options/worker_permissions.ts");
  const program = `
    import { grantedBy } from ${JSON.stringify(module)};
    console.log(JSON.stringify(grantedBy(${JSON.stringify(permissions)})));`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", "--no-config", ...flags, "-"],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const output = child.output();
  await new Response(program).body!.pipeTo(child.stdin);
  const { stdout } = await output;
  return permissionFlags(JSON.parse(new TextDecoder().decode(stdout)), TCP);
}

/** Computes the flags of workers with these permissions. */
function flagsOf(permissions: WorkerPermissions, address: Address): string[] {
  return permissionFlags(grantedBy(permissions), address);
}

Deno.test("permissionFlags() of 'inherit' allows everything in a program with -A", () => {
  assertEquals(flagsOf("inherit", UNIX), ["--allow-all"]);
  assertEquals(flagsOf("inherit", TCP), ["--allow-all"]);
});

Deno.test("permissionFlags() of 'inherit' grants what the program was granted", async () => {
  assertEquals(await flagsUnder([], "inherit"), TCP_FLAGS);
  assertEquals(
    await flagsUnder(["--allow-net", "--allow-sys"], "inherit"),
    ["--allow-net", "--allow-sys"],
  );
});

Deno.test("permissionFlags() of 'inherit' doesn't grant partial permissions", async () => {
  const flags = ["--allow-read=.", "--allow-env", "--deny-env=SECRET"];
  assertEquals(await flagsUnder(flags, "inherit"), TCP_FLAGS);
  assertEquals(await flagsUnder(["-A", "--deny-run=sh"], "inherit"), [
    "--allow-read",
    "--allow-write",
    "--allow-net",
    "--allow-env",
    "--allow-ffi",
    "--allow-sys",
    "--allow-import",
  ]);
});

Deno.test("permissionFlags() inherits single permissions", async () => {
  assertEquals(
    await flagsUnder(["--allow-sys"], { sys: "inherit", env: "inherit" }),
    [...TCP_FLAGS, "--allow-sys", NO_IMPORT],
  );
});

Deno.test("permissionFlags() of 'inherit' allows the program's imports", async () => {
  const all = [...TCP_FLAGS, "--allow-import"];
  assertEquals(await flagsUnder(["--allow-import"], "inherit"), all);
  assertEquals(await flagsUnder([], { import: "inherit" }), TCP_FLAGS);
  const denied = [...TCP_FLAGS, NO_IMPORT];
  for (const flag of ["--deny-import", "--allow-import=example.org"]) {
    assertEquals(await flagsUnder([flag], "inherit"), denied, flag);
  }
  assertEquals(
    await flagsUnder(["--allow-import", "--deny-import=esm.sh"], "inherit"),
    denied,
  );
});

Deno.test("permissionFlags() of 'none' allows only the connection", () => {
  assertEquals(
    new Set(flagsOf("none", UNIX)),
    new Set([...UNIX_FLAGS, NO_IMPORT]),
  );
  assertEquals(flagsOf("none", TCP), [...TCP_FLAGS, NO_IMPORT]);
});

Deno.test("permissionFlags() of an empty object allows only the connection", () => {
  assertEquals(
    flagsOf({}, UNIX),
    flagsOf("none", UNIX),
  );
});

Deno.test("permissionFlags() of false and empty lists grants nothing", () => {
  const flags = flagsOf({ read: false, net: [], import: [] }, TCP);
  assertEquals(flags, [...TCP_FLAGS, NO_IMPORT]);
  assertEquals(flagsOf({ import: false }, TCP), [...TCP_FLAGS, NO_IMPORT]);
});

Deno.test("permissionFlags() of all permissions allows everything", () => {
  assertEquals(flagsOf(ALL, UNIX), ["--allow-all"]);
});

Deno.test("permissionFlags() omits the only permission that isn't granted", () => {
  for (const name of Object.keys(ALL) as (keyof typeof ALL)[]) {
    const flags = flagsOf({ ...ALL, [name]: false }, TCP);
    const others = Object.keys(ALL).filter((other) => other !== name)
      .map((other) => `--allow-${other}`);
    const instead = name === "net"
      ? TCP_FLAGS
      : name === "import"
      ? [NO_IMPORT]
      : [];
    assertEquals(new Set(flags), new Set([...others, ...instead]));
  }
});

Deno.test("permissionFlags() of lists grants the lists and the connection", () => {
  const permissions = {
    read: ["/data", "."],
    net: ["example.com:443"],
    env: ["HOME", "LANG"],
    sys: ["hostname"] as const,
  } as Deno.PermissionOptionsObject;
  assertEquals(flagsOf(permissions, TCP), [
    "--allow-read=/data,.",
    `${TCP_FLAGS[0]},example.com:443`,
    "--allow-env=HOME,LANG",
    "--allow-sys=hostname",
    NO_IMPORT,
  ]);
  assertEquals(flagsOf(permissions, UNIX), [
    `${UNIX_FLAGS[0]},/data,.`,
    UNIX_FLAGS[1]!,
    `${UNIX_FLAGS[2]},example.com:443`,
    "--allow-env=HOME,LANG",
    "--allow-sys=hostname",
    NO_IMPORT,
  ]);
});

Deno.test("permissionFlags() of a list of imports adds the host of the worker's program", () => {
  const permissions = { import: ["example.org"] };
  assertEquals(flagsOf(permissions, TCP), [
    ...TCP_FLAGS,
    "--allow-import=jsr.io:443,example.org",
  ]);
  assertEquals(flagsOf(permissions, UNIX), [
    ...UNIX_FLAGS,
    "--allow-import=jsr.io:443,example.org",
  ]);
});

Deno.test("permissionFlags() doesn't list the connection if all connections are allowed", () => {
  assertEquals(flagsOf({ net: true }, TCP), ["--allow-net", NO_IMPORT]);
  assertEquals(flagsOf({ net: true, read: true }, UNIX), [
    "--allow-read",
    UNIX_FLAGS[1]!,
    "--allow-net",
    NO_IMPORT,
  ]);
});

Deno.test("permissionFlags() refuses a permission that doesn't exist", () => {
  const wrong = { reed: true } as unknown as Deno.PermissionOptionsObject;
  for (const address of [UNIX, TCP]) {
    assertThrows(
      () => flagsOf(wrong, address),
      TypeError,
      `can't have "reed"`,
    );
  }
});

Deno.test("permissionFlags() of URLs grants their paths", () => {
  const url = new URL("file:///data/a%20b");
  assertEquals(flagsOf({ read: [url], run: [url] }, TCP), [
    "--allow-read=/data/a b",
    ...TCP_FLAGS,
    "--allow-run=/data/a b",
    NO_IMPORT,
  ]);
});

Deno.test(
  "permissionFlags() grants a connection to an IPv6 address",
  () => {
    const address: Address = { ...TCP, hostname: "::1" };
    assertEquals(flagsOf("none", address), [
      "--allow-net=[::1]:4711",
      NO_IMPORT,
    ]);
  },
);
