import { assertEquals } from "@std/assert";
import {
  clockDetail,
  machineDetail,
  roundTripDetail,
  startDetail,
  throughputDetail,
  workersDetail,
} from "../../src/doctor/step_details.ts";

const MACHINE = {
  deno: "2.9.6",
  platform: "linux x86_64",
  cpus: 16,
  memory: 64 * 2 ** 30,
};

const ENDPOINT = {
  hostname: "maxi",
  address: "192.168.1.20",
  port: 22,
  user: "me",
  via: undefined,
};

Deno.test("startDetail() returns the address of the host", () => {
  const text = (name: string, endpoint = {}) =>
    startDetail(name, { ...ENDPOINT, ...endpoint }, MACHINE);
  assertEquals(text("name"), "maxi is 192.168.1.20");
  assertEquals(text("name", { address: undefined }), "maxi");
  assertEquals(text("name", { hostname: "::1", address: "::1" }), "::1");
  assertEquals(text("connection"), "port 22");
  assertEquals(text("connection", { via: "jump" }), "port 22 via jump");
  assertEquals(text("key"), "lets me in");
  assertEquals(text("key", { user: undefined }), "");
  assertEquals(text("deno"), "2.9.6, linux x86_64");
  assertEquals(text("forwarding"), "");
});

Deno.test("startDetail() returns no detail for an unknown deno", () => {
  assertEquals(startDetail("deno", ENDPOINT, undefined), "");
});

Deno.test("workersDetail() returns the number of workers and their start time", () => {
  assertEquals(workersDetail(8, 411.7), "8 connected in 412 ms");
});

Deno.test("roundTripDetail() rounds to significant digits", () => {
  const text = (median: number, count = 200) =>
    roundTripDetail({ median, count });
  assertEquals(text(0.4213), "0.42 ms (median of 200)");
  assertEquals(text(0.9999), "1.00 ms (median of 200)");
  assertEquals(text(1234.5, 1), "1,235 ms (one)");
});

Deno.test("throughputDetail() rounds to significant digits", () => {
  assertEquals(throughputDetail(52_345), "52,000 tasks/s");
  assertEquals(throughputDetail(0.512), "0.51 tasks/s");
});

Deno.test("clockDetail() returns which clock is ahead", () => {
  assertEquals(clockDetail(-0.4), "less than 1 ms off");
  assertEquals(clockDetail(3.2), "3 ms ahead");
  assertEquals(clockDetail(-999), "999 ms behind");
  assertEquals(clockDetail(-61_040), "61.0 s behind");
});

Deno.test("machineDetail() returns the size of the machine", () => {
  assertEquals(machineDetail(MACHINE), "16 CPUs, 64 GB");
  const small = { ...MACHINE, cpus: 1, memory: 3.75 * 2 ** 30 };
  assertEquals(machineDetail(small), "1 CPU, 3.8 GB");
});
