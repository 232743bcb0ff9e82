/** The first line: in plain words, what the chosen model reads, what it does not, and that nothing is stored. */
import { byId } from "./dom.js";
import { KNOWN } from "./known.js";
import { chosenModel, onModel } from "./models.js";
import { hasWord, onLanguage, word } from "./words.js";

const KOREAN = "kvk";

/** @typedef {{task: string, language: string | null, unit: string | null}} Subject */

/** Write the line now, and again when the model or the language changes. */
export function setUpLead() {
  onModel(write);
  onLanguage(write);
  write();
}

/** The sentence about a subject. */
export function leadOf(/** @type {Subject} */ subject) {
  if (subject.task !== "sign") return word("lead.alone", { what: word(`lead.${subject.task}`) });
  if (!subject.language) return word("lead.alone", { what: word("lead.unknown") });
  const letters = subject.unit === "letter";
  const what = word(letters ? "lead.letters" : "lead.words", { language: nameOf(subject.language) });
  if (subject.language === KOREAN) return word("lead.alone", { what });
  return word("lead.join", { what, not: word("lead.notKorean") });
}

/** The name of a sign language by its ISO 639-3 code. */
export function nameOf(/** @type {string} */ code) {
  return hasWord(`language.${code}`) ? word(`language.${code}`) : word("language.other", { code });
}

function write() {
  const model = chosenModel();
  const subject = model
    ? { task: model.task, language: model.manifest.language, unit: model.manifest.unit }
    : { task: "sign", language: KNOWN.language, unit: KNOWN.unit };
  byId("lead").textContent = leadOf(subject);
  const promises = [word("lead.promise"), word("lead.jobs", { hours: KNOWN.jobsRetentionHours })];
  if (KNOWN.teaches) promises.push(word("lead.teach"));
  byId("promise").textContent = promises.join(" ");
}
