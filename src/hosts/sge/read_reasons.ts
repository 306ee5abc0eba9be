/** Why tasks wait or have failed. */
export interface TaskReasons {
  /** By the id of a failed task, such as `12.3`. */
  readonly failed: ReadonlyMap<string, string>;
  /** Returns why the tasks of a job wait; empty if that is unknown. */
  pending(job: string): string;
}

/** A message of the scheduler. */
interface Message {
  /** The numbers of the jobs that it is about; none for all jobs. */
  readonly jobs: readonly string[];
  readonly text: string;
}

/** The elements that are read, and their text. */
const ELEMENT =
  /<(JB_job_number|JAT_task_number|QIM_message|ULNG_value|MES_message_number|MES_message)>([^<]*)</g;

/** The number of the message that a queue isn't among those of `qsub -q`. */
const OTHER_QUEUE = "6";

const ENTITIES: Readonly<Record<string, string>> = {
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  amp: "&",
};

/** How many reasons are shown; the scheduler may give one for each queue. */
const MAX_REASONS = 3;

/** When and where a task has failed, which precedes the error. */
const PREFIX = /^[\d/]+ [\d:]+ \[\d+:\d+\]: (?:error: )?/;

/**
 * Reads why tasks wait or have failed from the output of `qstat -j … -xml`: the
 * tasks of each job, then the scheduler's messages. Those about certain jobs have
 * the numbers of these jobs before them.
 */
export function readReasons(xml: string): TaskReasons {
  const failed = new Map<string, string>();
  const messages: Message[] = [];
  let job = "";
  let task = "";
  let jobs: string[] = [];
  let number = "";
  for (const [, name, escaped = ""] of xml.matchAll(ELEMENT)) {
    const text = unescapeXml(escaped);
    switch (name) {
      case "JB_job_number":
        job = text;
        jobs = [];
        break;
      case "JAT_task_number":
        task = text;
        break;
      case "QIM_message":
        failed.set(`${job}.${task}`, text.trim().replace(PREFIX, ""));
        break;
      case "ULNG_value":
        jobs.push(text);
        break;
      case "MES_message_number":
        number = text;
        break;
      default:
        if (number !== OTHER_QUEUE) messages.push({ jobs, text });
        jobs = [];
    }
  }
  return { failed, pending: (id) => summarize(messages, id) };
}

function unescapeXml(text: string): string {
  return text.replace(/&(lt|gt|quot|apos|amp);/g, (_, name) => ENTITIES[name]!);
}

/** Joins the messages about a job, then those about all jobs. */
function summarize(messages: readonly Message[], job: string): string {
  const own = messages.filter(({ jobs }) => jobs.includes(job));
  const general = messages.filter(({ jobs }) => jobs.length === 0);
  const reasons = new Set([...own, ...general].map(({ text }) => text));
  const shown = [...reasons].slice(0, MAX_REASONS);
  const rest = reasons.size - shown.length;
  return [...shown, ...(rest > 0 ? [`and ${rest} more reasons`] : [])]
    .join("; ");
}
