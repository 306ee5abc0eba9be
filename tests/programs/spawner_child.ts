/**
 * Stands in for a worker: prints its arguments, then acts as DISTEX_TEST says.
 */

const input = await new Response(Deno.stdin.readable).text();
console.log(JSON.stringify({
  args: Deno.args,
  input,
  cwd: Deno.cwd(),
  env: Deno.env.get("DISTEX_TEST"),
  pid: Deno.pid,
}));
switch (Deno.env.get("DISTEX_TEST")) {
  case "fail":
    console.error("x".repeat(4_000));
    console.error("these words");
    Deno.exit(7);
    break;
  case "spin":
    while (input !== "");
}
