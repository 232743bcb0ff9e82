/** The panel in which signs are taught: a lesson is opened, takes are recorded, a model is made, tried and kept. */
import { ask, askJson, sendFile } from "./api.js";
import { byId, element } from "./dom.js";
import { keyIsMissing, askForKey } from "./key.js";
import { KNOWN } from "./known.js";
import { loadModels, liveModel } from "./models.js";
import { showProblem } from "./problems.js";
import { Recorder } from "./teach-record.js";
import { TeachCamera } from "./teach-camera.js";
import { ModelView } from "./teach-model.js";
import { TakesView } from "./teach-takes.js";
import { TryView } from "./teach-try.js";
import { onTab } from "./tabs.js";
import { hasWord, hush, say } from "./words.js";

/** @typedef {any} Lesson */

export class TeachPanel {
  constructor() {
    /** @type {Lesson | null} */
    this.lesson = null;
    this.waiting = 0;
    this.isTrying = false;
    this.problem = byId("teach-problem");
    this.camera = new TeachCamera(() => this.stopCamera());
    this.recorder = new Recorder(this.camera, {
      open: () => this.startCamera(),
      onTake: (film, label) => this.send(asFile(film), label, "camera"),
      isNothing: (label) => label === this.lesson?.nothing_label,
    });
    this.takes = new TakesView({ remove: (example) => this.forget(example), more: (label) => this.choose(label) });
    this.model = new ModelView({ made: () => this.onMade() });
    this.tried = new TryView({ cut: (startS, endS) => this.camera.cut(startS, endS), correct: (film, label) => this.send(asFile(film), label, "correction") });
    this.connect();
  }

  connect() {
    byId("tab-teach").hidden = !KNOWN.teaches;
    say(byId("teach-kept"), KNOWN.keyNeeded ? "teach.kept.key" : "teach.kept.open");
    say(byId("teach-off-hint"), "teach.off");
    byId("teach-open").addEventListener("submit", (event) => {
      event.preventDefault();
      this.open(byId("teach-name", HTMLInputElement).value);
    });
    byId("teach-camera").addEventListener("click", () => this.startCamera());
    byId("teach-stop").addEventListener("click", () => this.stopCamera());
    byId("teach-live").addEventListener("click", () => this.tryLive());
    byId("teach-nothing").addEventListener("click", () => this.recordNothing());
    byId("teach-go").addEventListener("click", () => this.endTrying());
    const files = byId("teach-files", HTMLInputElement);
    files.addEventListener("change", () => this.sendFiles([...(files.files ?? [])]));
    this.connectDeletion();
    onTab((name) => (name === "teach" ? this.look() : this.stopCamera()));
  }

  connectDeletion() {
    const asks = byId("teach-delete-ask");
    byId("teach-delete").addEventListener("click", () => {
      asks.hidden = false;
      say(byId("teach-delete-text"), "teach.deleteAsk", { name: this.lesson?.name ?? "" });
      byId("teach-delete-no").focus();
    });
    byId("teach-delete-no").addEventListener("click", () => {
      asks.hidden = true;
      byId("teach-delete").focus();
    });
    byId("teach-delete-yes").addEventListener("click", () => this.forgetAll());
  }

  /** Ask which lessons there are. */
  async look() {
    if (!KNOWN.teaches || keyIsMissing()) return;
    await this.attempt(async () => {
      const { lessons } = await askJson("teach");
      byId("teach-names").replaceChildren(...lessons.map((/** @type {Lesson} */ { name }) => element("option", { attributes: { value: name } })));
      const field = byId("teach-name", HTMLInputElement);
      field.value ||= lessons[0]?.name ?? "my-signs";
    });
  }

  async open(/** @type {string} */ name) {
    if (keyIsMissing()) {
      askForKey();
      return;
    }
    if (name !== this.lesson?.name) this.stopCamera();
    await this.attempt(async () => this.show(await askJson(`teach/${name}`)));
  }

  show(/** @type {Lesson} */ lesson) {
    this.lesson = lesson;
    byId("teach-lesson").hidden = false;
    byId("teach-delete-ask").hidden = true;
    const signs = [...new Set(lesson.examples.map((/** @type {any} */ { label }) => label))].filter((label) => label !== lesson.nothing_label);
    byId("teach-signs").replaceChildren(...signs.map((label) => element("option", { attributes: { value: String(label) } })));
    this.takes.show(lesson);
    this.model.show(lesson);
  }

  async refresh() {
    if (this.lesson) this.show(await askJson(`teach/${this.lesson.name}`));
  }

