/** What is kept in the browser; where it forbids that, for as long as the page is open. */

/** @type {Map<string, string>} */
const inMemory = new Map();

/** What is kept under a name, null where nothing is. */
export function readKept(/** @type {"localStorage" | "sessionStorage"} */ where, /** @type {string} */ name) {
  try {
    return window[where].getItem(name);
  } catch {
    return inMemory.get(name) ?? null;
  }
}

/** Keep a value under a name; null forgets it. */
export function keep(/** @type {"localStorage" | "sessionStorage"} */ where, /** @type {string} */ name, /** @type {string | null} */ value) {
  try {
    if (value === null) window[where].removeItem(name);
    else window[where].setItem(name, value);
  } catch {
    if (value === null) inMemory.delete(name);
    else inMemory.set(name, value);
  }
}
