/** What is signed when: a track with a block for each sign, the transcript, and the same as a table. */
import { element } from "./dom.js";
import { clock, percent } from "./figures.js";
import { modelOf, textOf } from "./models.js";
import { along, strip } from "./track.js";

const WORTH_NAMING = 0.01;
const LEAST_WORDS_S = 1;

/** @typedef {{start_time: number, end_time: number, class_name: string, confidence: number, alternatives: {class_name: string, confidence: number}[]}} Segment */

/**
 * @param {any} answer of /timeline
 * @param {import("./player.js").Player} player
 */
export function timelineView(answer, player) {
  const manifest = modelOf(answer.model)?.manifest;
  const nameOf = (/** @type {string} */ label) => textOf(label, manifest);
  const words = looksLikeWords(answer.states ?? []) ? [element("p.note", { word: "timeline.words" })] : [];
  if (answer.segments.length === 0) return words.length ? words : [element("p.empty", { word: "timeline.none" })];
  const text = answer.segments.map((/** @type {Segment} */ one) => nameOf(one.class_name));
  return [
    ...words,
    element("h3", { word: "timeline.transcript" }),
    element("p.transcript-line", { text: text.join(manifest?.unit === "letter" ? "" : " ") }),
    trackView(answer.segments, answer.duration, player, nameOf),
    element("details", {}, element("summary", { word: "timeline.table" }), table(answer.segments, player, nameOf)),
  ];
}

/**
 * Whether the hand signs words for longer than it spells.
 * @param {{state: string, start_time: number, end_time: number}[]} states
 */
function looksLikeWords(states) {
  const lasts = (/** @type {string} */ state) =>
    states.filter((one) => one.state === state).reduce((sum, one) => sum + one.end_time - one.start_time, 0);
  return lasts("signing") > Math.max(lasts("spelling"), LEAST_WORDS_S);
}

/**
 * The track. One block takes the Tab key; arrows go on from it, so that five hundred signs are no barrier.
 * @param {Segment[]} segments
 * @param {number} duration
 * @param {import("./player.js").Player} player
 * @param {(label: string) => string} nameOf
 */
export function trackView(segments, duration, player, nameOf) {
  const blocks = segments.map((segment) => block(segment, duration, player, nameOf));
  blocks.forEach((one, index) => {
    one.tabIndex = index === 0 ? 0 : -1;
    one.addEventListener("keydown", (event) => {
      const to = { ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: blocks.length - 1 }[event.key];
      const next = to === undefined ? undefined : blocks[to];
      if (!next) return;
      event.preventDefault();
      one.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    });
  });
  player.onTime((seconds) => {
    segments.forEach((one, index) => blocks[index].classList.toggle("playing", one.start_time <= seconds && seconds < one.end_time));
  });
  const group = element("div.blocks", { label: "timeline.track", attributes: { role: "group" } }, ...blocks);
  return strip(duration, player, [group]);
}

/** @param {Segment} segment @param {number} duration @param {import("./player.js").Player} player @param {(label: string) => string} nameOf */
function block(segment, duration, player, nameOf) {
  const { start_time: start, end_time: end, class_name: label, confidence } = segment;
  const values = { label: nameOf(label), start: clock(start), end: clock(end), confidence: percent(confidence) };
  const made = element(
    "button.block",
    { label: "timeline.segment", values, attributes: { type: "button", title: nameOf(label) }, on: { click: () => player.playFrom(start) } },
    nameOf(label),
  );
  made.style.left = `${along(start, duration)}%`;
  made.style.width = `${along(end, duration) - along(start, duration)}%`;
  made.style.setProperty("--confidence", String(confidence));
  return made;
}

/** @param {Segment[]} segments @param {import("./player.js").Player} player @param {(label: string) => string} nameOf */
function table(segments, player, nameOf) {
  const heads = ["timeline.sign", "timeline.from", "timeline.to", "timeline.confidence", "timeline.else"];
  const rows = segments.map((one) => {
    const play = element("button.link", { text: nameOf(one.class_name), attributes: { type: "button" }, on: { click: () => player.playFrom(one.start_time) } });
    const likely = one.alternatives.filter(({ confidence }) => confidence >= WORTH_NAMING);
    const others = likely.map((other) => `${nameOf(other.class_name)} ${percent(other.confidence)}`);
    return element(
      "tr",
      {},
      element("th", { attributes: { scope: "row" } }, play),
      ...[clock(one.start_time), clock(one.end_time), percent(one.confidence, 1), others.join(", ")].map((text) => element("td", { text })),
    );
  });
  return element(
    "div.scrolls",
    { label: "timeline.table", attributes: { role: "group", tabindex: 0 } },
    element(
      "table",
      {},
      element("thead", {}, element("tr", {}, ...heads.map((head) => element("th", { word: head, attributes: { scope: "col" } })))),
      element("tbody", {}, ...rows),
    ),
  );
}
