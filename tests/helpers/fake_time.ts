// The types stand beside this file, because those of `@std/testing` come with
// a module whose name is too long for a vendor folder that is checked offline.
// @ts-types="./fake_time.d.ts"
export { FakeTime, TimeError } from "@std/testing/time";
