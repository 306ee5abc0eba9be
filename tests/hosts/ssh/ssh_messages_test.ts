import { assertEquals, assertStringIncludes } from "@std/assert";
import type { HostStep } from "../../../src/errors/host_error.ts";
import { explainSshFailure } from "../../../src/hosts/ssh/ssh_failure.ts";

/** Messages of ssh, and their meanings. */
const WORDS: readonly [words: string, step: HostStep, meaning: string][] = [
  [
    "ssh: Could not resolve hostname maxi: Name or service not known",
    "name",
    "is not known",
  ],
  ["Host key verification failed.", "host key", "log in once"],
  ["me@maxi: Permission denied (publickey,password).", "key", "ssh-copy-id"],
  ["Permission denied (publickey).", "key", "ssh-copy-id"],
  [
    "Received disconnect from 10.0.0.1 port 22:2: Too many authentication failures",
    "key",
    "ssh-copy-id",
  ],
  [
    "/home/me/.ssh/config: line 3: Bad configuration option: foo",
    "connection",
    "~/.ssh/config",
  ],
  [
    "Bad owner or permissions on /home/me/.ssh/config",
    "connection",
    "~/.ssh/config",
  ],
  [
    "Unable to negotiate with 10.0.0.1 port 22: no matching cipher found. Their offer: aes128-cbc",
    "connection",
    "no algorithm in common (cipher)",
  ],
  [
    "ssh: connect to host maxi port 22: Connection refused",
    "connection",
    "no ssh server listens",
  ],
  [
    "channel 0: open failed: connect failed: Connection refused\nstdio forwarding failed",
    "connection",
    "no ssh server listens",
  ],
  [
    "ssh: connect to host maxi port 22: No route to host",
    "connection",
    "can't be reached",
  ],
  [
    "Connection timed out during banner exchange",
    "connection",
    "can't be reached",
  ],
  [
    "channel 0: open failed: connect failed: No route to host",
    "connection",
    "can't be reached",
  ],
  ["Connection closed by UNKNOWN port 65535", "connection", "can't be reached"],
  [
    "kex_exchange_identification: read: Connection reset by peer",
    "connection",
    "can't be reached",
  ],
  [
    "Timeout, server 10.0.0.1 not responding.",
    "connection",
    "the connection to maxi ended",
  ],
  [
    "Connection to maxi closed by remote host.",
    "connection",
    "the connection to maxi ended",
  ],
];

/** Banners that contain words of ssh's messages. */
const BANNERS = [
  "** Idle connections are timed out after 10 min. **",
  "Attention: connection refused (Connection refused) means you are banned",
  "If you read Host key verification failed, ask the administrator",
  "Without a key you get: Permission denied (publickey)",
  "No port forwarding: remote port forwarding failed is what you get",
];

/** The failure if stderr shows no known one. */
const FALLBACK = { step: "spawner", reason: "something else" } as const;

Deno.test("explainSshFailure() recognizes the messages of ssh after any banner", () => {
  for (const [words, step, meaning] of WORDS) {
    for (const before of ["", "Welcome to maxi\n\n"]) {
      const error = explainSshFailure("maxi", before + words, FALLBACK);
      assertEquals([words, error.step], [words, step]);
      assertStringIncludes(error.message, meaning);
      assertStringIncludes(error.message, words.split("\n")[0]!);
    }
  }
});

Deno.test("explainSshFailure() isn't misled by a server's banner", () => {
  for (const banner of BANNERS) {
    const { step, message } = explainSshFailure("maxi", banner, FALLBACK);
    assertEquals([banner, step], [banner, "spawner"]);
    assertStringIncludes(message, "something else. ssh said:\n");
  }
});
