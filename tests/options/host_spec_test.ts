import {
  assert,
  assertEquals,
  assertFalse,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { Pool } from "../../mod.ts";
import type { HostOptions } from "../../src/options/host_options.ts";
import { parseHosts } from "../../src/options/host_spec.ts";
import { Random } from "../helpers/random.ts";

/** The longest `tmpdir` in which the path of a socket fits. */
const LONGEST_TMPDIR = `/${"a".repeat(51)}`;

/** Specs and their settings, without the defaults. */
const READ: readonly (readonly [spec: string, read: object])[] = [
  ["mini", { kind: "spawner", hostname: "mini" }],
  ["mini/2", { kind: "spawner", hostname: "mini", workers: 2 }],
  ["mini/0", { kind: "spawner", hostname: "mini" }],
  ["mini/", { kind: "spawner", hostname: "mini" }],
  ["mini:9000", { kind: "spawner", hostname: "mini", port: 9000 }],
  ["mini:65535/7", {
    kind: "spawner",
    hostname: "mini",
    port: 65_535,
    workers: 7,
  }],
  ["192.168.0.7:1", { kind: "spawner", hostname: "192.168.0.7", port: 1 }],
  ["[::1]", { kind: "spawner", hostname: "::1" }],
  ["[::1]:9000/2", {
    kind: "spawner",
    hostname: "::1",
    port: 9000,
    workers: 2,
  }],
  ["ssh://mini", { hostname: "mini" }],
  ["ssh://mini/", { hostname: "mini" }],
  ["ssh://mini/0", { hostname: "mini" }],
  ["ssh://mini/007", { hostname: "mini", workers: 7 }],
  ["ssh://mini/12345678", { hostname: "mini", workers: 12_345_678 }],
  ["ssh://mini:22", { hostname: "mini", port: 22 }],
  ["ssh://ada@mini", { hostname: "mini", username: "ada" }],
  ["ssh://ada@site@mini", { hostname: "mini", username: "ada@site" }],
  ["ssh://ada@mini.example.org:2222/4", {
    hostname: "mini.example.org",
    username: "ada",
    port: 2222,
    workers: 4,
  }],
  ["ssh://[fe80::1%eth0]", { hostname: "fe80::1%eth0" }],
  ["ssh://[::1]/2", { hostname: "::1", workers: 2 }],
  ["ssh://ada@[2001:db8::7]:2222/4", {
    hostname: "2001:db8::7",
    username: "ada",
    port: 2222,
    workers: 4,
  }],
  ["ssh://my_host-1", { hostname: "my_host-1" }],
  ["ssh://grün", { hostname: "grün" }],
];

for (const [spec, read] of READ) {
  Deno.test(`parseHosts() parses "${spec}"`, () => {
    const [host, ...more] = parseHosts(spec);
    const { hostname } = host!;
    assertEquals(more, []);
    assertEquals(host!, {
      kind: "ssh",
      name: hostname,
      hostname,
      username: undefined,
      port: undefined,
      workers: 0,
      ...read,
    });
    assertEquals(parseHosts({ host: spec }), [host!]);
  });
}

/** Specs that can't be parsed, and part of the message. */
const UNREADABLE: readonly (readonly [spec: string, message: string])[] = [
  ["http://mini", `scheme is "http://", but can only be "ssh://", "slurm://"`],
  ["SSH://mini", `scheme is "SSH://"`],
  ["://mini", `scheme is "://"`],
  [
    "ada@mini/2",
    `a spawner server has no users: did you mean ssh://ada@mini/2?`,
  ],
  ["@mini", "username is empty"],
  ["ssh://@mini", "username is empty"],
  ["ssh://-lada@mini", `username is "-lada", which isn't a user name`],
  ["ssh://a da@mini", `username is "a da"`],
  ["ssh://a\0@mini", "username is"],
  ["", "hostname is missing"],
  ["/2", "hostname is missing"],
  [":22", "hostname is missing"],
  ["[]", "hostname is missing"],
  ["ssh://", "hostname is missing"],
  ["ssh:///2", "hostname is missing"],
  ["ssh://ada@", "hostname is missing"],
  ["ssh://ada@:22/2", "hostname is missing"],
  [" mini", `hostname is " mini", which isn't a host name`],
  ["ssh://my host", `hostname is "my host"`],
  ["ssh://mini\n", "hostname is"],
  ["ssh://mi\0ni", "hostname is"],
  ["ssh://-oProxyCommand=x", `hostname is "-oProxyCommand=x"`],
  ["ssh://ada@-x", `hostname is "-x"`],
  ["::1", `hostname is "::1": an IPv6 address must be in brackets`],
  ["ssh://fe80::1:22/2", "must be in brackets, as in [::1]"],
  ["[::1", `hostname is "[::1"`],
  ["[::1]2", `hostname is "[::1]2"`],
  ["[[::1]]", "hostname is"],
  ["mini:", "port is missing after the colon, but must be from 1 to 65535"],
  ["[::1]:", "port is missing after the colon"],
  ["ssh:/maxi", "scheme is incomplete: write ssh://maxi"],
  ["ssh:/me@maxi:22/8", "scheme is incomplete: write ssh://me@maxi:22/8"],
  ["ssh:maxi/8", "scheme is incomplete: write ssh://maxi/8"],
  ["slurm:/main/4", "scheme is incomplete: write slurm://main/4"],
  ["slurm//main/4", "scheme is incomplete: write slurm://main/4"],
  ["sge:all.q/4", "scheme is incomplete: write sge://all.q/4"],
  ["mini:0", `port is "0"`],
  ["mini:65536", `port is "65536"`],
  ["ssh://mini:abc", `port is "abc"`],
  ["ssh://mini:-22", `port is "-22"`],
  ["ssh://mini:2.2", `port is "2.2"`],
  ["mini/-1", `number of workers is "-1", but must be a whole number`],
  ["mini/abc", `number of workers is "abc"`],
  ["mini/1.5", `number of workers is "1.5"`],
  ["mini/1e3", `number of workers is "1e3"`],
  ["mini/2/", `number of workers is "2/"`],
  ["mini/٣", `number of workers is "٣"`],
  ["mini/99999999999999999", "number of workers is 100000000000000000"],
];

for (const [spec, message] of UNREADABLE) {
  Deno.test(`parseHosts() refuses ${JSON.stringify(spec)}`, () => {
    const error = assertThrows(() => parseHosts(spec), RangeError);
    assertStringIncludes(error.message, message);
    assertStringIncludes(error.message, `"${spec}"`);
    assertStringIncludes(error.message, "hostname[:port][/workers]");
  });
}

Deno.test("parseHosts() takes one host or many, in their order", () => {
  const names = (hosts: Parameters<typeof parseHosts>[0]) =>
    parseHosts(hosts).map(({ name, kind }) => [name, kind]);
  assertEquals(names([]), []);
  assertEquals(names("a"), [["a", "spawner"]]);
  assertEquals(names({ host: "ssh://a" }), [["a", "ssh"]]);
  assertEquals(names(["ssh://b/2", { host: "a" }, "ssh://c"]), [
    ["b", "ssh"],
    ["a", "spawner"],
    ["c", "ssh"],
  ]);
});

/** Options for both kinds of hosts. */
const COMMON = {
  permissions: "none",
  denoArgs: ["--v8-flags=--expose-gc"],
  env: { A: "1" },
  cwd: "/srv",
} as const;

Deno.test("parseHosts() takes all options of ssh hosts", () => {
  const options = {
    ...COMMON,
    identity: "key",
    sshArgs: ["-J", "gate"],
    deno: "/opt/deno",
    tmpdir: LONGEST_TMPDIR,
  };
  const spec = { host: "ssh://ada@mini", workers: 3, name: "the mini" };
  assertEquals(parseHosts({ ...spec, ...options }), [{
    ...options,
    kind: "ssh",
    name: "the mini",
    username: "ada",
    hostname: "mini",
    port: undefined,
    workers: 3,
  }]);
});

Deno.test("parseHosts() takes all options of spawner servers", () => {
  const options = {
    ...COMMON,
    token: "secret",
    tls: { caCerts: ["PEM"], serverName: "mini.example.org" },
  };
  assertEquals(parseHosts({ host: "mini:9000", workers: 0, ...options }), [{
    ...options,
    kind: "spawner",
    name: "mini",
    username: undefined,
    hostname: "mini",
    port: 9000,
    workers: 0,
  }]);
});

Deno.test("parseHosts() accepts a range of workers", () => {
  for (
    const [host, range, workers, min] of [
      ["mini", {}, 0, 0],
      ["mini", { min: 3 }, 0, 3],
      ["mini", { max: 8, min: 8 }, 8, 8],
      ["ssh://mini/4", { min: 1 }, 4, 1],
      ["ssh://mini/4", { max: 4 }, 4, 0],
    ] as const
  ) {
    const [settings] = parseHosts({ host, workers: { ...range, idle: 5 } });
    assertEquals(settings!.workers, workers);
    assertEquals(settings!.scaling, { min, idle: 5 });
  }
});

Deno.test("parseHosts() accepts the same number of workers twice", () => {
  assertEquals(parseHosts({ host: "mini/2", workers: 2 })[0]!.workers, 2);
});

/** Options of the wrong type. */
const WRONG_TYPES = [
  [
    { host: "a", workers: "2" },
    `'workers' must be a whole number or an object, but is "2"`,
  ],
  [{ name: 1 }, "'name' must be a string, but is 1"],
  [{ identity: ["key"] }, "'identity' must be a string"],
  [{ deno: true }, "'deno' must be a string"],
  [{ sshArgs: "-4" }, "'sshArgs' must be an array of strings"],
  [{ permissions: 1 }, `'permissions' must be "inherit", "none" or`],
  [{ denoArgs: [1] }, "'denoArgs' must be an array of strings"],
  [{ env: { A: 1 } }, "'env.A' must be a string, but is 1"],
  [{ cwd: 1 }, "'cwd' must be a string"],
  [{ host: "a", token: 7 }, "'token' must be a string, but is of type number"],
  [{ host: "a", tls: "yes" }, `'tls' must be true, false or an object`],
  [{ host: "a", tls: { caCerts: "PEM" } }, "'tls.caCerts' must be an array"],
  [{ host: "a", tls: { serverName: 1 } }, "'tls.serverName' must be"],
  [{ tmpdir: 7 }, "'tmpdir' must be a string"],
] as const;

/** Options of the right type that are out of range. */
const WRONG_VALUES = [
  [{ workers: 3 }, "number of workers is both 3 and 2"],
  [{ workers: 0 }, "number of workers is both 0 and 2"],
  [{ workers: { max: 3 } }, "number of workers is both 3 and 2"],
  [{ workers: { min: 3 } }, "'workers.min' must be at most 'workers.max', 2"],
  [{ host: "a", workers: -1 }, "number of workers is -1, but must be"],
  [{ host: "a", workers: 1.5 }, "number of workers is 1.5"],
  [{ host: "a", workers: NaN }, "number of workers is NaN"],
  [{ permissions: "all" }, `'permissions' must be "inherit", "none" or`],
  [{ permissions: { run: "sh" } }, "'permissions.run' must be true, false,"],
  [{ tmpdir: "tmp" }, `'tmpdir' must be an absolute path`],
  [{ tmpdir: "" }, "'tmpdir'"],
  [{ tmpdir: `${LONGEST_TMPDIR}a` }, "at most 52 bytes"],
  [{ tmpdir: `/${"ä".repeat(26)}` }, "at most 52 bytes"],
  [{ tmpdir: "/a,b" }, `but is "/a,b"`],
  [{ tmpdir: "/a:b" }, "'tmpdir'"],
  [{ tmpdir: "/a%h" }, "'tmpdir'"],
  [{ tmpdir: "/a\n" }, "'tmpdir'"],
] as const;

for (
  const [options, message, ErrorClass] of [
    ...WRONG_TYPES.map((wrong) => [...wrong, TypeError] as const),
    ...WRONG_VALUES.map((wrong) => [...wrong, RangeError] as const),
  ]
) {
  Deno.test(`parseHosts() throws a ${ErrorClass.name} with ${Deno.inspect(options)}`, () => {
    const spec = { host: "ssh://mini/2", ...options } as HostOptions;
    const error = assertThrows(() => parseHosts(spec), ErrorClass, message);
    assertStringIncludes(error.message, `"${spec.host}"`);
  });
}

Deno.test("parseHosts() refuses an unknown option and names the known ones", () => {
  const misspelt = { host: "ssh://mini", identitty: "key" } as HostOptions;
  const error = assertThrows(() => parseHosts(misspelt), TypeError);
  for (
    const part of [
      `In the host "ssh://mini" there is no option 'identitty'`,
      ...["host", "workers", "name", "identity", "sshArgs", "deno", "tmpdir"],
      ...Object.keys(COMMON),
    ]
  ) assertStringIncludes(error.message, part);
  assert(!/\b(token|tls|kind)\b/.test(error.message), error.message);
});

Deno.test("parseHosts() refuses TLS options and permissions that don't exist", () => {
  const wrong: readonly [options: object, message: string][] = [
    [
      { tls: { caCert: "PEM" } },
      `In the host "mini" 'tls' has no option 'caCert'; it has caCerts, serverName`,
    ],
    [{ permissions: { reed: true } }, `can't have "reed"`],
  ];
  for (const [options, message] of wrong) {
    const spec = { host: "mini", ...options } as HostOptions;
    assertThrows(() => parseHosts(spec), TypeError, message);
  }
});

Deno.test("parseHosts() refuses a password without repeating it", () => {
  for (
    const spec of [
      "ssh://me:SECRET@mini",
      "ssh://me:SEC:RET@mini:22/2",
      "ssh://me:SEC/RET@mini",
      "ssh://me:SEC@RET@mini",
      "me:SECRET@my host",
      "http://me:SECRET@mini",
    ]
  ) {
    const { message } = assertThrows(() => parseHosts(spec), RangeError);
    assertStringIncludes(message, "me:…@m");
    assertStringIncludes(message, "a password, which isn't supported");
    assertStringIncludes(message, "'identity'");
    assertFalse(/SEC|RET/.test(message), message);
  }
});

Deno.test("parseHosts() refuses options of the other kind of host", () => {
  for (
    const [name, value] of [
      ["identity", "key"],
      ["sshArgs", []],
      ["deno", "/opt/deno"],
      ["tmpdir", "/tmp"],
    ] as const
  ) {
    const spec = { host: "mini", [name]: value };
    const message = `the option '${name}' is for ssh://`;
    assertThrows(() => parseHosts(spec), TypeError, message);
  }
  for (const [name, value] of [["token", "x"], ["tls", true]] as const) {
    const spec = { host: "ssh://mini", [name]: value };
    const message = `the option '${name}' is for spawner servers, not for ssh`;
    assertThrows(() => parseHosts(spec), TypeError, message);
  }
});

Deno.test("parseHosts() refuses a host that is neither a string nor an object with 'host'", () => {
  const wrong = [
    null,
    undefined,
    7,
    true,
    {},
    { host: 7 },
    { hostname: "mini" },
    ["mini"],
    new URL("ssh://mini"),
  ];
  for (const host of wrong) {
    const hosts = [host] as unknown as HostOptions[];
    const message = "A host must be a string like [ssh://]";
    assertThrows(() => parseHosts(hosts), TypeError, message);
  }
});

Deno.test("parseHosts() describes an invalid host without its values", () => {
  for (
    const [host, what] of [
      [null, "but is null"],
      [undefined, "but is of type undefined"],
      [7, "but is of type number"],
      [["mini", "SECRET"], "but is of type Array"],
      [new URL("ssh://me:SECRET@mini"), "but is of type URL"],
      [{}, "but is an empty object"],
      [
        { hostname: "mini", token: "SECRET" },
        "but is an object with 'hostname', 'token'",
      ],
      [
        { host: ["SECRET"], token: "SECRET" },
        "but is an object with 'host', 'token'",
      ],
    ] as const
  ) {
    const hosts = [host] as unknown as HostOptions[];
    const { message } = assertThrows(() => parseHosts(hosts), TypeError);
    assertStringIncludes(message, what);
    assertFalse(message.includes("SECRET"), message);
  }
});

Deno.test("parseHosts() trims a token, which may come from a file", () => {
  const host = { host: "mini", token: " se cret\r\n" };
  assertEquals(parseHosts(host)[0]!.token, "se cret");
});

Deno.test("parseHosts() parses any string or throws a RangeError", () => {
  const random = new Random(8_899);
  const pieces = [
    ...["ssh://", "http://", "ada", "mini", "::1", "22", "0", "ssh"],
    ..."[]:/@-. %\0\n\\",
  ] as unknown as [string, ...string[]];
  let read = 0;
  for (let round = 0; round < 20_000; round++) {
    const spec = round % 2 === 0
      ? random.list(8, () => random.pick(pieces)).join("")
      : random.text(20);
    try {
      const [host] = parseHosts(spec);
      const { hostname, workers, port = 1 } = host!;
      assert(/^[^\s-]\S*$/.test(hostname), JSON.stringify(spec));
      assert(Number.isSafeInteger(workers) && workers >= 0);
      assert(Number.isInteger(port) && port > 0 && port < 65_536);
      read++;
    } catch (error) {
      assert(error instanceof RangeError, `${JSON.stringify(spec)}: ${error}`);
    }
  }
  assert(read > 100, `only ${read} could be read`);
});

Deno.test("new Pool() refuses bad hosts synchronously", () => {
  assertThrows(() => new Pool(1, "ssh://my host"), RangeError, "hostname");
  assertThrows(() => new Pool(1, ["a", "b:0"]), RangeError, `"b:0"`);
  assertThrows(() => new Pool({ hosts: "ftp://a" }), RangeError, "scheme");
  const hosts = { host: "a", tmpdir: "/tmp" };
  assertThrows(() => new Pool({ hosts }), TypeError, "'tmpdir'");
});
