/** The camera: opened, changed for another one, closed; and the screen kept awake meanwhile. */

const WANTED = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } };

/** Whether the browser gives pages at this address a camera at all: `yes`, `insecure` address, or `none` to give. */
export function cameraIsOffered() {
  if (!window.isSecureContext) return "insecure";
  return typeof navigator.mediaDevices?.getUserMedia === "function" ? "yes" : "none";
}

export class Camera {
  /**
   * @param {HTMLVideoElement} preview
   * @param {() => void} onLost called when the camera goes away by itself
   */
  constructor(preview, onLost) {
    this.preview = preview;
    this.onLost = onLost;
    /** @type {MediaStream | null} */
    this.stream = null;
  }

  /** Whether the picture shows the one who looks at it, so that it is expected to look like a mirror. */
  get facesTheUser() {
    return this.settings.facingMode !== "environment";
  }

  /** @returns {MediaTrackSettings} */
  get settings() {
    return this.stream?.getVideoTracks()[0]?.getSettings() ?? {};
  }

  /** Open a camera and wait for its first picture. Rejects with the browser's DOMException. */
  async open(/** @type {MediaTrackConstraints} */ which = { facingMode: "user" }) {
    this.close();
    this.stream = await navigator.mediaDevices.getUserMedia({ video: { ...WANTED, ...which }, audio: false });
    for (const track of this.stream.getTracks()) track.addEventListener("ended", this.onLost);
    this.preview.srcObject = this.stream;
    await this.preview.play();
  }

  /** Open the next camera: the one at the other side of a phone, else the next of the list. */
  async openOther() {
    const { facingMode, deviceId } = this.settings;
    if (facingMode) {
      await this.open({ facingMode: facingMode === "user" ? "environment" : "user" });
      return;
    }
    const cameras = await listCameras();
    const at = cameras.findIndex((camera) => camera.deviceId === deviceId);
    const next = cameras[(at + 1) % cameras.length];
    await this.open(next ? { deviceId: { exact: next.deviceId } } : undefined);
  }

  close() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    this.preview.srcObject = null;
  }
}

/** The cameras that the browser knows of. */
export async function listCameras() {
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices.filter((device) => device.kind === "videoinput");
}

/** Keeps the screen awake, where the browser can; taken again when the page comes back to sight. */
export class WakeLock {
  constructor() {
    this.wanted = false;
    /** @type {WakeLockSentinel | null} */
    this.lock = null;
    document.addEventListener("visibilitychange", () => this.take());
  }

  /** Begin or end keeping it awake. */
  async keep(/** @type {boolean} */ wanted) {
    this.wanted = wanted;
    if (wanted) await this.take();
    else {
      await this.lock?.release();
      this.lock = null;
    }
  }

  async take() {
    if (!this.wanted || document.visibilityState !== "visible") return;
    try {
      this.lock = (await navigator.wakeLock?.request("screen")) ?? null;
    } catch {
      this.lock = null; // a phone that saves power refuses it: nothing depends on it
    }
  }
}
