import { assertEquals, assertThrows } from "@std/assert";
import {
  type Address,
  formatAddress,
  formatPlace,
  parseAddress,
} from "../../src/transport/address.ts";

const ADDRESSES: readonly [string, Address][] = [
  ["unix:/tmp/a/socket", { transport: "unix", path: "/tmp/a/socket" }],
  ["unix:/a b:5/é\n", { transport: "unix", path: "/a b:5/é\n" }],
  ["unix:tcp:a:1", { transport: "unix", path: "tcp:a:1" }],
  ["tcp:127.0.0.1:8080", {
    transport: "tcp",
    hostname: "127.0.0.1",
    port: 8080,
  }],
  ["tcp:::1:443", { transport: "tcp", hostname: "::1", port: 443 }],
];

Deno.test("formatAddress() formats an address as one word", () => {
  for (const [text, address] of ADDRESSES) {
    assertEquals(formatAddress(address), text);
  }
});

Deno.test("formatPlace() puts IPv6 addresses in brackets", () => {
  assertEquals(formatPlace("mini", 80), "mini:80");
  assertEquals(formatPlace("127.0.0.1", 80), "127.0.0.1:80");
  assertEquals(formatPlace("::1", 80), "[::1]:80");
});

Deno.test("parseAddress() parses the results of formatAddress()", () => {
  for (const [text, address] of ADDRESSES) {
    assertEquals(parseAddress(text), address);
  }
});

Deno.test("parseAddress() throws when the text isn't an address", () => {
  const texts = ["", "unix:", "tcp:", "tcp::5", "tcp:host", "tcp:host:", "a:b"];
  for (const text of [...texts, "tcp:host:port", "http://host:5"]) {
    assertThrows(() => parseAddress(text), TypeError, `"${text}" is not`);
  }
});
