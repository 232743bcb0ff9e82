/** The file's tab: a file is chosen and shown, a question is put to it, the answer appears beside it. */
import { Problem } from "./api.js";
import { answerView } from "./answers.js";
import { curlView } from "./curl.js";
import { byId, element } from "./dom.js";
import { downloadsView } from "./downloads.js";
import { bytes, clock, wait } from "./figures.js";
import { askForKey, keyIsMissing } from "./key.js";
import { KNOWN } from "./known.js";
import { chosenModel, named, onModel, textOf } from "./models.js";
import { readOptions } from "./options.js";
import { Player } from "./player.js";
import { showProblem } from "./problems.js";
import { Questions } from "./questions.js";
import { openTab } from "./tabs.js";
import { trackView } from "./timeline.js";
import { hush, onLanguage, say } from "./words.js";
import { askAsJob, askDirectly } from "./work.js";

/** @typedef {import("./models.js").Question} Question */
/** @typedef {{question: Question, done: import("./work.js").Done, stem: string, tookS: number | null}} Shown */

function tooLarge(/** @type {File} */ file, /** @type {number} */ most) {
  return file.size > most ? new Problem("media-too-large", { sizes: { actual: bytes(file.size), limit: bytes(most) } }) : null;
}

export class FilePanel {
  constructor() {
    this.player = new Player(byId("player"));
    this.place = byId("answer");
    this.note = byId("file-note");
    this.questions = new Questions();
    /** Settled when nothing is being asked. @type {Promise<void>} */
    this.stopped = Promise.resolve();
    this.problem = byId("file-problem");
    this.status = byId("ask-status");
    this.meter = byId("ask-meter", HTMLProgressElement);
    /** @type {File | null} */
    this.file = null;
    /** @type {AbortController | null} */
    this.working = null;
    /** @type {Shown | null} */
    this.shown = null;
    this.connectChoice();
    this.connectForm();
    onModel((model) => this.onModelChanged(model));
    onLanguage(() => this.onLanguage());
    this.showNames();
  }

  connectChoice() {
    for (const input of document.querySelectorAll('input[type="file"]:not([multiple])')) {
      input.addEventListener("change", () => {
        const field = /** @type {HTMLInputElement} */ (input);
        const file = field.files?.[0];
        field.value = ""; // so that the same file can be chosen again
        if (file) this.choose(file);
      });
    }
    for (const link of document.querySelectorAll(".to-samples")) {
      link.addEventListener("click", () => {
        openTab("file");
        byId("samples").scrollIntoView({ block: "nearest" });
        byId("samples-title").focus({ preventScroll: true });
      });
    }
  }

