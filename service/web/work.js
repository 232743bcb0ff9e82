/** A question put to the service about a file: directly, or as a job; how far it is, and its answer. */
import { ask, askJson, sendFile } from "./api.js";
import { resultCommand, uploadCommand } from "./curl.js";
import { readEvents } from "./events.js";

/** @typedef {import("./models.js").Question} Question */
/** @typedef {import("./api.js").Query} Query */
/** @typedef {import("./timeline.js").Segment} Segment */

/**
 * @typedef {object} Watch
 * @property {AbortSignal} signal
 * @property {(share: number) => void} sending
 * @property {(progress: number | null, eta: number | null) => void} running progress is null while a job waits
 * @property {(segment: Segment) => void} found
 */

/**
 * @typedef {object} Done
 * @property {any} answer
 * @property {string[]} commands what does the same with curl
 * @property {(format: string) => Promise<import("./api.js").Sent>} fetchAs the answer in another format
 * @property {boolean} sendsAgain whether that sends the file once more
 */

/** @param {Question} question @param {File} file @param {Query} query @param {Watch} watch @returns {Promise<Done>} */
export async function askDirectly(question, file, query, watch) {
  const sent = await sendFile(question, file, query, { progress: watch.sending, signal: watch.signal });
  return {
    answer: JSON.parse(await sent.body.text()),
    commands: [uploadCommand(question, file.name, query)],
    fetchAs: (format) => sendFile(question, file, { ...query, format }),
    sendsAgain: true,
  };
}

/** @param {Question} question @param {File} file @param {Query} query @param {Watch} watch @returns {Promise<Done>} */
export async function askAsJob(question, file, query, watch) {
  const path = `jobs/${question}`;
  const sent = await sendFile(path, file, query, { progress: watch.sending, signal: watch.signal });
  const { id } = JSON.parse(await sent.body.text());
  watch.running(null, null);
  const forget = () => ask(`jobs/${id}`, { method: "DELETE" }).catch(() => {}); // it may have ended meanwhile
  watch.signal.addEventListener("abort", forget);
  for await (const event of readEvents(`jobs/${id}/events`, watch.signal)) {
    if (event.name === "progress") watch.running(event.data.progress, event.data.eta);
    if (event.name === "segment") watch.found(event.data);
  }
  watch.signal.removeEventListener("abort", forget);
  const done = await finishedJob(id);
  return { ...done, commands: [uploadCommand(path, file.name, query), ...done.commands] };
}

/** The answer of a job that has ended; its own error where it failed. @returns {Promise<Done>} */
export async function finishedJob(/** @type {string} */ id) {
  const path = `jobs/${id}/result`;
  return {
    answer: await askJson(path, { query: { format: "json" } }),
    commands: [resultCommand(id)],
    fetchAs: async (format) => {
      const response = await ask(path, { query: { format } });
      return { body: await response.blob(), disposition: response.headers.get("Content-Disposition") ?? "" };
    },
    sendsAgain: false,
  };
}
