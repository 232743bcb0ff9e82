/** The model of a lesson: made as a job, its figures, and where it goes: live, downloaded, linked to. */
import { address, ask, askJson, Problem } from "./api.js";
import { copyButton } from "./copy.js";
import { byId, element } from "./dom.js";
import { fileNameOf, save } from "./downloads.js";
import { readEvents } from "./events.js";
import { percent } from "./figures.js";
import { showProblem } from "./problems.js";
import { adviceOf } from "./teach-takes.js";
import { hush, say } from "./words.js";

/** @typedef {{made: () => Promise<void>}} Listener */

const CONFUSIONS_SHOWN = 5;

export class ModelView {
  /** @param {Listener} listener told when a model was made */
  constructor(listener) {
    this.listener = listener;
    this.problem = byId("teach-model-problem");
    /** @type {any} */
    this.lesson = null;
    /** @type {AbortController | null} */
    this.making = null;
    byId("teach-make").addEventListener("click", () => this.make());
    byId("teach-cancel").addEventListener("click", () => this.cancel());
    byId("teach-download").addEventListener("click", () => this.download(`models/${this.lesson.name}/versions/${this.lesson.model.version}/download`));
    byId("teach-npz").addEventListener("click", () => this.download(`teach/${this.lesson.name}/export`, { format: "npz" }));
    byId("teach-pose").addEventListener("click", () => this.download(`teach/${this.lesson.name}/export`, { format: "pose" }));
    byId("teach-share").append(copyButton(() => this.link(), "teach.link"));
  }

  /** Show what there is of a lesson's model, and what is missing; a training that runs is watched on. */
  show(/** @type {any} */ lesson) {
    const isOther = lesson.name !== this.lesson?.name;
    this.lesson = lesson;
    if (isOther) {
      this.making?.abort();
      this.problem.replaceChildren();
    }
    byId("teach-advice").replaceChildren(...lesson.advice.map((/** @type {any} */ one) => element("li", adviceOf(one))));
    byId("teach-advice").hidden = lesson.advice.length === 0;
    byId("teach-make", HTMLButtonElement).disabled = !lesson.ready || this.making !== null;
    for (const id of ["teach-npz", "teach-pose"]) byId(id, HTMLButtonElement).disabled = lesson.examples.length === 0;
    byId("teach-done").hidden = lesson.model === null;
    this.showFigures(lesson);
    if (lesson.training && !this.making) this.follow(lesson.training);
  }

  /** @param {any} lesson */
  showFigures({ name, model, figures }) {
    const parts = [];
    if (model) parts.push(element("p", { word: "teach.made", values: { name, version: model.version } }));
    if (figures) {
      if (figures.accuracy !== null) parts.push(element("p", { word: "teach.right", values: { share: percent(figures.accuracy) } }));
      const confused = figures.confusions.slice(0, CONFUSIONS_SHOWN);
      if (confused.length) parts.push(element("ul.teach-advice.small", {}, ...confused.map((/** @type {any} */ one) => element("li", { word: "teach.confused", values: one }))));
      parts.push(element("p.small.quiet-text", { word: "teach.onlyYou" }));
    }
    byId("teach-figures").replaceChildren(...parts);
  }

  async make() {
    this.problem.replaceChildren();
    byId("teach-make", HTMLButtonElement).disabled = true;
    try {
      const { id } = await askJson(`teach/${this.lesson.name}/train`, { method: "POST" });
      await this.follow(id);
    } catch (error) {
      byId("teach-make", HTMLButtonElement).disabled = false;
      showProblem(this.problem, error, { retry: () => this.make() });
    }
  }

  /** Watch a training until it has ended. */
  async follow(/** @type {string} */ id) {
    const making = new AbortController();
    this.making = making;
    this.job = id;
    this.showProgress(null);
    try {
      for await (const event of readEvents(`jobs/${id}/events`, making.signal)) {
        if (event.name === "progress") this.showProgress(event.data.progress);
        if (event.name === "end" && event.data.error) throw new Problem(event.data.error.code, { detail: event.data.error.detail });
      }
      this.end();
      await this.listener.made();
    } catch (error) {
      if (this.making !== making) return; // another lesson is shown now
      this.end();
      if (!making.signal.aborted) showProblem(this.problem, error, { retry: () => this.make() });
    }
  }

  async cancel() {
    this.making?.abort();
    this.end();
    await ask(`jobs/${this.job}`, { method: "DELETE" }).catch((error) => showProblem(this.problem, error));
  }

  end() {
    this.making = null;
    byId("teach-progress").hidden = true;
    byId("teach-cancel").hidden = true;
    byId("teach-make", HTMLButtonElement).disabled = !this.lesson.ready;
    hush(byId("teach-progress-text"));
  }

  /** @param {number | null} progress null while it waits */
  showProgress(progress) {
    const meter = byId("teach-progress", HTMLProgressElement);
    meter.hidden = byId("teach-cancel").hidden = false;
    if (progress === null) meter.removeAttribute("value");
    else meter.value = progress;
    if (progress === null) say(byId("teach-progress-text"), "teach.waits");
    else say(byId("teach-progress-text"), "teach.makes", { percent: Math.floor(progress * 100) });
  }

  /** Where this page opens with the model chosen. */
  link() {
    const url = address("", { model: this.lesson.name });
    url.hash = "camera";
    return url.href;
  }

  /** @param {string} path @param {import("./api.js").Query} [query] */
  async download(path, query) {
    this.problem.replaceChildren();
    try {
      const response = await ask(path, { query });
      save(await response.blob(), fileNameOf(response.headers.get("Content-Disposition") ?? "", this.lesson.name));
    } catch (error) {
      showProblem(this.problem, error);
    }
  }
}
