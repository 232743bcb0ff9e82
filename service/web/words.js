/** The language of the page: looks up sentences, writes them where elements name them, and changes them all at once. */
import { keep, readKept } from "./kept.js";
import { ENGLISH } from "./words-en.js";
import { KOREAN } from "./words-ko.js";

/** @typedef {"en" | "ko"} Language */
/** @typedef {Record<string, string | number>} Values */

/** @type {Record<Language, Record<string, string>>} */
export const WORDS = { en: ENGLISH, ko: KOREAN };

const KEPT = "sign.language";
/** Attributes that can be worded, and the data attribute that names the sentence. */
const PLACES = { "aria-label": "wordLabel", placeholder: "wordPlaceholder", title: "wordTitle" };

/** @type {Language} */
let current = preferred();
/** @type {Array<() => void>} */
const listeners = [];

/** @returns {Language} */
export function language() {
  return current;
}

/** The sentence of a key, with {braces} filled from values. */
export function word(/** @type {string} */ key, /** @type {Values} */ values = {}) {
  const sentence = WORDS[current][key] ?? key;
  return sentence.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/** Whether there is a sentence for this key. */
export function hasWord(/** @type {string} */ key) {
  return key in ENGLISH;
}

/**
 * Let an element say a sentence, now and in the other language when that is chosen.
 * @template {Element} E
 * @param {E} element
 * @param {string} key
 * @param {Values} [values]
 * @returns {E}
 */
export function say(element, key, values) {
  const node = /** @type {HTMLElement} */ (/** @type {unknown} */ (element));
  node.dataset.word = key;
  if (values) node.dataset.wordValues = JSON.stringify(values);
  else delete node.dataset.wordValues;
  write(node);
  return element;
}

/** Let an element say nothing. */
export function hush(/** @type {HTMLElement} */ element) {
  delete element.dataset.word;
  element.textContent = "";
}

/** Called after each change of language, for what cannot be worded by an attribute. */
export function onLanguage(/** @type {() => void} */ listener) {
  listeners.push(listener);
}

export function setLanguage(/** @type {Language} */ chosen) {
  current = chosen;
  keep("localStorage", KEPT, chosen);
  writeAll();
  for (const listener of listeners) listener();
}

/** Write every worded element of the page. */
export function writeAll() {
  document.documentElement.lang = current;
  document.title = word("page.title");
  for (const element of document.querySelectorAll("[data-word]")) write(/** @type {HTMLElement} */ (element));
  for (const [attribute, place] of Object.entries(PLACES)) {
    const marked = `[data-${place.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}]`;
    for (const element of document.querySelectorAll(marked)) {
      const { dataset } = /** @type {HTMLElement} */ (element);
      element.setAttribute(attribute, word(dataset[place] ?? "", valuesOf(dataset)));
    }
  }
}

/** A text that a manifest gives in one or several languages. */
export function inLanguage(/** @type {string | Record<string, string> | undefined} */ text) {
  if (typeof text !== "object") return text ?? "";
  return text[current] ?? text.en ?? Object.values(text)[0] ?? "";
}

function write(/** @type {HTMLElement} */ element) {
  element.textContent = word(element.dataset.word ?? "", valuesOf(element.dataset));
}

/** @returns {Values} */
function valuesOf(/** @type {DOMStringMap} */ dataset) {
  return dataset.wordValues ? JSON.parse(dataset.wordValues) : {};
}

/** @returns {Language} */
function preferred() {
  const kept = readKept("localStorage", KEPT);
  if (kept === "en" || kept === "ko") return kept;
  const first = navigator.languages.find((one) => /^(en|ko)\b/.test(one)) ?? "en";
  return first.startsWith("ko") ? "ko" : "en";
}
