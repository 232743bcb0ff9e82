/** Downloads of an answer in every format, fetched as blobs, since a link cannot carry a key. */
import { element } from "./dom.js";
import { showProblem } from "./problems.js";

/** @type {Record<import("./models.js").Question, string[]>} */
export const FORMATS = {
  predict: ["json"],
  timeline: ["json", "vtt", "srt", "eaf", "csv", "otio", "aihub"],
  highlights: ["json", "vtt", "csv", "edl", "otio", "png"],
};

/** The name of Content-Disposition, in UTF-8 where it is given so; the fallback where there is none. */
export function fileNameOf(/** @type {string} */ disposition, /** @type {string} */ fallback) {
  const utf8 = /filename\*=UTF-8''([^;]+)/i.exec(disposition);
  if (utf8) return decodeURIComponent(utf8[1]);
  return /filename="([^"]+)"/.exec(disposition)?.[1] ?? fallback;
}

/** Let the browser save a blob under a name. */
export function save(/** @type {Blob} */ blob, /** @type {string} */ name) {
  const link = element("a", { attributes: { href: URL.createObjectURL(blob), download: name } });
  link.click();
  setTimeout(() => URL.revokeObjectURL(/** @type {HTMLAnchorElement} */ (link).href), 60_000);
}

/**
 * A row of buttons, one a format.
 * @param {import("./models.js").Question} question
 * @param {string} stem the medium's name without its ending
 * @param {any} answer which json is saved as it is
 * @param {(format: string) => Promise<import("./api.js").Sent>} fetchAs
 * @param {boolean} sendsAgain whether other formats send the file once more
 */
export function downloadsView(question, stem, answer, fetchAs, sendsAgain) {
  const problem = element("div");
  const buttons = FORMATS[question].map((format) => {
    const button = element("button.quiet", { word: `download.${format}`, attributes: { type: "button" } });
    button.addEventListener("click", async () => {
      button.setAttribute("aria-busy", "true");
      problem.replaceChildren();
      try {
        if (format === "json") save(new Blob([JSON.stringify(answer, null, 2)], { type: "application/json" }), `${stem}.json`);
        else {
          const { body, disposition } = await fetchAs(format);
          save(body, fileNameOf(disposition, `${stem}.${format}`));
        }
      } catch (error) {
        showProblem(problem, error);
      }
      button.removeAttribute("aria-busy");
    });
    return button;
  });
  return element(
    "section.downloads",
    {},
    element("h3", { word: "download.title" }),
    element("div.row", {}, ...buttons),
    sendsAgain && FORMATS[question].length > 1 && element("p.quiet-text.small", { word: "download.again" }),
    problem,
  );
}
