/** The questions that can be put to a file, which one is chosen, and the options of it. */
import { byId } from "./dom.js";
import { answers, anyAnswers, chooseFor, chosenModel, readsInTime } from "./models.js";
import { showOptions } from "./options.js";
import { say } from "./words.js";

/** @typedef {import("./models.js").Question} Question */

/** @type {Question[]} */
const QUESTIONS = ["predict", "timeline", "highlights"];

export class Questions {
  constructor() {
    /** Whether the reader chose one, which is kept then. */
    this.isChosen = false;
    showOptions(byId("ask-options"), this.asked);
  }

  /** The question that is chosen. @returns {Question} */
  get asked() {
    return QUESTIONS.find((question) => this.input(question).checked) ?? "predict";
  }

  input(/** @type {Question} */ question) {
    return byId(`ask-${question}`, HTMLInputElement);
  }

  /** Called when the reader chooses a question; a model that can answer it is chosen with it. */
  onChosen(/** @type {() => void} */ listener) {
    for (const question of QUESTIONS) {
      this.input(question).addEventListener("change", () => {
        this.isChosen = true;
        chooseFor(question);
        this.show();
        listener();
      });
    }
  }

  /** A video is best read as a timeline where the model reads letters or words in time, a picture by one answer. */
  suggest(/** @type {File} */ file) {
    if (this.isChosen || !readsInTime()) return;
    this.input(file.type.startsWith("image/") ? "predict" : "timeline").checked = true;
    this.show();
  }

  /** Questions that no model can answer are shown, but cannot be chosen; the chosen model decides which is. */
  show() {
    const model = chosenModel();
    for (const question of QUESTIONS) {
      const possible = model === null || anyAnswers(question);
      this.input(question).disabled = !possible;
      say(byId(`ask-${question}-hint`), possible ? `ask.${question}Hint` : "ask.noModel");
    }
    if (model && !answers(model, this.asked)) {
      this.input(QUESTIONS.find((question) => answers(model, question)) ?? "predict").checked = true;
    }
    showOptions(byId("ask-options"), this.asked);
  }
}
