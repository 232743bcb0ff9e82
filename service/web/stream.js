/** One live session with the service: pictures out, answers in (`WS /stream` of the contract). */
import { address } from "./api.js";
import { encodeFrame } from "./frames.js";
import { protocols } from "./key.js";

/**
 * @typedef {{code: string, detail: string}} Why the service's own code and words, empty where it gave none
 * @typedef {object} Listener
 * @property {(ready: any) => void} ready
 * @property {(frame: any, roundTripMs: number) => void} frame
 * @property {(interim: any) => void} interim
 * @property {(state: any) => void} state
 * @property {(segment: any) => void} segment
 * @property {(summary: any) => void} summary
 * @property {(code: number, why: Why) => void} closed
 */

/** Bytes that may wait in the browser: more means that the network is slower than the camera. */
const MOST_WAITING_BYTES = 128 * 1024;
/** Sent times that are kept; answers to older pictures are not coming any more. */
const MOST_REMEMBERED = 256;

export class Stream {
  /**
   * @param {Record<string, unknown>} start the first message
   * @param {Listener} listener
   */
  constructor(start, listener) {
    this.listener = listener;
    this.seq = 0;
    this.isReady = false;
    /** @type {Why} */
    this.why = { code: "", detail: "" };
    /** @type {Map<number, number>} */
    this.sentAt = new Map();
    const url = address("stream");
    url.protocol = url.protocol.replace("http", "ws");
    this.socket = new WebSocket(url, protocols());
    this.socket.addEventListener("open", () => this.tell({ type: "start", ...start }));
    this.socket.addEventListener("message", (event) => this.hear(JSON.parse(event.data)));
    this.socket.addEventListener("close", (event) => this.listener.closed(event.code, this.why));
  }

  /** Whether a picture can be sent now without waiting in a queue. */
  get takesPictures() {
    return this.isReady && this.socket.readyState === WebSocket.OPEN && this.socket.bufferedAmount < MOST_WAITING_BYTES;
  }

  /** Send a picture and its time. */
  send(/** @type {number} */ timeS, /** @type {ArrayBuffer} */ picture) {
    if (!this.takesPictures) return;
    this.seq += 1;
    this.sentAt.set(this.seq, performance.now());
    if (this.sentAt.size > MOST_REMEMBERED) this.sentAt.delete(this.seq - MOST_REMEMBERED);
    this.socket.send(encodeFrame(this.seq, timeS, picture));
  }

  /** Finish the sign that is being made. */
  flush() {
    this.tell({ type: "flush" });
  }

  /** Forget what was signed so far. */
  reset() {
    this.tell({ type: "reset" });
  }

  /** End the session; its summary comes before it closes. */
  stop() {
    if (this.socket.readyState === WebSocket.CONNECTING) this.socket.close();
    else this.tell({ type: "stop" });
  }

  tell(/** @type {Record<string, unknown>} */ message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  hear(/** @type {any} */ message) {
    if (message.type === "ready") {
      this.isReady = true;
      this.listener.ready(message);
    } else if (message.type === "frame") {
      const sent = this.sentAt.get(message.seq);
      this.sentAt.delete(message.seq);
      this.listener.frame(message, sent === undefined ? message.latency_ms : performance.now() - sent);
    } else if (message.type === "interim") this.listener.interim(message);
    else if (message.type === "segment") this.listener.segment(message);
    else if (message.type === "state") this.listener.state(message);
    else if (message.type === "summary") this.listener.summary(message);
    else if (message.type === "error") this.why = { code: message.code, detail: message.detail };
  }
}
