/** The takes that were made, by sign: each one's skeleton, what is doubtful about it, and its deletion. */
import { askJson } from "./api.js";
import { byId, element } from "./dom.js";
import { replayButton } from "./replay.js";
import { hasWord } from "./words.js";

/** @typedef {{code: string, label: string, other: string, example: string, text: string}} Advice */
/** @typedef {{id: string, label: string, teacher: string, duration: number, warnings: Advice[]}} Example */
/** @typedef {{remove: (example: Example) => void, more: (label: string) => void}} Acts */

export class TakesView {
  /** @param {Acts} acts */
  constructor(acts) {
    this.acts = acts;
    this.list = byId("teach-list");
    /** @type {Map<string, HTMLElement>} */
    this.shown = new Map();
  }

  /** Show the takes of a lesson: those that are shown already stay as they are. */
  show(/** @type {any} */ lesson) {
    /** @type {Example[]} */
    const examples = lesson.examples;
    byId("teach-none").hidden = examples.length > 0;
    const labels = [...new Set(examples.map(({ label }) => label))];
    const known = new Set(examples.map(({ id }) => id));
    for (const id of this.shown.keys()) if (!known.has(id)) this.shown.delete(id);
    this.list.replaceChildren(
      ...labels.map((label) => {
        const takes = examples.filter((one) => one.label === label);
        return element(
          "li.teach-sign",
          {},
          element("div.row.between", {}, this.heading(label, takes.length, lesson), this.more(label)),
          element("ul.teach-takes.plain", {}, ...takes.map((example, index) => this.take(lesson.name, example, index + 1))),
        );
      }),
    );
  }

  /** @param {string} label @param {number} count @param {any} lesson */
  heading(label, count, lesson) {
    const isNothing = label === lesson.nothing_label;
    return element(
      "h4",
      {},
      isNothing ? element("span", { word: "teach.label.nothing" }) : element("span", { text: label }),
      " ",
      element("small.quiet-text", { word: count === 1 ? "teach.count.one" : "teach.count", values: { count } }),
    );
  }

  more(/** @type {string} */ label) {
    return element("button.quiet", { word: "teach.more", attributes: { type: "button" }, on: { click: () => this.acts.more(label) } });
  }

  /** @param {string} name @param {Example} example @param {number} number */
  take(name, example, number) {
    const shown = this.shown.get(example.id);
    if (shown) return shown;
    const values = { number, label: example.label };
    const picture = element("div");
    const made = element(
      `li.take${example.warnings.length ? ".doubtful" : ""}`,
      {},
      picture,
      ...example.warnings.map((warning) => element("p", adviceOf(warning))),
      example.teacher !== "" && element("p.quiet-text", { text: example.teacher }),
      element("button.remove", { label: "teach.remove", values, attributes: { type: "button" }, on: { click: () => this.acts.remove(example) } }, "×"),
    );
    this.shown.set(example.id, made);
    askJson(`teach/${name}/examples/${example.id}`)
      .then((told) => picture.append(replayButton(told.landmarks, "teach.replay", values)))
      .catch(() => {}); // it was deleted meanwhile; the list says so itself
    return made;
  }
}

/** What is said of an advice: our sentence in the page's language, or the service's own where there is none. */
export function adviceOf(/** @type {Advice} */ advice) {
  const key = `teach.advice.${advice.code}`;
  if (!hasWord(key)) return { text: advice.text };
  return { word: key, values: { label: advice.label, other: advice.other } };
}
