import { testConformance } from "../../conformance/conformance.ts";
import { testSharedConformance } from "../../conformance/shared_conformance.ts";

testConformance({
  name: "local, Unix socket",
  options: () => ({ workers: 2, transport: "unix" }),
});
testSharedConformance({
  name: "local, TCP",
  options: () => ({ workers: 2, transport: "tcp" }),
});
