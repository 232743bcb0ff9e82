/** Confidences by label, as the command line prints them: name, 50 cells of █ and ░, the percentage. */
import { element } from "./dom.js";
import { bar, percent } from "./figures.js";

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
    const row = list.children[index] ?? list.appendChild(emptyRow());
    const [name, share, cells] = row.children;
    name.textContent = textOf(label);
    share.textContent = percent(confidence, 2);
    cells.textContent = bar(confidence);
    row.classList.toggle("leads", index === 0);
  });
}

function emptyRow() {
  return element(
    "li.bar",
    {},
    element("span.bar-name"),
    element("span.bar-share"),
    element("span.bar-cells", { attributes: { "aria-hidden": true } }),
  );
}