  connectForm() {
    byId("ask-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.go();
    });
    byId("ask-cancel").addEventListener("click", () => this.working?.abort());
    this.questions.onChosen(() => this.forgetStale());
    byId("ask-options").addEventListener("input", () => this.forgetStale());
  }

  /** Take a file, from wherever it came. */
  choose(/** @type {File} */ file) {
    this.working?.abort();
    this.file = file;
    this.forgetAnswer();
    this.note.replaceChildren();
    this.player.show(file);
    this.showChoice();
    this.showNames();
    this.questions.suggest(file);
    openTab("file");
    byId("ask-go").focus({ preventScroll: true });
  }

  /** Take a file and ask about it at once. */
  async chooseAndAsk(/** @type {File} */ file) {
    this.choose(file);
    await this.stopped;
    if (this.file === file) await this.go();
  }

  /** Take what was dropped anywhere on the page: one file is asked about at once. */
  async takeDropped(/** @type {ReturnType<typeof import("./drops.js").takeDropped>} */ { file, count, hasFolder }) {
    const note = hasFolder ? "file.noFolder" : count > 1 ? "file.onlyOne" : "";
    if (!file) openTab("file");
    const asked = file ? this.chooseAndAsk(file) : null;
    if (note) this.note.replaceChildren(element("p.note", { word: note, values: { name: file?.name ?? "" }, attributes: { role: "status" } }));
    await asked;
  }

  /** Take away an answer to a question, options or a model that are not those of the form any more. */
  forgetStale() {
    if (this.shown && this.file && !this.working) this.forgetAnswer();
  }

  forgetAnswer() {
    this.shown = null;
    for (const place of [this.place, this.problem]) place.replaceChildren();
  }

  /** Put the question; what is larger or longer than is allowed is not sent in vain. */
  async go() {
    if (!this.file || this.working) return;
    if (keyIsMissing()) {
      askForKey();
      return;
    }
    const asJob = byId("ask-job", HTMLInputElement).checked;
    this.forgetAnswer();
    const refusal = asJob ? tooLarge(this.file, KNOWN.jobsMediaBytes) : this.refusal(this.file);
    if (refusal) {
      this.fail(refusal);
      return;
    }
    this.stopped = this.work(this.file, this.questions.asked, asJob);
    await this.stopped;
  }

  /** Why a file would not be answered directly, as far as the browser can tell. */
  refusal(/** @type {File} */ file) {
    const most = this.questions.asked === "predict" ? KNOWN.predictSeconds : KNOWN.timelineSeconds;
    const { start_time: start = "0", clip_duration: part } = readOptions(byId("ask-options"));
    const asked = (this.player.video?.duration ?? 0) - Number(start);
    const isCut = part !== undefined && this.questions.asked !== "timeline"; // there it is the window's length
    if (Number.isFinite(asked) && asked > most && !isCut) {
      return new Problem("media-too-long", { sizes: { actual: clock(asked), limit: clock(most) } });
    }
    return tooLarge(file, KNOWN.mediaBytes);
  }

  /** @param {File} file @param {Question} question @param {boolean} asJob */
  async work(file, question, asJob) {
    const working = new AbortController();
    this.working = working;
    this.setBusy(true);
    const began = performance.now();
    const query = { ...named(chosenModel()), ...readOptions(byId("ask-options")) };
    try {
      const done = await (asJob ? askAsJob : askDirectly)(question, file, query, this.watch(file, working.signal));
      hush(this.status);
      const tookS = asJob ? null : (performance.now() - began) / 1000;
      this.show({ question, done, stem: file.name.replace(/\.[^.]*$/, ""), tookS });
    } catch (error) {
      if (!working.signal.aborted) this.fail(error);
      else if (this.file === file) this.tell("ask.cancelled");
      else hush(this.status);
    } finally {
      this.working = null;
      this.setBusy(false);
    }
  }

  /** @param {File} file @param {AbortSignal} signal @returns {import("./work.js").Watch} */
  watch(file, signal) {
    /** @type {import("./timeline.js").Segment[]} */
    const found = [];
    return {
      signal,
      sending: (share) => {
        if (share < 1) this.tell("ask.sends", "ask.uploading", { percent: Math.floor(share * 100), size: bytes(file.size) });
        else this.tell("ask.reading");
        this.showShare(share < 1 ? share : null);
      },
      running: (progress, eta) => {
        const percent = Math.floor((progress ?? 0) * 100);
        if (progress === null) this.tell("ask.queued");
        else if (eta === null) this.tell("ask.works", "ask.running", { percent });
        else this.tell("ask.works", "ask.runningEta", { percent, eta: wait(eta) });
        this.showShare(progress);
      },
      found: (segment) => {
        found.push(segment);
        const duration = this.player.video?.duration;
        if (!duration || !Number.isFinite(duration)) return;
        this.player.unfollow();
        this.place.replaceChildren(trackView([...found], duration, this.player, textOf));
      },
    };
  }

  /**
   * Say how far it is. Screen readers hear of a new phase, not of each percent.
   * @param {string} phase
   * @param {string} [line]
   * @param {import("./words.js").Values} [values]
   */
  tell(phase, line = phase, values = {}) {
    const spoken = byId("ask-phase");
    if (spoken.dataset.word !== phase) say(spoken, phase);
    say(this.status, line, values);
  }

  /** Show an answer, also one of a job that was done before (without its file then). */
  show(/** @type {Shown} */ shown) {
    this.shown = shown;
    const { question, done, stem, tookS } = shown;
    this.player.unfollow();
    const view = answerView(question, done.answer, this.player, tookS);
    view.append(downloadsView(question, stem, done.answer, done.fetchAs, done.sendsAgain), curlView(done.commands));
    this.place.replaceChildren(view);
    /** @type {HTMLElement | null} */ (view.querySelector("h2"))?.focus({ preventScroll: true });
    view.scrollIntoView({ block: "nearest" });
  }

  /** Show the answer of a job whose file is not here. */
  showJob(/** @type {Shown} */ shown) {
    this.working?.abort();
    this.file = null;
    this.note.replaceChildren();
    this.player.show(null);
    this.showChoice();
    this.problem.replaceChildren();
    openTab("file");
    this.show(shown);
  }

  fail(/** @type {unknown} */ error) {
    hush(this.status);
    showProblem(this.problem, error, {
      retry: () => this.go(),
      asJob: () => {
        byId("ask-job", HTMLInputElement).checked = true;
        this.go();
      },
    });
  }

  /** The place to drop a file, or the file that is here. */
  showChoice() {
    byId("drop").hidden = this.file !== null;
    byId("file-shown").hidden = this.file === null;
    byId("ask-form").hidden = this.file === null;
  }

  setBusy(/** @type {boolean} */ busy) {
    byId("ask-go", HTMLButtonElement).disabled = busy;
    byId("ask-cancel").hidden = !busy;
    this.meter.hidden = !busy;
    this.place.setAttribute("aria-busy", String(busy));
  }

  /** The bar; without a share it only says that something is going on. */
  showShare(/** @type {number | null} */ share) {
    if (share === null) this.meter.removeAttribute("value");
    else this.meter.value = share;
  }

  onModelChanged(/** @type {import("./models.js").Model | null} */ model) {
    this.questions.show();
    const asked = this.shown?.done.answer.model;
    if (asked && model && (asked.name !== model.name || asked.version !== model.version)) this.forgetStale();
  }

  onLanguage() {
    this.showNames();
    if (this.shown && !this.working) this.show(this.shown);
  }

  /** What carries figures in the language's own way. */
  showNames() {
    say(byId("drop-hint"), "file.dropHint", { size: bytes(KNOWN.mediaBytes) });
    say(byId("ask-job-hint"), "ask.jobHint", { hours: KNOWN.jobsRetentionHours });
    if (this.file) say(byId("file-name"), "file.name", { name: this.file.name, size: bytes(this.file.size) });
  }
}
