/** Errors in words: a sentence by the problem's code, what the service says of this case, and what can be done. */
import { Problem } from "./api.js";
import { element } from "./dom.js";
import { wait } from "./figures.js";
import { askForKey } from "./key.js";
import { hasWord } from "./words.js";

export const OF_THE_KEY = ["key-missing", "key-refused"];
const MORE_BY_JOB = ["media-too-large", "media-too-long", "too-many-frames", "deadline-exceeded"];

/** @typedef {{retry?: () => void, asJob?: () => void, sentence?: string}} Remedies sentence: key of a better one than the code's */

/**
 * Show a problem in a place; it is read out at once.
 * @param {HTMLElement} place
 * @param {unknown} error
 * @param {Remedies} [remedies]
 */
export function showProblem(place, error, remedies = {}) {
  const problem = error instanceof Problem ? error : new Problem("answer");
  if (!(error instanceof Problem)) console.error(error);
  place.replaceChildren(problemView(problem, remedies, () => place.replaceChildren()));
  if (OF_THE_KEY.includes(problem.code)) askForKey(sentenceOf(problem));
}

/** The sentence of a problem's code; that of an unknown answer where the service has a code that this page has not. */
export function sentenceOf(/** @type {Problem} */ problem) {
  return hasWord(`error.${problem.code}`) ? `error.${problem.code}` : "error.answer";
}

/** @param {Problem} problem @param {Remedies} remedies @param {() => void} close */
function problemView(problem, remedies, close) {
  const asJob = MORE_BY_JOB.includes(problem.code) ? remedies.asJob : undefined;
  return element(
    "div.problem",
    { attributes: { role: "alert" } },
    element("p.problem-sentence", { word: remedies.sentence ?? sentenceOf(problem) }),
    problem.sizes && element("p.small", { word: "problem.sizes", values: problem.sizes }),
    problem.detail !== "" &&
      element(
        "p.small",
        {},
        element("span", { word: "problem.detail" }),
        " ",
        element("span", { text: problem.detail, attributes: { lang: "en" } }),
      ),
    problem.retryAfter !== undefined && element("p.small", { word: "problem.after", values: { wait: wait(problem.retryAfter) } }),
    problem.request !== "" && element("p.small", { word: "problem.request", values: { id: problem.request } }),
    element(
      "p.row",
      {},
      asJob && button("problem.asJob", asJob),
      remedies.retry && button("problem.retry", remedies.retry),
      button("problem.close", close),
    ),
  );
}

/** @param {string} wordKey @param {() => void} act */
function button(wordKey, act) {
  return element("button.quiet", { word: wordKey, attributes: { type: "button" }, on: { click: act } });
}
