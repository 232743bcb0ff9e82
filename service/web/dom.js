/** Elements made in one expression. Text is only ever set as text: nothing that was sent becomes markup. */
import { say, word } from "./words.js";

/**
 * @typedef {object} Given
 * @property {string} [word] key of the sentence that the element says
 * @property {import("./words.js").Values} [values] what fills the sentence
 * @property {string} [label] key of its aria-label
 * @property {string} [text] text that is no sentence of ours: labels, names, figures
 * @property {Record<string, (event: any) => void>} [on] listeners by event
 * @property {Record<string, string | number | boolean | undefined>} [attributes]
 */

/** @typedef {Node | string | null | undefined | false} Child */

/**
 * @param {string} tag may carry classes: "p.quiet.small"
 * @param {Given} [given]
 * @param {Child[]} children
 * @returns {HTMLElement}
 */
export function element(tag, given = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const made = document.createElement(name);
  fill(made, classes, given, children);
  return made;
}

/**
 * As element, for parts of an SVG drawing.
 * @param {string} tag
 * @param {Given} [given]
 * @param {Child[]} children
 */
export function drawn(tag, given = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  fill(made, classes, given, children);
  return made;
}

/**
 * The element of the page with this id.
 * @template {HTMLElement} E
 * @param {string} id
 * @param {new () => E} [type]
 * @returns {E}
 */
export function byId(id, type) {
  const found = document.getElementById(id);
  if (!found || (type && !(found instanceof type))) throw new Error(`the page has no ${id}`);
  return /** @type {E} */ (found);
}

/** @param {Element} made @param {string[]} classes @param {Given} given @param {Child[]} children */
function fill(made, classes, given, children) {
  made.classList.add(...classes);
  for (const [name, value] of Object.entries(given.attributes ?? {})) {
    if (value === undefined || value === false) continue;
    made.setAttribute(name, value === true ? "" : String(value));
  }
  if (given.text !== undefined) made.textContent = given.text;
  if (given.word) say(made, given.word, given.values);
  if (given.label) {
    const { dataset } = /** @type {HTMLElement} */ (made);
    dataset.wordLabel = given.label;
    if (given.values) dataset.wordValues = JSON.stringify(given.values);
    made.setAttribute("aria-label", word(given.label, given.values));
  }
  for (const [event, listener] of Object.entries(given.on ?? {})) made.addEventListener(event, listener);
  made.append(...children.filter((child) => child instanceof Node || typeof child === "string"));
}
