/** Takes are recorded: after a countdown, from the hand's rise to its rest, or from one press to the next. */
import { byId } from "./dom.js";
import { TakeWatch } from "./takes.js";
import { hush, say } from "./words.js";

/** @typedef {import("./overlay.js").Hand} Hand */
/** @typedef {(film: Blob, label: string) => void} OnTake */

const COUNTED = 3;
const SECOND_MS = 1000;
/** The longest take by webcam: what lasts longer is more than a sign. */
const MOST_S = 6;
const BEFORE_PRESS_S = 0.1;
const NEEDS_SHORTCUT = /^(INPUT|SELECT|TEXTAREA)$/;

export class Recorder {
  /**
   * @param {import("./teach-camera.js").TeachCamera} camera
   * @param {{open: () => Promise<void>, onTake: OnTake, isNothing: (label: string) => boolean}} acts open: the camera
   */
  constructor(camera, { open, onTake, isNothing }) {
    this.camera = camera;
    this.isNothing = isNothing;
    this.open = open;
    this.onTake = onTake;
    this.watch = new TakeWatch(MOST_S);
    this.sign = byId("teach-sign", HTMLInputElement);
    this.free = byId("teach-free", HTMLInputElement);
    this.cue = byId("teach-cue");
    /** @type {"off" | "counting" | "waiting" | "recording"} waiting: for the hand to rise */
    this.state = "off";
    this.label = "";
    this.beganS = 0;
    /** Whether hands are seen at all, so that a take can begin and end by them. */
    this.sees = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    byId("teach-record").addEventListener("submit", (event) => {
      event.preventDefault();
      this.press();
    });
    addEventListener("keydown", (event) => this.onKey(event));
  }

  /** R is the button, as far as nobody is writing. */
  onKey(/** @type {KeyboardEvent} */ event) {
    const { target } = event;
    const isWriting = target instanceof HTMLElement && NEEDS_SHORTCUT.test(target.tagName) && !(target instanceof HTMLInputElement && target.type === "checkbox");
    if (event.key.toLowerCase() !== "r" || event.ctrlKey || event.metaKey || event.altKey || isWriting) return;
    if (byId("panel-teach").hidden || byId("teach-lesson").hidden || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    this.press();
  }

  /** Begin, or end what was begun. */
  async press() {
    if (this.state === "recording" && !this.isFree) {
      this.finish();
      return;
    }
    if (this.state !== "off") {
      this.stop();
      return;
    }
    if (!byId("teach-record", HTMLFormElement).reportValidity()) return;
    if (!this.camera.isOpen) await this.open();
    if (!this.camera.isOpen || this.state !== "off") return;
    this.label = this.sign.value.trim();
    this.count(COUNTED);
  }

  /** Whether a take goes from the hand's rise to its rest. Who shows nothing may talk or wait, and raise no hand. */
  get isFree() {
    return this.free.checked && this.sees && !this.isNothing(this.label);
  }

  count(/** @type {number} */ left) {
    this.state = "counting";
    this.show();
    this.cue.textContent = String(left);
    this.cue.classList.add("counts");
    this.timer = setTimeout(() => (left > 1 ? this.count(left - 1) : this.begin()), SECOND_MS);
  }

  begin() {
    this.cue.classList.remove("counts");
    if (this.isFree) {
      this.watch.reset();
      this.state = "waiting";
    } else {
      this.state = "recording";
      this.beganS = this.camera.now() - BEFORE_PRESS_S;
      this.timer = setTimeout(() => this.finish(), MOST_S * SECOND_MS);
    }
    this.show();
  }

  /** The hands of a picture, while takes are made hands-free. */
  see(/** @type {number} */ timeS, /** @type {Hand[]} */ hands) {
    this.sees = true;
    if (!this.isFree || this.state === "off" || this.state === "counting") return;
    const take = this.watch.see(timeS, hands);
    if (take) this.cut(take.startS, take.endS);
    const state = this.watch.isUp ? "recording" : "waiting";
    if (state !== this.state) {
      this.state = state;
      this.show();
    }
  }

  /** No hands are seen any more: takes are made by pressing. */
  goBlind() {
    this.sees = false;
    if (this.state !== "off") this.stop();
    say(byId("teach-status"), "teach.blind");
  }

  /** End a take that was begun by pressing. */
  finish() {
    clearTimeout(this.timer);
    if (this.state === "recording") this.cut(this.beganS, this.camera.now());
    this.stop();
  }

  cut(/** @type {number} */ startS, /** @type {number} */ endS) {
    const film = this.camera.cut(startS, endS);
    if (film) this.onTake(film, this.label);
  }

  stop() {
    clearTimeout(this.timer);
    this.state = "off";
    this.cue.classList.remove("counts");
    this.show();
  }

  show() {
    byId("teach-picture").classList.toggle("recording", this.state === "recording");
    const go = byId("teach-go");
    say(go, this.state === "off" ? "teach.record" : "teach.enough");
    go.setAttribute("aria-pressed", String(this.state !== "off"));
    if (this.state === "off") hush(this.cue);
    else if (this.state === "waiting") say(this.cue, "teach.cue.rise");
    else if (this.state === "recording") say(this.cue, this.isFree ? "teach.cue.rest" : "teach.cue.press");
  }
}
