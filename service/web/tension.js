/** Tension over time as a curve with its gaps, its axis and threshold, and the moments that stand out in it. */
import { drawn, element } from "./dom.js";
import { clock, rough } from "./figures.js";
import { along, strip } from "./track.js";

/** @typedef {{time: number, value: number | null}} Sample */
/** @typedef {{start_time: number, end_time: number, peak_time: number, score: number}} Moment */

const HIGH = 100;
/** Room above and below the curve, so that its line is whole. */
const MARGIN = 10;
const MOST_STEPS = 4;

/** @typedef {{low: number, high: number}} Scale */

/** What the axis spans: from 0, or the least where that is below it, to the highest, the threshold among them. */
export function scaleOf(/** @type {Sample[]} */ samples, /** @type {number | null} */ threshold) {
  const values = samples.flatMap(({ value }) => (value === null ? [] : [value]));
  return { low: Math.min(0, ...values), high: values.reduce((most, value) => Math.max(most, value), threshold ?? 1e-9) };
}

/** Round values for the axis, at most five. @returns {number[]} */
export function levels(/** @type {Scale} */ { low, high }) {
  const exact = (high - low) / MOST_STEPS;
  const power = 10 ** Math.floor(Math.log10(exact));
  const step = power * (/** @type {number} */ ([1, 2, 5, 10].find((one) => one * power >= exact * (1 - 1e-9))));
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, index) => (first + index) * step);
}

/**
 * The curve as paths in a picture of 100 × 100: one for each stretch without a gap.
 * @param {Sample[]} samples
 * @param {number} duration
 * @param {Scale} scale
 */
export function curves(samples, duration, scale) {
  /** @type {string[]} */
  const paths = [];
  let open = false;
  for (const { time, value } of samples) {
    if (value === null) open = false;
    else {
      const point = `${along(time, duration).toFixed(3)} ${heightOf(value, scale).toFixed(2)}`;
      if (open) paths[paths.length - 1] += `L${point}`;
      else paths.push(`M${point}`);
      open = true;
    }
  }
  return paths.map((path) => (path.includes("L") ? path : `${path}h0.01`)); // a lone sample is a dot
}

/** Where a tension lies, from the top. */
function heightOf(/** @type {number} */ value, /** @type {Scale} */ { low, high }) {
  return MARGIN + (HIGH - 2 * MARGIN) * (1 - (value - low) / (high - low));
}

/**
 * @param {any} answer of /highlights
 * @param {import("./player.js").Player} player
 */
export function tensionView(answer, player) {
  /** @type {Sample[]} */
  const samples = answer.tension;
  if (samples.every(({ value }) => value === null)) return [element("p.empty", { word: "highlights.noFaces" })];
  const duration = durationOf(answer);
  const scale = scaleOf(samples, answer.threshold);
  const bands = answer.highlights.map((/** @type {Moment} */ one) => band(one, duration));
  const lines = curves(samples, duration, scale).map((d) => drawn("path.curve", { attributes: { d, "vector-effect": "non-scaling-stroke" } }));
  const picture = drawn(
    "svg.tension",
    { label: "highlights.curve", attributes: { role: "img", viewBox: `0 0 100 ${HIGH}`, preserveAspectRatio: "none" } },
    ...bands,
    ...levels(scale).map((value) => across("level", value, scale)),
    answer.threshold !== null && across("threshold", answer.threshold, scale),
    ...lines,
  );
  const marks = levels(scale).map((value) => mark("span.level-mark", value, scale, { text: rough(value) }));
  if (answer.threshold !== null) {
    marks.push(mark("span.threshold-mark", answer.threshold, scale, { word: "highlights.threshold", values: { threshold: rough(answer.threshold) } }));
  }
  return [
    element("p.quiet-text", { word: "highlights.explain" }),
    strip(duration, player, [picture, element("div.marks", { attributes: { "aria-hidden": true } }, ...marks)], "strip.high"),
    answer.highlights.length === 0
      ? element("p.empty", { word: "highlights.none" })
      : element("ol.moments", {}, ...answer.highlights.map((/** @type {Moment} */ one) => moment(one, player))),
  ];
}

/** How long the strip is: the medium, or to the last sample where its header does not tell. */
function durationOf(/** @type {any} */ answer) {
  return answer.media.duration ?? Math.max(...answer.tension.map((/** @type {Sample} */ one) => one.time), 0.1);
}

function band(/** @type {Moment} */ one, /** @type {number} */ duration) {
  const x = along(one.start_time, duration);
  return drawn("rect.band", { attributes: { x, y: 0, width: along(one.end_time, duration) - x, height: HIGH } });
}

/** A line from side to side at a tension. @param {string} name @param {number} value @param {Scale} scale */
function across(name, value, scale) {
  const y = heightOf(value, scale);
  return drawn(`line.${name}`, { attributes: { x1: 0, x2: 100, y1: y, y2: y, "vector-effect": "non-scaling-stroke" } });
}

/** A text beside a tension. @param {string} tag @param {number} value @param {Scale} scale @param {import("./dom.js").Given} given */
function mark(tag, value, scale, given) {
  const made = element(tag, given);
  made.style.top = `${heightOf(value, scale)}%`;
  return made;
}

function moment(/** @type {Moment} */ one, /** @type {import("./player.js").Player} */ player) {
  const values = { start: clock(one.start_time), end: clock(one.end_time), peak: clock(one.peak_time) };
  return element(
    "li",
    {},
    element("button.link", { word: "highlights.moment", values, attributes: { type: "button" }, on: { click: () => player.playFrom(one.start_time) } }),
    " ",
    element("span.quiet-text", { word: "highlights.score", values: { score: rough(one.score) } }),
  );
}
