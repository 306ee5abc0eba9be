import { createRequire } from "node:module";
import * as tasks from "./js_tasks.mjs";

const { ThreadWorker } = createRequire(import.meta.url)("poolifier");

export default new ThreadWorker({ ...tasks });
