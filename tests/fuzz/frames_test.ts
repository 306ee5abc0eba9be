import { fuzzBoth, SCALE } from "./fuzz.ts";
import { tryDecoder, tryReader } from "./frames_target.ts";

Deno.test("FrameReader reads or refuses random input", async () => {
  await fuzzBoth("FrameReader", 2_000 * SCALE, tryReader);
});

Deno.test("Decoder decodes or refuses random input", async () => {
  await fuzzBoth("Decoder", 8_000 * SCALE, tryDecoder);
});
