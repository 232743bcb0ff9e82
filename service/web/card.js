/** What is known of a model, and what it does not know: its manifest for people. */
import { byId, element } from "./dom.js";
import { percent, rough } from "./figures.js";
import { nameOf } from "./lead.js";
import { chosenModel, onModel, textOf } from "./models.js";
import { inLanguage, onLanguage } from "./words.js";

const WEAK = 0.7;

/** Connect the disclosure beside the picker. */
export function setUpCard() {
  const opener = byId("about", HTMLButtonElement);
  const card = byId("card");
  opener.addEventListener("click", () => {
    card.hidden = !card.hidden;
    opener.setAttribute("aria-expanded", String(!card.hidden));
  });
  const write = () => {
    const model = chosenModel();
    opener.disabled = model === null;
    card.replaceChildren(...(model ? cardOf(model) : []));
  };
  onModel(write);
  onLanguage(write);
}

/** @param {import("./models.js").Model} model */
function cardOf({ manifest, task }) {
  const parts = [
    element("h2", { text: inLanguage(manifest.title) }),
    element("div.card-columns", {}, unknown(manifest, task), labels(manifest)),
    facts(manifest),
    evaluation(manifest.evaluation),
    words(manifest),
  ];
  return parts.filter((part) => part !== null);
}

/** Labels that were right in fewer than 7 of 10 in some test, worst first. */
export function weakLabels(/** @type {any[]} */ evaluations) {
  /** @type {Map<string, number>} */
  const worst = new Map();
  for (const { per_class: shares } of evaluations) {
    for (const [label, share] of Object.entries(shares ?? {})) {
      if (Number(share) < WEAK) worst.set(label, Math.min(worst.get(label) ?? 1, Number(share)));
    }
  }
  return [...worst].sort((one, two) => one[1] - two[1]).map(([label]) => label);
}

function unknown(/** @type {any} */ manifest, /** @type {string} */ task) {
  const weak = weakLabels(manifest.evaluation);
  const count = signsOf(manifest).length;
  const first =
    task === "sign"
      ? element("p", { word: "card.unknown.signs", values: { count } })
      : element("p", { word: task === "affect" ? "card.unknown.faces" : "card.unknown.motion" });
  return element(
    "section",
    {},
    element("h3", { word: "card.unknown" }),
    first,
    weak.length > 0 && element("p", { word: "card.unknown.weak", values: { labels: weak.map((one) => textOf(one, manifest)).join(", ") } }),
    manifest.evaluation.length === 0 && element("p", { word: "card.unknown.untested" }),
  );
}

function labels(/** @type {any} */ manifest) {
  if (!manifest.labels) return null;
  return element(
    "section",
    {},
    element("h3", { word: "card.labels" }),
    element("p.quiet-text", { word: "card.count", values: { count: manifest.labels.length } }),
    element("ul.chips", {}, ...manifest.labels.map((/** @type {string} */ label) => chip(label, manifest))),
  );
}

function chip(/** @type {string} */ label, /** @type {any} */ manifest) {
  const idle = manifest.idle_labels.includes(label);
  return element("li", {}, idle ? label : textOf(label, manifest), idle && element("small", { word: "card.idle" }));
}

function signsOf(/** @type {any} */ manifest) {
  return (manifest.labels ?? []).filter((/** @type {string} */ label) => !manifest.idle_labels.includes(label));
}

function facts(/** @type {any} */ manifest) {
  const { parity, quantization, time, language, output, license, source } = manifest;
  return element(
    "dl.facts",
    {},
    ...fact("card.language", language ? element("span", { text: nameOf(language) }) : element("span", { word: "card.noLanguage" })),
    ...(time ? fact("card.window", element("span", { word: "card.windowValue", values: { window: time.window_s, stride: time.stride_s } })) : []),
    ...(output.threshold ? fact("card.threshold", element("span", { text: percent(output.threshold) })) : []),
    ...fact("card.parity", parityOf(parity)),
    ...(quantization ? fact("card.quantization", quantizationOf(quantization)) : []),
    ...fact("card.license", element("span", { text: license })),
    ...(source ? fact("card.source", element("span", { text: `${source.file} (${source.framework})` })) : []),
  );
}

