import type { Channel } from "../transport/channel.ts";
import { loadV8Serializer } from "../codec/v8_serializer.ts";

/** How values are encoded: all as MessagePack, or objects by V8's serializer. */
export type ValueCodec = "msgpack" | "structured";

/**
 * Makes a channel encode values as both ends have agreed in their handshake.
 * Call it before the first message.
 *
 * @throws {Error} If there is no such codec.
 */
export async function useCodec(
  channel: Channel,
  codec: unknown,
): Promise<void> {
  switch (codec) {
    case "msgpack":
      return;
    case "structured":
      return channel.useSerializer(await loadV8Serializer());
    default:
      throw new Error(`There is no codec ${codec}`);
  }
}
