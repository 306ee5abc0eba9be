import { PLACEHOLDER } from "../../options/template_options.ts";
import { quoteForShell } from "../launch/quote_for_shell.ts";

/** The values of placeholders. */
export interface TemplateValues {
  /** The command line of an agent. */
  readonly command: readonly string[];
  /** The name of the request. */
  readonly name: string;
  /** The id of the agent. */
  readonly job: string;
  /** How many workers the agent starts. */
  readonly workers: string;
  /** The folder of the files. */
  readonly folder: string;
}

/**
 * Replaces the placeholders in the arguments of a command.
 *
 * @param template The arguments, which were checked.
 * @param values The values. `command` becomes several arguments if it stands
 * alone, and is quoted for a shell within a text.
 */
export function expandTemplate(
  template: readonly string[],
  values: TemplateValues,
): string[] {
  return template.flatMap((text) =>
    text === "{command}" ? values.command : [
      text.replace(
        PLACEHOLDER,
        (_, word: keyof TemplateValues) =>
          word === "command"
            ? values.command.map(quoteForShell).join(" ")
            : values[word],
      ),
    ]
  );
}
