import type { ContainerWriter } from "./container_writer.ts";
import { GraphCopy } from "./graph_copy.ts";
import type { V8Serializer } from "./v8_serializer.ts";

/**
 * Appends the content of {@linkcode Extension.GRAPH}.
 *
 * @throws {UnsendablePart} If a part of the value can't be sent or read.
 */
export function writeGraph(
  value: object,
  serializer: V8Serializer,
  encoder: ContainerWriter,
): void {
  const start = encoder.skip(5);
  encoder.bytes[start] = 0xdd;
  const graph = new GraphCopy(serializer, encoder);
  const values = [graph.copy(value)];
  encoder.setUint32(start + 1, graph.leaves);
  encoder.value(graph.shells.map(({ header }) => header), true);
  encoder.value(graph.buffers, true);
  encoder.value(graph.views, true);
  for (const { properties } of graph.shells) values.push(properties);
  encoder.value(serializer.serialize(values));
}
