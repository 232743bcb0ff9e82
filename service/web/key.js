/** The API key: kept in this tab's sessionStorage, asked for in a dialogue, sent to our own service only. */
import { byId } from "./dom.js";
import { keep, readKept } from "./kept.js";
import { KNOWN } from "./known.js";

const KEPT = "sign.key";
const PROTOCOL = "sign.v1";

/** @type {Array<() => void>} */
const listeners = [];

/** The key, empty where there is none. */
export function key() {
  return readKept("sessionStorage", KEPT) ?? "";
}

/** Whether the service asks for a key and none was given. */
export function keyIsMissing() {
  return KNOWN.keyNeeded && !key();
}

/** The WebSocket protocols that carry the key: a browser can set no header there. */
export function protocols(/** @type {string} */ given = key()) {
  return given ? [PROTOCOL, `sign.key.${base64url(given)}`] : [PROTOCOL];
}

/** UTF-8 as base64url without padding. */
export function base64url(/** @type {string} */ text) {
  const bytes = new TextEncoder().encode(text);
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** Called after the key was given, changed or forgotten. */
export function onKey(/** @type {() => void} */ listener) {
  listeners.push(listener);
}

/** Show the dialogue that asks for the key. */
export function askForKey() {
  const dialog = byId("key-dialog", HTMLDialogElement);
  if (dialog.open) return;
  byId("key-field", HTMLInputElement).value = key();
  dialog.showModal();
}

/** Connect the dialogue; its button is there only where the service asks for keys. */
export function setUpKey() {
  const dialog = byId("key-dialog", HTMLDialogElement);
  byId("key-open").hidden = !KNOWN.keyNeeded;
  byId("key-open").addEventListener("click", askForKey);
  byId("key-cancel").addEventListener("click", () => dialog.close());
  byId("key-forget").addEventListener("click", () => take(dialog, ""));
  byId("key-form").addEventListener("submit", (event) => {
    event.preventDefault();
    take(dialog, byId("key-field", HTMLInputElement).value.trim());
  });
}

function take(/** @type {HTMLDialogElement} */ dialog, /** @type {string} */ given) {
  keep("sessionStorage", KEPT, given || null);
  dialog.close();
  for (const listener of listeners) listener();
}
