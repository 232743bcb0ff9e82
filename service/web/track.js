/** What the two views over time share: a strip as long as the medium, its scale, and the line that follows the player. */
import { drawn, element } from "./dom.js";
import { clock } from "./figures.js";

const STEPS_S = [0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600];
const MOST_TICKS = 6;

/** Times for a scale: round steps, at most seven. */
export function ticks(/** @type {number} */ duration) {
  const step = STEPS_S.find((one) => duration / one <= MOST_TICKS) ?? 7200;
  return Array.from({ length: Math.floor(duration / step) + 1 }, (_, index) => index * step);
}

/** How far along a time lies, in percent. */
export function along(/** @type {number} */ seconds, /** @type {number} */ duration) {
  return duration > 0 ? Math.min(100, Math.max(0, (100 * seconds) / duration)) : 0;
}

/**
 * A strip in which a click goes to that time.
 * @param {number} duration
 * @param {import("./player.js").Player} player
 * @param {Node[]} contents
 * @param {string} classes
 */
export function strip(duration, player, contents, classes = "strip") {
  const head = drawn("line.playhead", { attributes: { y1: 0, y2: "100%" } });
  const over = drawn("svg.strip-over", { attributes: { "aria-hidden": true } }, head);
  const view = element(`div.${classes}`, {}, ...contents, over);
  view.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest("button")) return;
    const { left, width } = view.getBoundingClientRect();
    player.playFrom(((event.clientX - left) / width) * duration);
  });
  player.onTime((seconds) => {
    for (const end of ["x1", "x2"]) head.setAttribute(end, `${along(seconds, duration)}%`);
  });
  return element("div.strip-and-scale", {}, view, scale(duration));
}

function scale(/** @type {number} */ duration) {
  const marks = ticks(duration).map((seconds) => {
    const mark = element("span", { text: clock(seconds).replace(/\.0$/, "") });
    mark.style.left = `${along(seconds, duration)}%`;
    return mark;
  });
  return element("div.scale", { attributes: { "aria-hidden": true } }, ...marks);
}
