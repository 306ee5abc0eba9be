import { fuzz } from "./fuzz.ts";
import { tryDecoder, tryReader } from "./frames_target.ts";

Deno.test("FrameReader reads or refuses whatever arrives", async () => {
  await fuzz("FrameReader", 8_000, tryReader);
});

Deno.test("Decoder decodes or refuses whatever a frame has", async () => {
  await fuzz("Decoder", 20_000, tryDecoder);
});
