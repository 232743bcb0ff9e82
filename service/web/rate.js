/** How many pictures a second to send: fewer as soon as answers come late or pictures are dropped, slowly more again. */

export const SLOWEST = 5;
export const FASTEST = 30;
const FIRST = 15;
const LATE_MS = 350;
const MORE = 0.25;
const LESS = 0.8;
/** Answers to wait for after slowing down, so that one jam is not answered twice. */
const PATIENCE = 8;

/** @typedef {{fps: number, dropped: number, calm: number}} Rate */

/** The rate to begin with. @returns {Rate} */
export function firstRate(/** @type {number} */ mostFps) {
  return { fps: Math.min(FIRST, mostFps), dropped: 0, calm: 0 };
}

/**
 * The rate after an answer: additive increase, multiplicative decrease.
 * @param {Rate} rate
 * @param {{dropped: number, latencyMs: number}} answer dropped: since the start, as the service counts
 * @param {number} mostFps
 * @returns {Rate}
 */
export function adapted(rate, answer, mostFps) {
  const jammed = answer.dropped > rate.dropped || answer.latencyMs > LATE_MS;
  const calm = rate.calm + 1;
  if (jammed && calm >= PATIENCE) return { fps: Math.max(SLOWEST, rate.fps * LESS), dropped: answer.dropped, calm: 0 };
  const fps = jammed ? rate.fps : Math.min(FASTEST, mostFps, rate.fps + MORE);
  return { fps, dropped: answer.dropped, calm };
}

/** Whether a picture at this time is due: cameras come in steps, so half a step early counts. */
export function isDue(/** @type {number} */ nowMs, /** @type {number} */ dueMs) {
  return nowMs >= dueMs - 1000 / FASTEST / 2;
}

/** When the next one is due: on a grid, so that on average the rate is kept whatever the camera's own is. */
export function nextDue(/** @type {number} */ nowMs, /** @type {number} */ dueMs, /** @type {number} */ fps) {
  const interval = 1000 / fps;
  return Math.max(dueMs, nowMs - interval) + interval;
}