/** @param {string} name @param {HTMLElement} value */
function fact(name, value) {
  return [element("dt", { word: name }), element("dd", {}, value)];
}

function parityOf(/** @type {any} */ parity) {
  if (!parity) return element("span", { word: "card.noParity" });
  const values = {
    difference: rough(100 * parity.max_abs_diff),
    samples: parity.samples,
    tolerance: rough(100 * parity.tolerance),
  };
  return element("span", { word: "card.parityValue", values });
}

function quantizationOf(/** @type {any} */ quantization) {
  const values = {
    method: quantization.method,
    agreement: percent(quantization.agreement, 1),
    speedup: rough(quantization.speedup),
  };
  return element("span", { word: "card.quantizationValue", values });
}

/** Columns of the tests' table: a heading, and what it says of a test. @type {[string, (one: any) => string | null][]} */
const COLUMNS = [
  ["card.persons", (one) => counted(one.persons)],
  ["card.clips", (one) => counted(one.clips)],
  ["card.accuracy", (one) => shareOf(one.accuracy)],
  ["card.f1", (one) => shareOf(one.macro_f1)],
  ["card.coverage", (one) => shareOf(one.coverage)],
];

function counted(/** @type {number | null} */ value) {
  return value == null ? null : String(value);
}

function shareOf(/** @type {number | null} */ value) {
  return value == null ? null : percent(value, 1);
}

function evaluation(/** @type {any[]} */ evaluations) {
  if (evaluations.length === 0) return null;
  const columns = COLUMNS.filter(([, of]) => evaluations.some((one) => of(one) !== null));
  const headings = ["card.dataset", ...columns.map(([heading]) => heading)];
  const rows = evaluations.map((one) =>
    element(
      "tr",
      {},
      element("th", { text: one.dataset, attributes: { scope: "row" } }),
      ...columns.map(([, of]) => element("td", { text: of(one) ?? "–" })),
    ),
  );
  return element(
    "section",
    {},
    element("h3", { word: "card.evaluation" }),
    element("ul.small.quiet-text.plain", { attributes: { lang: "en" } }, ...protocolsOf(evaluations).map((text) => element("li", { text }))),
    element(
      "div.scrolls",
      { label: "card.evaluation", attributes: { role: "group", tabindex: 0 } },
      element(
        "table",
        {},
        element("thead", {}, element("tr", {}, ...headings.map((word) => element("th", { word, attributes: { scope: "col" } })))),
        element("tbody", {}, ...rows),
      ),
    ),
  );
}

/** How the tests were done; most models did all theirs in one way. @returns {string[]} */
function protocolsOf(/** @type {any[]} */ evaluations) {
  return [...new Set(evaluations.map((one) => one.protocol))];
}

function words(/** @type {any} */ manifest) {
  const description = inLanguage(manifest.description);
  const notes = manifest.evaluation.filter((/** @type {any} */ one) => one.note);
  const thanks = manifest.attribution;
  return element(
    "div.card-words",
    {},
    description !== "" && element("details", {}, element("summary", { word: "card.description" }), element("p", { text: description })),
    notes.length > 0 &&
      element(
        "details",
        {},
        element("summary", { word: "card.notes" }),
        element("ul", { attributes: { lang: "en" } }, ...notes.map((/** @type {any} */ one) => element("li", { text: `${one.dataset}: ${one.note}` }))),
      ),
    thanks.length > 0 &&
      element(
        "details",
        {},
        element("summary", { word: "card.thanks" }),
        element("ul", {}, ...thanks.map((/** @type {string} */ line) => element("li", { text: line }))),
      ),
  );
}
