/** A button that copies a text and says whether it did. */
import { element } from "./dom.js";
import { say } from "./words.js";

const SHOWN_MS = 2000;

/** @param {() => string} textOf @param {string} wordKey */
export function copyButton(textOf, wordKey) {
  const button = element("button.quiet", { word: wordKey, attributes: { type: "button" } });
  const told = element("span.told", { attributes: { role: "status" } });
  button.addEventListener("click", async () => {
    say(told, (await copied(textOf())) ? "copy.done" : "copy.failed");
    setTimeout(() => told.replaceChildren(), SHOWN_MS);
  });
  return element("span.copy", {}, button, told);
}

/** Copy a text; on insecure addresses, where the clipboard is kept from pages, by a selection. */
async function copied(/** @type {string} */ text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = element("textarea.unseen", { text, attributes: { "aria-hidden": true } });
    document.body.append(field);
    /** @type {HTMLTextAreaElement} */ (field).select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}
