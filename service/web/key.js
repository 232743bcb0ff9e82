/** The API key: kept in this tab's sessionStorage, asked for in a dialogue, sent to our own service only. */
import { byId } from "./dom.js";
import { keep, readKept } from "./kept.js";
import { KNOWN } from "./known.js";
import { hush, say } from "./words.js";

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

/** Show the dialogue that asks for the key; why names the sentence that says what is wrong with the one there is. */
export function askForKey(/** @type {string} */ why = "") {
  const dialog = byId("key-dialog", HTMLDialogElement);
  if (dialog.open) return;
  byId("key-field", HTMLInputElement).value = key();
  tell(why);
  dialog.showModal();
}

/**
 * Connect the dialogue; its button is there only where the service asks for keys.
 * @param {() => Promise<string>} check asks the service about the key: the sentence of what is wrong, empty if nothing is
 */
export function setUpKey(check) {
  const dialog = byId("key-dialog", HTMLDialogElement);
  byId("key-open").hidden = !KNOWN.keyNeeded;
  byId("key-open").addEventListener("click", () => askForKey());
  byId("key-cancel").addEventListener("click", () => dialog.close());
  byId("key-forget").addEventListener("click", () => {
    keep("sessionStorage", KEPT, null);
    take(dialog);
  });
  byId("key-form").addEventListener("submit", (event) => {
    event.preventDefault();
    tryKey(dialog, byId("key-field", HTMLInputElement).value.trim(), check);
  });
}

/** Use the key if the service takes it; else the dialogue stays and says why. */
async function tryKey(/** @type {HTMLDialogElement} */ dialog, /** @type {string} */ given, /** @type {() => Promise<string>} */ check) {
  const button = byId("key-save", HTMLButtonElement);
  if (button.disabled) return;
  button.disabled = true;
  const before = key();
  keep("sessionStorage", KEPT, given || null);
  const wrong = await check();
  button.disabled = false;
  if (wrong === "") {
    take(dialog);
    return;
  }
  keep("sessionStorage", KEPT, before || null);
  tell(wrong);
  byId("key-field", HTMLInputElement).select();
}

/** Say inside the dialogue what is wrong with the key, or nothing. */
function tell(/** @type {string} */ sentence) {
  const place = byId("key-problem");
  if (sentence) say(place, sentence);
  else hush(place);
  byId("key-field").setAttribute("aria-invalid", String(sentence !== ""));
}

function take(/** @type {HTMLDialogElement} */ dialog) {
  dialog.close();
  for (const listener of listeners) listener();
}
