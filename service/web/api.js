/** Requests to the service, with the key; every failure is a Problem with one of the service's codes. */
import { key } from "./key.js";

/** @typedef {Record<string, string | number | boolean | undefined>} Query */
/** @typedef {{method?: string, headers?: Record<string, string>, signal?: AbortSignal, query?: Query}} Asking */

/** What went wrong: a code of the service (or one of ours: `network`, `answer`) and what it says of this case. */
export class Problem extends Error {
  /**
   * @param {string} code
   * @param {{detail?: string, request?: string, retryAfter?: number, sizes?: {actual: string, limit: string}}} [more]
   * retryAfter: seconds. sizes: of what the page itself knows to be too much
   */
  constructor(code, more = {}) {
    super(more.detail ?? code);
    this.code = code;
    this.detail = more.detail ?? "";
    this.request = more.request ?? "";
    this.retryAfter = more.retryAfter;
    this.sizes = more.sizes;
  }
}

/** @type {Array<() => void>} */
const withoutAnswer = [];

/** Called whenever a request stayed without any answer. */
export function onNoAnswer(/** @type {() => void} */ listener) {
  withoutAnswer.push(listener);
}

function noAnswer() {
  for (const listener of withoutAnswer) listener();
  return new Problem("network");
}

/** The Authorization header, none where there is no key. @returns {Record<string, string>} */
export function authorization() {
  return key() ? { Authorization: `Bearer ${key()}` } : {};
}

/** The address of a route as seen from this page, with the options that are set. */
export function address(/** @type {string} */ path, /** @type {Query} */ query = {}) {
  const url = new URL(path, document.baseURI);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== "") url.searchParams.set(name, String(value));
  }
  return url;
}

/**
 * A response that is not an error.
 * @param {string} path
 * @param {Asking} [options]
 */
export async function ask(path, options = {}) {
  const { query, headers, ...rest } = options;
  const sent = { ...rest, headers: { ...headers, ...authorization() } };
  const response = await fetch(address(path, query), sent).catch((error) => {
    throw error.name === "AbortError" ? error : noAnswer();
  });
  if (response.ok) return response;
  throw problemFrom(await response.text(), response.headers.get("Retry-After"));
}

/** @param {string} path @param {Asking} [options] */
export async function askJson(path, options) {
  return (await ask(path, options)).json();
}

/**
 * @typedef {object} Sent
 * @property {Blob} body
 * @property {string} disposition
 */

/**
 * POST a file as the body and tell how far it is. XMLHttpRequest, since fetch cannot tell the progress of an upload.
 * @param {string} path
 * @param {File} file
 * @param {Query} query
 * @param {{progress?: (share: number) => void, signal?: AbortSignal}} [watch]
 * @returns {Promise<Sent>}
 */
export function sendFile(path, file, query, watch = {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", address(path, { ...query, media_name: file.name }));
    request.responseType = "blob";
    for (const [name, value] of Object.entries(authorization())) request.setRequestHeader(name, value);
    request.setRequestHeader("Content-Type", file.type || "application/octet-stream");
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) watch.progress?.(event.loaded / event.total);
    });
    request.upload.addEventListener("load", () => watch.progress?.(1));
    request.addEventListener("error", () => reject(noAnswer()));
    request.addEventListener("abort", () => reject(new DOMException("cancelled", "AbortError")));
    request.addEventListener("load", async () => {
      const body = /** @type {Blob} */ (request.response);
      if (request.status >= 400) {
        reject(problemFrom(await body.text(), request.getResponseHeader("Retry-After")));
        return;
      }
      resolve({ body, disposition: request.getResponseHeader("Content-Disposition") ?? "" });
    });
    watch.signal?.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}

/** The problem that a response's body tells; `answer` where it is none of the service's. */
export function problemFrom(/** @type {string} */ body, /** @type {string | null} */ retryAfter) {
  try {
    const told = JSON.parse(body);
    if (typeof told.code !== "string") return new Problem("answer");
    return new Problem(told.code, {
      detail: told.detail,
      request: String(told.instance ?? "").replace("urn:uuid:", ""),
      retryAfter: retryAfter ? Number(retryAfter) : undefined,
    });
  } catch {
    return new Problem("answer");
  }
}
