/** The command line that does what the page just did. The key is named, never written. */
import { address } from "./api.js";
import { copyButton } from "./copy.js";
import { element } from "./dom.js";
import { key } from "./key.js";

/** A text as one word of a POSIX shell. */
export function quoted(/** @type {string} */ text) {
  return /^[\w./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/**
 * @param {string} path
 * @param {string} fileName
 * @param {import("./api.js").Query} query
 */
export function uploadCommand(path, fileName, query) {
  const url = address(path, { ...query, media_name: fileName });
  return command([`--data-binary ${quoted(`@${fileName}`)}`, quoted(url.href)]);
}

/** What fetches a finished job's answer. */
export function resultCommand(/** @type {string} */ job) {
  return command([quoted(address(`jobs/${job}/result`).href)]);
}

/** @param {string[]} parts */
function command(parts) {
  const all = key() ? ['-H "Authorization: Bearer $SIGN_KEY"', ...parts] : parts;
  return `curl ${all.join(" \\\n  ")}`;
}

/** A disclosure with the commands and a button that copies them. */
export function curlView(/** @type {string[]} */ commands) {
  const text = commands.join("\n");
  return element(
    "details.curl",
    {},
    element("summary", { word: "curl.title" }),
    element("pre", { text, attributes: { tabindex: 0 } }),
    copyButton(() => text, "curl.copy"),
  );
}
