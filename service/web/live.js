/** The camera's tab: camera, session, overlay, answers and transcript, and what happens when one of them ends. */
import { Problem } from "./api.js";
import { showBars } from "./bars.js";
import { Camera, WakeLock, cameraIsOffered, listCameras } from "./camera.js";
import { byId } from "./dom.js";
import { Shutter, watchPictures } from "./frames.js";
import { percent } from "./figures.js";
import { askForKey, keyIsMissing } from "./key.js";
import { chosenModel, named, onModel, streams, textOf } from "./models.js";
import { Overlay } from "./overlay.js";
import { OF_THE_KEY, showProblem } from "./problems.js";
import { adapted, firstRate, isDue, nextDue } from "./rate.js";
import { Stream } from "./stream.js";
import { Transcript } from "./transcript.js";
import { hasWord, hush, say } from "./words.js";

/** Close codes after which the session is taken up again by itself: lost, restarting. */
const TAKEN_UP_AGAIN = [1006, 1012];
const IDLE = 4408;
const MOST_TRIES = 5;
const STATUS_EVERY_MS = 500;

export class Live {
  constructor() {
    this.preview = byId("preview", HTMLVideoElement);
    this.camera = new Camera(this.preview, () => this.fail("lost"));
    this.shutter = new Shutter(this.preview);
    this.overlay = new Overlay(byId("overlay", HTMLCanvasElement));
    this.wakeLock = new WakeLock();
    this.transcript = new Transcript({ flush: () => this.stream?.flush(), reset: () => this.stream?.reset() });
    this.status = byId("camera-status");
    /** @type {Stream | null} */
    this.stream = null;
    this.rateLine = byId("camera-rate");
    this.isStarting = false;
    this.running = false;
    this.isChanging = false;
    this.tries = 0;
    this.rate = firstRate(Infinity);
    this.mostFps = Infinity;
    this.mostPixels = Infinity;
    this.dueMs = 0;
    this.firstMs = 0;
    this.statusMs = 0;
    this.stopWatching = () => {};
    this.connectControls();
    onModel((model) => this.onModelChanged(model));
    this.show();
  }

  connectControls() {
    byId("camera-start").addEventListener("click", () => this.start());
    byId("camera-stop").addEventListener("click", () => this.stop());
    byId("camera-switch").addEventListener("click", () => this.switchCamera());
    byId("camera-mirror").addEventListener("change", () => this.mirror(byId("camera-mirror", HTMLInputElement).checked));
    document.addEventListener("visibilitychange", () => this.onVisibility());
    this.preview.addEventListener("resize", () => this.shape()); // a phone was turned
  }

  /** Ask for the camera, then for a session. */
  async start() {
    byId("camera-problem").replaceChildren();
    if (keyIsMissing()) {
      askForKey();
      return;
    }
    if (this.isStarting) return;
    this.isStarting = true;
    say(this.status, "camera.asking");
    try {
      await this.camera.open();
    } catch (error) {
      this.fail(error);
      return;
    } finally {
      this.isStarting = false;
    }
    this.running = true;
    this.tries = 0;
    this.fit();
    byId("camera-switch").hidden = (await listCameras()).length < 2;
    await this.wakeLock.keep(true);
    if (this.running) this.connect();
  }

  /** Open a session for the chosen model. */
  connect() {
    say(this.status, "camera.connecting");
    this.firstMs = 0;
    const model = chosenModel();
    const { model: name, version } = named(model);
    const pieceOf = (/** @type {string} */ label) => ({ text: textOf(label, model?.manifest), unit: model?.manifest.unit ?? "word" });
    // after the reader has stopped, only what becomes final then is still heard
    const isOurs = () => this.stream === stream;
    /** @type {Stream} */
    const stream = new Stream(
      { model: name, version: version ?? null, mirrored: false, landmarks: true },
      {
        ready: (ready) => isOurs() && this.onReady(ready),
        frame: (frame, roundTripMs) => isOurs() && this.onFrame(frame, roundTripMs),
        interim: ({ segment: { class_name: label, start_time: start, end_time: end } }) =>
          isOurs() && this.transcript.grow({ ...pieceOf(label), start, end }),
        segment: ({ segment }) => this.transcript.add(pieceOf(segment.class_name), segment.end_time),
        state: ({ state }) => isOurs() && this.onState(state),
        summary: (summary) => this.onSummary(summary),
        closed: (code, why) => isOurs() && this.onClosed(code, why),
      },
    );
    this.stream = stream;
  }

