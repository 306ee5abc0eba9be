import { testConformance } from "../../conformance/conformance.ts";

testConformance({
  name: "local, Unix socket",
  options: () => ({ workers: 2, transport: "unix" }),
});
testConformance({
  name: "local, TCP",
  options: () => ({ workers: 2, transport: "tcp" }),
});
