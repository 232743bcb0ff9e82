/** The chosen file as the browser shows it, and the time at which it stands. */
import { element } from "./dom.js";

export class Player {
  /** @param {HTMLElement} place */
  constructor(place) {
    this.place = place;
    /** @type {HTMLVideoElement | null} */
    this.video = null;
    this.url = "";
    /** @type {Array<(seconds: number) => void>} */
    this.listeners = [];
  }

  /** Show a file, or nothing. */
  show(/** @type {File | null} */ file) {
    this.place.replaceChildren();
    this.unfollow();
    this.video = null;
    if (this.url) URL.revokeObjectURL(this.url);
    this.url = file ? URL.createObjectURL(file) : "";
    if (!file) return;
    const failed = () => {
      this.video = null;
      this.place.replaceChildren(element("p.no-preview", { word: "file.noPreview" }));
    };
    if (file.type.startsWith("image/")) {
      this.place.append(element("img", { attributes: { src: this.url, alt: file.name }, on: { error: failed } }));
    } else if (file.type.startsWith("video/")) {
      this.video = /** @type {HTMLVideoElement} */ (
        element("video", {
          attributes: { src: this.url, controls: true, playsinline: true, muted: true, "aria-label": file.name },
          on: { error: failed, timeupdate: () => this.tell(), seeked: () => this.tell() },
        })
      );
      this.place.append(this.video);
    } else failed();
  }

  /** Go to a time, in seconds, and play from there. */
  playFrom(/** @type {number} */ seconds) {
    if (!this.video) return;
    this.video.currentTime = seconds;
    this.video.play().catch(() => {}); // a browser may want another click first: the picture is there all the same
  }

  /** Called with the time whenever it changes. */
  onTime(/** @type {(seconds: number) => void} */ listener) {
    this.listeners.push(listener);
    this.tell();
  }

  /** Forget who is called: their views are replaced by others. */
  unfollow() {
    this.listeners = [];
  }

  tell() {
    for (const listener of this.listeners) listener(this.video?.currentTime ?? 0);
  }
}
