/** Server-Sent Events read by fetch, since an EventSource cannot carry a key. */
import { ask, Problem } from "./api.js";

/** @typedef {{name: string, id: string, data: any}} ServerEvent */

const PAUSE_MS = 1000;
const MOST_FAILURES = 10;

/**
 * The events that are whole in a text, and the rest of it.
 * @param {string} text
 * @returns {{events: ServerEvent[], rest: string}}
 */
export function parseEvents(text) {
  const blocks = text.split("\n\n");
  const rest = blocks.pop() ?? "";
  const events = [];
  for (const block of blocks) {
    const fields = new Map(
      block.split("\n").flatMap((line) => {
        const at = line.indexOf(": ");
        return at > 0 ? [[line.slice(0, at), line.slice(at + 2)]] : [];
      }),
    );
    const data = fields.get("data");
    if (data !== undefined) events.push({ name: fields.get("event") ?? "message", id: fields.get("id") ?? "", data: JSON.parse(data) });
  }
  return { events, rest };
}

/**
 * A job's events until its end; a connection that breaks is taken up again where it was.
 * @param {string} path
 * @param {AbortSignal} signal
 * @returns {AsyncGenerator<ServerEvent>}
 */
export async function* readEvents(path, signal) {
  let last = "";
  for (let failures = 0; failures < MOST_FAILURES; failures += 1) {
    try {
      for await (const event of readOnce(path, last, signal)) {
        failures = 0;
        last = event.id || last;
        yield event;
        if (event.name === "end") return;
      }
    } catch (error) {
      if (signal.aborted || (error instanceof Problem && error.code !== "network")) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  throw new Problem("network");
}

/** @param {string} path @param {string} last @param {AbortSignal} signal @returns {AsyncGenerator<ServerEvent>} */
async function* readOnce(path, last, signal) {
  const response = await ask(path, { signal, headers: last ? { "Last-Event-ID": last } : {} });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (reader) {
    const { done, value } = await reader.read();
    if (done) return;
    const { events, rest } = parseEvents(text + value);
    text = rest;
    yield* events;
  }
}
