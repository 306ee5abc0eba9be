import { checkObject, wrongType, wrongValue } from "./option_checks.ts";

/** The resources that a job requests, by name. */
export type ResourceList = Readonly<
  Record<string, string | number | boolean>
>;

/** These separate requests, or are part of none. */
const SEPARATORS = /[\s,\p{Cc}]/u;

/**
 * Checks the option `resourceList`.
 *
 * @throws {TypeError} If it is no object, or has a value that is neither a
 * string, a number nor a boolean.
 * @throws {RangeError} If a name or a value can't be requested.
 */
export function checkResourceList(resources: ResourceList): void {
  checkObject("'resourceList'", resources);
  for (const [name, value] of Object.entries(resources)) {
    const option = `resourceList.${name}`;
    if (!/^[\w.-]+$/.test(name)) {
      throw wrongValue("resourceList", name, "an object of resources by name");
    }
    if (!["string", "number", "boolean"].includes(typeof value)) {
      throw wrongType(option, value, "a string, a number or a boolean");
    }
    if (value !== "" && !SEPARATORS.test(String(value))) continue;
    throw wrongValue(option, value, "a value without commas and spaces");
  }
}

/** Returns the resources as `qsub -l` reads them. */
export function formatResources(resources: ResourceList): string {
  return Object.entries(resources)
    .map(([name, value]) => `${name}=${value}`).join();
}
