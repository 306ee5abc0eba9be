// An ES module would load too late for the pool's first message.
const { ClusterWorker } = require("poolifier");
const tasks = require("./js_tasks.mjs");

module.exports = new ClusterWorker({ ...tasks });
