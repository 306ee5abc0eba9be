import { assertEquals } from "@std/assert";
import { NotebookDisplay } from "../../src/progress/notebook_display.ts";
import { progress } from "../helpers/progress.ts";

/** What a notebook gets. */
interface Message {
  readonly type: string;
  readonly text: string;
  readonly html: string;
  readonly id: string;
  /** Confirms that it was sent. */
  readonly sent: () => void;
}

/** A display, and the messages that it sends. */
function makeDisplay(label: string, clear = false) {
  const messages: Message[] = [];
  const display = new NotebookDisplay(label, clear, (type, content) => {
    const { data, transient } = content as {
      data: Record<string, string>;
      transient: { display_id: string };
    };
    const { promise, resolve } = Promise.withResolvers<void>();
    messages.push({
      type,
      text: data["text/plain"]!,
      html: data["text/html"]!,
      id: transient.display_id,
      sent: resolve,
    });
    return promise;
  });
  return { display, messages };
}

/** Lets promises that are settled have their effects. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
}

Deno.test("NotebookDisplay updates one display with the latest progress", async () => {
  const { display, messages } = makeDisplay("render");
  for (const done of [10, 20, 30]) display.show(progress({ done }));
  assertEquals(messages.length, 1);
  messages[0]!.sent();
  await settle();
  display.show(progress({ phase: "ended", done: 100, timeLeft: 0 }));
  messages[1]!.sent();
  await settle();
  assertEquals(
    messages.map(({ type, text }) => [type, text]),
    [
      ["display_data", "render: 10%, 10 of 100, 4/s, 0:15 left"],
      ["update_display_data", "render: 30%, 30 of 100, 4/s, 0:15 left"],
      ["update_display_data", "render: 100%, 100 of 100, 4/s, in 0:10"],
    ],
  );
  assertEquals(new Set(messages.map(({ id }) => id)).size, 1);
  assertEquals(
    messages[1]!.html,
    '<div>render: <progress value="30" max="100"></progress> 30%, 30 of 100, 4/s, 0:15 left</div>',
  );
});

Deno.test("NotebookDisplay escapes the label", () => {
  const { display, messages } = makeDisplay("x => x < 1 && <b>");
  display.show(progress({ total: undefined, timeLeft: undefined }));
  assertEquals(
    messages[0]!.html,
    "<div>x =&gt; x &lt; 1 &amp;&amp; &lt;b&gt;: <progress></progress> 40, 4/s, 0:10</div>",
  );
});

Deno.test("NotebookDisplay empties the display at the end with clear: true", async () => {
  const { display, messages } = makeDisplay("render", true);
  display.show(progress());
  display.show(progress({ phase: "ended" }));
  messages[0]!.sent();
  await settle();
  assertEquals(messages[1]!.text, "");

  const unseen = makeDisplay("render", true);
  unseen.display.show(progress({ phase: "ended" }));
  assertEquals(unseen.messages, []);
});

Deno.test("NotebookDisplay ignores that a notebook has ended", async () => {
  let calls = 0;
  const display = new NotebookDisplay("render", false, () => {
    calls++;
    return Promise.reject(new Error("no kernel"));
  });
  display.show(progress());
  await settle();
  display.show(progress({ phase: "ended" }));
  await settle();
  assertEquals(calls, 2);
});
