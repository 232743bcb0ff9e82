/** What stands where the camera's picture is: the picture, an invitation, or why there is none. */
import { cameraIsOffered } from "./camera.js";
import { byId } from "./dom.js";
import { hasWord, hush, say } from "./words.js";

export class Stage {
  /**
   * @param {HTMLVideoElement} preview
   * @param {import("./overlay.js").Overlay} overlay
   */
  constructor(preview, overlay) {
    this.preview = preview;
    this.overlay = overlay;
    this.trouble = byId("camera-trouble");
    /** What keeps the camera from being opened, as a sentence's key; empty where nothing does. */
    this.failure = "";
  }

  /** Show what fits the state. */
  show(/** @type {boolean} */ running) {
    const offered = cameraIsOffered();
    byId("panel-camera").classList.toggle("running", running);
    byId("camera-off").hidden = running || this.failure !== "" || offered !== "yes";
    byId("camera-failed").hidden = this.failure === "" || offered !== "yes";
    byId("camera-not-offered").hidden = offered === "yes";
    byId("camera-controls").hidden = !running;
    if (offered === "yes") return;
    say(byId("not-offered-title"), offered === "insecure" ? "camera.insecure" : "camera.none");
    say(byId("not-offered-hint"), offered === "insecure" ? "camera.insecureHint" : "camera.noneHint");
  }

  /** The camera could not be opened, or went away: a DOMException of the browser, or a word of ours. */
  fail(/** @type {unknown} */ error) {
    const name = error instanceof DOMException ? error.name : String(error);
    const known = `camera.error.${name}`;
    this.failure = hasWord(known) ? known : "camera.error.other";
    say(byId("camera-failed-title"), this.failure);
    say(byId("camera-failed-hint"), `${this.failure}.hint`, { name });
  }

  forgetFailure() {
    this.failure = "";
  }

  /** What is wrong while the camera runs, over its picture. */
  sayTrouble(/** @type {string} */ key, /** @type {import("./words.js").Values} */ values) {
    say(this.trouble, key, values);
  }

  saySound() {
    hush(this.trouble);
  }

  /** Give the picture its shape, and bring it into sight with its controls. */
  fit(/** @type {boolean} */ facesTheUser) {
    this.mirror(facesTheUser);
    this.shape();
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
}
