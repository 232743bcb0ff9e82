/** Tension over time as a curve with its gaps, the moments that stand out as bands in it, and as a list. */
import { drawn, element } from "./dom.js";
import { clock } from "./figures.js";
import { along, strip } from "./track.js";

/** @typedef {{time: number, value: number | null}} Sample */
/** @typedef {{start_time: number, end_time: number, peak_time: number, score: number}} Moment */

const HIGH = 100;
/** Room above and below the curve, so that its line is whole. */
const MARGIN = 6;

/**
 * The curve as paths in a picture of 100 × 100: one for each stretch without a gap.
 * @param {Sample[]} samples
 * @param {number} duration
 */
export function curves(samples, duration) {
  const values = samples.flatMap(({ value }) => (value === null ? [] : [value]));
  const [low, high] = [Math.min(0, ...values), Math.max(1e-9, ...values)];
  /** @type {string[]} */
  const paths = [];
  let open = false;
  for (const { time, value } of samples) {
    if (value === null) open = false;
    else {
      const point = `${along(time, duration).toFixed(3)} ${heightOf((value - low) / (high - low)).toFixed(2)}`;
      if (open) paths[paths.length - 1] += `L${point}`;
      else paths.push(`M${point}`);
      open = true;
    }
  }
  return paths.map((path) => (path.includes("L") ? path : `${path}h0.01`)); // a lone sample is a dot
}

/** Where a share of the highest tension lies, from the top. */
function heightOf(/** @type {number} */ share) {
  return MARGIN + (HIGH - 2 * MARGIN) * (1 - share);
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
  const bands = answer.highlights.map((/** @type {Moment} */ one) => band(one, duration));
  const lines = curves(samples, duration).map((d) => drawn("path.curve", { attributes: { d, "vector-effect": "non-scaling-stroke" } }));
  const picture = drawn(
    "svg.tension",
    { label: "highlights.curve", attributes: { role: "img", viewBox: `0 0 100 ${HIGH}`, preserveAspectRatio: "none" } },
    ...bands,
    ...lines,
  );
  return [
    strip(duration, player, [picture]),
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

function moment(/** @type {Moment} */ one, /** @type {import("./player.js").Player} */ player) {
  const values = { start: clock(one.start_time), end: clock(one.end_time), peak: clock(one.peak_time) };
  return element(
    "li",
    {},
    element("button.link", { word: "highlights.moment", values, attributes: { type: "button" }, on: { click: () => player.playFrom(one.start_time) } }),
    " ",
    element("span.quiet-text", { word: "highlights.score", values: { score: one.score.toFixed(2) } }),
  );
}
