/** Whether the service can be reached at all. While it cannot, a bar over the page says so, until it answers again. */
import { address, onNoAnswer } from "./api.js";
import { byId } from "./dom.js";
import { hush, say } from "./words.js";

const AGAIN_MS = 2000;
const PATIENCE_MS = 5000;
const GOOD_NEWS_MS = 4000;

/** @type {Array<() => void>} */
const listeners = [];
let isLost = false;
let isLooking = false;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/** Called when the service answers again after it was lost. */
export function onFound(/** @type {() => void} */ listener) {
  listeners.push(listener);
}

/** Connect the bar, and look whenever a request stays without an answer or the network changes. */
export function setUpLost() {
  onNoAnswer(look);
  for (const event of ["online", "offline"]) addEventListener(event, look);
  byId("lost-again").addEventListener("click", look);
}

/** Ask the service whether it is there, and say what is found; again and again while it is not. */
export async function look() {
  if (isLooking) return;
  isLooking = true;
  clearTimeout(timer);
  const found = await answers();
  isLooking = false;
  if (!found) timer = setTimeout(look, AGAIN_MS);
  if (found === !isLost) return;
  isLost = !found;
  byId("lost").hidden = found;
  if (!found) {
    hush(byId("found"));
    return;
  }
  say(byId("found"), "lost.found");
  setTimeout(() => hush(byId("found")), GOOD_NEWS_MS);
  for (const listener of listeners) listener();
}

async function answers() {
  try {
    const response = await fetch(address("healthz"), { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
    return response.ok;
  } catch {
    return false;
  }
}
