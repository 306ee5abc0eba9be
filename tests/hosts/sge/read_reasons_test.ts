import { assertEquals } from "@std/assert";
import { readReasons } from "../../../src/hosts/sge/read_reasons.ts";

// Recorded output of Grid Engine 8.1.9, without elements that aren't read.

const FAILED = `<?xml version='1.0'?>
<detailed_job_info>
  <djob_info>
    <element>
      <JB_job_number>10</JB_job_number>
      <JB_ja_tasks>
        <ulong_sublist>
          <JAT_status>0</JAT_status>
          <JAT_task_number>1</JAT_task_number>
          <JAT_message_list>
            <ulong_sublist>
              <QIM_type>1</QIM_type>
              <QIM_message>11/28/2026 13:25:14 [0:11699]: error: can&apos;t open output file &quot;/x/10.1.out&quot;: No such file or directory
</QIM_message>
            </ulong_sublist>
          </JAT_message_list>
        </ulong_sublist>
      </JB_ja_tasks>
    </element>
  </djob_info>
  <messages>
    <element>
      <SME_message_list>
        <element>
          <MES_job_number_list>
            <ulong_sublist>
              <ULNG_value>10</ULNG_value>
            </ulong_sublist>
            <ulong_sublist>
              <ULNG_value>12</ULNG_value>
            </ulong_sublist>
          </MES_job_number_list>
          <MES_message_number>32</MES_message_number>
          <MES_message>Job is in error state</MES_message>
        </element>
      </SME_message_list>
      <SME_global_message_list>
        <element>
          <MES_message_number>39</MES_message_number>
          <MES_message>queue instance &quot;all.q@a&quot; dropped because it is disabled</MES_message>
        </element>
      </SME_global_message_list>
    </element>
  </messages>
</detailed_job_info>`;

Deno.test("readReasons() returns why a task has failed", () => {
  assertEquals(
    readReasons(FAILED).failed,
    new Map([[
      "10.1",
      `can't open output file "/x/10.1.out": No such file or directory`,
    ]]),
  );
});

Deno.test("readReasons() returns why jobs wait", () => {
  const { pending } = readReasons(FAILED);
  const general = 'queue instance "all.q@a" dropped because it is disabled';
  assertEquals(pending("10"), `Job is in error state; ${general}`);
  assertEquals(pending("12"), `Job is in error state; ${general}`);
  assertEquals(pending("11"), general);
});

Deno.test("readReasons() ignores queues that weren't requested", () => {
  const xml = FAILED.replace(">32<", ">6<");
  assertEquals(
    readReasons(xml).pending("10"),
    'queue instance "all.q@a" dropped because it is disabled',
  );
});

Deno.test("readReasons() returns only some of many reasons", () => {
  const messages = Array.from(
    { length: 500 },
    (_, index) => `<MES_message>queue ${index} is full</MES_message>`,
  );
  assertEquals(
    readReasons(messages.join("\n")).pending("1"),
    "queue 0 is full; queue 1 is full; queue 2 is full; and 497 more reasons",
  );
});

Deno.test("readReasons() returns nothing for unknown jobs", () => {
  const xml = "<?xml version='1.0'?>\n<unknown_jobs >\n" +
    "    <ST_name>6</ST_name>\n</unknown_jobs>\n";
  const { failed, pending } = readReasons(xml);
  assertEquals([failed.size, pending("6")], [0, ""]);
});
