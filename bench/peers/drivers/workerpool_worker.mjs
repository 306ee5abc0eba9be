import { createRequire } from "node:module";
import * as tasks from "./js_tasks.mjs";

const workerpool = createRequire(import.meta.url)("workerpool");

workerpool.worker({ ...tasks });
