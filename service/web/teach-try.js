/** The taught model tried live: what it says now, each answer, and what it should have been by one tap. */
import { showBars } from "./bars.js";
import { byId, element } from "./dom.js";
import { share } from "./figures.js";
import { modelOf, textOf as labelText } from "./models.js";
import { word } from "./words.js";

const ANSWERS_KEPT = 4;
const BEFORE_S = 0.3;
const AFTER_S = 0.2;

/** @typedef {{cut: (startS: number, endS: number) => Blob | null, correct: (film: Blob, label: string) => Promise<boolean>}} Acts */

export class TryView {
  /** @param {Acts} acts */
  constructor(acts) {
    this.acts = acts;
    /** @type {any} */
    this.lesson = null;
    this.answers = byId("teach-answers");
  }

  /** Show it for a lesson, or not at all. */
  show(/** @type {any | null} */ lesson) {
    this.lesson = lesson;
    byId("teach-try").hidden = lesson === null;
    byId("teach-bars").replaceChildren();
    this.answers.replaceChildren();
  }

  /** What the model says of one picture. */
  frame(/** @type {any} */ prediction) {
    if (this.lesson) showBars(byId("teach-bars"), prediction?.top.slice(0, 3) ?? [], (label) => this.textOf(label));
  }

  /** An answer that is final. Its pictures are kept by this page for as long as it is shown, to be a take if it was wrong. */
  segment(/** @type {any} */ segment) {
    if (!this.lesson) return;
    const film = this.acts.cut(segment.start_time - BEFORE_S, segment.end_time + AFTER_S);
    const values = { label: this.textOf(segment.class_name), confidence: share(segment.confidence) };
    const others = this.labels().filter((label) => label !== segment.class_name);
    const row = element(
      "li",
      {},
      element("strong", { word: "teach.said", values }),
      film && element("div.row", {}, element("span.small.quiet-text", { word: "teach.was" }), ...others.map((label) => this.correction(film, label))),
    );
    this.answers.prepend(row);
    while (this.answers.children.length > ANSWERS_KEPT) this.answers.lastElementChild?.remove();
  }

  /** @param {Blob} film @param {string} label */
  correction(film, label) {
    const button = element("button.quiet", { text: this.textOf(label), attributes: { type: "button" } });
    button.addEventListener("click", async () => {
      const row = button.parentElement;
      if (!(await this.acts.correct(film, label)) || !row) return;
      row.replaceChildren(element("span.small", { word: "teach.corrected", values: { label: this.textOf(label) } }));
    });
    return button;
  }

  /** @returns {string[]} */
  labels() {
    const taught = this.lesson.examples.map((/** @type {any} */ one) => one.label);
    return [...new Set([...taught, this.lesson.nothing_label])];
  }

  textOf(/** @type {string} */ label) {
    return label === this.lesson.nothing_label ? word("teach.label.nothing") : labelText(label, modelOf(this.lesson.model)?.manifest);
  }
}
