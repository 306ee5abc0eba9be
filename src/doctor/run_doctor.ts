import { checkHost, specOf } from "./check_host.ts";
import { HELP, readRequest, type Request } from "./read_request.ts";
import type { HostReport } from "./report.ts";
import {
  headerText,
  stepsText,
  summaryText,
  type TextStyle,
} from "./report_text.ts";

/** Runs the doctor with command-line arguments, and returns its exit code. */
export async function runDoctor(args: string[]): Promise<number> {
  let request: Request | undefined;
  try {
    request = await readRequest(args);
  } catch (error) {
    const reason = error instanceof Error ? error.message : error;
    console.error(`doctor: ${reason}. See --help`);
    return 2;
  }
  if (request === undefined) {
    console.log(HELP.trimEnd());
    return 0;
  }
  return await checkAll(request) ? 0 : 1;
}

/** Checks the hosts one by one, because they would slow each other down. */
async function checkAll({ hosts, options, json }: Request): Promise<boolean> {
  const style = textStyle();
  const reports: HostReport[] = [];
  for (const host of hosts) {
    if (!json) console.log(headerText(specOf(host), style));
    const report = await checkHost(host, options);
    if (!json) console.log(`${stepsText(report, style)}\n`);
    reports.push(report);
  }
  const ok = reports.every((report) => report.ok);
  const report = { ok, hosts: reports };
  console.log(
    json ? JSON.stringify(report, null, 2) : summaryText(report, style),
  );
  return ok;
}

function textStyle(): TextStyle {
  if (!Deno.stdout.isTerminal()) return { color: false, width: Infinity };
  return { color: !Deno.noColor, width: Deno.consoleSize().columns };
}
