/** Confidences by label: its name, a bar as long as the share, and the percentage. */
import { element } from "./dom.js";
import { share } from "./figures.js";

/** @typedef {{class_name: string, confidence: number}} Ranked */

/**
 * The rows of a list. Rows that are there already are changed in place, so that live answers cost little.
 * @param {HTMLElement} list
 * @param {Ranked[]} ranked
 * @param {(label: string) => string} textOf
 */
export function showBars(list, ranked, textOf) {
  while (list.children.length > ranked.length) list.lastElementChild?.remove();
  ranked.forEach(({ class_name: label, confidence }, index) => {
    const row = /** @type {HTMLElement} */ (list.children[index] ?? list.appendChild(emptyRow()));
    const [name, percentage] = row.children;
    name.textContent = textOf(label);
    percentage.textContent = share(confidence);
    row.style.setProperty("--share", String(confidence));
    row.classList.toggle("leads", index === 0);
  });
}

function emptyRow() {
  return element("li.bar", {}, element("span.bar-name"), element("span.bar-share"), element("span.bar-track", { attributes: { "aria-hidden": true } }));
}