  onReady(/** @type {any} */ ready) {
    this.tries = 0;
    this.mostPixels = ready.limits.max_pixels;
    this.mostFps = Math.min(ready.limits.max_fps, ready.sample_rate); // more is not looked at
    this.rate = firstRate(this.mostFps);
    hush(this.status);
    this.stopWatching();
    this.stopWatching = watchPictures(this.preview, (timeMs) => this.onPicture(timeMs));
  }

  /** A picture of the camera: sent if one is due, and if none waits. */
  async onPicture(/** @type {number} */ timeMs) {
    if (!isDue(timeMs, this.dueMs) || this.shutter.busy || !this.stream?.takesPictures || document.hidden) return;
    this.dueMs = nextDue(timeMs, this.dueMs, this.rate.fps);
    const picture = await this.shutter.picture(this.mostPixels);
    this.firstMs ||= timeMs;
    if (picture) this.stream?.send((timeMs - this.firstMs) / 1000, picture);
  }

  onState(/** @type {string} */ state) {
    if (state === "signing") say(this.status, "timeline.words");
    else hush(this.status);
  }

  onFrame(/** @type {any} */ frame, /** @type {number} */ roundTripMs) {
    this.rate = adapted(this.rate, { dropped: frame.dropped, latencyMs: roundTripMs }, this.mostFps);
    const { prediction, hands } = frame;
    const answer = prediction?.predicted_class_name;
    const label = answer ? `${textOf(answer)}  ${percent(prediction.confidence)}` : "";
    this.overlay.draw(hands, label, this.preview.videoWidth, this.preview.videoHeight);
    byId("now-nothing").hidden = Boolean(prediction?.top.length);
    if (!prediction?.top.length) say(byId("now-nothing"), "now.nothing");
    showBars(byId("now-bars"), prediction?.top ?? [], textOf);
    this.transcript.passed(frame.time_s);
    this.showRate(frame.dropped, roundTripMs);
  }

  /** How it goes, seldom enough to be read; no live region, or a screen reader would read nothing else. */
  showRate(/** @type {number} */ dropped, /** @type {number} */ latencyMs) {
    const now = performance.now();
    if (now - this.statusMs < STATUS_EVERY_MS) return;
    this.statusMs = now;
    say(this.rateLine, "camera.live", { fps: Math.round(this.rate.fps), latency: Math.round(latencyMs), dropped });
  }

  onSummary(/** @type {any} */ summary) {
    say(byId("camera-summary"), "camera.summary", {
      duration: Math.round(summary.duration_s),
      segments: summary.segments.length,
      processed: summary.processed,
      dropped: summary.dropped,
      p50: Math.round(summary.latency_ms.p50 ?? 0),
    });
  }

  onClosed(/** @type {number} */ code, /** @type {import("./stream.js").Why} */ why) {
    this.stopWatching();
    this.stream = null;
    this.transcript.cease();
    if (this.isChanging) {
      this.isChanging = false;
      this.connect();
      return;
    }
    if (code === IDLE && document.hidden) return; // taken up again when the page is seen again
    if (TAKEN_UP_AGAIN.includes(code) && this.tries < MOST_TRIES) {
      this.connectLater();
      return;
    }
    this.end();
    const known = `stream.${code}`;
    showProblem(byId("camera-problem"), new Problem(why.code, { detail: why.detail }), {
      sentence: OF_THE_KEY.includes(why.code) ? undefined : hasWord(known) ? known : "stream.other",
      retry: () => this.start(),
    });
  }

