import { assertEquals } from "@std/assert";

const PROGRAM = import.meta.resolve("../programs/web_worker.ts");

/** Runs a module in a web worker until it posts a message. */
async function messageOf(module: string): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const worker = new Worker(module, { type: "module" });
  worker.onmessage = ({ data }) => resolve(data);
  worker.onerror = (event) => {
    event.preventDefault();
    reject(new Error(event.message));
  };
  try {
    return await promise;
  } finally {
    worker.terminate();
  }
}

Deno.test("Pool runs tasks when it is created in a web worker", async () => {
  assertEquals(await messageOf(PROGRAM), [true, false]);
});

Deno.test("Pool runs tasks when its web worker's module is not a file", async () => {
  const code = `import ${JSON.stringify(PROGRAM)};`;
  const url = URL.createObjectURL(
    new Blob([code], { type: "text/javascript" }),
  );
  try {
    assertEquals(await messageOf(url), [true, false]);
  } finally {
    URL.revokeObjectURL(url);
  }
});
