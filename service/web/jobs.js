/** The jobs' tab: one's own jobs, newest first, how far they are, their answers. */
import { ask, askJson, Problem } from "./api.js";
import { byId, element } from "./dom.js";
import { keyIsMissing } from "./key.js";
import { sentenceOf, showProblem } from "./problems.js";
import { onTab, openTab } from "./tabs.js";
import { language, onLanguage } from "./words.js";
import { finishedJob } from "./work.js";

const LOOK_MS = 2000;
const UNFINISHED = ["queued", "running"];

/** @typedef {any} Job */

export class JobsPanel {
  /** @param {import("./file.js").FilePanel} files where answers are shown */
  constructor(files) {
    this.files = files;
    this.list = byId("jobs-list");
    this.problem = byId("jobs-problem");
    /** @type {Job[]} */
    this.jobs = [];
    this.isOpen = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    onTab((name) => {
      this.isOpen = name === "jobs";
      this.look();
    });
    onLanguage(() => this.write());
    byId("jobs-refresh").addEventListener("click", () => this.look());
    byId("jobs-more").addEventListener("click", () => this.loadMore());
  }

  /** Ask for the newest jobs; again in a moment while one of them is unfinished and the tab is open. */
  async look() {
    clearTimeout(this.timer);
    if (!this.isOpen || keyIsMissing()) return;
    try {
      const page = await askJson("jobs");
      this.problem.replaceChildren();
      this.jobs = page.jobs;
      this.showMore(page.next_cursor);
      this.write();
      if (this.jobs.some((job) => UNFINISHED.includes(job.state))) this.timer = setTimeout(() => this.look(), LOOK_MS);
    } catch (error) {
      showProblem(this.problem, error, { retry: () => this.look() });
    }
  }

  async loadMore() {
    clearTimeout(this.timer);
    await this.attempt(async () => {
      const page = await askJson("jobs", { query: { cursor: this.cursor ?? undefined } });
      this.jobs.push(...page.jobs);
      this.showMore(page.next_cursor);
      this.write();
    });
  }

  showMore(/** @type {string | null} */ cursor) {
    this.cursor = cursor;
    byId("jobs-more").hidden = cursor === null;
  }

  async open(/** @type {Job} */ job) {
    if (job.kind === "teach") {
      openTab("teach");
      return;
    }
    await this.attempt(async () => {
      const done = await finishedJob(job.id);
      this.files.showJob({ question: job.kind, done, stem: job.media_name.replace(/\.[^.]*$/, "") || job.kind, tookS: null });
    });
  }

  async remove(/** @type {Job} */ job) {
    await this.attempt(async () => {
      await ask(`jobs/${job.id}`, { method: "DELETE" });
      await this.look();
    });
  }

  async attempt(/** @type {() => Promise<void>} */ act) {
    this.problem.replaceChildren();
    try {
      await act();
    } catch (error) {
      showProblem(this.problem, error);
    }
  }

  write() {
    byId("jobs-none").hidden = this.jobs.length > 0;
    this.list.replaceChildren(...this.jobs.map((job) => this.row(job)));
  }

  row(/** @type {Job} */ job) {
    const unfinished = UNFINISHED.includes(job.state);
    const progress = Math.floor(job.progress * 100);
    return element(
      "li.job",
      {},
      element("strong.job-name", nameOf(job)),
      element("span.job-line.quiet-text", {}, ...this.line(job)),
      element("span.job-state", { word: `jobs.state.${job.state}`, values: { percent: progress } }),
      unfinished && element("progress", { label: `jobs.state.${job.state}`, values: { percent: progress }, attributes: { value: job.progress } }),
      job.error && element("p.small", { word: sentenceOf(new Problem(job.error.code)) }),
      element(
        "span.row",
        {},
        job.state === "succeeded" && this.button("jobs.open", () => this.open(job)),
        this.button(unfinished ? "jobs.remove" : "jobs.forget", () => this.remove(job)),
      ),
    );
  }

  line(/** @type {Job} */ job) {
    const when = new Date(job.created_at).toLocaleString(language(), { dateStyle: "medium", timeStyle: "short" });
    return [element("span", { word: `ask.${job.kind}` }), ` · ${job.model.name} · ${when}`];
  }

  /** @param {string} name @param {() => void} act */
  button(name, act) {
    return element("button.quiet", { word: name, attributes: { type: "button" }, on: { click: act } });
  }
}

/** What a job is called: its medium's name, or the model's that is taught. */
function nameOf(/** @type {Job} */ job) {
  const text = job.kind === "teach" ? job.model.name : job.media_name;
  return text ? { text } : { word: "jobs.unnamed" };
}
