/** The permissions of workers that may do everything. */
export const ALL_GRANTS = {
  read: true,
  write: true,
  net: true,
  env: true,
  run: true,
  ffi: true,
  sys: true,
  import: true,
} as const;
