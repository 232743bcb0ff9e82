/** The camera of the teaching panel: its picture with what is seen in it, and its last seconds, of which takes are cut. */
import { Camera, WakeLock } from "./camera.js";
import { byId } from "./dom.js";
import { filmOf } from "./film.js";
import { Shutter, watchPictures } from "./frames.js";
import { Overlay } from "./overlay.js";
import { adapted, firstRate, isDue, nextDue } from "./rate.js";
import { Stream } from "./stream.js";
import { LastPictures } from "./takes.js";

/** @typedef {{model: string, version?: number}} Named */

/**
 * @typedef {object} Eyes what is told while the camera runs; times are seconds since the session began
 * @property {(timeS: number, hands: import("./overlay.js").Hand[], prediction: any) => void} frame
 * @property {(segment: any) => void} segment
 * @property {(code: number) => void} blind no answers come any more: the session ended with this code
 */

/** Pictures a second that are kept, as many as most landmark models look at. */
const KEPT_FPS = 25;
const KEPT_S = 12;

export class TeachCamera {
  /** @param {() => void} onLost called when the camera goes away by itself */
  constructor(onLost) {
    this.preview = byId("teach-preview", HTMLVideoElement);
    this.camera = new Camera(this.preview, onLost);
    this.shutter = new Shutter(this.preview);
    this.overlay = new Overlay(byId("teach-overlay", HTMLCanvasElement));
    this.wakeLock = new WakeLock();
    this.last = new LastPictures(KEPT_S);
    /** @type {Stream | null} */
    this.stream = null;
    /** @type {Stream | null} a session that is being given up; its place is not free yet */
    this.ending = null;
    /** @type {(() => void) | null} what begins when it is */
    this.next = null;
    this.size = { width: 0, height: 0 };
    this.rate = firstRate(Infinity);
    this.mostFps = Infinity;
    this.keptDueMs = this.sentDueMs = this.firstMs = 0;
    this.stopWatching = () => {};
    this.preview.addEventListener("resize", () => this.shape());
  }

  get isOpen() {
    return this.camera.stream !== null;
  }

  /** Open the camera. Rejects with the browser's DOMException. */
  async open() {
    await this.camera.open();
    this.overlay.mirrored = this.camera.facesTheUser;
    this.preview.classList.toggle("mirrored", this.overlay.mirrored);
    this.shape();
    this.stopWatching();
    this.stopWatching = watchPictures(this.preview, (timeMs) => this.onPicture(timeMs));
    await this.wakeLock.keep(true);
  }

  close() {
    this.stopWatching();
    this.unwatch();
    this.camera.close();
    this.last.forget();
    this.wakeLock.keep(false);
  }

  /** Have a model look at the pictures from now on, once the place of a session that runs is free again. */
  watch(/** @type {Named} */ named, /** @type {Eyes} */ eyes) {
    this.unwatch();
    if (this.ending) this.next = () => this.connect(named, eyes);
    else this.connect(named, eyes);
  }

  /** @param {Named} named @param {Eyes} eyes */
  connect(named, eyes) {
    /** @type {Stream} */
    const stream = new Stream(
      { ...named, version: named.version ?? null, mirrored: false, landmarks: true },
      {
        ready: (ready) => {
          this.mostFps = Math.min(ready.limits.max_fps, ready.sample_rate);
          this.rate = firstRate(this.mostFps);
          this.firstMs = 0;
        },
        frame: (frame, roundTripMs) => this.stream === stream && this.onFrame(frame, roundTripMs, eyes),
        segment: ({ segment }) => this.stream === stream && eyes.segment(segment),
        interim: () => {},
        state: () => {},
        summary: () => {},
        closed: (code) => this.onClosed(stream, code, eyes),
      },
    );
    this.stream = stream;
  }

  /** @param {Stream} stream @param {number} code @param {Eyes} eyes */
  onClosed(stream, code, eyes) {
    if (this.stream === stream) {
      this.stream = null;
      this.overlay.clear();
      eyes.blind(code);
    } else if (this.ending === stream) {
      this.ending = null;
      const { next } = this;
      this.next = null;
      next?.();
    }
  }

  unwatch() {
    const { stream } = this;
    this.stream = this.next = null;
    this.overlay.clear();
    if (!stream) return;
    this.ending = stream;
    stream.stop();
  }

  /** The seconds of the session now. */
  now() {
    return this.firstMs ? ((this.last.pictures.at(-1)?.timeMs ?? this.firstMs) - this.firstMs) / 1000 : 0;
  }

  /** What the camera saw from one second of the session to another, as a film; null where that is not kept any more. */
  cut(/** @type {number} */ startS, /** @type {number} */ endS) {
    const pictures = this.last.between(this.firstMs + startS * 1000, this.firstMs + endS * 1000);
    return pictures.length > 1 ? filmOf(pictures, this.size) : null;
  }

  /** @param {number} timeMs */
  async onPicture(timeMs) {
    if (!isDue(timeMs, this.keptDueMs) || this.shutter.busy || document.hidden) return;
    this.keptDueMs = nextDue(timeMs, this.keptDueMs, KEPT_FPS);
    const picture = await this.shutter.picture(Infinity);
    if (!picture || !this.isOpen) return;
    const { width, height } = this.shutter.canvas;
    if (width !== this.size.width || height !== this.size.height) this.last.forget(); // a phone was turned
    this.size = { width, height };
    this.last.add({ timeMs, jpeg: new Uint8Array(picture) });
    this.firstMs ||= timeMs;
    if (!this.stream?.takesPictures || !isDue(timeMs, this.sentDueMs)) return;
    this.sentDueMs = nextDue(timeMs, this.sentDueMs, this.rate.fps);
    this.stream.send((timeMs - this.firstMs) / 1000, picture);
  }

  /** @param {any} frame @param {number} roundTripMs @param {Eyes} eyes */
  onFrame(frame, roundTripMs, eyes) {
    this.rate = adapted(this.rate, { dropped: frame.dropped, latencyMs: roundTripMs }, this.mostFps);
    this.overlay.draw(frame.hands, "", this.preview.videoWidth, this.preview.videoHeight);
    eyes.frame(frame.time_s, frame.hands, frame.prediction);
  }

  /** The stage takes the shape of the picture. */
  shape() {
    const { videoWidth: width, videoHeight: height } = this.preview;
    byId("teach-picture").style.setProperty("--shape", String(width / height || 4 / 3));
  }
}
