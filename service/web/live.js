/** The camera's tab: camera, session, overlay, answers and transcript, and what happens when one of them ends. */
import { Problem } from "./api.js";
import { showBars } from "./bars.js";
import { Camera, WakeLock, listCameras } from "./camera.js";
import { byId } from "./dom.js";
import { Shutter, watchPictures } from "./frames.js";
import { rough, share } from "./figures.js";
import { askForKey, keyIsMissing } from "./key.js";
import { look } from "./lost.js";
import { chosenModel, named, onModel, streams, subjectOf, textOf } from "./models.js";
import { Overlay } from "./overlay.js";
import { OF_THE_KEY, showProblem } from "./problems.js";
import { adapted, firstRate, isDue, nextDue } from "./rate.js";
import { Stage } from "./stage.js";
import { Stream } from "./stream.js";
import { Transcript } from "./transcript.js";
import { hasWord, hush, say } from "./words.js";

/** Close codes after which the session is taken up again by itself: lost, restarting. */
const LOST = 1006;
const TAKEN_UP_AGAIN = [LOST, 1012];
const IDLE = 4408;
const MOST_TRIES = 5;
const STATUS_EVERY_MS = 500;
/** An answer that is older than this is no answer to what is shown now. */
const STALE_MS = 3000;

export class Live {
  constructor() {
    this.preview = byId("preview", HTMLVideoElement);
    this.camera = new Camera(this.preview, () => this.fail("lost"));
    this.shutter = new Shutter(this.preview);
    this.overlay = new Overlay(byId("overlay", HTMLCanvasElement));
    this.stage = new Stage(this.preview, this.overlay);
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
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.staleTimer = undefined;
    this.connectControls();
    onModel((model) => this.onModelChanged(model));
    this.show();
  }

  connectControls() {
    for (const id of ["camera-start", "camera-retry"]) byId(id).addEventListener("click", () => this.start());
    byId("camera-stop").addEventListener("click", () => this.stop());
    byId("camera-switch").addEventListener("click", () => this.switchCamera());
    byId("camera-mirror").addEventListener("change", () => this.stage.mirror(byId("camera-mirror", HTMLInputElement).checked));
    document.addEventListener("visibilitychange", () => this.onVisibility());
    this.preview.addEventListener("resize", () => this.stage.shape()); // a phone was turned
  }

  /** Ask for the camera, then for a session. */
  async start() {
    byId("camera-problem").replaceChildren();
    if (keyIsMissing()) {
      askForKey();
      return;
    }
    if (this.isStarting || this.running) return;
    this.isStarting = true;
    this.stage.forgetFailure();
    this.show();
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
    this.show();
    this.stage.fit(this.camera.facesTheUser);
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
        state: ({ state }) => isOurs() && (state === "signing" ? say(this.status, "timeline.words") : hush(this.status)),
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
    this.saySound();
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

  onFrame(/** @type {any} */ frame, /** @type {number} */ roundTripMs) {
    this.rate = adapted(this.rate, { dropped: frame.dropped, latencyMs: roundTripMs }, this.mostFps);
    this.saySound();
    this.staleTimer = setTimeout(() => this.sayTrouble("camera.stale"), STALE_MS);
    const { prediction, hands } = frame;
    const answer = prediction?.predicted_class_name;
    const label = answer ? `${textOf(answer)}  ${share(prediction.confidence)}` : "";
    this.overlay.draw(hands, label, this.preview.videoWidth, this.preview.videoHeight);
    byId("now-nothing").hidden = Boolean(prediction?.top.length);
    if (!prediction?.top.length) say(byId("now-nothing"), `now.nothing.${subjectOf()}`);
    showBars(byId("now-bars"), prediction?.top ?? [], textOf);
    this.transcript.passed(frame.time_s);
    this.showRate(frame.dropped, roundTripMs);
  }

  /** Say what is wrong while the camera runs; answers from before that are taken away. */
  sayTrouble(/** @type {string} */ key, /** @type {import("./words.js").Values} */ values = {}) {
    clearTimeout(this.staleTimer);
    this.stage.sayTrouble(key, values);
    this.forgetAnswer();
  }

  /** All is well: answers come. */
  saySound() {
    clearTimeout(this.staleTimer);
    this.stage.saySound();
  }

  /** Take away what was seen: it is not what is seen now. */
  forgetAnswer() {
    hush(this.rateLine);
    this.overlay.clear();
    byId("now-bars").replaceChildren();
    byId("now-nothing").hidden = false;
    say(byId("now-nothing"), this.running ? `now.nothing.${subjectOf()}` : "now.off");
  }

  /** How it goes, seldom enough to be read; no live region, or a screen reader would read nothing else. */
  showRate(/** @type {number} */ dropped, /** @type {number} */ latencyMs) {
    const now = performance.now();
    if (now - this.statusMs < STATUS_EVERY_MS) return;
    this.statusMs = now;
    say(this.rateLine, "camera.live", { fps: Math.round(this.rate.fps), latency: rough(latencyMs / 1000), dropped });
  }

  onSummary(/** @type {any} */ summary) {
    say(byId("camera-summary"), "camera.summary", {
      duration: Math.round(summary.duration_s),
      segments: summary.segments.length,
      processed: summary.processed,
      dropped: summary.dropped,
      latency: rough((summary.latency_ms.p50 ?? 0) / 1000),
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
    if (code === LOST) look();
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
    hush(this.status);
    this.sayTrouble("camera.again", { seconds });
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
    this.transcript.cease();
    this.wakeLock.keep(false);
    this.saySound();
    hush(this.status);
    this.show();
  }

  fail(/** @type {unknown} */ error) {
    this.end();
    this.stage.fail(error);
    this.show();
  }

  async switchCamera() {
    try {
      await this.camera.openOther();
      this.stage.fit(this.camera.facesTheUser);
    } catch (error) {
      this.fail(error);
    }
  }

  onVisibility() {
    if (!this.running) return;
    if (document.hidden) this.sayTrouble("camera.paused");
    else {
      this.saySound();
      if (!this.stream) this.connect();
    }
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
    this.stage.show(this.running);
    this.forgetAnswer();
    if (this.running) hush(byId("camera-summary"));
    const cannot = chosenModel() !== null && !streams(chosenModel());
    byId("camera-start", HTMLButtonElement).disabled = cannot;
    byId("camera-hint").hidden = cannot;
    byId("camera-cannot").hidden = !cannot;
  }
}