  connectLater() {
    const seconds = 2 ** this.tries;
    this.tries += 1;
    say(this.status, "camera.again", { seconds });
    setTimeout(() => {
      if (this.running && !this.stream) this.connect();
    }, seconds * 1000);
  }

  /** The reader stops: the session ends with its summary, the camera at once. */
  stop() {
    const stream = this.stream;
    this.end();
    stream?.stop();
  }

  /** Close the camera and go back to the beginning; the transcript stays. */
  end() {
    this.running = false;
    this.isChanging = false;
    this.stopWatching();
    this.stream = null;
    this.camera.close();
    this.overlay.clear();
    this.transcript.cease();
    this.wakeLock.keep(false);
    byId("now-bars").replaceChildren();
    hush(this.status);
    hush(this.rateLine);
    this.show();
  }

  fail(/** @type {unknown} */ error) {
    this.end();
    const name = error instanceof DOMException ? error.name : String(error);
    const known = `camera.error.${name}`;
    say(this.status, hasWord(known) ? known : "camera.error.other", { name });
  }

  async switchCamera() {
    try {
      await this.camera.openOther();
      this.fit();
    } catch (error) {
      this.fail(error);
    }
  }

  /** Give the picture its shape, and bring it into sight with its controls. */
  fit() {
    this.mirror(this.camera.facesTheUser);
    this.shape();
    this.show();
    const needed = [byId("camera-controls"), byId("transcript-box")].map((part) => part.getBoundingClientRect().bottom);
    if (Math.max(...needed) > innerHeight) byId("panel-camera").scrollIntoView({ block: "start" });
  }

  /** The stage takes the shape of the picture. */
  shape() {
    const { videoWidth: width, videoHeight: height } = this.preview;
    byId("panel-camera").style.setProperty("--shape", String(width / height || 4 / 3));
  }

  /** Show the picture as a mirror does, or as it is; what is sent is never mirrored. */
  mirror(/** @type {boolean} */ mirrored) {
    byId("camera-mirror", HTMLInputElement).checked = mirrored;
    this.preview.classList.toggle("mirrored", mirrored);
    this.overlay.mirrored = mirrored;
  }

  onVisibility() {
    if (!this.running) return;
    if (document.hidden) say(this.status, "camera.paused");
    else if (this.stream) hush(this.status);
    else this.connect();
  }

  /** Another model begins another session; the camera and the transcript stay. */
  onModelChanged(/** @type {import("./models.js").Model | null} */ model) {
    this.show();
    if (!this.running) return;
    if (!streams(model)) {
      this.stop();
      say(this.status, "camera.cannot");
    } else if (this.stream) {
      this.isChanging = true; // the place that is given up is taken again once it is free
      this.stopWatching();
      this.stream.stop();
    } else this.connect();
  }

  /** What can be done in this state. */
  show() {
    const offered = cameraIsOffered();
    byId("panel-camera").classList.toggle("running", this.running);
    byId("camera-off").hidden = this.running || offered !== "yes";
    byId("camera-not-offered").hidden = offered === "yes";
    byId("camera-controls").hidden = !this.running;
    byId("now-nothing").hidden = false;
    say(byId("now-nothing"), this.running ? "now.nothing" : "now.off");
    if (this.running) hush(byId("camera-summary"));
    if (offered !== "yes") {
      say(byId("not-offered-title"), offered === "insecure" ? "camera.insecure" : "camera.none");
      say(byId("not-offered-hint"), offered === "insecure" ? "camera.insecureHint" : "camera.noneHint");
    }
    const model = chosenModel();
    const cannot = model !== null && !streams(model);
    byId("camera-start", HTMLButtonElement).disabled = model === null ? false : cannot;
    byId("camera-cannot").hidden = !cannot;
  }
}
