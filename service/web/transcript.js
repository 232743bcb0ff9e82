/** The transcript of a live session: signs come in, and its reader spaces, deletes, clears and copies them. */
import { copyButton } from "./copy.js";
import { byId, element } from "./dom.js";

/** @typedef {{text: string, unit: "letter" | "word" | null}} Piece */

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

export class Transcript {
  /** @param {{flush: () => void, reset: () => void}} session what the live session is asked to do */
  constructor(session) {
    /** @type {Piece[]} */
    this.pieces = [];
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

  /** A sign that is final. */
  add(/** @type {Piece} */ piece) {
    this.growing.textContent = "";
    this.append(piece);
    if (this.spaceIsDue) this.append(SPACE);
    this.spaceIsDue = false;
  }

  /** A sign that is still being made; empty where none is. */
  grow(/** @type {string} */ text) {
    this.growing.textContent = text;
    this.show();
  }

  /** End a word. A sign that is being made is finished first, so that the space comes after it. */
  space() {
    if (this.growing.textContent === "") this.append(SPACE);
    else {
      this.spaceIsDue = true;
      this.session.flush();
    }
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
    this.growing.textContent = "";
    this.session.reset();
    this.show();
  }

  /** Each piece is an element of its own, so that screen readers read what is new and no more. */
  append(/** @type {Piece} */ piece) {
    const before = joined(this.pieces);
    this.pieces.push(piece);
    this.text.append(element("span", { text: joined(this.pieces).slice(before.length) }));
    this.show();
  }

  show() {
    const isEmpty = this.pieces.length === 0 && this.growing.textContent === "";
    byId("transcript-empty").hidden = !isEmpty;
    const box = byId("transcript-box");
    box.scrollTop = box.scrollHeight;
  }
}