  async startCamera() {
    this.problem.replaceChildren();
    try {
      await this.camera.open();
    } catch (error) {
      this.showCamera();
      const name = error instanceof DOMException ? error.name : "other";
      const known = hasWord(`camera.error.${name}`) ? `camera.error.${name}` : "camera.error.other";
      say(byId("teach-off-title"), known);
      byId("teach-off-title").hidden = false;
      say(byId("teach-off-hint"), `${known}.hint`, { name });
      return;
    }
    byId("teach-off-title").hidden = true;
    say(byId("teach-off-hint"), "teach.off");
    this.showCamera();
    this.followHands();
  }

  /** Have the hands followed, by whichever model reads live pictures. */
  followHands() {
    this.isTrying = false;
    this.tried.show(null);
    const model = liveModel();
    if (!model) {
      this.recorder.goBlind();
      return;
    }
    hush(byId("teach-status"));
    this.camera.watch(model, {
      frame: (timeS, hands) => this.recorder.see(timeS, hands),
      segment: () => {},
      blind: () => this.recorder.goBlind(),
    });
  }

  async tryLive() {
    this.recorder.stop();
    if (!this.camera.isOpen) await this.startCamera();
    if (!this.camera.isOpen || !this.lesson) return;
    this.isTrying = true;
    this.tried.show(this.lesson);
    this.camera.watch({ model: this.lesson.name, version: this.lesson.model.version }, {
      frame: (_timeS, _hands, prediction) => this.tried.frame(prediction),
      segment: (segment) => this.tried.segment(segment),
      blind: () => this.endTrying(),
    });
    byId("teach-picture").scrollIntoView({ block: "nearest" });
  }

  endTrying() {
    if (!this.isTrying) return;
    if (this.camera.isOpen) this.followHands();
    else this.tried.show(null);
    this.isTrying = false;
  }

  stopCamera() {
    this.recorder.stop();
    this.camera.close();
    this.isTrying = false;
    this.tried.show(null);
    this.showCamera();
  }

  showCamera() {
    const { isOpen } = this.camera;
    byId("panel-teach").classList.toggle("running", isOpen);
    byId("teach-off").hidden = isOpen;
    byId("teach-stop").hidden = !isOpen;
  }

  recordNothing() {
    this.endTrying();
    byId("teach-sign", HTMLInputElement).value = this.lesson?.nothing_label ?? "";
    byId("teach-record", HTMLFormElement).requestSubmit();
  }

  choose(/** @type {string} */ label) {
    byId("teach-sign", HTMLInputElement).value = label;
    byId("teach-go").focus();
  }

  async sendFiles(/** @type {File[]} */ files) {
    const label = byId("teach-sign", HTMLInputElement);
    if (label.reportValidity()) for (const file of files) await this.send(file, label.value.trim(), "file");
    byId("teach-files", HTMLInputElement).value = "";
  }

  /**
   * Send a take; whether it was kept.
   * @param {File} file
   * @param {string} label
   * @param {"camera" | "file" | "correction"} source
   */
  async send(file, label, source) {
    const lesson = this.lesson;
    if (!lesson) return false;
    this.sayWaiting(1);
    const kept = await this.attempt(async () => {
      await sendFile(`teach/${lesson.name}/examples`, file, { label, source, teacher: byId("teach-teacher", HTMLInputElement).value.trim() });
      say(byId("teach-said"), "teach.taken", { label });
      await this.refresh();
    });
    this.sayWaiting(-1);
    return kept;
  }

  sayWaiting(/** @type {number} */ more) {
    this.waiting += more;
    const place = byId("teach-status");
    if (this.waiting === 0) hush(place);
    else say(place, this.waiting === 1 ? "teach.sending.one" : "teach.sending", { count: this.waiting });
  }

  async forget(/** @type {import("./teach-takes.js").Example} */ example) {
    await this.attempt(async () => {
      await ask(`teach/${this.lesson?.name}/examples/${example.id}`, { method: "DELETE" });
      say(byId("teach-said"), "teach.forgotten");
      await this.refresh();
      byId("teach-takes-title").focus(); // what had the focus is gone
    });
  }

  async forgetAll() {
    await this.attempt(async () => {
      const name = this.lesson?.name ?? "";
      await ask(`teach/${name}`, { method: "DELETE" });
      this.stopCamera();
      this.lesson = null;
      byId("teach-lesson").hidden = true;
      say(byId("teach-said"), "teach.deleted", { name });
      byId("teach-name").focus();
      await loadModels();
      await this.look();
    });
  }

  async onMade() {
    await this.attempt(async () => {
      await this.refresh();
      say(byId("teach-said"), "teach.made", { name: this.lesson?.name ?? "", version: this.lesson?.model.version });
      await loadModels();
    });
  }

  /** Whether it went well; what went wrong is shown. */
  async attempt(/** @type {() => Promise<void>} */ act) {
    this.problem.replaceChildren();
    try {
      await act();
      return true;
    } catch (error) {
      showProblem(this.problem, error);
      return false;
    }
  }
}

function asFile(/** @type {Blob} */ film) {
  return new File([film], "take.mkv", { type: film.type });
}
