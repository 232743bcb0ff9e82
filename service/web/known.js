/** What the service wrote into the page: what may be known without a key. */

/**
 * @typedef {object} Known
 * @property {string} version
 * @property {boolean} keyNeeded
 * @property {string} defaultModel
 * @property {string} defaultHighlightModel
 * @property {string | null} language ISO 639-3 code of the default model's sign language
 * @property {"letter" | "word" | null} unit what the default model reads
 * @property {boolean} teaches whether who opened the page may teach models
 * @property {number} mediaBytes
 * @property {number} predictSeconds
 * @property {number} timelineSeconds
 * @property {number} jobsMediaBytes
 * @property {number} jobsRetentionHours
 */

const meta = document.querySelector('meta[name="service"]');

/** @type {Known} */
export const KNOWN = JSON.parse(meta?.getAttribute("content") ?? "{}");
