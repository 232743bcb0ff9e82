/** The answers of the three questions, each as people read it, with what it rests on. */
import { showBars } from "./bars.js";
import { element } from "./dom.js";
import { clock, rough, signedPercent } from "./figures.js";
import { modelOf, textOf } from "./models.js";
import { tensionView } from "./tension.js";
import { timelineView } from "./timeline.js";

/** @typedef {import("./player.js").Player} Player */
/** @typedef {import("./models.js").Question} Question */

/** @type {Record<Question, (answer: any, player: Player) => (Node | null | false)[]>} */
const VIEWS = { predict: predictView, timeline: timelineView, highlights: tensionView };
const TITLES = { predict: "answer.title", timeline: "timeline.title", highlights: "highlights.title" };

/**
 * @param {Question} question
 * @param {any} answer
 * @param {Player} player
 * @param {number | null} tookS seconds that it took, null where that is not known
 */
export function answerView(question, answer, player, tookS) {
  return element(
    "section.answer",
    {},
    element("h2", { word: TITLES[question], attributes: { tabindex: -1 } }),
    ...VIEWS[question](answer, player),
    warnings(answer.warnings),
    element("p.quiet-text.small", {}, evidence(answer.evidence, answer.media.kind), " ", tookS !== null && took(answer.model, tookS)),
  );
}

/** @param {any} answer @param {Player} player */
function predictView(answer, player) {
  const manifest = modelOf(answer.model)?.manifest;
  const nameOf = (/** @type {string} */ label) => textOf(label, manifest);
  const list = element("ol.bars", { label: "answer.bars" });
  showBars(list, answer.top, nameOf);
  const when = { start: clock(answer.start_time), end: clock(answer.end_time) };
  return [
    answer.declined
      ? element("p.big.declined", { word: "answer.declined" })
      : element("p.big", { text: nameOf(answer.predicted_class_name) }),
    answer.declined && element("p", { word: whyDeclined(answer) }),
    list,
    answer.affect && element("p", { word: "answer.affect", values: signed(answer.affect) }),
    answer.media.kind === "video" &&
      element("p", {}, element("button.link", { word: "answer.when", values: when, attributes: { type: "button" }, on: { click: () => player.playFrom(answer.start_time) } })),
  ];
}

/** @param {any} answer */
function whyDeclined({ top, affect, evidence: { hand_frames: hands } }) {
  if (top.length > 0) return affect ? "answer.declinedFaces" : "answer.declinedHint";
  return affect ? "answer.noFace" : hands > 0 ? "answer.nothing" : "answer.noHand";
}

/** @param {{valence: number | null, arousal: number | null}} affect */
function signed({ valence, arousal }) {
  const shown = (/** @type {number | null} */ value) => (value === null ? "–" : signedPercent(value));
  return { valence: shown(valence), arousal: shown(arousal) };
}

/** The service's warnings are in English. */
function warnings(/** @type {string[]} */ texts) {
  if (texts.length === 0) return null;
  return element(
    "div.note",
    {},
    element("p", { word: "answer.warnings" }),
    element("ul", { attributes: { lang: "en" } }, ...texts.map((text) => element("li", { text }))),
  );
}

/** @param {any} found @param {string} kind of medium */
function evidence(found, kind) {
  if (found.samples !== undefined) {
    return element("span", { word: "highlights.evidence", values: { samples: found.samples, faces: found.face_samples } });
  }
  const { frames_sampled: frames, hand_frames: hands, face_frames: faces } = found;
  if (kind === "picture") return element("span", { word: hands > 0 ? "answer.evidenceHand" : faces > 0 ? "answer.evidenceFace" : "answer.evidenceNone" });
  if (faces > 0 && hands === 0) return element("span", { word: "answer.evidenceFaces", values: { frames, faces } });
  return element("span", { word: "answer.evidence", values: { frames, hands } });
}

function took(/** @type {{name: string, version: number}} */ model, /** @type {number} */ seconds) {
  return element("span", { word: "answer.took", values: { seconds: rough(seconds), model: model.name, version: model.version } });
}
