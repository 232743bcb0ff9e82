/** The transcript of a live session: signs come in, and its reader spaces, deletes, clears and copies them. */
import { copyButton } from "./copy.js";
import { byId, element } from "./dom.js";

/** @typedef {{text: string, unit: "letter" | "word" | null}} Piece */

/** @typedef {Piece & {start: number, end: number}} Growing a sign that is not final yet, and when it is made */

/** A growing sign that was not heard of for so long will not become final. */
const STALE_S = 4;
/** How long a space waits for the signs before it. */
const SPACE_WAITS_MS = 1500;

/** A piece that a person put between signs. */
export const SPACE = { text: " ", unit: null };

/** The pieces as text: letters without a space between them, words with one. */
export function joined(/** @type {Piece[]} */ pieces) {
  let text = "";
  let before = "";
  for (const { text: piece, unit } of pieces) {
    const apart = unit === "word" && text !== "" && !text.endsWith(" ");
    const afterWord = before === "word" && unit === "letter";
    text += apart || afterWord ? ` ${piece}` : piece;
    before = unit ?? "";
  }
  return text;
}

/**
 * The growing signs after news of one: those before it are shown until they are final, since the service waits for
 * what follows before it is sure.
 * @param {Growing[]} growing
 * @param {Growing} newest
 * @returns {Growing[]}
 */
export function grown(growing, newest) {
  return [...growing.filter(({ start, end }) => start < newest.start && end <= newest.start + 1e-6), newest];
}

/** The growing signs that are still open once one has become final up to this time. @returns {Growing[]} */
export function stillOpen(/** @type {Growing[]} */ growing, /** @type {number} */ finalUntilS) {
  return growing.filter(({ start }) => start >= finalUntilS - 1e-6);
}

export class Transcript {
  /** @param {{flush: () => void, reset: () => void}} session what the live session is asked to do */
  constructor(session) {
    /** @type {Piece[]} */
    this.pieces = [];
    /** @type {Growing[]} */
    this.open = [];
    this.session = session;
    this.spaceIsDue = false;
    this.text = byId("transcript-text");
    this.growing = byId("transcript-growing");
    byId("transcript-space").addEventListener("click", () => this.space());
    byId("transcript-delete").addEventListener("click", () => this.shorten());
    byId("transcript-clear").addEventListener("click", () => this.clear());
    byId("transcript-copy").append(copyButton(() => joined(this.pieces).trim(), "transcript.copy"));
    this.show();
  }

  /** A sign that is final, up to a time. */
  add(/** @type {Piece} */ piece, /** @type {number} */ untilS) {
    this.append(piece);
    this.keepOpen(stillOpen(this.open, untilS));
    if (this.spaceIsDue && this.open.length === 0) this.putSpace();
  }

  /** News of a sign that is still being made. */
  grow(/** @type {Growing} */ newest) {
    this.keepOpen(grown(this.open, newest));
  }

  /** The time goes on: what did not become final in time never will. */
  passed(/** @type {number} */ timeS) {
    const open = this.open.filter(({ end }) => end > timeS - STALE_S);
    if (open.length !== this.open.length) this.keepOpen(open);
  }

  /** What is being made ends here, whatever it was. */
  cease() {
    this.keepOpen([]);
  }

  /** End a word. Signs that are being made are finished first, so that the space comes after them. */
  space() {
    if (this.open.length === 0) {
      this.append(SPACE);
      return;
    }
    this.spaceIsDue = true;
    this.session.flush();
    setTimeout(() => this.spaceIsDue && this.putSpace(), SPACE_WAITS_MS);
  }

  putSpace() {
    this.spaceIsDue = false;
    this.append(SPACE);
  }

  keepOpen(/** @type {Growing[]} */ open) {
    this.open = open;
    this.show();
  }

  /** Take the last piece away. */
  shorten() {
    this.pieces.pop();
    this.text.lastChild?.remove();
    this.show();
  }

  clear() {
    this.pieces = [];
    this.spaceIsDue = false;
    this.text.replaceChildren();
    this.session.reset();
    this.keepOpen([]);
  }

  /** Each piece is an element of its own, so that screen readers read what is new and no more. */
  append(/** @type {Piece} */ piece) {
    const before = joined(this.pieces);
    this.pieces.push(piece);
    this.text.append(element("span", { text: joined(this.pieces).slice(before.length) }));
    this.show();
  }

  show() {
    this.growing.textContent = joined([...this.pieces, ...this.open]).slice(joined(this.pieces).length);
    byId("transcript-empty").hidden = this.pieces.length + this.open.length > 0;
    const box = byId("transcript-box");
    box.scrollTop = box.scrollHeight;
  }
}
