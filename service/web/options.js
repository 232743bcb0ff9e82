/** The options that a question can be asked with: their fields, and what was filled in. */
import { element } from "./dom.js";
import { word } from "./words.js";

/** @typedef {import("./models.js").Question} Question */
/** @typedef {{name: string, word: string, min?: string, max?: string, of: Question[]}} Field */

/** @type {Field[]} */
const FIELDS = [
  { name: "start_time", word: "ask.start", min: "0", of: ["predict", "timeline", "highlights"] },
  { name: "clip_duration", word: "ask.duration", min: "0.1", of: ["predict", "highlights"] },
  { name: "clip_duration", word: "ask.window", min: "0.05", of: ["timeline"] },
  { name: "stride", word: "ask.stride", min: "0.02", of: ["timeline"] },
  { name: "threshold", word: "ask.threshold", min: "0", max: "1", of: ["predict", "timeline"] },
  { name: "threshold", word: "ask.tension", min: "0", of: ["highlights"] },
  { name: "sample_rate", word: "ask.sampleRate", min: "0.5", of: ["highlights"] },
  { name: "min_faces", word: "ask.minFaces", min: "1", of: ["highlights"] },
];
const SIGN_QUESTIONS = ["predict", "timeline"];

/** Show the fields of a question; what was filled in before stays where the field is the same. */
export function showOptions(/** @type {HTMLElement} */ place, /** @type {Question} */ question) {
  const before = readOptions(place);
  const fields = FIELDS.filter((field) => field.of.includes(question)).map((field) => numberField(field, before[field.name]));
  place.replaceChildren(...fields);
  if (SIGN_QUESTIONS.includes(question)) place.append(mirroredField(before.mirrored === "true"));
}

/**
 * What is filled in, by the service's names.
 * @param {HTMLElement} place
 * @returns {Record<string, string>}
 */
export function readOptions(place) {
  /** @type {Record<string, string>} */
  const filled = {};
  for (const input of place.querySelectorAll("input")) {
    if (input.type === "checkbox" ? input.checked : input.value !== "") {
      filled[input.name] = input.type === "checkbox" ? "true" : input.value;
    }
  }
  return filled;
}

/** @param {Field} field @param {string | undefined} value */
function numberField({ name, word: label, min, max }, value) {
  const attributes = { type: "number", name, step: "any", min, max, value, placeholder: word("ask.default"), inputmode: "decimal" };
  const input = element("input", { attributes });
  input.dataset.wordPlaceholder = "ask.default";
  return element("label.field", {}, element("span", { word: label }), input);
}

function mirroredField(/** @type {boolean} */ checked) {
  const input = element("input", { attributes: { type: "checkbox", name: "mirrored", checked } });
  return element("label.check", {}, input, element("span", { word: "ask.mirrored" }));
}
