import { assertEquals } from "@std/assert";
import { BottomLines } from "../../src/progress/bottom_lines.ts";
import type { OutputListener } from "../../src/progress/output_hooks.ts";
import { Screen } from "../helpers/screen.ts";

/** Makes a terminal with lines at its bottom, on which a program prints. */
function fixture() {
  const screen = new Screen();
  let listener: OutputListener | undefined;
  const lines = new BottomLines({
    write: (text) => screen.write(text),
    listen: (given) => {
      listener = given;
      return () => listener = undefined;
    },
  });
  return {
    screen,
    lines,
    /** Prints a text; `before` is called when the lines have made room. */
    print(text: string, before?: () => void): void {
      listener?.before();
      before?.();
      screen.write(text.replaceAll("\n", "\r\n"));
      listener?.after(text.endsWith("\n"));
    },
    isListening: () => listener !== undefined,
  };
}

Deno.test("BottomLines stay below what is printed", () => {
  const terminal = fixture();
  const { screen, lines } = terminal;
  lines.add(terminal);
  lines.set(terminal, "[#--]");
  terminal.print("one\n");
  lines.set(terminal, "[##-]");
  terminal.print("two\nthree\n");
  assertEquals(screen.lines, ["one", "two", "three", "[##-]"]);
  lines.remove(terminal, "[###]");
  terminal.print("four\n");
  assertEquals(screen.lines, ["one", "two", "three", "[###]", "four"]);
});

Deno.test("BottomLines are replaced by shorter ones", () => {
  const terminal = fixture();
  const { screen, lines } = terminal;
  lines.add(terminal);
  lines.set(terminal, "a long line");
  lines.set(terminal, "short");
  assertEquals(screen.lines, ["short"]);
});

Deno.test("BottomLines wait until a line is complete", () => {
  const terminal = fixture();
  const { screen, lines } = terminal;
  lines.add(terminal);
  lines.set(terminal, "[#--]");
  terminal.print("Loading");
  assertEquals(screen.lines, ["Loading"]);
  lines.set(terminal, "[##-]");
  terminal.print("...");
  assertEquals(screen.lines, ["Loading..."]);
  terminal.print(" done\n");
  assertEquals(screen.lines, ["Loading... done", "[##-]"]);
});

Deno.test("BottomLines end below a line that is incomplete", () => {
  const terminal = fixture();
  const { screen, lines } = terminal;
  lines.add(terminal);
  lines.set(terminal, "[#--]");
  terminal.print("Name: ");
  lines.remove(terminal, "[###]");
  terminal.print("next\n");
  assertEquals(screen.lines, ["Name:", "[###]", "next"]);
});

Deno.test("BottomLines aren't drawn while something prints", () => {
  const terminal = fixture();
  const { screen, lines } = terminal;
  lines.add(terminal);
  lines.set(terminal, "[#--]");
  terminal.print("one\n", () => {
    lines.set(terminal, "[##-]");
    terminal.print("two\n");
    assertEquals(screen.lines, ["two"]);
  });
  assertEquals(screen.lines, ["two", "one", "[##-]"]);
});

Deno.test("BottomLines shows several lines, and prints the last of each above the others", () => {
  const terminal = fixture();
  const { screen, lines } = terminal;
  const [first, second, third] = [{}, {}, {}];
  for (const owner of [first, second, third]) lines.add(owner);
  lines.set(first, "first");
  lines.set(second, "second");
  lines.set(third, "third");
  terminal.print("printed\n");
  assertEquals(screen.lines, ["printed", "first", "second", "third"]);
  lines.remove(second, "second ended");
  lines.set(third, "third changed");
  assertEquals(screen.lines, [
    "printed",
    "second ended",
    "first",
    "third changed",
  ]);
  lines.remove(first);
  assertEquals(screen.lines, ["printed", "second ended", "third changed"]);
});

Deno.test("BottomLines listens to the program from the first owner to the last", () => {
  const { screen, lines, isListening } = fixture();
  const [first, second] = [{}, {}];
  assertEquals(isListening(), false);
  lines.add(first);
  assertEquals(isListening(), true);
  assertEquals(screen.lines, []);
  lines.add(second);
  lines.set(second, "line");
  lines.remove(first);
  assertEquals(isListening(), true);
  lines.remove(second);
  assertEquals(isListening(), false);
  assertEquals(screen.lines, []);
});

Deno.test("BottomLines.leave() keeps the lines above what follows", () => {
  const terminal = fixture();
  const { screen, lines } = terminal;
  lines.add(terminal);
  lines.set(terminal, "[#--]");
  lines.leave();
  terminal.print("good-bye\n");
  screen.write("$ ");
  assertEquals(screen.lines, ["[#--]", "good-bye", "$"]);
});

Deno.test("BottomLines.clear() removes the lines until they change", () => {
  const terminal = fixture();
  const { screen, lines } = terminal;
  lines.add(terminal);
  lines.set(terminal, "[#--]");
  lines.clear();
  screen.write("error: no\r\n");
  assertEquals(screen.lines, ["error: no"]);
  lines.set(terminal, "[##-]");
  assertEquals(screen.lines, ["error: no", "[##-]"]);
});
