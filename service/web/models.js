/** The models that can answer, which one is chosen, and the picker that shows them. */
import { askJson } from "./api.js";
import { byId, element } from "./dom.js";
import { keyIsMissing } from "./key.js";
import { KNOWN } from "./known.js";
import { inLanguage, onLanguage, say, word } from "./words.js";

/** @typedef {"predict" | "timeline" | "highlights"} Question */
/** @typedef {any} Manifest */
/** @typedef {{name: string, version: number, isDefault: boolean, task: string, manifest: Manifest}} Model */

/** Which tasks a question can be put to. */
const TASKS = { predict: ["sign", "affect"], timeline: ["sign"], highlights: ["highlight", "affect"] };
const STREAMED = ["keypoints", "image", "hand_crop"];
const UNUSABLE = "tensor";
const SHOWN_TASKS = ["sign", "affect", "highlight"];

/** @type {Model[]} */
let models = [];
/** @type {Model | null} */
let chosen = null;
/** @type {Array<(model: Model | null) => void>} */
const listeners = [];

/** The chosen model; null before there is one. */
export function chosenModel() {
  return chosen;
}

/** Called with the chosen model whenever it changes. */
export function onModel(/** @type {(model: Model | null) => void} */ listener) {
  listeners.push(listener);
}

/** Whether a model can answer a question. */
export function answers(/** @type {Model | null} */ model, /** @type {Question} */ question) {
  return model !== null && TASKS[question].includes(model.task);
}

/** Whether any model can. */
export function anyAnswers(/** @type {Question} */ question) {
  return models.some((model) => answers(model, question));
}

/** Whether a model reads live pictures. */
export function streams(/** @type {Model | null} */ model) {
  return model !== null && model.task === "sign" && STREAMED.includes(model.manifest.pipeline.kind);
}

/** A model that reads live pictures, whichever: the service's default one, or the first. Null where there is none. */
export function liveModel() {
  const live = models.filter(streams);
  const found = live.find((model) => model.name === KNOWN.defaultModel && model.isDefault) ?? live[0];
  return found ? { model: found.name, version: found.version } : null;
}

/**
 * What the chosen model reads, for instructions: hands that spell, hands that sign, or faces. Before there is one, what
 * the service's default model does.
 * @returns {"letters" | "words" | "faces"}
 */
export function subjectOf() {
  if (chosen && chosen.task !== "sign") return "faces";
  return (chosen ? chosen.manifest.unit : KNOWN.unit) === "letter" ? "letters" : "words";
}

/** Whether the chosen model tells when letters or words are signed, so that a video is best read as a timeline. */
export function readsInTime() {
  return chosen !== null && answers(chosen, "timeline") && Boolean(chosen.manifest.time);
}

/** Choose a model that can answer where the chosen one cannot: the service's default one, or the first. */
export function chooseFor(/** @type {Question} */ question) {
  if (answers(chosen, question)) return;
  const preset = question === "highlights" ? KNOWN.defaultHighlightModel : KNOWN.defaultModel;
  const fitting = models.filter((model) => answers(model, question));
  choose(fitting.find((model) => model.name === preset && model.isDefault) ?? fitting[0] ?? chosen);
}

/** What a label says, in the language of the page; one that means "no sign" is no word to be read. */
export function textOf(/** @type {string} */ label, /** @type {Manifest | undefined} */ manifest = chosen?.manifest) {
  const text = inLanguage(manifest?.label_text?.[label]);
  return text || (manifest?.idle_labels?.includes(label) ? word("label.idle") : label);
}

/** What a request names the model by: the version only where it is not the one being served. */
export function named(/** @type {Model | null} */ model) {
  if (!model) return {};
  return { model: model.name, version: model.isDefault ? undefined : model.version };
}

/** The model that answered, where it is still there. */
export function modelOf(/** @type {{name: string, version: number}} */ reference) {
  return models.find((model) => model.name === reference.name && model.version === reference.version) ?? null;
}

/** Ask which models are ready, and choose the service's default one unless one was chosen before. */
export async function loadModels() {
  say(byId("model-state"), "model.wait");
  const listed = await askJson("models");
  const ready = listed.models.flatMap((/** @type {any} */ model) =>
    model.versions
      .filter((/** @type {any} */ version) => version.state === "ready" && SHOWN_TASKS.includes(version.task))
      .map((/** @type {any} */ version) => ({ name: model.name, version: version.version })),
  );
  const told = await Promise.all(ready.map((/** @type {{name: string, version: number}} */ one) => askJson(`models/${one.name}/versions/${one.version}`)));
  models = told
    .filter((one) => one.manifest && one.manifest.pipeline.kind !== UNUSABLE)
    .map((one) => ({ name: one.name, version: one.version, isDefault: one.is_default, task: one.task, manifest: one.manifest }));
  const again = models.find((model) => model.name === chosen?.name && model.version === chosen.version);
  const linked = new URLSearchParams(location.search).get("model"); // a link to one of the models
  const preset = models.find((model) => model.name === (linked ?? KNOWN.defaultModel) && model.isDefault);
  choose(again ?? preset ?? models[0] ?? null);
}

/** Connect the picker. */
export function setUpPicker() {
  const select = byId("model", HTMLSelectElement);
  select.addEventListener("change", () => choose(models[select.selectedIndex] ?? null));
  onLanguage(showPicker);
}

function choose(/** @type {Model | null} */ model) {
  chosen = model;
  showPicker();
  for (const listener of listeners) listener(model);
}

function showPicker() {
  const select = byId("model", HTMLSelectElement);
  models.sort((one, two) => SHOWN_TASKS.indexOf(one.task) - SHOWN_TASKS.indexOf(two.task));
  const groups = SHOWN_TASKS.flatMap((task) => {
    const own = models.filter((model) => model.task === task);
    return own.length ? [element("optgroup", { attributes: { label: word(`model.task.${task}`) } }, ...own.map(option))] : [];
  });
  select.replaceChildren(...groups);
  select.selectedIndex = chosen ? models.indexOf(chosen) : -1;
  select.disabled = models.length === 0;
  if (models.length) byId("model-state").replaceChildren();
  else say(byId("model-state"), keyIsMissing() ? "model.needsKey" : "model.none");
}

function option(/** @type {Model} */ model) {
  const title = inLanguage(model.manifest.title) || model.name;
  const text = model.isDefault ? title : word("model.version", { title, version: model.version });
  return element("option", { text });
}
