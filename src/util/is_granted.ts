/** Whether a permission is granted. Unlike using it, this never prompts. */
export function isGranted(descriptor: Deno.PermissionDescriptor): boolean {
  return Deno.permissions.querySync(descriptor).state === "granted";
}

/** Whether a permission is granted without exceptions. Never prompts. */
export function isFullyGranted(descriptor: Deno.PermissionDescriptor): boolean {
  const status = Deno.permissions.querySync(descriptor);
  return status.state === "granted" && !status.partial;
}
