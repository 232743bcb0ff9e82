/** Clips and pictures of our own, to try a model without a camera; shown where the chosen model reads them. */
import { ask } from "./api.js";
import { byId, element } from "./dom.js";
import { onFound } from "./lost.js";
import { chosenModel, onModel } from "./models.js";
import { showProblem } from "./problems.js";
import { onLanguage } from "./words.js";

/** @typedef {{file: string, poster: string, type: string, signs: string}} Sample signs: its labels, one a character */

const LANGUAGE = "ase";
const CLIPS = { word_fly: "FLY", word_cab: "CAB" };
const LETTERS = [..."ABCFIKLUVWY"];
const DIGITS = [..."135"];

/** @type {Sample[]} */
const SAMPLES = [
  ...Object.entries(CLIPS).map(([name, signs]) => ({ file: `${name}.mp4`, poster: `${name}.webp`, type: "video/mp4", signs })),
  ...LETTERS.map((letter) => picture(`letter_${letter.toLowerCase()}`, letter)),
  ...DIGITS.map((digit) => picture(`digit_${digit}`, digit)),
];

/** @param {string} name @param {string} signs @returns {Sample} */
function picture(name, signs) {
  return { file: `${name}.webp`, poster: `${name}.webp`, type: "image/webp", signs };
}

/** The samples that a model reads: those of its language all of whose signs it knows. */
export function samplesFor(/** @type {import("./models.js").Model | null} */ model) {
  const { language, labels } = model?.manifest ?? {};
  if (model?.task !== "sign" || language !== LANGUAGE || !labels) return [];
  return SAMPLES.filter(({ signs }) => [...signs].every((sign) => labels.includes(sign)));
}

/** Connect the samples of the file's tab. */
export function setUpSamples(/** @type {(file: File) => void} */ onChosen) {
  const write = () => {
    const fitting = samplesFor(chosenModel());
    byId("samples").hidden = fitting.length === 0;
    byId("samples-list").replaceChildren(...fitting.map((sample) => element("li", {}, button(sample, onChosen))));
  };
  onModel(write);
  onLanguage(write);
  onFound(write); // pictures that could not be loaded
}

function button(/** @type {Sample} */ sample, /** @type {(file: File) => void} */ onChosen) {
  const isClip = sample.type.startsWith("video/");
  const choose = async () => {
    byId("samples-problem").replaceChildren();
    try {
      const response = await ask(place(sample.file));
      onChosen(new File([await response.blob()], sample.file, { type: sample.type }));
    } catch (error) {
      showProblem(byId("samples-problem"), error);
    }
  };
  return element(
    "button.sample",
    { label: isClip ? "samples.clip" : "samples.picture", values: { signs: sample.signs }, attributes: { type: "button" }, on: { click: choose } },
    element("span.sample-picture", {}, element("img", {
      attributes: { src: place(sample.poster), alt: "", width: 320, height: 240, loading: "lazy" },
      on: { error: ({ target }) => target.classList.add("missing") },
    })),
    element(isClip ? "span.sample-name.clip" : "span.sample-name", { text: sample.signs }),
  );
}

/** Where a sample lies: beside this file, so that it may be kept as long. */
function place(/** @type {string} */ name) {
  return new URL(`samples/${name}`, import.meta.url).href;
}
