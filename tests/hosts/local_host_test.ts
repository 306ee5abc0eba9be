import { testConformance } from "../conformance.ts";

testConformance("local, Unix socket", { transport: "unix" });
testConformance("local, TCP", { transport: "tcp" });
