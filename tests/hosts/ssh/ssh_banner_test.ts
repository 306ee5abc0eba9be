import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { BrokenPoolError, HostError, Pool } from "../../../mod.ts";
import { sshTest } from "../../helpers/ssh_server.ts";
import { until } from "../../helpers/processes.ts";
import { sharedSite, SshSite } from "../../helpers/ssh_fixture.ts";

const shared = sharedSite();

/** A message that ssh prints when it can't connect. */
const REFUSED = "ssh: connect to host elsewhere port 22: Connection refused";

/** Starts a machine whose banner is a text. */
async function greetingSite(
  text: string,
  ...config: string[]
): Promise<SshSite> {
  const path = `${shared.tmpdir}/banner`;
  await Deno.writeTextFile(path, text);
  return await SshSite.start({ config: [`Banner ${path}`, ...config] });
}

/** Makes a session write something to stderr and fail. */
async function failureOf(command: string): Promise<HostError> {
  await using site = await SshSite.start({
    config: [`ForceCommand ${command} >&2; exit 1`],
  });
  await using pool = new Pool({ workers: 0, hosts: site.host() });
  const { cause } = await assertRejects(() => pool.ready, BrokenPoolError);
  assertInstanceOf(cause, HostError);
  return cause;
}

sshTest(
  "Pool doesn't mistake an ssh host's banner for the reason of a failure",
  async () => {
    const text =
      "Idle connections are timed out. Connection refused? Ask us.\n";
    await using site = await greetingSite(text, "ForceCommand false");
    await using pool = new Pool({ workers: 0, hosts: site.host() });
    const { cause } = await assertRejects(() => pool.ready, BrokenPoolError);
    assertInstanceOf(cause, HostError);
    assertEquals(cause.step, "spawner");
    assertStringIncludes(
      cause.message,
      "must be allowed to run commands over ssh",
    );
    assertStringIncludes(cause.message, text.trim());
  },
);

sshTest(
  "Pool doesn't explain the loss of an ssh host by its earlier output",
  async () => {
    await using site = await greetingSite(`${REFUSED}\n`);
    await using pool = new Pool({ workers: 0, hosts: site.host() });
    assertEquals(await pool.run(() => 1), 1);
    assert(await site.server.killSessions() > 0);
    const error = () => pool.stats().hosts[0]!.error;
    await until(() => error() !== undefined);
    assertFalse(error()!.message.includes(REFUSED), error()!.message);
    assertEquals((error() as HostError).step, "connection");
  },
);

sshTest(
  "Pool reads the stderr of ssh to its end when a line is long",
  async () => {
    const size = 32 * 2 ** 20;
    const { message } = await failureOf(
      `{ echo first; printf begin; head -c ${size} /dev/zero; echo; echo last; }`,
    );
    assertStringIncludes(message, "    begin");
    assertStringIncludes(message, "    last");
  },
);
